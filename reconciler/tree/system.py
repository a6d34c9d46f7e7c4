"""Two calls of the kernel that Python does not offer: rename that refuses to replace, and sync of one file system."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable

_RENAME_NOREPLACE = 1
_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}  # the file system, the kernel, or a sandbox says no


def _library_call(name: str) -> Callable[..., int] | None:
    if sys.platform != "linux":
        return None
    try:
        return getattr(ctypes.CDLL(None, use_errno=True), name)  # type: ignore[no-any-return]
    except (OSError, AttributeError):
        return None


_renameat2 = _library_call("renameat2")
_syncfs = _library_call("syncfs")


def rename_exclusively(handle: int, old: bytes, new: bytes) -> None:
    """Rename within one folder; FileExistsError when the new name is taken."""
    if _renameat2 is not None:
        if _renameat2(handle, old, handle, new, _RENAME_NOREPLACE) == 0:
            return
        code = ctypes.get_errno()
        if code not in _UNSUPPORTED:
            raise OSError(code, os.strerror(code), os.fsdecode(new))
    try:
        os.link(old, new, src_dir_fd=handle, dst_dir_fd=handle, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # no hard links here (FAT): what is left is to look first
        try:
            os.stat(new, dir_fd=handle, follow_symlinks=False)
        except FileNotFoundError:
            os.rename(old, new, src_dir_fd=handle, dst_dir_fd=handle)
            return
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(new)) from None
    os.unlink(old, dir_fd=handle)


def sync_file_system(handle: int) -> None:
    """What was written to the file system of ``handle`` is on the medium when this returns; OSError when some of it was lost."""
    if _syncfs is None:
        os.sync()
    elif _syncfs(handle) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
