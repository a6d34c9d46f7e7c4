"""Proves that snapshots can be restored. Quick: structure, every object that they need is there and decodes. Deep: every byte of their
packs is read, decrypted, decoded and hashed again.

Packs of young snapshots come first, a pack is read whole and once for all snapshots, and what was read lately counts (``readings.py``).
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from msgspec import Struct, field

from reconciler.base.clock import Clock
from reconciler.base.errors import Cancelled
from reconciler.repository.errors import Damaged, ObjectMissing, RepositoryError, Unreachable
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Raw, Type
from reconciler.repository.index import ChunkIndex, SegmentPlace, places_of
from reconciler.repository.pack import PackEntry, Segment, pack_name, read_directory
from reconciler.repository.readings import Readings
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import Seals, lengths_of
from reconciler.repository.store import Store
from reconciler.repository.survey import Affected, Survey

_WORKERS = 2


class Verified(Struct, frozen=True):
    """How it ended. ``damaged``: errors naming objects."""

    chunks: int
    bytes: int
    """Content that was read now."""
    packs: int
    """That the snapshots need."""
    recalled: int
    """Of these: read lately, and not again."""
    damaged: tuple[RepositoryError, ...]
    snapshots: tuple[Affected, ...]
    """Whatever cannot be restored whole, of all snapshots that were looked at for it."""
    proven: Mapping[str, datetime]
    """By id of a snapshot that is whole: the oldest reading among its packs; of a quick verification, its beginning."""
    seconds: float

    @property
    def affected(self) -> tuple[Raw, ...]:
        """Paths that cannot be restored whole, of all affected snapshots."""
        return tuple(dict.fromkeys(path for snapshot in self.snapshots for path in snapshot.paths))

    @property
    def bad_packs(self) -> tuple[str, ...]:
        """Names of packs among the damaged objects."""
        names = {str(error.context.get("object", "")) for error in self.damaged}
        return tuple(sorted(name for name in names if name.startswith("packs/")))

    @property
    def intact(self) -> bool:
        return not self.damaged


class Verify(Struct):
    """One verification; used once. Memory: about 100 bytes per segment that the snapshots need."""

    store: Store
    seals: Seals
    index: ChunkIndex
    fetcher: Fetcher
    clock: Clock
    readings: Readings | None = None
    """None: everything is read, and nothing is remembered."""
    distrusted: frozenset[bytes] = frozenset()
    """Packs already known to be damaged: only what the snapshots need of them is read, and it is always read."""
    stop: threading.Event | None = None
    progress: Callable[[int], None] | None = None
    _damaged: dict[str, RepositoryError] = field(default_factory=dict)
    _gone: set[bytes] = field(default_factory=set)
    _bad: set[tuple[bytes, int]] = field(default_factory=set)
    _good_at: dict[bytes, datetime] = field(default_factory=dict)
    _chunks: int = 0
    _bytes: int = 0
    _recalled: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self,
        wanted: Sequence[RootRecord],
        everything: Callable[[], Iterable[RootRecord]],
        *,
        deep: bool = True,
        since: datetime | None = None,
        damage: Iterable[RepositoryError] = (),
    ) -> Verified:
        """Verify ``wanted``, in this order. ``since``: packs read whole then or later are not read again; None: all are read.

        ``everything``: the snapshots to look through for files that damage affects. Damage is a result, not an error; raises only what
        concerns the repository as a whole, or Cancelled.
        """
        started, began = self.clock.monotonic(), self.clock.now()
        for error in damage:
            self._fault(error)
        survey = Survey(self.index, self.fetcher)
        needs: dict[str, set[bytes]] = {}
        done = False
        try:
            with ThreadPoolExecutor(_WORKERS, "verify") as pool:
                for record in wanted:
                    found = survey.needs(record)
                    needs[record.id] = found.packs
                    for error in found.faults:
                        self._fault(error)
                    jobs = self._jobs(found.packs, found.segments, deep=deep, since=since)
                    for _ in pool.map(lambda job: job(), jobs, chunksize=1):
                        pass
                    self._tell()
            done = True
        finally:
            self.fetcher.end()
            if deep and self.readings is not None:
                self.readings.end(self.index.packs, done=done)
        affected = self._affected(survey, everything) if self._damaged else ()
        broken = {each.snapshot for each in affected}
        proven = {
            snapshot: min((self._good_at.get(pack, began) for pack in packs), default=began) if deep else began
            for snapshot, packs in needs.items()
            if snapshot not in broken
        }
        packs = len(set().union(*needs.values()))
        seconds = self.clock.monotonic() - started
        return Verified(self._chunks, self._bytes, packs, self._recalled, tuple(self._damaged.values()), affected, proven, seconds)

    def _affected(self, survey: Survey, everything: Callable[[], Iterable[RootRecord]]) -> tuple[Affected, ...]:
        found = (survey.affected(record, self._is_bad) for record in everything())
        return tuple(each for each in found if each is not None)

    def _is_bad(self, chunk: bytes) -> bool:
        position = self.index.find(chunk)
        if position is None:
            return True
        place = self.index.segment(position.segment)
        return place.pack in self._gone or (place.pack, place.offset) in self._bad

    def _jobs(
        self, packs: Iterable[bytes], segments: Iterable[int], *, deep: bool, since: datetime | None
    ) -> Iterator[Callable[[], object]]:
        """What is left to look at: each pack once, of a distrusted one each segment that is needed."""
        for pack in sorted(packs):
            if deep and pack in self.distrusted:
                self._good_at.setdefault(pack, self.clock.now())
            elif pack not in self._good_at and pack not in self._gone:
                recent = self._recent(pack, since) if deep else None
                self._good_at[pack] = recent or self.clock.now()
                self._recalled += recent is not None
                yield partial(self._look_at, pack, deep=deep and recent is None)
        if deep:
            for number in sorted(segments):
                place = self.index.segment(number)
                if place.pack in self.distrusted:
                    yield partial(self._check, place, None)

    def _recent(self, pack: bytes, since: datetime | None) -> datetime | None:
        """When the pack was last read whole, if that still counts."""
        read_at = self.readings.good_at(pack) if self.readings is not None else None
        return read_at if read_at is not None and since is not None and read_at >= since else None

    def _look_at(self, pack: bytes, *, deep: bool) -> None:
        began = self.clock.now()
        known = self.index.of_pack(pack)
        segments: Sequence[Segment | None] = [None] * len(known)
        whole = False
        try:
            entry = self._directory(pack)
            if tuple(places_of(entry, self.seals)) == known:
                segments, whole = entry.segments, True
            else:
                self._fault(Damaged(f"{entry.name} holds other segments than the index says", object=entry.name))
        except ObjectMissing as error:
            self._gone.add(pack)
            self._fault(error)
            return
        except Damaged as error:
            self._fault(error)
        if deep:  # also without a directory: what the index says is what a restore relies on
            self.fetcher.expect_parts(known)
            sound = [self._check(place, segment) for place, segment in zip(known, segments, strict=True)]
            if whole and all(sound) and self.readings is not None:
                self.readings.add(pack, began)

    def _directory(self, pack: bytes) -> PackEntry:
        name = pack_name(pack)
        with _readable(name):
            found = self.store.find(name)
            if found is None:
                raise ObjectMissing(f"{name} is missing in {self.store.url}", object=name)
            return read_directory(self.store, self.seals, name, found.size)

    def _check(self, place: SegmentPlace, segment: Segment | None) -> bool:
        """Read one segment and, where its chunks are known, compute their ids again."""
        if self.stop is not None and self.stop.is_set():
            raise Cancelled("the verification was stopped")
        try:
            with _readable(place.pack_name):
                plain = memoryview(self.fetcher.read_place(place))
            chunks = self._check_chunks(place, segment, plain) if segment is not None else 0
        except (Damaged, ObjectMissing) as error:
            with self._lock:
                self._bad.add((place.pack, place.offset))
            self._fault(error)
            return False
        with self._lock:
            self._bytes += len(plain)
            self._chunks += chunks
        self._tell()
        return True

    def _tell(self) -> None:
        if self.progress is not None:
            with self._lock:
                self.progress(self._bytes)

    def _check_chunks(self, place: SegmentPlace, segment: Segment, plain: memoryview) -> int:
        offset, lengths = 0, lengths_of(segment.lengths)
        for position, length in enumerate(lengths):
            chunk = segment.ids[32 * position : 32 * position + 32]
            if self.seals.chunk_id(Type(place.kind), plain[offset : offset + length]) != chunk:
                raise Damaged(f"chunk {chunk.hex()[:16]} in {place.pack_name} is not what its id says", object=place.pack_name)
            offset += length
        return len(lengths)

    def _fault(self, error: RepositoryError) -> None:
        with self._lock:
            self._damaged.setdefault(error.message, error)


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """A bad block of the disk is damage of this object; anything else that cannot be reached may pass with time."""
    try:
        yield
    except Unreachable as error:
        if getattr(error.__cause__, "errno", None) != errno.EIO:
            raise
        raise Damaged(f"{name} cannot be read: the disk reports an error", object=name) from error
