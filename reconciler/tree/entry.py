"""The words of a tree: row, listing, defect.

A *row* is one entry of a folder: a plain tuple, because a scan makes one for each of millions of files. A *listing* is one folder with its
rows. A *defect* is what could not be read as it should; *vanished* and *socket* are notes that say so without lowering the grade.
Paths are raw bytes without a leading slash, counted from "/", with "/" between components; ``b""`` is "/" itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct, field

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


class Listing(Struct):
    """One folder at the moment it was read."""

    path: bytes
    device: int
    """st_dev of the folder; an entry on another device is a mount point."""
    rows: list[Row]
    """By raw name. Sockets are left out: they mean nothing without the process that listens."""
    handle: int | None
    """Open folder, valid until the next listing is asked for; None where the platform opens nothing relative to a handle."""
    absolute: bytes
    """Full path, for platforms without handles and for messages. It may be longer than the system accepts."""
    given: Mapping[bytes, Given] = field(default_factory=dict)
    """By name: rows whose content comes from elsewhere. Their size is not known before, and they are read each time."""


def join(folder: bytes, name: bytes) -> bytes:
    """The path of an entry of ``folder``."""
    return folder + b"/" + name if folder else name


def walk_key(path: bytes) -> bytes:
    """Sorts paths in the order of a scan: a folder directly before what it holds, siblings by raw name."""
    return path.replace(b"/", b"\0")
