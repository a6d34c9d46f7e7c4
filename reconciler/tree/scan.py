"""Reads file trees: folder after folder, through directory handles, never through a symbolic link below a root.

Order: a folder directly before what it holds, siblings by raw name (:func:`~reconciler.tree.entry.walk_key`). The folders above a root are
listed too, with only the rows that lead to it, so that a snapshot holds the whole path. Those ancestors are followed when they are
links (``/var/run``): the person who named the path meant it; a root itself never is.

Memory holds one listing and the names still to be visited on the way down; at most about :data:`HANDLES_MAX` folders are open, however
deep the tree, and paths may be longer than the system accepts. A scan opens folders only, and of files at most the tag of a cache.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from reconciler.tree.entry import INO, Defect, DefectKind, Listing, Row, absolute, display, join, path_of
from reconciler.tree.errors import RootUnusable
from reconciler.tree.excludes import Excludes
from reconciler.tree.tags import CACHE_TAG, valid_tags

if TYPE_CHECKING:
    from reconciler.tree.scout import Scout
    from reconciler.tree.shares import Shares

HANDLES_MAX: Final = 64  # far below the usual limit of 1024 per process; few trees are deeper than 20

_HAS_HANDLES = os.scandir in os.supports_fd and os.open in os.supports_dir_fd
_FLAGS = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_SEARCH_ONLY = getattr(os, "O_PATH", os.O_RDONLY)  # an ancestor such as /home need not be readable, only passable
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FORMAT, _REGULAR, _FOLDER, _SOCKET = 0o170000, stat.S_IFREG, stat.S_IFDIR, stat.S_IFSOCK
_ENCODING, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_status = attrgetter("st_mode", "st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_uid", "st_gid", "st_nlink")


class ScanRoot(Struct, frozen=True):
    """One path to read, absolute. Patterns count from it."""

    path: str
    excludes: Excludes
    one_file_system: bool = False
    leave_caches: bool = False
    """Of a folder with a valid CACHEDIR.TAG keep only the tag; never of the root itself, which was named."""
    leave_if_present: frozenset[bytes] = frozenset()
    """Of a folder that holds such a name keep only that; never of the root itself."""
    bytes_max: int | None = None
    """Larger files below the root are left out."""

    @property
    def tags(self) -> frozenset[bytes]:
        """Names worth a look."""
        return self.leave_if_present | {CACHE_TAG} if self.leave_caches else self.leave_if_present


class _Folder(Struct):
    """A folder that the walk is in, with the subfolders still to be entered."""

    handle: int | None
    device: int
    inode: int
    path_length: int
    root: ScanRoot | None
    """None: an ancestor of a root, of which only the rows on the way are listed."""
    root_length: int
    root_device: int
    pending: list[Row] = field(default_factory=list)
    """Rows of subfolders, last one first."""


class Scan:
    """All listings of the given roots, in order. Iterate once; ``defects`` and ``excluded`` are complete when the iteration is.

    Iterating raises RootUnusable when a root is missing or cannot be listed.
    """

    def __init__(
        self,
        roots: Sequence[ScanRoot],
        *,
        skip: frozenset[tuple[int, int]] = frozenset(),
        scout: Scout | None = None,
        only: Shares | None = None,
    ) -> None:
        """``skip``: (st_dev, st_ino) of folders and files that do not exist for this scan: repositories, our own state.
        ``scout``: another process that lists a part of the folders. ``only``: this is that process, and other folders are only passed."""
        self.defects: list[Defect] = []
        self._scout = scout
        self._only = only
        self.excluded = 0
        self._skip = skip
        self._skip_inodes = frozenset(inode for _, inode in skip)
        self._roots = {path_of(root.path): root for root in roots}
        self._needed: dict[bytes, frozenset[bytes]] = {}
        """Names in a folder that lead to a root."""
        self._path = b""
        self._stack: list[_Folder] = []
        self._inside: set[tuple[int, int]] = set()
        for path in self._roots:
            while path:
                folder, _, name = path.rpartition(b"/")
                self._needed[folder] = self._needed.get(folder, frozenset()) | {name}
                path = folder

    def __iter__(self) -> Iterator[Listing]:
        if not self._roots:
            return
        try:
            first = self._enter(b"", None)
            assert first is not None  # "/" is an ancestor or a root: a failure raises
            yield first
            while self._stack:
                if not self._stack[-1].pending:
                    self._leave()
                    continue
                row = self._stack[-1].pending.pop()
                path = join(self._path, row[0])
                if self._only is not None and not self._only.touches(path):
                    continue
                listing = self._scouted(path, row) or self._enter(path, row)
                if listing is not None:
                    yield listing
        finally:
            if self._scout is not None:
                self._scout.close()
            for folder in self._stack:
                _close(folder.handle)
            self._stack.clear()

    @property
    def innermost(self) -> tuple[int, list[Row]]:
        """(inode, subfolders that will be entered) of the folder that was listed last."""
        folder = self._stack[-1]
        return folder.inode, folder.pending[::-1]

    def _scouted(self, path: bytes, row: Row) -> Listing | None:
        """What the other process found in a folder; None when it has nothing to say about it. Roots and the way to them are our own."""
        parent = self._stack[-1]
        if self._scout is None or parent.root is None or path in self._needed or path in self._roots:
            return None
        found = self._scout.take(path)
        if found is None or (found.device == parent.device and found.inode != row[INO]):
            return None
        folder = _Folder(
            None, found.device, found.inode, len(path), parent.root, parent.root_length, parent.root_device, found.folders[::-1]
        )
        self._go_into(folder, path)
        self.excluded += found.excluded
        settle = partial(self._settle, folder, path, found.excluded)
        return Listing.scouted(path, found.device, absolute(path), found.encoded, found.counts, settle)

    def _settle(self, folder: _Folder, path: bytes, excluded: int) -> tuple[list[Row], int | None]:
        """List a scouted folder after all, and keep it open."""
        if not self._stack or self._stack[-1] is not folder:
            raise RuntimeError("a listing is used after the next one was asked for")
        self.excluded -= excluded
        folder.pending = []
        try:
            self._reach()
            return self._rows(folder, path), folder.handle
        except OSError as err:
            self._failed(path, err)
            return [], None

    def _reach(self) -> int:
        """The handle of the innermost folder, which may have been passed without opening it: down from the next one that is open."""
        depth = len(self._stack) - 1
        while depth >= 0 and self._stack[depth].handle is None:
            depth -= 1
        handle = self._stack[depth].handle if depth >= 0 else None
        for folder in self._stack[depth + 1 :]:
            name = self._path[: folder.path_length].rpartition(b"/")[2] or b"/"
            fresh = os.open(name, _FLAGS | os.O_RDONLY | _NOFOLLOW, dir_fd=handle)
            if handle is not None and handle != self._stack[depth].handle:
                os.close(handle)
            handle = fresh
            status = os.fstat(handle)
            if (status.st_dev, status.st_ino) != (folder.device, folder.inode):
                os.close(handle)
                raise NotADirectoryError(errno.ENOTDIR, "it is another folder now")
        assert handle is not None
        self._stack[-1].handle = handle
        return handle

    def _go_into(self, folder: _Folder, path: bytes) -> None:
        self._stack.append(folder)
        self._inside.add((folder.device, folder.inode))
        self._path = path
        if len(self._stack) > HANDLES_MAX:
            self._close_far_one()

    def _enter(self, path: bytes, row: Row | None) -> Listing | None:
        """Open and list one folder and make it the innermost one; None when it could not be read, which is recorded."""
        parent = self._stack[-1] if self._stack else None
        try:
            folder = self._open(path, row, parent)
        except OSError as err:
            self._failed(path, err)
            return None
        self._go_into(folder, path)
        try:
            rows = self._ancestor_rows(folder, path) if folder.root is None else self._rows(folder, path)
        except OSError as err:
            self._failed(path, err)
            rows = []
        return Listing(path, folder.device, rows, folder.handle, absolute(path))

    def _open(self, path: bytes, row: Row | None, parent: _Folder | None) -> _Folder:
        own = self._roots.get(path)
        root, root_length, root_device = own, len(path), -1
        if own is None and parent is not None and not (path in self._needed and self._is_excluded(parent, path)):
            root, root_length, root_device = parent.root, parent.root_length, parent.root_device
        handle: int | None = None
        if _HAS_HANDLES:
            follow = root is None or row is None
            flags = _FLAGS | (_SEARCH_ONLY if root is None else os.O_RDONLY) | (0 if follow else _NOFOLLOW)
            if parent is not None and row is not None:
                handle = os.open(row[0], flags, dir_fd=self._reach() if parent.handle is None else parent.handle)
            else:
                handle = os.open(b"/", flags)
        status = os.stat(absolute(path), follow_symlinks=False) if handle is None else os.fstat(handle)
        if row is not None and parent is not None and status.st_dev == parent.device and status.st_ino != row[INO]:
            self.defects.append(Defect(path, DefectKind.CHANGED, "was replaced by another folder while its parent was read"))
        return _Folder(handle, status.st_dev, status.st_ino, len(path), root, root_length, status.st_dev if own else root_device)

    def _rows(self, folder: _Folder, path: bytes) -> list[Row]:
        """Every entry of a folder that belongs to a root; subfolders that are to be entered become pending."""
        root = folder.root
        needed: frozenset[bytes] = self._needed.get(path, frozenset())
        assert root is not None
        excludes = root.excludes if root.excludes else None
        prefix = path[folder.root_length :].lstrip(b"/") + b"/" if len(path) > folder.root_length else b""
        tags = root.tags if prefix else frozenset[bytes]()
        bytes_max = root.bytes_max
        present: set[bytes] = set()
        rows: list[Row] = []
        folders: list[Row] = []
        append = rows.append
        with os.scandir(os.fsdecode(absolute(path)) if folder.handle is None else folder.handle) as entries:
            for entry in entries:
                name: bytes = entry.name.encode(_ENCODING, _ERRORS)  # os.fsencode takes three times as long
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError as err:
                    self._failed(join(path, name), err)
                    continue
                mode, inode, device, links, user, group, size = status[:7]  # attributes by name cost twice as much
                kind = mode & _FORMAT
                if tags and name in tags:
                    present.add(name)
                if excludes is not None and name not in needed and excludes.match(prefix + name, kind == _FOLDER):
                    self.excluded += 1
                elif kind == _REGULAR:
                    if (inode in self._skip_inodes and (device, inode) in self._skip) or (
                        bytes_max is not None and size > bytes_max and name not in needed
                    ):
                        self.excluded += 1
                    else:
                        append((name, mode, size, status.st_mtime_ns, status.st_ctime_ns, inode, user, group, links))
                elif kind == _FOLDER:
                    if (device, inode) in self._skip:
                        self.excluded += 1
                        continue
                    row = row_of(name, status)
                    append(row)
                    if self._is_to_be_entered(folder, path, name, status) or name in needed:
                        folders.append(row)
                elif kind == _SOCKET:
                    self.defects.append(Defect(join(path, name), DefectKind.SOCKET, "is a socket, which cannot be kept"))
                else:
                    append(row_of(name, status))
        if present and (valid := valid_tags(present, root.leave_if_present, absolute(path), folder.handle)):
            kept = valid | needed
            self.excluded += sum(row[0] not in kept for row in rows)
            rows, folders = [row for row in rows if row[0] in kept], [row for row in folders if row[0] in needed]
        rows.sort()
        folders.sort(reverse=True)
        folder.pending = folders
        if needed:
            self._check_way(path, needed, rows)
        return rows

    def _ancestor_rows(self, folder: _Folder, path: bytes) -> list[Row]:
        """Only what leads to a root. Ancestors are followed when they are links, roots are not."""
        rows: list[Row] = []
        for name in sorted(self._needed[path]):
            below = join(path, name)
            is_root = below in self._roots
            try:
                if folder.handle is None:
                    status = os.stat(absolute(below), follow_symlinks=not is_root)
                else:
                    status = os.stat(name, dir_fd=folder.handle, follow_symlinks=not is_root)
            except OSError as err:
                raise _unusable(below, err) from err
            if is_root and (status.st_dev, status.st_ino) in self._skip:
                raise RootUnusable(
                    f"{display(below)} is a repository or memory of this program, which no backup reads",
                    hint="Name another source.",
                    path=display(below),
                )
            rows.append(row_of(name, status))
            if stat.S_ISDIR(status.st_mode):
                folder.pending.insert(0, rows[-1])
        self._check_way(path, self._needed[path], rows)
        return rows

    def _check_way(self, path: bytes, needed: frozenset[bytes], rows: list[Row]) -> None:
        """A root that a listing does not lead to must stop the scan: silence would look like "everything was deleted"."""
        leading = {row[0]: row for row in rows if row[0] in needed}
        for name in needed:
            below = join(path, name)
            if name not in leading:
                raise RootUnusable(f"{display(below)} is not there any more", path=display(below))
            if below not in self._roots and not stat.S_ISDIR(leading[name][1]):
                raise RootUnusable(f"{display(below)} is not a folder, but leads to a source", path=display(below))

    def _is_excluded(self, parent: _Folder, path: bytes) -> bool:
        if parent.root is None:
            return True
        return parent.root.excludes.match(path[parent.root_length :].lstrip(b"/"), True)

    def _is_to_be_entered(self, folder: _Folder, path: bytes, name: bytes, status: os.stat_result) -> bool:
        if folder.root is not None and folder.root.one_file_system and status.st_dev != folder.root_device:
            return False
        if (status.st_dev, status.st_ino) in self._inside:
            self.defects.append(Defect(join(path, name), DefectKind.UNREADABLE, "leads back to a folder that holds it (a mount loop)"))
            return False
        return True

    def _failed(self, path: bytes, err: OSError) -> None:
        if path in self._roots or path in self._needed:
            raise _unusable(path, err) from err
        reason = err.strerror or type(err).__name__
        if isinstance(err, FileNotFoundError):
            self.defects.append(Defect(path, DefectKind.VANISHED, "vanished while it was read"))
        elif isinstance(err, NotADirectoryError) or err.errno == errno.ELOOP:
            self.defects.append(Defect(path, DefectKind.CHANGED, "was replaced by something else while it was read"))
        else:
            self.defects.append(Defect(path, DefectKind.UNREADABLE, f"cannot be read: {reason.lower()}"))

    def _leave(self) -> None:
        """Go back to the parent, whose handle may have been closed on the way down: then through "..", if that is still the same folder."""
        folder = self._stack.pop()
        self._inside.discard((folder.device, folder.inode))
        if self._stack:
            parent = self._stack[-1]
            self._path = self._path[: parent.path_length]
            if parent.handle is None and folder.handle is not None:
                parent.handle = _climb(folder, parent)
                if parent.handle is None and parent.pending:
                    message = f"was moved while it was read; {len(parent.pending)} folders in it are missing"
                    self.defects.append(Defect(self._path, DefectKind.CHANGED, message))
                    parent.pending.clear()
        _close(folder.handle)

    def _close_far_one(self) -> None:
        far = self._stack[-HANDLES_MAX - 1]
        if far.root is not None:  # ancestors stay open: ".." does not lead back through a link
            _close(far.handle)
            far.handle = None


def row_of(name: bytes, status: os.stat_result) -> Row:
    """An entry of a folder, from what the system says about it."""
    row: Row = (name, *_status(status))
    if row[1] & _FORMAT == _REGULAR:
        return row
    return (name, row[1], 0, *row[3:8], 0)


def _climb(child: _Folder, parent: _Folder) -> int | None:
    if child.handle is None:
        return None
    try:
        handle = os.open(b"..", _FLAGS | os.O_RDONLY | _NOFOLLOW, dir_fd=child.handle)
    except OSError:
        return None  # the caller records what is lost by it
    status = os.fstat(handle)
    if (status.st_dev, status.st_ino) == (parent.device, parent.inode):
        return handle
    os.close(handle)
    return None


def _close(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


def _unusable(path: bytes, err: OSError) -> RootUnusable:
    return RootUnusable(f"{display(path)} cannot be read: {(err.strerror or type(err).__name__).lower()}", path=display(path))
