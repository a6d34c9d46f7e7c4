"""Lost chunks brought back from another repository that holds the same files, under whatever key.

A file is looked for in the snapshot of the same id there, else in the newest snapshot of the system that has the path; a lost list of
files only in the snapshot of the same id (:mod:`donor_lists`). What a donor gives is believed only when its keyed id is the one that is
missed: a wrong guess costs time, never wrong data.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from reconciler.repository.codec import Codec
from reconciler.repository.copier import Side
from reconciler.repository.donor_lists import ListRebuild, spans
from reconciler.repository.entries import Entry, entries_of
from reconciler.repository.errors import Damaged, NoSuchSnapshot, ObjectMissing
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import SEGMENT_BYTES, Type
from reconciler.repository.index import ChunkIndex
from reconciler.repository.inventory import Inventory
from reconciler.repository.manifest import block_refs, read_block, read_entries
from reconciler.repository.pack import PackWriter
from reconciler.repository.root import Root, RootRecord
from reconciler.repository.seal import Seals, SegmentSealer, lengths_packed
from reconciler.repository.store import Store
from reconciler.repository.survey import Affected, Survey


class Donor(Struct, frozen=True):
    """Another repository, with its snapshots, newest first."""

    side: Side
    roots: Sequence[Root]

    def likely(self, lost: Affected) -> Iterator[RootRecord]:
        """The copy of that snapshot, then the others of its system."""
        alike = [root for root in self.roots if (root.realm, root.system) == (lost.realm, lost.system)]
        for root in sorted(alike, key=lambda each: each.id != lost.snapshot):
            try:
                yield self.side.record(root.id)
            except (Damaged, ObjectMissing):
                continue  # then from another one


class _Mended(Fetcher):
    """Reads also what was made anew and lies in no indexed pack yet."""

    def __init__(self, store: Store, seals: Seals, index: ChunkIndex) -> None:
        super().__init__(store, seals, index)
        self.mended: dict[bytes, bytes] = {}

    def chunk(self, kind: Type, chunk: bytes) -> bytes:
        found = self.mended.get(chunk)
        return found if found is not None else super().chunk(kind, chunk)


class Healing:
    """One per repair. Chunks that it finds go into ``packs`` and are good from then on."""

    def __init__(self, store: Store, seals: Seals, seen: Inventory, packs: PackWriter) -> None:
        self._seals = seals
        self._seen = seen
        self._packs = packs
        self._fetcher = _Mended(store, seals, seen.index)
        self._sealer = SegmentSealer(seals, Codec())
        self._plain, self._ids, self._lengths = bytearray(), bytearray(), array("I")
        self.healed = 0

    def ask(self, donor: Donor) -> None:
        """Look for everything that is still lost."""
        fetcher = donor.side.fetcher()
        for lost in self.left():
            record = self._seen.roots[f"snapshots/{lost.snapshot}"]
            if lost.manifest:
                self._mend_list(record, donor, fetcher)
            wanted = {entry.path: entry for entry in self._entries(record) if self._misses(entry)}
            for other in donor.likely(lost):
                if not wanted:
                    break
                self._search(other, fetcher, wanted)
                wanted = {path: entry for path, entry in wanted.items() if self._misses(entry)}

    def left(self) -> tuple[Affected, ...]:
        """Snapshots that still cannot be restored whole."""
        survey = Survey(self._seen.index, self._fetcher)
        records = [self._seen.roots[f"snapshots/{each.snapshot}"] for each in self._seen.affected]
        found = (survey.affected(record, lambda chunk: chunk not in self._seen.good) for record in records)
        return tuple(each for each in found if each is not None)

    def finish(self) -> None:
        """Everything found is in a pack."""
        if self._ids:
            ids, lengths = bytes(self._ids), lengths_packed(self._lengths)
            packed, sealed = self._sealer.seal(Type.DATA, memoryview(self._plain), ids, lengths)
            self._packs.append(Type.DATA, packed, len(self._plain), ids, lengths, sealed)
            self._plain, self._ids, self._lengths = bytearray(), bytearray(), array("I")

    def _mend_list(self, record: RootRecord, donor: Donor, fetcher: Fetcher) -> None:
        rebuild = ListRebuild(self._seals, record, spans(record, self._fetcher), self._is_lost)
        try:
            for kind, chunk, data in rebuild.blocks(donor.side.record(record.id), fetcher):
                lengths = lengths_packed(array("I", [len(data)]))
                packed, sealed = self._sealer.seal(kind, memoryview(data), chunk, lengths)
                self._packs.append(kind, packed, len(data), chunk, lengths, sealed)
                self._fetcher.mended[chunk] = data
                self._seen.good.add(chunk)
                self.healed += 1
        except (NoSuchSnapshot, Damaged, ObjectMissing):
            return  # the donor has no copy of it that can be read

    def _is_lost(self, chunk: bytes) -> bool:
        return chunk not in self._seen.good

    def _entries(self, record: RootRecord) -> Iterator[Entry]:
        """Those of all blocks that can be read."""
        try:
            for ref in block_refs(record, self._fetcher):
                try:
                    pieces = read_block(self._fetcher, ref)
                except (Damaged, ObjectMissing):
                    continue  # it is among the faults
                for piece in pieces:
                    yield from entries_of(piece)
        except (Damaged, ObjectMissing):
            return

    def _misses(self, entry: Entry) -> bool:
        return any(chunk not in self._seen.good for chunk in _chunks(entry))

    def _search(self, record: RootRecord, fetcher: Fetcher, wanted: dict[bytes, Entry]) -> None:
        try:
            for theirs in read_entries(record, fetcher):
                ours = wanted.get(theirs.path)
                if ours is not None and ours.row[2] == theirs.row[2]:
                    self._take(ours, (fetcher.chunk(Type.DATA, chunk) for chunk in _chunks(theirs)))
        except (Damaged, ObjectMissing):
            return  # the donor is damaged, too; what it gave before counts

    def _take(self, entry: Entry, pieces: Iterable[bytes]) -> None:
        positions = [self._seen.index.find(chunk) for chunk in _chunks(entry)]
        lengths = [position.length for position in positions if position is not None]
        known = len(lengths) == len(positions)
        missed = {chunk for chunk in _chunks(entry) if chunk not in self._seen.good}
        for piece in _cut(pieces, lengths) if known else pieces:
            chunk = self._seals.chunk_id(Type.DATA, piece)
            if chunk in missed and chunk not in self._seen.good:
                self._keep(chunk, piece)

    def _keep(self, chunk: bytes, piece: bytes) -> None:
        if len(self._plain) + len(piece) > SEGMENT_BYTES:
            self.finish()
        self._plain += piece
        self._ids += chunk
        self._lengths.append(len(piece))
        self._seen.good.add(chunk)
        self.healed += 1


def _cut(pieces: Iterable[bytes], lengths: Sequence[int]) -> Iterator[bytes]:
    """The same content in pieces of these lengths: another repository cuts large files in other places."""
    held = bytearray()
    ahead = iter(lengths)
    length = next(ahead, None)
    for piece in pieces:
        held += piece
        while length is not None and len(held) >= length:
            yield bytes(held[:length])
            del held[:length]
            length = next(ahead, None)


def _chunks(entry: Entry) -> list[bytes]:
    chunks = entry.cold.chunks
    return [chunks[start : start + 32] for start in range(0, len(chunks), 32)]
