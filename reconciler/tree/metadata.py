"""Gives a restored entry its owner, extended attributes, mode and times. What cannot be set is a :class:`Loss`, never an error."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from reconciler.tree.entry import GID, MODE, MTIME, UID, Row

_PRIVILEGES: Final = stat.S_ISUID | stat.S_ISGID
_PRIVILEGED: Final = (b"security.", b"trusted.")
_ROOT_ONLY: Final = "only root may restore it, with the same owner"
_NOBODY_AT_ALL: Final = {-1, 2**32 - 1}
_PATH_ONLY = getattr(os, "O_PATH", 0)


class Loss(Struct, frozen=True):
    """Metadata of one restored entry that this system or this user could not set."""

    path: bytes
    what: str
    message: str


class Metadata:
    """Sets metadata as one user; one instance serves all threads."""

    def __init__(self) -> None:
        self._user, self._group = (os.geteuid(), os.getegid()) if hasattr(os, "geteuid") else (0, 0)
        self._is_root = self._user == 0 and hasattr(os, "geteuid")

    def apply(
        self, handle: int, name: bytes | None, row: Row, xattrs: Sequence[tuple[bytes, bytes]] = (), path: bytes | None = None
    ) -> tuple[Loss, ...]:
        """``name`` None: ``handle`` is the open file or folder itself; else an entry of the folder ``handle``, never followed.

        Order: the owner first, because changing it clears capabilities and setuid; the mode after the attributes, because a file
        made read-only refuses them to its own user; times last, because everything else moves them.
        """
        if name is None and not xattrs and not row[MODE] & _PRIVILEGES:
            try:  # nearly every file: three calls, no bookkeeping
                if self._is_root:
                    os.fchown(handle, *_owner(row))
                elif row[UID] != self._user or row[GID] != self._group:
                    raise PermissionError
                os.fchmod(handle, stat.S_IMODE(row[MODE]))
                os.utime(handle, ns=(row[MTIME], row[MTIME]))
            except (OSError, OverflowError, ValueError):
                pass  # again below, step by step, to say which of them failed
            else:
                return ()
        losses: list[Loss] = []

        def attempt(what: str, call: Callable[[], object]) -> bool:
            try:
                call()
            except (OSError, NotImplementedError, OverflowError, ValueError) as err:
                losses.append(Loss(path or row[0], what, _reason(err)))
                return False
            return True

        owned = self._set_owner(handle, name, row, attempt)
        for key, value in xattrs:
            attempt(f"attribute {os.fsdecode(key)}", partial(_set_attribute, handle, name, key, value, owned))
        if not stat.S_ISLNK(row[MODE]):
            mode = stat.S_IMODE(row[MODE])
            if mode & _PRIVILEGES and not owned:
                mode &= ~_PRIVILEGES
                losses.append(Loss(path or row[0], "setuid or setgid", _ROOT_ONLY))
            attempt("mode", lambda: _set_mode(handle, name, mode))
        attempt("time", lambda: _set_times(handle, name, row[MTIME]))
        return tuple(losses)

    def _set_owner(self, handle: int, name: bytes | None, row: Row, attempt: Callable[[str, Callable[[], object]], bool]) -> bool:
        """True: root, and the entry belongs to whom it belonged. Others can only keep what is their own anyway."""
        user, group = row[UID], row[GID]
        if not self._is_root and (user, group) == (self._user, self._group):
            return False
        if name is None:
            done = attempt("owner", lambda: os.fchown(handle, *_owner(row)))
        else:
            done = attempt("owner", lambda: os.chown(name, *_owner(row), dir_fd=handle, follow_symlinks=False))
        return done and self._is_root


def _owner(row: Row) -> tuple[int, int]:
    """User and group. ValueError for the one number that chown takes and that is nobody: it means "leave the owner", which is root."""
    user, group = row[UID], row[GID]
    if user in _NOBODY_AT_ALL or group in _NOBODY_AT_ALL:
        raise ValueError("no system has such an owner")
    return user, group


def _set_mode(handle: int, name: bytes | None, mode: int) -> None:
    """Linux has no chmod that does not follow; the path of an O_PATH handle leads to that very inode and nowhere else."""
    if name is None:
        os.fchmod(handle, mode)
    elif os.chmod in os.supports_follow_symlinks:
        os.chmod(name, mode, dir_fd=handle, follow_symlinks=False)
    elif _PATH_ONLY:
        entry = os.open(name, _PATH_ONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
        try:
            if stat.S_ISLNK(os.fstat(entry).st_mode):
                raise OSError(errno.ELOOP, "was replaced by a link")
            os.chmod(f"/proc/self/fd/{entry}", mode)
        finally:
            os.close(entry)
    else:
        raise NotImplementedError("this system cannot set the mode of an entry without following it")


def _set_times(handle: int, name: bytes | None, mtime_ns: int) -> None:
    if name is None:
        os.utime(handle, ns=(mtime_ns, mtime_ns))
    else:
        os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=handle, follow_symlinks=False)


def _set_attribute(handle: int, name: bytes | None, key: bytes, value: bytes, owned: bool) -> None:
    if key.startswith(_PRIVILEGED) and not owned:
        raise PermissionError(errno.EPERM, _ROOT_ONLY)
    if sys.platform != "linux":
        raise NotImplementedError("extended attributes are restored on Linux only")
    if name is None:
        os.setxattr(handle, key, value)
    else:
        os.setxattr(b"/proc/self/fd/%d/%s" % (handle, name), key, value, follow_symlinks=False)


def _reason(err: Exception) -> str:
    if isinstance(err, OSError) and err.strerror:
        return err.strerror.lower()
    return str(err) or type(err).__name__
