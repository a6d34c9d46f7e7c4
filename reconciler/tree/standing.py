"""What stands below a folder right now: read through directory handles, one component at a time, never through a link.

For looking before something is written or removed. What is missing, or a link, or a file where a folder was expected, simply holds nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import OrderedDict
from typing import Final, NamedTuple, Self

from reconciler.tree.entry import Row
from reconciler.tree.errors import TargetUnusable
from reconciler.tree.scan import row_of

HANDLES_MAX: Final = 64
_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_NOTHING = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


class Seen(NamedTuple):
    """One entry as it stands."""

    row: Row
    device: int
    """st_dev: another one than that of its folder is a mount point."""


class Standing:
    """Looks below one folder, which need not exist. For one thread."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._handles: OrderedDict[bytes, int] = OrderedDict()
        self._root = self._open(root, None, b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles.values():
            os.close(handle)
        self._handles.clear()
        if self._root is not None:
            os.close(self._root)
            self._root = None

    def folder(self, path: bytes) -> int | None:
        """A handle of the folder, valid until 64 others were asked for; None when no folder stands there."""
        if not path or self._root is None:
            return self._root
        known = self._handles.get(path)
        if known is not None:
            self._handles.move_to_end(path)
            return known
        end = path.rfind(b"/")
        while end >= 0 and path[:end] not in self._handles:
            end = path.rfind(b"/", 0, end)
        handle = self._handles[path[:end]] if end >= 0 else self._root
        found = self._descend(handle, path, end + 1)
        if found is not None:
            self._handles[path] = found
            if len(self._handles) > HANDLES_MAX:
                os.close(self._handles.popitem(last=False)[1])
        return found

    def listing(self, path: bytes) -> dict[bytes, Seen] | None:
        """Everything in the folder, by raw name; None when no folder stands there. TargetUnusable when it cannot be read."""
        handle = self.folder(path)
        if handle is None:
            return None
        found = {}
        try:
            with os.scandir(handle) as entries:
                for entry in entries:
                    name = os.fsencode(entry.name)
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # removed between the listing and the look
                    found[name] = Seen(row_of(name, status), status.st_dev)
        except OSError as error:
            raise self._unusable(path, error) from error
        return found

    def at(self, path: bytes) -> Seen | None:
        """The entry of this path; None when there is none."""
        folder, _, name = path.rpartition(b"/")
        handle = self.folder(folder)
        if handle is None:
            return None
        try:
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
        except OSError as error:
            if error.errno in _NOTHING:
                return None
            raise self._unusable(path, error) from error
        return Seen(row_of(name, status), status.st_dev)

    def link(self, folder: bytes, name: bytes) -> bytes | None:
        """The text of a symbolic link; None when there is none."""
        handle = self.folder(folder)
        try:
            return os.readlink(name, dir_fd=handle) if handle is not None else None
        except OSError:
            return None

    def open(self, folder: bytes, name: bytes) -> int | None:
        """A regular file for reading; None when none stands there or it may not be read. The caller closes it."""
        handle = self.folder(folder)
        if handle is None:
            return None
        try:
            file = os.open(name, _FILE_FLAGS, dir_fd=handle)
        except OSError:
            return None
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
        return None

    def _descend(self, handle: int, path: bytes, start: int) -> int | None:
        owned = -1
        try:
            for name in path[start:].split(b"/"):
                below = self._open(name, handle, path)
                if owned >= 0:
                    os.close(owned)
                owned = -1
                if below is None:
                    return None
                handle = owned = below
            done, owned = owned, -1
            return done
        finally:
            if owned >= 0:
                os.close(owned)

    def _open(self, name: str | bytes, parent: int | None, path: bytes) -> int | None:
        try:
            return os.open(name, _FLAGS, dir_fd=parent)
        except OSError as error:
            if error.errno in _NOTHING:
                return None
            raise self._unusable(path, error) from error

    def _unusable(self, path: bytes, error: OSError) -> TargetUnusable:
        shown = os.path.join(self.root, os.fsdecode(path))
        return TargetUnusable(f"{shown} cannot be looked at: {(error.strerror or 'failed').lower()}", target=self.root)
