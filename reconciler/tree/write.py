"""Writes a tree into a target folder, and nothing anywhere else, whatever the names in a snapshot say.

Every entry is made relative to an open handle of its folder; each folder on the way is opened by one component, never through a link. So
neither ``..``, nor a link that was there before, nor one that somebody swaps in during the restore leads outside. Content is written under
a temporary name, readable for its user alone, until it is whole. Nothing is synced file by file (17 times slower): :meth:`Target.sync` does
it once, and only after it everything is durable.

Not done here: choosing what to restore, reading content, in which order entries are made.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final, Self

from msgspec import Struct

from reconciler.tree.entry import Row
from reconciler.tree.errors import EntryInTheWay, PlatformMissing, TargetUnusable, UnsafeName
from reconciler.tree.metadata import Loss, Metadata
from reconciler.tree.system import rename_exclusively, sync_file_system

__all__ = ["SPECIAL_FILE", "Loss", "NewFile", "Target"]

HANDLES_MAX: Final = 64  # open folders per thread
_REMEMBERED_MAX: Final = HANDLES_MAX // 4  # by one call, so that the handles of the calls before stay open
SPECIAL_FILE: Final = "special file"
"""In a Loss: the entry itself is what was lost."""
is_name = re.compile(rb"(?!\.\.?\Z)[^/\0]{1,255}").fullmatch  # no file system takes longer ones

_NEEDED = ("open", "mkdir", "link", "symlink", "rename", "unlink", "stat")
_HAS_HANDLES = all(getattr(os, name, None) in os.supports_dir_fd for name in _NEEDED) and hasattr(os, "O_NOFOLLOW")
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class NewFile(Struct):
    """A file on its way. ``fd`` belongs to whoever called create() until finish() or abandon() closes it."""

    fd: int
    handle: int
    temporary: bytes
    name: bytes


class Target:
    """One folder that is restored into. Any number of threads may write at the same time; each has its own folder handles."""

    def __init__(self, root: str, handle: int, *, replace: bool) -> None:
        self.root = root
        self._handle = handle
        self.replaces = replace
        self._device = os.fstat(handle).st_dev
        self.spans_devices = False
        """Whether a folder on another file system was met: then one sync is not enough."""
        self._metadata = Metadata()
        self._own = threading.local()
        self._all: list[OrderedDict[bytes, int]] = []
        self._lock = threading.Lock()
        self.prefix = b"." + os.urandom(8).hex().encode()
        """Every temporary name of this restore begins with it and ends with ``.part``: what a killed one leaves can be told by it."""
        self._numbers = count()
        self.made: set[bytes] = set()
        """Folders that were not there before."""

    @classmethod
    def open(cls, root: str, *, replace: bool = False) -> Target:
        """The folder ``root``, created with its parents when it is missing. ``replace``: existing files may be overwritten."""
        if not _HAS_HANDLES:
            raise PlatformMissing(f"{root} cannot be restored into: {sys.platform} opens nothing relative to a folder handle")
        try:
            os.makedirs(os.path.dirname(os.path.abspath(root)), exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.mkdir(root, 0o700)
            handle = os.open(root, _FOLDER_FLAGS)
        except OSError as err:
            if err.errno in {errno.ELOOP, errno.ENOTDIR, errno.EEXIST}:
                raise TargetUnusable(f"{root} is a link or not a folder", target=root) from err
            raise TargetUnusable(f"{root} cannot be written: {(err.strerror or 'failed').lower()}", target=root) from err
        status = os.fstat(handle)
        if status.st_mode & stat.S_ISVTX and status.st_mode & stat.S_IWOTH and status.st_uid != os.geteuid():
            os.close(handle)
            raise TargetUnusable(f"{root} belongs to somebody else and everybody may write in it", target=root)
        return cls(root, handle, replace=replace)

    @classmethod
    def shared(cls, root: str, handle: int, prefix: bytes) -> Target:
        """The target of another process, by the handle that was inherited from it; ``prefix``: its own of temporary names."""
        target = cls(root, handle, replace=False)
        target.prefix = prefix
        return target

    @property
    def handle(self) -> int:
        """The open folder itself, for :meth:`shared`."""
        return self._handle

    def learn(self, made: Sequence[bytes], *, spans_devices: bool) -> None:
        """What another process that shares this target has met: folders that it made, a second file system."""
        self.made.update(made)
        self.spans_devices |= spans_devices

    def close(self) -> None:
        """Close every handle, of all threads; none of them may still be writing."""
        with self._lock:
            for handles in self._all:
                for handle in handles.values():
                    os.close(handle)
                handles.clear()
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def folder(self, path: bytes) -> int:
        """The handle of a folder inside the target, created (0700) where it is missing. ``b""``: the target itself.

        Valid until this thread has asked for three others. UnsafeName for a path that no scan yields; EntryInTheWay when something
        that is no folder stands on the way.
        """
        if not path:
            return self._handle
        handles = self._handles()
        known = handles.get(path)
        if known is not None:
            handles.move_to_end(path)
            return known
        end = path.rfind(b"/")
        while end >= 0 and path[:end] not in handles:
            end = path.rfind(b"/", 0, end)
        if end < 0:
            return self._descend(handles, self._handle, path, 0)
        handles.move_to_end(path[:end])
        return self._descend(handles, handles[path[:end]], path, end + 1)

    def create(self, handle: int, name: bytes) -> NewFile:
        """A new empty file in a folder, under a temporary name, 0600. OSError as the system says it (no space, no permission)."""
        check_name(name, name)
        temporary = b"%s%x.part" % (self.prefix, next(self._numbers))
        return NewFile(os.open(temporary, _FILE_FLAGS, 0o600, dir_fd=handle), handle, temporary, name)

    def finish(self, file: NewFile) -> None:
        """Close it and give it its name. EntryInTheWay when the name is taken: then nothing of the new file is left."""
        try:
            self._put(file.handle, file.temporary, file.name)
        except BaseException:
            self.abandon(file)
            raise
        os.close(file.fd)

    def put(self, handle: int, file: NewFile) -> None:
        """Give a file its name whose ``fd`` is closed already; ``handle``: its folder, asked for again, for the first may be closed by now.

        EntryInTheWay as in :meth:`finish`; then nothing of the new file is left.
        """
        try:
            self._put(handle, file.temporary, file.name)
        except BaseException:
            self.discard(handle, file)
            raise

    def abandon(self, file: NewFile) -> None:
        """Close it and leave nothing behind."""
        os.close(file.fd)
        self.discard(file.handle, file)

    def discard(self, handle: int, file: NewFile) -> None:
        """Leave nothing behind of a file whose ``fd`` is closed already."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(file.temporary, dir_fd=handle)

    def symlink(self, handle: int, name: bytes, link: bytes) -> None:
        """A symbolic link with exactly this text; nothing here ever follows it."""
        check_name(name, name)
        if not link or b"\0" in link:
            raise UnsafeName(f"{shown(name)} is a link to nothing that a file system can express")
        self._make(handle, name, lambda new: os.symlink(link, new, dir_fd=handle))

    def hardlink(self, handle: int, name: bytes, other_handle: int, other_name: bytes) -> None:
        """A second name of ``other_name``, which the same restore has made before."""
        check_name(name, name)
        check_name(other_name, other_name)
        self._make(handle, name, lambda new: os.link(other_name, new, src_dir_fd=other_handle, dst_dir_fd=handle, follow_symlinks=False))

    def special(self, handle: int, name: bytes, mode: int, rdev: int = 0, path: bytes | None = None) -> Loss | None:
        """A FIFO or device node, 0600 until apply(); a Loss when this user may not make one."""
        check_name(name, name)
        kind = stat.S_IFMT(mode)
        if kind not in {stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK}:
            raise UnsafeName(f"{shown(name)} is of a kind that cannot be made: mode {mode:o}")
        try:
            self._make(handle, name, lambda new: os.mknod(new, kind | 0o600, rdev, dir_fd=handle))
        except PermissionError as err:
            return Loss(path or name, SPECIAL_FILE, (err.strerror or "not permitted").lower())
        return None

    def apply(
        self, handle: int, name: bytes | None, row: Row, *, xattrs: Sequence[tuple[bytes, bytes]] = (), path: bytes | None = None
    ) -> tuple[Loss, ...]:
        """Owner, attributes, mode and times. ``name`` None: of the open file or folder ``handle``; else of an entry in it, never followed.

        ``path`` names it in a Loss. Files before finish(); folders after everything in them, because each new entry moves their time.
        """
        return self._metadata.apply(handle, name, row, xattrs, path)

    def sync(self) -> None:
        """Everything written so far is durable when this returns. TargetUnusable when the system lost some of it."""
        try:
            sync_file_system(self._handle)
        except OSError as err:
            reason = (err.strerror or "failed").lower()
            raise TargetUnusable(f"{self.root} did not keep what was written: {reason}", target=self.root) from err
        if self.spans_devices:
            os.sync()

    def _handles(self) -> OrderedDict[bytes, int]:
        handles: OrderedDict[bytes, int] | None = getattr(self._own, "handles", None)
        if handles is None:
            handles = self._own.handles = OrderedDict()
            with self._lock:
                self._all.append(handles)
        return handles

    def _descend(self, handles: OrderedDict[bytes, int], handle: int, path: bytes, start: int) -> int:
        """Open the components of ``path`` from ``start`` on; the last few are remembered, so that a deep tree costs no walk per folder."""
        forgotten = -1
        names = path[start:].split(b"/")
        for name in names:
            check_name(name, path)
        for left, name in zip(range(len(names) - 1, -1, -1), names, strict=True):
            start += len(name) + 1
            try:
                handle = self._open_folder(handle, name, path[: start - 1])
            finally:
                if forgotten >= 0:
                    os.close(forgotten)
            forgotten = handle if left >= _REMEMBERED_MAX else -1
            if forgotten < 0:
                handles[path[: start - 1]] = handle
                if len(handles) > HANDLES_MAX:
                    os.close(handles.popitem(last=False)[1])
        return handle

    def _open_folder(self, parent: int, name: bytes, path: bytes) -> int:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
            self.made.add(path)
            made = True
        except FileExistsError:
            made = False
        try:
            handle = os.open(name, _FOLDER_FLAGS, dir_fd=parent)
        except OSError as err:
            if err.errno in {errno.ELOOP, errno.ENOTDIR}:
                raise EntryInTheWay(f"{shown(path)} is not a folder in {self.root}", target=self.root) from err
            raise
        if not made and os.fstat(handle).st_dev != self._device:
            self.spans_devices = True
        return handle

    def _put(self, handle: int, temporary: bytes, name: bytes) -> None:
        """Rename within a folder, whole or not at all."""
        try:
            if self.replaces:
                os.rename(temporary, name, src_dir_fd=handle, dst_dir_fd=handle)
                with contextlib.suppress(FileNotFoundError):  # renaming one of two names of a file onto the other does nothing
                    os.unlink(temporary, dir_fd=handle)
            else:
                rename_exclusively(handle, temporary, name)
        except (FileExistsError, IsADirectoryError) as err:
            raise EntryInTheWay(f"{shown(name)} exists already in {self.root}", target=self.root) from err

    def _make(self, handle: int, name: bytes, make: Callable[[bytes], None]) -> None:
        """An entry that is whole in one call; to replace an old one, it is made beside it first."""
        if not self.replaces:
            try:
                make(name)
            except FileExistsError as err:
                raise EntryInTheWay(f"{shown(name)} exists already in {self.root}", target=self.root) from err
            return
        temporary = b"%s%x.part" % (self.prefix, next(self._numbers))
        make(temporary)
        try:
            self._put(handle, temporary, name)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=handle)
            raise


def check_name(name: bytes, path: bytes) -> None:
    """UnsafeName unless ``name`` is one that a folder can hold."""
    if not is_name(name):
        raise unsafe_name(name, path)


def unsafe_name(name: bytes, path: bytes) -> UnsafeName:
    """What :func:`check_name` raises."""
    return UnsafeName(f"{shown(name)} in {shown(path)} cannot be a file name", name=shown(name))


def shown(name: bytes) -> str:
    """A name in a sentence: on one line, whatever it holds."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text) or "the empty name"
