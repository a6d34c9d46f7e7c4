"""Copies what is still needed out of packs that go.

A segment at least half of which is needed moves byte for byte; what is left of the others is sealed again.

Nothing is trusted on the way: each segment is decrypted and its chunks are hashed before they move, and every new pack is read back whole
before anybody relies on it.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Sequence

from reconciler.repository.codec import Codec
from reconciler.repository.errors import Damaged
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import SEGMENT_BYTES, Type
from reconciler.repository.index import ChunkIndex, SegmentPlace, places_of
from reconciler.repository.pack import PackEntry, PackWriter, Segment
from reconciler.repository.seal import Seals, SegmentSealer, lengths_packed
from reconciler.repository.store import Store

_READ_BYTES = 4 * 2**20
_TINY_BYTES = SEGMENT_BYTES // 4  # segments below this are worth joining with others

Needed = Sequence[tuple[bytes, int]]
"""Chunk ids with their lengths."""


def moves_whole(segment: Segment, needed: int) -> bool:
    """Whether a segment of which ``needed`` bytes are needed is copied as it stands: sealing it again would cost more than it saves."""
    return 2 * needed >= segment.plain_bytes


def each_once(wanted: set[bytes]) -> Callable[[PackEntry, int], Needed]:
    """For :meth:`Mover.move`: whatever of ``wanted`` a segment holds. What was found leaves ``wanted``, so nothing is copied twice."""

    def needed(entry: PackEntry, number: int) -> Needed:
        found = {chunk: length for chunk, _, length in entry.segments[number].chunks() if chunk in wanted}
        wanted.difference_update(found)
        return list(found.items())

    return needed


class _Joined:
    """Chunks of one type that wait for being sealed together."""

    def __init__(self) -> None:
        self.plain = bytearray()
        self.ids = bytearray()
        self.lengths = array("I")


class Mover:
    """One per run of a clean-up."""

    def __init__(self, store: Store, seals: Seals) -> None:
        self._store = store
        self._seals = seals
        self._fetcher = Fetcher(store, seals, ChunkIndex())
        self._packs = PackWriter(store, seals)
        self._sealer = SegmentSealer(seals, Codec())
        self._joined: dict[Type, _Joined] = {}

    def check(self, entry: PackEntry, number: int, chunks: set[bytes]) -> None:
        """Raise Damaged or ObjectMissing unless these chunks really are in this segment."""
        place = list(places_of(entry, self._seals))[number]
        self._verified(place, entry.segments[number], chunks, self._read(place))

    def move(self, entry: PackEntry, needed: Callable[[PackEntry, int], Needed]) -> None:
        """Copy what ``needed`` says of each segment. Raises Damaged or ObjectMissing naming the pack."""
        for number, place in enumerate(places_of(entry, self._seals)):
            wanted = dict(needed(entry, number))
            if wanted:
                self._move(place, entry.segments[number], wanted)

    def finish(self) -> list[PackEntry]:
        """The new packs, durable and read back; nothing names them yet."""
        try:
            for kind in list(self._joined):
                self._seal(kind)
            entries = self._packs.flush()
            self._store.barrier()
        finally:
            self._packs.close()
        for entry in entries:
            self._read_back(entry)
        return entries

    def abort(self) -> None:
        self._packs.abort()

    def _move(self, place: SegmentPlace, segment: Segment, wanted: dict[bytes, int]) -> None:
        sealed = self._read(place)
        plain = self._verified(place, segment, set(wanted), sealed)
        kind = Type(segment.kind)
        if moves_whole(segment, sum(wanted.values())) and segment.plain_bytes >= _TINY_BYTES:
            self._packs.append(kind, segment.packed, segment.plain_bytes, segment.ids, segment.lengths, sealed)
            return
        joined = self._joined.setdefault(kind, _Joined())
        for chunk, offset, length in segment.chunks():
            if chunk in wanted:
                del wanted[chunk]  # a segment may hold the same content twice
                joined.plain += plain[offset : offset + length]
                joined.ids += chunk
                joined.lengths.append(length)
        if len(joined.plain) >= SEGMENT_BYTES:
            self._seal(kind)

    def _seal(self, kind: Type) -> None:
        joined = self._joined.pop(kind)
        ids, lengths = bytes(joined.ids), lengths_packed(joined.lengths)
        packed, sealed = self._sealer.seal(kind, memoryview(joined.plain), ids, lengths)
        self._packs.append(kind, packed, len(joined.plain), ids, lengths, sealed)

    def _read(self, place: SegmentPlace) -> memoryview:
        return memoryview(self._store.get_range(place.pack_name, place.offset, place.stored_bytes))

    def _verified(self, place: SegmentPlace, segment: Segment, chunks: set[bytes], sealed: memoryview) -> memoryview:
        view = memoryview(self._fetcher.decode(place, sealed))
        for chunk, offset, length in segment.chunks():
            if chunk in chunks and self._seals.chunk_id(Type(segment.kind), view[offset : offset + length]) != chunk:
                raise Damaged(f"chunk {chunk.hex()[:16]} in {place.pack_name} is not what its id says", object=place.pack_name)
        return view

    def _read_back(self, entry: PackEntry) -> None:
        digest = hashlib.sha256()
        for start in range(0, entry.size, _READ_BYTES):
            digest.update(self._store.get_range(entry.name, start, min(_READ_BYTES, entry.size - start)))
        if digest.digest() != entry.pack:
            raise Damaged(
                f"{entry.name} reads back other bytes than were written", object=entry.name, hint="Is the disk of the repository sound?"
            )
