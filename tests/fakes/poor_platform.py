"""Runs the command line on a system that lacks what only some have: ``python -m tests.fakes.poor_platform WORDS...``.

Taken away before anything of the program is imported: file locks, user and group numbers and their names, hard links, folder handles, flags
of open, attributes, vectored and positioned reads, signals but Ctrl-C, process groups. It stands for the shape of Windows, not for Windows.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

GONE = (
    "getuid", "geteuid", "getgid", "getegid", "getgroups", "link", "chown", "fchown", "lchown", "chroot", "fork",
    "listxattr", "getxattr", "setxattr", "removexattr", "mkfifo", "mknod", "major", "minor", "sync", "fdatasync",
    "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_NOATIME", "SEEK_HOLE", "SEEK_DATA",
    "pread", "pwrite", "preadv", "pwritev", "posix_fadvise", "copy_file_range", "sendfile", "getpgid", "killpg", "setsid",
    "sched_getaffinity",
)  # fmt: skip
HANDLES = ("dir_fd", "src_dir_fd", "dst_dir_fd")
TAKING_HANDLES = (
    "open",
    "stat",
    "lstat",
    "mkdir",
    "unlink",
    "rmdir",
    "rename",
    "replace",
    "symlink",
    "readlink",
    "utime",
    "chmod",
    "access",
)


def impoverish() -> None:
    """For the rest of this process."""
    for name in GONE:
        if hasattr(os, name):
            delattr(os, name)
    for name in ("SIGTERM", "SIGHUP", "SIGUSR1"):
        if hasattr(signal, name):
            delattr(signal, name)
    for name in ("fcntl", "pwd", "grp", "resource"):
        sys.modules[name] = None  # type: ignore[assignment]
    os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks = set(), set(), set()
    for name in TAKING_HANDLES:
        setattr(os, name, _without_handles(getattr(os, name)))
    os.scandir = _by_path_only(os.scandir)  # type: ignore[assignment]


def _without_handles(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def refuse(*words: Any, **named: Any) -> Any:
        for handle in HANDLES:
            if named.pop(handle, None) is not None:
                raise NotImplementedError(f"{handle} unavailable on this platform")
        return call(*words, **named)

    return refuse


def _by_path_only(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def refuse(path: Any = ".") -> Any:
        if isinstance(path, int):
            raise TypeError("scandir: path should be string, bytes, os.PathLike or None, not int")
        return call(path)

    return refuse


if __name__ == "__main__":
    impoverish()
    from reconciler.cli.main import run

    sys.exit(run(sys.argv[1:]))
