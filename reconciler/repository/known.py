"""What roots and marks said when they were read: they never change, so a listing need not read them again.

Believed only for a name that the repository lists at this moment with the same size and time. Kept in a folder of this machine, sealed
with a key of the repository, because it says what is backed up; it may be deleted at any time. A cache that cannot be read is no cache.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Struct, field

from reconciler.base.files import REAL_DISK, read_regular
from reconciler.repository.errors import Damaged
from reconciler.repository.format import OBJECT_BYTES_MAX, Raw, Type
from reconciler.repository.marks import MarkRecord
from reconciler.repository.near import Kept
from reconciler.repository.root import Root, from_micros, to_micros
from reconciler.repository.seal import Seals
from reconciler.repository.store import Found
from reconciler.repository.turnover import Turnover
from reconciler.repository.wire import UNREADABLE

T = TypeVar("T")

_NAME = "local cache of a listing 2"  # another number for another layout: an old file then fails its authentication and is made anew
_TYPE = Type.MARK  # with a name that no mark can have: nothing of a repository passes as a cache, and no cache as part of a repository
_SAVED_FROM = 32  # so many new objects cost a few milliseconds to read again, less than it takes to write thousands


class _KeptRoot(msgspec.Struct, array_like=True, frozen=True):
    """A root as a listing shows it; the time of its arrival is that of the object."""

    name: str
    size: int
    stored_at: int
    realm: str
    system: str
    host: str
    kind: str
    parent: str | None
    as_of: int
    ended_at: int
    grade: str
    files: int
    bytes: int
    added_bytes: int
    defects: tuple[str, ...]
    defect_count: int
    user: str
    paths: tuple[str, ...]
    generation: str
    specs: int
    """Which of the distinct ones: most snapshots of a system have the same."""
    writer: str
    sequence: int
    turnover: Turnover | None


class _KeptMark(msgspec.Struct, array_like=True, frozen=True):
    name: str
    size: int
    stored_at: int
    kind: str
    at: int
    note: str
    until: int | None = None


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    specs: list[Raw]
    roots: list[_KeptRoot]
    marks: list[_KeptMark]
    locks: dict[str, int] = {}


class Cache:
    """What is known of repositories, shared by everybody in this process who opens them; in ``folder`` one file for each."""

    def __init__(self, folder: str | None) -> None:
        self.keeps = False
        """Whether files are written; a command that must change nothing only reads them."""
        self._folder = folder
        self._known: dict[str, Known] = {}
        self._slots: dict[str, dict[Found, bytes]] = {}

    def slots(self, url: str) -> dict[Found, bytes]:
        """Key slots of the place at ``url`` as this process has read them."""
        return self._slots.setdefault(url, {})

    def known(self, repository: str) -> Known:
        """``repository``: its id."""
        if repository not in self._known:
            file = os.path.join(self._folder, repository) if self._folder is not None else None
            kept = Kept(f"{file}.objects", lambda: self.keeps) if file is not None else None
            self._known.setdefault(repository, Known(self, file, kept))
        return self._known[repository]


class Known(Struct):
    """Of one repository. ``file`` None: only what this process has read itself. Threads may share it."""

    cache: Cache
    file: str | None
    kept: Kept | None = None
    """Copies of immutable objects of a place that takes time to ask."""
    _roots: dict[str, tuple[Found, Root]] = field(default_factory=dict)
    _marks: dict[str, tuple[Found, MarkRecord]] = field(default_factory=dict)
    locks: dict[str, datetime] = field(default_factory=dict)
    """Of objects that the place locks: until when, as it said."""
    _loaded: bool = False
    _unsaved: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def root(self, found: Found) -> Root | None:
        return _same(self._roots.get(found.name), found)

    def mark(self, found: Found) -> MarkRecord | None:
        return _same(self._marks.get(found.name), found)

    def learn_roots(self, listed: Mapping[str, tuple[Found, Root]]) -> None:
        """All that are there now; what else was known is gone."""
        self._unsaved += len(listed.keys() ^ self._roots.keys())
        self._roots = dict(listed)

    def learn_marks(self, listed: Mapping[str, tuple[Found, MarkRecord]]) -> None:
        """The same for marks."""
        self._unsaved += len(listed.keys() ^ self._marks.keys())
        self._marks = dict(listed)

    def learn_locks(self, dates: Mapping[str, datetime], now: datetime) -> None:
        """Those that are over are let go: they say nothing any more."""
        self._unsaved += _SAVED_FROM * (dates != self.locks)
        self.locks = {name: until for name, until in dates.items() if until > now}

    def load(self, seals: Seals) -> None:
        """Once, before anything is asked."""
        with self._lock:
            if self._loaded:
                return
            self._loaded = True
            if self.file is None:
                return
            try:
                data = read_regular(self.file, limit=OBJECT_BYTES_MAX)
                kept = msgspec.msgpack.decode(seals.unseal_object(_TYPE, _NAME, data), type=_Kept)
                self._roots = {each.name: _root(each, kept.specs) for each in kept.roots}
                self._marks = {each.name: _mark(each) for each in kept.marks}
                self.locks = {name: from_micros(until) for name, until in kept.locks.items()}
            except (OSError, ValueError, IndexError, Damaged, *UNREADABLE):
                self._roots, self._marks, self.locks = {}, {}, {}

    def save(self, seals: Seals) -> None:
        """Write the file when enough has changed. Not synced: a torn one fails its authentication. No room for it is no reason to fail."""
        with self._lock:
            if self.file is None or not self.cache.keeps or self._unsaved < _SAVED_FROM:
                return
            plain = msgspec.msgpack.encode(self._kept())
            if len(plain) > OBJECT_BYTES_MAX:
                return
            with contextlib.suppress(OSError):
                _replace(self.file, seals.seal_object(_TYPE, _NAME, plain))
                self._unsaved = 0

    def _kept(self) -> _Kept:
        specs: dict[bytes, int] = {}
        roots = [_kept_root(found, root, specs.setdefault(root.specs, len(specs))) for found, root in self._roots.values()]
        marks = [
            _KeptMark(found.name, found.size, to_micros(found.stored_at), mark.kind, to_micros(mark.at), mark.note, _maybe(mark.until))
            for found, mark in self._marks.values()
        ]
        return _Kept(list(specs), roots, marks, {name: to_micros(until) for name, until in self.locks.items()})


def _same(known: tuple[Found, T] | None, found: Found) -> T | None:
    return known[1] if known is not None and known[0] == found else None


def _kept_root(found: Found, root: Root, specs: int) -> _KeptRoot:
    return _KeptRoot(
        found.name,
        found.size,
        to_micros(found.stored_at),
        root.realm,
        root.system,
        root.host,
        root.kind,
        root.parent,
        to_micros(root.as_of),
        to_micros(root.ended_at),
        root.grade,
        root.files,
        root.bytes,
        root.added_bytes,
        root.defects,
        root.defect_count,
        root.user,
        root.paths,
        root.generation,
        specs,
        root.writer,
        root.sequence,
        root.turnover,
    )


def _root(kept: _KeptRoot, specs: list[Raw]) -> tuple[Found, Root]:
    stored_at = from_micros(kept.stored_at)
    root = Root(
        id=kept.name.rsplit("/", 1)[-1],
        realm=kept.realm,
        system=kept.system,
        host=kept.host,
        kind=kept.kind,
        parent=kept.parent,
        as_of=from_micros(kept.as_of),
        ended_at=from_micros(kept.ended_at),
        arrived_at=stored_at,
        grade=kept.grade,
        files=kept.files,
        bytes=kept.bytes,
        added_bytes=kept.added_bytes,
        defects=kept.defects,
        defect_count=kept.defect_count,
        user=kept.user,
        paths=kept.paths,
        generation=kept.generation,
        specs=specs[kept.specs],
        writer=kept.writer,
        sequence=kept.sequence,
        turnover=kept.turnover,
    )
    return Found(kept.name, kept.size, stored_at), root


def _mark(kept: _KeptMark) -> tuple[Found, MarkRecord]:
    until = None if kept.until is None else from_micros(kept.until)
    return Found(kept.name, kept.size, from_micros(kept.stored_at)), MarkRecord(kept.kind, from_micros(kept.at), kept.note, until)


def _maybe(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _replace(file: str, data: bytes) -> None:
    """Whoever looks in between finds no cache, and of two who write at the same time one gives up."""
    fresh = f"{file}.{os.urandom(6).hex()}.new"
    with contextlib.suppress(FileExistsError):
        REAL_DISK.mkdir(os.path.dirname(file))
    handle = REAL_DISK.create(fresh)
    try:
        try:
            REAL_DISK.write(handle, data)
        finally:
            REAL_DISK.close(handle)
        with contextlib.suppress(FileNotFoundError):
            REAL_DISK.unlink(file)
        REAL_DISK.publish(fresh, file)
    except BaseException:
        with contextlib.suppress(OSError):
            REAL_DISK.unlink(fresh)
        raise
