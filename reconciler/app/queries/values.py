"""What questions about snapshots are answered with. Entries and changes are tuples: a listing makes hundreds of thousands."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from reconciler.app.choice import Chosen
from reconciler.repository import UNREAD, Entry, Found

_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "pipe",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FileEntry(NamedTuple):
    """One file, folder or link in a snapshot."""

    path: str
    """Absolute, as it was on the source."""
    type: str
    """file, folder, link, pipe or device."""
    mode: int
    """All bits, those of the type included."""
    size: int
    mtime_ns: int | None
    """Nanoseconds since 1970, UTC; None for a folder that is only recorded because it leads to a source."""
    uid: int
    gid: int
    user: str
    """The name that the source knew for the uid; may be empty."""
    group: str
    link: str | None
    sha256: str | None
    readable: bool
    """False: its content could not be read when the backup was taken."""

    @property
    def modified_at(self) -> datetime | None:
        """None: not recorded, or a moment that no calendar has."""
        try:
            return _EPOCH + timedelta(microseconds=self.mtime_ns // 1000) if self.mtime_ns is not None else None
        except OverflowError:
            return None


class FileChange(NamedTuple):
    """One path that differs between two snapshots."""

    path: str
    change: str
    """added, removed, changed (its content, type, link target or device) or metadata."""
    what: tuple[str, ...]
    """Of ``type content link device unread mode owner mtime xattrs``; empty when it is added or removed."""
    old: FileEntry | None
    new: FileEntry | None


class Tally(Struct):
    """How many entries, and the bytes of the files among them."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    metadata: int = 0
    added_bytes: int = 0
    removed_bytes: int = 0
    old_bytes: int = 0
    """Of what changed, before."""
    new_bytes: int = 0

    def along(self, changes: Iterable[FileChange]) -> Iterator[FileChange]:
        """The same changes, each counted when it is taken."""
        for change in changes:
            self.take(change)
            yield change

    def take(self, change: FileChange) -> None:
        old = change.old.size if change.old is not None else 0
        new = change.new.size if change.new is not None else 0
        match change.change:
            case "added":
                self.added, self.added_bytes = self.added + 1, self.added_bytes + new
            case "removed":
                self.removed, self.removed_bytes = self.removed + 1, self.removed_bytes + old
            case "changed":
                self.changed, self.old_bytes, self.new_bytes = self.changed + 1, self.old_bytes + old, self.new_bytes + new
            case "metadata":
                self.metadata += 1
            case _:
                raise AssertionError(change.change)


class FileList(Struct, frozen=True):
    """What a snapshot holds."""

    chosen: Chosen
    files: tuple[FileEntry, ...]


class DiffReport(Struct, frozen=True):
    """What differs between two snapshots, in the order of the tree."""

    older: Chosen
    newer: Chosen
    changes: tuple[FileChange, ...]
    tally: Tally


class Sighting(Struct, frozen=True):
    """A snapshot in which something was seen, or missed."""

    id: str
    as_of: datetime


class FileVersion(Struct, frozen=True):
    """One state of a file, over the snapshots in a row that hold it."""

    entry: FileEntry
    what: tuple[str, ...]
    """``first``, ``new`` (it was not there before), ``back`` (it was deleted before), or in what it differs from the version before."""
    after: Sighting | None
    """The snapshot before the first: the change happened after it; None: nothing older is known."""
    first: Sighting
    last: Sighting
    snapshots: int
    ended: str
    """``""`` (the newest snapshot has it), ``changed``, ``deleted``, or ``unknown`` (no complete snapshot without it is there)."""
    until: Sighting | None
    """The first snapshot that shows the end."""
    restore_from: Sighting | None
    """The newest good snapshot that holds it, else the newest; None: none holds its content."""
    good: bool
    """Whether that one is good."""
    restore: tuple[str, ...]
    """The words after ``reconcile`` that bring this version back into the folder ``restored``."""


class FileHistory(Struct, frozen=True):
    """All versions of one path, oldest first."""

    realm: str
    system: str
    path: str
    versions: tuple[FileVersion, ...]


class FindReport(Struct, frozen=True):
    """Where a pattern fits."""

    pattern: str
    files: tuple[FileHistory, ...]
    """By realm, system and path."""
    snapshots: int
    """That were searched."""
    notes: tuple[str, ...] = ()
    """Repositories that could not be seen."""
    problems: tuple[str, ...] = ()
    """What could not be read."""


class DumpReport(Struct, frozen=True):
    """One file that was handed out."""

    chosen: Chosen
    entry: FileEntry
    bytes: int


def file_entry(entry: Entry, users: Mapping[int, str], groups: Mapping[int, str]) -> FileEntry:
    """For people and programs outside of the repository."""
    return next(file_entries(entry.folder, ((entry.row, entry.cold),), users, groups))


def file_entries(folder: bytes, found: Iterable[Found], users: Mapping[int, str], groups: Mapping[int, str]) -> Iterator[FileEntry]:
    """The same for entries of one folder. Quick, for a listing makes 100,000: hence the tuple without names of fields."""
    top = f"/{folder.decode('utf-8', 'surrogateescape')}/" if folder else "/"
    make = tuple.__new__
    for (name, mode, size, mtime, ctime, _, uid, gid, _), cold in found:
        link, sha256 = cold.link, cold.sha256
        yield make(
            FileEntry,
            (
                top + name.decode("utf-8", "surrogateescape"),
                _TYPES.get(mode & 0o170000, "other"),
                mode,
                size,
                mtime if mtime or ctime else None,
                uid,
                gid,
                users.get(uid, ""),
                groups.get(gid, ""),
                link.decode("utf-8", "surrogateescape") if link is not None else None,
                sha256.hex() if sha256 is not None else None,
                not cold.flags & UNREAD,
            ),
        )
