"""What snapshots need, found by walking their manifests: segments, packs, and who is affected when something is damaged.

An entry block that many snapshots share is read once, so walking all snapshots of a system costs little more than walking the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct, field

from reconciler.repository.entries import BlockRef, Cold, decode_colds, entries_of
from reconciler.repository.errors import Damaged, ObjectMissing, RepositoryError
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Raw
from reconciler.repository.index import ChunkIndex
from reconciler.repository.manifest import block_refs, read_block
from reconciler.repository.root import RootRecord

NAMED_MAX = 10_000


class Affected(Struct, frozen=True):
    """A snapshot that cannot be restored whole."""

    snapshot: str
    realm: str
    system: str
    files: int
    paths: tuple[Raw, ...]
    """The files, at most 10,000; ``files`` is their number."""
    manifest: bool
    """Part of the list of files is damaged itself: the files named there have no name any more."""


class Needs(Struct):
    """What one snapshot asks for. ``segments``: only those that no snapshot walked before asked for."""

    packs: set[bytes] = field(default_factory=set)
    segments: set[int] = field(default_factory=set)
    faults: list[RepositoryError] = field(default_factory=list)


class Survey(Struct):
    """Used for one verification. Memory: a set of packs per distinct entry block."""

    index: ChunkIndex
    fetcher: Fetcher
    _packs: dict[bytes, frozenset[bytes]] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)
    _bad_paths: dict[bytes, tuple[bytes, ...] | None] = field(default_factory=dict)

    def needs(self, record: RootRecord) -> Needs:
        """Walk one snapshot. What cannot be read is among the faults, and the rest is still walked."""
        found = Needs()
        for outer in record.lists:
            self._want(outer.id, found)
        refs = list(self._refs(record, found))
        self.fetcher.expect((ref.id for ref in refs if ref.id not in self._packs), once=True)
        for ref in refs:
            packs = self._packs.get(ref.id)
            if packs is None:
                packs = self._walk(ref, found)
            found.packs |= packs
        return found

    def affected(self, record: RootRecord, is_bad: Callable[[bytes], bool]) -> Affected | None:
        """The files of a snapshot that need a bad chunk; None when it is whole. One ``is_bad`` per survey."""
        faults = Needs()
        files, named = 0, list[bytes]()
        for ref in self._refs(record, faults):
            paths = self._paths(ref, is_bad)
            if paths is None:
                faults.faults.append(Damaged(f"the entry block {ref.id.hex()[:16]} cannot be read"))
                continue
            files += len(paths)
            named += paths[: NAMED_MAX - len(named)]
        if not files and not faults.faults:
            return None
        return Affected(record.id, record.realm, record.system, files, tuple(named), bool(faults.faults))

    def _refs(self, record: RootRecord, found: Needs) -> Iterator[BlockRef]:
        try:
            yield from block_refs(record, self.fetcher)
        except (Damaged, ObjectMissing) as error:
            found.faults.append(error)

    def _walk(self, ref: BlockRef, found: Needs) -> frozenset[bytes]:
        mine = Needs()
        self._want(ref.id, mine)
        try:
            for piece in read_block(self.fetcher, ref):
                for cold in decode_colds(piece.cold):
                    for chunk in _chunks(cold):
                        self._want(chunk, mine)
        except (Damaged, ObjectMissing) as error:
            mine.faults.append(error)
        found.segments |= mine.segments
        found.faults += mine.faults
        packs = self._packs[ref.id] = frozenset(mine.packs)
        return packs

    def _want(self, chunk: bytes, found: Needs) -> None:
        position = self.index.find(chunk)
        if position is None:
            found.faults.append(ObjectMissing(f"chunk {chunk.hex()[:16]} is in no index", object=chunk.hex()))
            return
        found.packs.add(self.index.segment(position.segment).pack)
        if position.segment not in self._seen:
            self._seen.add(position.segment)
            found.segments.add(position.segment)

    def _paths(self, ref: BlockRef, is_bad: Callable[[bytes], bool]) -> tuple[bytes, ...] | None:
        if ref.id not in self._bad_paths:
            self._bad_paths[ref.id] = self._look(ref, is_bad)
        return self._bad_paths[ref.id]

    def _look(self, ref: BlockRef, is_bad: Callable[[bytes], bool]) -> tuple[bytes, ...] | None:
        try:
            pieces = read_block(self.fetcher, ref)
            entries = [entry for piece in pieces for entry in entries_of(piece)]
        except (Damaged, ObjectMissing):
            return None
        return tuple(entry.path for entry in entries if any(is_bad(chunk) for chunk in _chunks(entry.cold)))


def _chunks(cold: Cold) -> Iterator[bytes]:
    for start in range(0, len(cold.chunks), 32):
        yield cold.chunks[start : start + 32]
