"""An open repository as whoever only reads sees it: its snapshots, what they hold, what the place says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from reconciler.base.clock import Clock, SystemClock
from reconciler.base.secret import Secret
from reconciler.repository.abreast import both
from reconciler.repository.browse import Browser
from reconciler.repository.deletion import condemned_packs, legible_records
from reconciler.repository.entries import Entry
from reconciler.repository.errors import (
    Damaged,
    HeaderLost,
    NoSuchSnapshot,
    ObjectMissing,
    RepositoryError,
    WrongKey,
)
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import INDEX_BYTES_SMALL, OBJECT_BYTES_MAX, Type
from reconciler.repository.header import Chunker, check_header, read_header
from reconciler.repository.index import ChunkIndex, load_index
from reconciler.repository.keys import Stored, open_slots, read_slots
from reconciler.repository.known import Cache, Known, RootListing
from reconciler.repository.listing import list_snapshots
from reconciler.repository.manifest import read_entries
from reconciler.repository.marks import distrusted_packs
from reconciler.repository.near import Kept, Near, glance
from reconciler.repository.outside import count_objects
from reconciler.repository.place import checked_key, store_at
from reconciler.repository.root import RootRecord, unseal_root
from reconciler.repository.seal import Seals
from reconciler.repository.sound import Refusal, sound_entries
from reconciler.repository.store import Readable, Store

_LISTED = ("snapshots", "marks", "index")
_DOOR_SECONDS = 10  # so old may be what was listed while the door was opened
_LOADED_SECONDS = 30  # between a plan of a restore and its beginning, when nobody has to be asked


class Opened:
    """What can be read. Threads may share it; close it to let go of the keys."""

    def __init__(
        self, store: Store, seals: Seals, repository_id: str, clock: Clock, known: Known, *, owned: bool = True, door: Near | None = None
    ) -> None:
        self._store = store
        self._owned = owned
        self._seals = seals
        self._chunker: Chunker | None = None
        self._clock = clock
        self._known = known
        self._door, self._door_until = door, clock.monotonic() + _DOOR_SECONDS
        self._loaded: tuple[float, str, RootRecord, ChunkIndex] | None = None
        self.id = repository_id
        self.url = store.url

    @classmethod
    def open(
        cls,
        url: str,
        key: Secret,
        *,
        kind: str = "raw",
        clock: Clock | None = None,
        store: Store | None = None,
        cache: Cache | None = None,
        owned: bool = False,
        listed: bool = False,
        headerless: bool = False,
    ) -> Self:
        """Open what is there. Raises NotInitialised, HeaderLost, WrongKey, WeakKey, Damaged, NewerFormat, Unreachable.

        ``cache``: where to remember what immutable objects say, so that a listing reads only what is new. ``owned``: ``store`` is closed
        with the repository, as is one that nobody gave. ``listed``: a listing follows at once, so what it needs is asked for with the door.
        ``headerless``: a lost or damaged header keeps nobody out, for whoever only brings something back, or repairs it.
        """
        owned = owned or store is None
        store, cache = store or store_at(url), cache or Cache(None)
        door = Near(store, None, _LISTED) if listed and store.at_once > 1 else None
        try:
            seals = _unlocked(store, cache, checked_key(key, kind), kind, headerless=headerless)
        except BaseException:
            if door is not None:
                door.close()
            if owned:
                store.close()
            raise
        identity = seals.repository.hex()
        return cls(store, seals, identity, clock or SystemClock(), cache.known(identity), owned=owned, door=door)

    def close(self) -> None:
        self._known, self._loaded = Cache(None).known(self.id), None
        if self._door is not None:
            self._door.close()
        if self._owned:
            self._store.close()

    def pace(self, bytes_per_second: int, stopped: Callable[[], bool]) -> None:
        """From now on reading takes at least so long. ``stopped`` ends the waiting; whoever reads asks it, too."""
        from reconciler.repository.paced import paced

        self._store = paced(self._store, bytes_per_second, self._clock, stopped)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def listing(self, *, anew: bool = False) -> RootListing:
        """Every snapshot with its marks. ``anew``: each object is read, known or not: for whoever is about to remove something."""
        if anew:
            return list_snapshots(self._store, self._seals, self._known, self._clock.now(), anew=True)
        return list_snapshots(self._glance("snapshots", "marks"), self._seals, self._known, self._clock.now())

    def entries(self, snapshot: str, prefix: bytes = b"", refused: Callable[[Refusal], None] | None = None) -> Iterator[Entry]:
        """What a snapshot holds, in the order of the tree; ``prefix`` limits it to one path and what lies below.

        ``refused``: only what a restore can make something of comes, and this hears of the rest; None: all of it, and damage raises.
        """
        record, fetcher = self._ready(snapshot)
        if refused is not None:
            return sound_entries(record, fetcher, refused, prefix)
        return read_entries(record, fetcher, prefix)

    def browse(self) -> Browser:
        """For looking into snapshots, as the repository is now."""
        return Browser(self._store, self._seals, self._record, self._near, self._kept)

    def free_bytes(self) -> int | None:
        """Space left where the repository is; None when the place does not say."""
        return self._store.free_bytes()

    def small_indexes(self) -> int:
        """How many index objects a clean-up would merge with others. Every backup that stores something adds one."""
        return sum(found.size < INDEX_BYTES_SMALL for found in self._glance("index").list("index"))

    def overview(self) -> tuple[RootListing, int, int | None]:
        """(:meth:`listing`, :meth:`small_indexes`, :meth:`free_bytes`), asked for at the same time."""
        (listing, small), free = both(self._store, lambda: both(self._store, self.listing, self.small_indexes), self.free_bytes)
        return listing, small, free

    def stored_bytes(self) -> int:
        """Sum over all objects."""
        return self.stock()[1]

    def stock(self) -> tuple[int, int]:
        """(objects, bytes) of everything that lies there: a listing of all folders, so for whoever has time."""
        objects, size = count_objects(self._store)
        return sum(objects.values()), size

    def content_bytes(self) -> tuple[int, int]:
        """(before, after) compression and encryption: all content of files, each chunk once."""
        index, _ = self._load(frozenset({Type.DATA}))
        return index.content_bytes

    def _record(self, snapshot: str, place: Readable | None = None) -> RootRecord:
        name = f"snapshots/{snapshot}"
        try:
            return unseal_root(self._seals, name, (place or self._store).get(name, OBJECT_BYTES_MAX))
        except ObjectMissing:
            raise NoSuchSnapshot(f"there is no snapshot {snapshot} in {self.url}") from None

    def _readable_records(self) -> Iterator[RootRecord]:
        """Every snapshot whose root can be read, newest first; :meth:`listing` names the others."""
        for root in self.listing().roots:
            yield self._record(root.id)

    def _ready(self, snapshot: str) -> tuple[RootRecord, Fetcher]:
        """What is read to restore a snapshot that a listing showed: it relies on nothing that was not indexed by then."""
        loaded, self._loaded = self._loaded, None
        now = self._clock.monotonic()
        if loaded is None or loaded[1] != snapshot or now - loaded[0] > _LOADED_SECONDS:
            record, index = both(self._store, lambda: self._record(snapshot), self._near)
            loaded = (now, snapshot, record, index)
            self._loaded = loaded if self._store.at_once > 1 else None
        return loaded[2], Fetcher(self._store, self._seals, loaded[3], kept=self._kept)

    def _near(self, kinds: frozenset[int] | None = None) -> ChunkIndex:
        """The index for whoever brings content back: each object that it is made of proves itself, wherever it lies."""
        return self._load(kinds, self._glance("gc", "index", "packs", folders=("marks",)))[0]

    def _index(self) -> ChunkIndex:
        return self._load()[0]

    def _load(self, kinds: frozenset[int] | None = None, place: Readable | None = None) -> tuple[ChunkIndex, tuple[RepositoryError, ...]]:
        """Every chunk of these kinds, from a pack that nobody doubts where there is one; a condemned one is read last, while it exists.

        ``place``: where it is read; None: every object in the place itself, as whoever looks for damage must.
        """
        place = place or self._store
        records, illegible = legible_records(place, self._seals)
        distrusted = condemned_packs(records) | distrusted_packs(place)
        index, damage = load_index(place, self._seals, distrusted=distrusted, unindexed=True, kinds=kinds)
        return index, (*illegible, *damage)

    @property
    def _kept(self) -> Kept | None:
        return self._known.kept if self._store.at_once > 1 else None

    def _glance(self, *lists: str, folders: tuple[str, ...] = ()) -> Readable:
        """The place with these lists asked for at once. Only for lists whose order among each other promises nothing."""
        door = self._door if self._clock.monotonic() < self._door_until else None
        return glance(self._store, self._kept, lists, folders, door)


def _unlocked(store: Store, cache: Cache, key: Secret, kind: str, *, headerless: bool) -> Seals:
    try:
        header, slots = _doors(store, cache)
        seals = Seals(open_slots(slots, key, kind, header["id"]), header["id"])
        check_header(header, seals.header_key)
    except (HeaderLost, Damaged, WrongKey) as lost:  # a header of another repository fits no slot
        if not headerless:
            raise
        from reconciler.repository.headerless import seals_without_header

        return seals_without_header(store, key, kind, lost)
    return seals


def _doors(store: Store, cache: Cache) -> tuple[dict[str, Any], dict[str, Stored]]:
    """Header and key slots, side by side."""
    header, listed = both(store, lambda: read_header(store), lambda: tuple(store.list("keys")))
    kept = cache.known(header["id"]).kept if store.at_once > 1 else None
    return header, read_slots(store, cache.slots(store.url), listed, kept)
