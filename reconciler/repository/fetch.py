"""Reading chunks: a segment is fetched by range, decrypted and decoded once, and kept for its neighbours. Threads may share a fetcher."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Protocol

from reconciler.base.files import Buffer
from reconciler.repository.aead import InvalidTag
from reconciler.repository.codec import decompress
from reconciler.repository.errors import Damaged, ObjectMissing
from reconciler.repository.fetch_ahead import Ahead
from reconciler.repository.format import Type
from reconciler.repository.index import Position, SegmentPlace
from reconciler.repository.near import Kept, segment_name
from reconciler.repository.seal import Seals
from reconciler.repository.store import Readable

_KEPT_BYTES = 48 * 2**20


class Index(Protocol):
    """Where chunks are: the index of the repository, or the part of it that a task needs."""

    def find(self, chunk: bytes, /) -> Position | None: ...

    def segment(self, number: int, /) -> SegmentPlace: ...


class Fetcher:
    """Chunks by id. Memory: about 48 MiB of decoded segments; those of which everything was read that is expected once go first, then the
    least recently used."""

    def __init__(self, store: Readable, seals: Seals, index: Index, kept_bytes: int = _KEPT_BYTES, *, kept: Kept | None = None) -> None:
        """``kept``: where parts that describe snapshots may lie on this machine, for whoever does not look for damage."""
        self.store = store
        self._seals = seals
        self._index = index
        self._kept_bytes = kept_bytes
        self._lock = threading.Lock()
        self._segments: OrderedDict[int, Future[Buffer]] = OrderedDict()
        self._bytes = 0
        self._left: dict[int, int] = {}
        """Of segments whose chunks are read once each: how many are still to come."""
        self._latest: tuple[int, Buffer] = (-1, b"")
        self._kept = kept
        self._ahead = Ahead(store) if store.at_once > 1 else None

    def expect(self, chunks: Iterable[bytes], *, once: bool = False) -> None:
        """These will be read, about in this order: where a question takes time, it is asked now. ``once``: each by one call of
        :meth:`chunk`, and what they lie in is let go with the last of them. What is read otherwise arrives, too, and may take longer."""
        if self._ahead is None and not once:
            return
        numbers = Counter(position.segment for chunk in chunks if (position := self._index.find(chunk)) is not None)
        with self._lock:
            fresh = [number for number in numbers if number not in self._segments]
            if once:
                self._left |= {number: self._left.get(number, 0) + count for number, count in numbers.items()}
        self.expect_parts(map(self._index.segment, fresh))

    def expect_parts(self, places: Iterable[SegmentPlace]) -> None:
        """The same, of segments that will be read past the cache."""
        if self._ahead is not None:
            self._ahead.expect(place for place in places if not self._lies_here(place))

    def end(self) -> None:
        """Nothing more is asked for ahead; what is read from now on is asked for when it is."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.close()

    def position(self, chunk: bytes) -> Position | None:
        """Where a chunk is; None when no index knows it."""
        return self._index.find(chunk)

    def place(self, number: int) -> SegmentPlace:
        return self._index.segment(number)

    def locate(self, chunk: bytes) -> Position:
        """Raises ObjectMissing when no index knows the chunk."""
        position = self._index.find(chunk)
        if position is None:
            raise ObjectMissing(f"chunk {chunk.hex()[:16]} is in no index", object=chunk.hex())
        return position

    def chunk(self, kind: Type, chunk: bytes) -> bytes:
        """A chunk with its id computed again: exactly what was stored, or an error."""
        data = bytes(self.view(chunk))
        if self._seals.chunk_id(kind, data) != chunk:
            name = self._index.segment(self.locate(chunk).segment).pack_name
            raise Damaged(f"chunk {chunk.hex()[:16]} in {name} is not what its id says", object=name)
        if self._left:
            self._leave(self.locate(chunk).segment)
        return data

    def view(self, chunk: bytes) -> memoryview:
        """The authenticated bytes of a chunk; whoever uses them compares the id with what arrived at the end."""
        position = self.locate(chunk)
        return memoryview(self.segment(position.segment))[position.offset : position.offset + position.length]

    def pack_of(self, chunk: bytes) -> str:
        return self._index.segment(self.locate(chunk).segment).pack_name

    def segment(self, number: int) -> Buffer:
        """A decoded segment; two threads that want the same one decode it once."""
        latest = self._latest
        if latest[0] == number:  # neighbours in a tree lie in one segment: for small files this is nearly every call
            return latest[1]
        with self._lock:
            future = self._segments.get(number)
            if future is not None:
                self._segments.move_to_end(number)
                mine = None
            else:
                mine = future = self._segments[number] = Future()
                self._bytes += self._index.segment(number).plain_bytes
                self._shrink()
        if mine is not None:
            self._decode(number, mine)
        data = future.result()
        self._latest = (number, data)
        return data

    def _decode(self, number: int, future: Future[Buffer]) -> None:
        try:
            future.set_result(self.read_segment(number))
        except BaseException as error:  # noqa: BLE001 (whatever it is, the thread that waits for this segment must get it)
            with self._lock:
                if self._segments.pop(number, None) is not None:
                    self._bytes -= self._index.segment(number).plain_bytes
            future.set_exception(error)

    def _leave(self, number: int) -> None:
        """One chunk less of a segment is still to come."""
        with self._lock:
            left = self._left.pop(number, 0)
            if left > 1:
                self._left[number] = left - 1
            elif left and self._segments.pop(number, None) is not None:
                self._bytes -= self._index.segment(number).plain_bytes
                if self._latest[0] == number:
                    self._latest = (-1, b"")

    def _shrink(self) -> None:
        while self._bytes > self._kept_bytes and len(self._segments) > 1:
            number, _ = self._segments.popitem(last=False)
            self._bytes -= self._index.segment(number).plain_bytes

    def read_segment(self, number: int) -> Buffer:
        """Read and decode a segment past the cache. Raises Damaged or ObjectMissing naming the pack."""
        return self.read_place(self._index.segment(number))

    def read_place(self, place: SegmentPlace) -> Buffer:
        """The same, where the index need not know the segment."""
        return self.decode(place, self._sealed(place))

    def _sealed(self, place: SegmentPlace) -> Buffer:
        name = segment_name(place.pack_name, place.offset)
        keeps = self._kept is not None and place.kind != Type.DATA
        data: Buffer | None = self._kept.get(name, place.stored_bytes) if keeps and self._kept is not None else None
        if data is not None:
            return data
        ahead = self._ahead
        data = ahead.take(place) if ahead is not None else None
        if data is None:
            data = self.store.get_range(place.pack_name, place.offset, place.stored_bytes)
        if keeps and self._kept is not None:
            self._kept.put(name, bytes(data))
        return data

    def _lies_here(self, place: SegmentPlace) -> bool:
        return self._kept is not None and place.kind != Type.DATA and self._kept.has(segment_name(place.pack_name, place.offset))

    def decode(self, place: SegmentPlace, sealed: Buffer) -> Buffer:
        """The plaintext of a sealed segment. Raises Damaged naming the pack."""
        associated = self._seals.associated(place.kind, place.id, place.packed, place.plain_bytes)
        try:
            small = self._seals.cipher(place.kind).unseal(sealed, associated)
            return decompress(place.packed, small, place.plain_bytes)
        except InvalidTag:
            problem = "fails its authentication"
        except ValueError as error:
            problem = str(error)
        raise Damaged(f"the segment at {place.offset} of {place.pack_name} {problem}", object=place.pack_name)
