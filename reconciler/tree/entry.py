"""The words of a tree: row, listing, defect.

A *row* is one entry of a folder: a plain tuple, because a scan makes one for each of millions of files. A *listing* is one folder with its
rows. A *defect* is what could not be read as it should; *vanished* and *socket* are notes that say so without lowering the grade.
Paths are raw bytes without a leading slash, counted from "/", with "/" between components; ``b""`` is "/" itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from stat import S_IFDIR, S_IFREG
from typing import Final, NamedTuple, Protocol, Self

import msgspec
from msgspec import Struct

Row = tuple[bytes, int, int, int, int, int, int, int, int]
"""(name, mode, size, mtime_ns, ctime_ns, ino, uid, gid, nlink); size and nlink are 0 for anything but a regular file."""

NAME: Final = 0
MODE: Final = 1
SIZE: Final = 2
MTIME: Final = 3
CTIME: Final = 4
INO: Final = 5
UID: Final = 6
GID: Final = 7
NLINK: Final = 8


class DefectKind(StrEnum):
    """Why an entry is not in the snapshot as it is on the disk."""

    UNREADABLE = "unreadable"
    CHANGED = "changed"
    VANISHED = "vanished"
    SOCKET = "socket"
    LIVE = "live"
    """A database in use, read as files: what was stored may not start again."""

    @property
    def is_note(self) -> bool:
        """True: ordinary life of a running system, the snapshot stays complete."""
        return self in {DefectKind.VANISHED, DefectKind.SOCKET, DefectKind.LIVE}


class Defect(Struct, frozen=True):
    """One entry that could not be read as it should."""

    path: bytes
    kind: DefectKind
    message: str


class Stream(Protocol):
    """Bytes that come one after the other, their number not known before."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """How many bytes were put into ``buffer``; 0 at the end. Raises when what was read so far must not be kept."""
        ...


class Given(Struct, frozen=True):
    """The content of a row that does not come from the file of that name: a frozen copy, or what a command prints."""

    open: Callable[[], AbstractContextManager[Stream]]
    """Each call begins anew."""
    is_file: bool
    """True: a file stands there, and the row and the attributes are its own. False: nothing is there, and the time of the row says
    only when it was read; while the content stays the same, so does the time."""


class Counts(NamedTuple):
    """What rows amount to."""

    files: int
    folders: int
    others: int
    bytes: int


class Listing:
    """One folder at the moment it was read."""

    __slots__ = ("_handle", "_held", "_rows", "_settle", "absolute", "counts", "device", "encoded", "given", "path")

    def __init__(
        self, path: bytes, device: int, rows: list[Row], handle: int | None, absolute: bytes, given: Mapping[bytes, Given] | None = None
    ) -> None:
        self.path = path
        self.device = device
        """st_dev of the folder; an entry on another device is a mount point."""
        self.absolute = absolute
        """Full path, for platforms without handles and for messages. It may be longer than the system accepts."""
        self.given: Mapping[bytes, Given] = given if given is not None else {}
        """By name: rows whose content comes from elsewhere. Their size is not known before, and they are read each time."""
        self.encoded: bytes | None = None
        """The rows as :func:`encode_rows` makes them, where another process listed the folder; gone as soon as somebody asks for rows."""
        self.counts: Counts | None = None
        """Of ``encoded``."""
        self._rows: list[Row] | None = rows
        self._handle = handle
        self._held = False
        self._settle: Callable[[], tuple[list[Row], int | None]] | None = None

    @classmethod
    def scouted(
        cls, path: bytes, device: int, absolute: bytes, encoded: bytes, counts: Counts, settle: Callable[[], tuple[list[Row], int | None]]
    ) -> Self:
        """Listed by another process, which left the folder again. ``settle`` lists it anew and keeps it open: for who wants more."""
        listing = cls(path, device, [], None, absolute)
        listing._rows, listing.encoded, listing.counts, listing._settle = None, encoded, counts, settle
        return listing

    @property
    def rows(self) -> list[Row]:
        """By raw name. Sockets are left out: they mean nothing without the process that listens."""
        if self._rows is None:
            assert self._settle is not None
            self.encoded = self.counts = None
            self._rows, self._handle = self._settle()
        return self._rows

    @rows.setter
    def rows(self, rows: list[Row]) -> None:
        self._rows = rows

    @property
    def handle(self) -> int | None:
        """Open folder, valid until the next listing is asked for, or while it is held; None where the platform opens nothing relative to
        a handle, and of a folder that is gone since somebody else listed it: then there are no rows either."""
        if self._rows is None:
            _ = self.rows
        return self._handle

    def hold(self) -> None:
        """Keep the folder open until :meth:`let_go`, whatever is asked for in between. OSError when too many are open."""
        handle = self.handle
        if handle is not None and not self._held:
            self._handle = os.dup(handle)
            self._held = True

    def let_go(self) -> None:
        """Close what was held."""
        if self._held and self._handle is not None:
            self._held = False
            os.close(self._handle)
            self._handle = None


def count(rows: Iterable[Row]) -> Counts:
    """What rows amount to."""
    files = folders = others = content = 0
    for row in rows:
        kind = row[MODE] & 0o170000
        if kind == S_IFREG:
            files += 1
            content += row[SIZE]
        elif kind == S_IFDIR:
            folders += 1
        else:
            others += 1
    return Counts(files, folders, others, content)


_encoder = msgspec.msgpack.Encoder()


def encode_rows(rows: Sequence[Row]) -> bytes:
    """Rows as manifests hold them."""
    return _encoder.encode(rows)


def join(folder: bytes, name: bytes) -> bytes:
    """The path of an entry of ``folder``."""
    return folder + b"/" + name if folder else name


def walk_key(path: bytes) -> bytes:
    """Sorts paths in the order of a scan: a folder directly before what it holds, siblings by raw name."""
    return path.replace(b"/", b"\0")


def path_of(root: str) -> bytes:
    """The path of a listing for an absolute path of this system."""
    raw = os.fsencode(root)
    if os.sep != "/":
        raw = raw.replace(os.fsencode(os.sep), b"/")
    return raw.strip(b"/")


def absolute(path: bytes) -> bytes:
    """The path of this system for the path of a listing."""
    return path + b"/" if sys.platform == "win32" else b"/" + path


def display(path: bytes) -> str:
    """The absolute path, for messages."""
    return os.fsdecode(absolute(path))
