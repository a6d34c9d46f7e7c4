"""Proves that a snapshot can be restored: every segment that it needs is read, decrypted, decoded and hashed again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from reconciler.base.clock import Clock
from reconciler.base.errors import Cancelled
from reconciler.repository.errors import Damaged, ObjectMissing, RepositoryError
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Raw, Type
from reconciler.repository.index import ChunkIndex, Position
from reconciler.repository.manifest import block_refs, read_entries
from reconciler.repository.pack import read_directory
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import Seals
from reconciler.repository.store import Store

_WORKERS = 2
_NAMED_MAX = 1000


@dataclass(frozen=True, slots=True)
class Verified:
    """How it ended. ``damaged``: errors naming objects; ``affected``: paths (at most 1,000) that cannot be restored whole."""

    chunks: int
    bytes: int
    packs: int
    damaged: tuple[RepositoryError, ...]
    affected: tuple[Raw, ...]
    seconds: float

    @property
    def bad_packs(self) -> tuple[str, ...]:
        """Names of packs among the damaged objects."""
        names = {str(error.context.get("object", "")) for error in self.damaged}
        return tuple(sorted(name for name in names if name.startswith("packs/")))

    @property
    def intact(self) -> bool:
        return not self.damaged


@dataclass(slots=True)
class Verify:
    """One verification; used once. Memory: about 200 bytes per chunk of the snapshot."""

    record: RootRecord
    store: Store
    seals: Seals
    index: ChunkIndex
    fetcher: Fetcher
    clock: Clock
    stop: threading.Event | None = None
    progress: Callable[[int], None] | None = None
    _damaged: list[RepositoryError] = field(default_factory=list)
    _bad_segments: set[int] = field(default_factory=set)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> Verified:
        """Damage is a result, not an error; raises only what concerns the repository as a whole, or Cancelled."""
        started = self.clock.monotonic()
        wanted: dict[int, dict[bytes, Position]] = {}
        chunks = 0
        try:
            for chunk in self._chunks():
                position = self.index.find(chunk)
                if position is None:
                    self._damaged.append(ObjectMissing(f"chunk {chunk.hex()[:16]} is in no index", object=chunk.hex()))
                    continue
                known = wanted.setdefault(position.segment, {})
                chunks += chunk not in known
                known[chunk] = position
        except (Damaged, ObjectMissing) as error:
            self._damaged.append(error)
        packs = self._check_directories({self.index.segment(number).pack for number in wanted})
        with ThreadPoolExecutor(_WORKERS, "verify") as pool:
            order = sorted(wanted, key=lambda number: (self.index.segment(number).pack, self.index.segment(number).offset))
            for _ in pool.map(lambda number: self._check_segment(number, wanted[number]), order, chunksize=1):
                pass
        affected = tuple(self._affected()) if self._damaged else ()
        return Verified(chunks, self._bytes, packs, tuple(self._damaged), affected, self.clock.monotonic() - started)

    def _chunks(self) -> Iterator[bytes]:
        for outer in self.record.lists:
            yield outer.id
        for ref in block_refs(self.record, self.fetcher):
            yield ref.id
        for entry in read_entries(self.record, self.fetcher):
            for start in range(0, len(entry.cold.chunks), 32):
                yield entry.cold.chunks[start : start + 32]

    def _check_directories(self, packs: set[bytes]) -> int:
        from reconciler.repository.pack import pack_name

        for pack in sorted(packs):
            name = pack_name(pack)
            try:
                found = self.store.find(name)
                if found is None:
                    raise ObjectMissing(f"{name} is missing in {self.store.url}", object=name)
                read_directory(self.store, self.seals, name, found.size)
            except (Damaged, ObjectMissing) as error:
                self._damaged.append(error)
        return len(packs)

    def _check_segment(self, number: int, chunks: dict[bytes, Position]) -> None:
        if self.stop is not None and self.stop.is_set():
            raise Cancelled("the verification was stopped")
        try:
            plain = memoryview(self.fetcher.read_segment(number))
            place = self.index.segment(number)
            for chunk, position in chunks.items():
                data = plain[position.offset : position.offset + position.length]
                if self.seals.chunk_id(Type(place.kind), data) != chunk:
                    raise Damaged(f"chunk {chunk.hex()[:16]} in {place.pack_name} is not what its id says", object=place.pack_name)
        except (Damaged, ObjectMissing) as error:
            with self._lock:
                self._damaged.append(error)
                self._bad_segments.add(number)
            return
        with self._lock:
            self._bytes += len(plain)
            if self.progress is not None:
                self.progress(self._bytes)

    def _affected(self) -> Iterator[bytes]:
        named = 0
        try:
            for entry in read_entries(self.record, self.fetcher):
                chunks = entry.cold.chunks
                if any(self._is_bad(chunks[start : start + 32]) for start in range(0, len(chunks), 32)):
                    yield entry.path
                    named += 1
                    if named == _NAMED_MAX:
                        return
        except (Damaged, ObjectMissing):
            return  # the manifest itself is damaged: that is already among the findings, and nothing below it has a name

    def _is_bad(self, chunk: bytes) -> bool:
        position = self.index.find(chunk)
        return position is None or position.segment in self._bad_segments
