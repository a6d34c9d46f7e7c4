"""What roots and marks said when they were read: they never change, so a listing need not read them again.

Believed only for a name that the repository lists at this moment with the same size and time. Kept in a folder of this machine, sealed
with a key of the repository, because it says what is backed up; it may be deleted at any time. A cache that cannot be read is no cache.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from reconciler.base.files import REAL_DISK, read_regular
from reconciler.base.wire import UNREADABLE
from reconciler.repository.errors import Damaged
from reconciler.repository.format import OBJECT_BYTES_MAX, Raw, Type
from reconciler.repository.marks import MarkRecord
from reconciler.repository.near import Kept
from reconciler.repository.root import Root
from reconciler.repository.seal import Seals
from reconciler.repository.shelf import DamagedObjects, Shelf
from reconciler.repository.stamps import Stamp
from reconciler.repository.store import Found

T = TypeVar("T")

_NAME = "local cache of a listing 3"  # another number for another layout: an old file then fails its authentication and is made anew
_TYPE = Type.MARK  # with a name that no mark can have: nothing of a repository passes as a cache, and no cache as part of a repository
_SAVED_FROM = 32  # so many new objects cost a few milliseconds to read again, less than it takes to write thousands
_BELIEVED_FOR = timedelta(hours=1)
"""For so long a folder that did not change is believed to hold what it held: then its objects are looked at, whatever it says."""


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    specs: list[Raw]
    """The distinct ones: most snapshots of a system have the same."""
    which: list[int]
    """Of each root: its specs."""
    roots: Shelf[Root]
    marks: dict[str, Shelf[MarkRecord]]
    locks: dict[str, datetime]
    walked_at: datetime | None


class RootListing(Struct, frozen=True, dict=True):
    """All snapshots at one instant. ``damaged``: (object name, error) of roots and marks that cannot be read."""

    roots: tuple[Root, ...] = ()
    """Newest ``as_of`` first."""
    marks: Mapping[str, tuple[MarkRecord, ...]] = {}
    damaged: DamagedObjects = ()

    @property
    def complete(self) -> bool:
        """Only a complete listing may decide about removing anything."""
        return not self.damaged

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {}

    def recall(self, about: str, work_out: Callable[[], T]) -> T:
        """What was made of this listing before, else now: whoever looks again at what did not change gets the same object."""
        if about not in self._made:
            self._made[about] = work_out()
        return cast("T", self._made[about])


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
    roots: Shelf[Root] = Shelf()
    marks: Mapping[str, Shelf[MarkRecord]] = field(default_factory=dict)
    """By folder; each holds what is said of one snapshot. The same object as long as nothing differs."""
    stamps: Mapping[str, Stamp | None] | None = None
    """Of all folders of marks, those of packs included, when each of ``marks`` stood. None: ask each."""
    walked_at: datetime | None = None
    """When every object was last looked at, whatever the folders say of themselves."""
    locks: dict[str, datetime] = field(default_factory=dict)
    """Of objects that the place locks: until when, as it said."""
    listing: RootListing = RootListing()
    """The last one without damage."""
    listed: tuple[object, object] = (None, None)
    """What it was made of: of ``roots`` what they say, and ``marks``."""
    _loaded: bool = False
    _unsaved: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to look at every object again."""
        return self.walked_at is None or not timedelta(0) <= now - self.walked_at < _BELIEVED_FOR

    def learn_roots(self, roots: Shelf[Root]) -> None:
        """All that are there now; what else was known is gone."""
        if roots.found is not self.roots.found:
            self._unsaved += len(set(roots.found) ^ set(self.roots.found))
        self.roots = roots

    def learn_marks(self, marks: Mapping[str, Shelf[MarkRecord]]) -> None:
        """The same for marks."""
        changed = [folder for folder in marks.keys() | self.marks.keys() if marks.get(folder) is not self.marks.get(folder)]
        if changed:
            self.marks = marks
            self._unsaved += len(changed)

    def walked(self, now: datetime, *, telling: bool) -> None:
        """Every object was looked at. ``telling``: folders of this place say when they change, and each that stands spares a list."""
        self.walked_at = now
        self._unsaved += len(self.marks) * telling

    def newest_first(self) -> tuple[Root, ...]:
        """All roots."""
        if self.listed[0] is self.roots.said:
            return self.listing.roots
        return tuple(sorted(self.roots.said, key=attrgetter("as_of", "id"), reverse=True))

    def list_all(self, damaged: DamagedObjects) -> RootListing:
        """All roots with their marks. The same object as long as nothing differs: sorting ten thousands takes longer than looking."""
        made_of = (self.roots.said, self.marks)
        if damaged or made_of[0] is not self.listed[0] or made_of[1] is not self.listed[1]:
            marks = {folder.split("/")[1]: shelf.said for folder, shelf in self.marks.items() if shelf.said}
            listing = RootListing(self.newest_first(), marks, damaged)
            if damaged:
                return listing
            self.listing, self.listed = listing, made_of
        return self.listing

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
                for root, number in zip(kept.roots.said, kept.which, strict=True):
                    force_setattr(root, "specs", kept.specs[number])
                self.roots, self.marks, self.locks, self.walked_at = kept.roots, kept.marks, kept.locks, kept.walked_at
            except (OSError, ValueError, IndexError, Damaged, *UNREADABLE):
                return

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
        which = [specs.setdefault(root.specs, len(specs)) for root in self.roots.said]
        roots = replace(self.roots, said=tuple(replace(root, specs=b"") for root in self.roots.said))
        return _Kept(list(specs), which, roots, dict(self.marks), self.locks, self.walked_at)


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
