"""Takes new chunks, gathers them into segments, and has the segments sealed and packed.

Reading and hashing stay in the caller's thread, so the index needs no lock and segments keep the order of the tree; compressing, encrypting
and verifying run beside it: in threads at first, in helper processes once there is enough of it. A fixed set of buffers goes round: when
all are in use the reader waits, which bounds the memory.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from reconciler.base.arena import Arena, Region
from reconciler.repository.codec import Codec
from reconciler.repository.errors import HelperLost
from reconciler.repository.format import SEGMENT_BYTES, SEGMENT_CHUNKS, WHOLE_FILE_BYTES, Packed, Type
from reconciler.repository.helper import HELPERS_MAX, helpers_here
from reconciler.repository.index import ChunkIndex
from reconciler.repository.pack import PackWriter
from reconciler.repository.read_crew import CREW_BYTES, ReadCrew
from reconciler.repository.seal import SEAL_BYTES, Seals, SegmentSealer, lengths_packed
from reconciler.repository.seal_crew import SealCrew

_T = TypeVar("_T")

_BUFFER_BYTES = SEGMENT_BYTES + WHOLE_FILE_BYTES + 4096
_BUFFERS = 8
_HELPERS_FROM = 16  # segments; fewer are sealed before helpers would have started
_SEALED_BYTES_MAX = 17 * 2**20  # in helpers; what is longer is sealed here
_ARENA_BYTES = (
    (_BUFFERS + 2) * _BUFFER_BYTES + 64 * 2**20 + 2 * HELPERS_MAX * (_SEALED_BYTES_MAX + 2**16) + CREW_BYTES
)  # touched as far as it is used
_SEALERS = max(2, min(4, os.cpu_count() or 2))  # measured on two cores: a third thread gains nothing


class _Open:
    """A segment being filled."""

    __slots__ = ("ids", "lengths", "region", "size", "view")

    def __init__(self, region: Region) -> None:
        self.region = region
        self.view = region.view
        self.ids = bytearray()
        self.lengths = array("I")
        self.size = 0


class Sink:
    """One per run, used by one thread."""

    def __init__(self, seals: Seals, codec: Codec, packs: PackWriter, index: ChunkIndex) -> None:
        self._seals = seals
        self._codec = codec
        self._packs = packs
        self._index = index
        self._local = threading.local()
        self._sealers = ThreadPoolExecutor(_SEALERS, "seal")
        self._jobs: deque[Future[None]] = deque()
        self._arena = Arena(_ARENA_BYTES)
        self._crew: SealCrew | None = None
        self._first_sealers: ThreadPoolExecutor | None = None
        self._handed_over = 0
        self._buffers: queue.SimpleQueue[Region] = queue.SimpleQueue()
        self._made = 0
        self._open: dict[Type, _Open] = {}
        self.new_chunks = 0

    def room(self, need: int) -> memoryview:
        """Space for ``need`` bytes where the next data chunk will stand; filled by the caller, kept by :meth:`keep` or simply reused."""
        segment = self._open.get(Type.DATA)
        if segment is not None and segment.size + need > len(segment.view):
            self._submit(Type.DATA)
            segment = None
        if segment is None:
            segment = self._open[Type.DATA] = _Open(self._buffer())
        return segment.view[segment.size : segment.size + need]

    def keep(self, chunk: bytes, length: int) -> None:
        """The first ``length`` bytes of the last :meth:`room` are this new chunk."""
        self._kept(Type.DATA, self._open[Type.DATA], chunk, length)

    def put(self, kind: Type, data: bytes) -> bytes:
        """Store a chunk of metadata unless it is known; returns its id."""
        chunk = self._seals.chunk_id(kind, data)
        if chunk in self._index:
            return chunk
        if len(data) > _BUFFER_BYTES:
            self._put_alone(kind, chunk, Region(memoryview(data), None), lambda: None)
            return chunk
        segment = self._open.get(kind)
        if segment is not None and segment.size + len(data) > len(segment.view):
            self._submit(kind)
            segment = None
        if segment is None:
            segment = self._open[kind] = _Open(self._buffer())
        segment.view[segment.size : segment.size + len(data)] = data
        self._kept(kind, segment, chunk, len(data))
        return chunk

    def memory(self, size: int) -> Region:
        """A region of ``size`` bytes for the caller to keep, from which :meth:`put_alone` is cheapest."""
        return self._arena.take(size)

    def readers(self, checksums: Sequence[str], *, much_to_seal: bool) -> ReadCrew | None:
        """Processes that read ahead into the same memory; None: nobody can share it. ``much_to_seal``: leave processors to that."""
        if not self._arena.is_shared:
            return None
        return ReadCrew(self._seals.ids_key, checksums, self._arena, max(1, helpers_here() - much_to_seal))

    def put_alone(self, chunk: bytes, region: Region, release: Callable[[], None]) -> None:
        """A large data chunk as a segment of its own, straight from the caller's memory; ``release`` is called when that is free again."""
        self._put_alone(Type.DATA, chunk, region, release)

    def flush(self) -> None:
        """Return when everything handed over is sealed and in a pack. Raises the first error of a thread."""
        for kind in list(self._open):
            self._submit(kind)
        while self._jobs:
            self._jobs.popleft().result()

    def close(self) -> None:
        """Stop threads and helpers; nothing is waited for but what already runs."""
        for sealers in (self._first_sealers, self._sealers):
            if sealers is not None:
                sealers.shutdown(wait=True, cancel_futures=True)
        if self._crew is not None:
            self._crew.close()
        self._arena.close()

    def _put_alone(self, kind: Type, chunk: bytes, region: Region, release: Callable[[], None]) -> None:
        self._index.expect(chunk)
        self.new_chunks += 1
        self._later(kind, region, chunk, lengths_packed(array("I", [len(region.view)])), release)

    def _kept(self, kind: Type, segment: _Open, chunk: bytes, length: int) -> None:
        self._index.expect(chunk)
        self.new_chunks += 1
        segment.ids += chunk
        segment.lengths.append(length)
        segment.size += length
        if segment.size >= SEGMENT_BYTES or len(segment.lengths) >= SEGMENT_CHUNKS:
            self._submit(kind)

    def _submit(self, kind: Type) -> None:
        segment = self._open.pop(kind)
        if not segment.size and not segment.lengths:
            self._buffers.put(segment.region)
            return
        filled = Region(segment.view[: segment.size], segment.region.offset)
        self._later(kind, filled, bytes(segment.ids), lengths_packed(segment.lengths), lambda: self._buffers.put(segment.region))

    def _later(self, kind: Type, plain: Region, ids: bytes, lengths: bytes, release: Callable[[], None]) -> None:
        self._check()
        self._handed_over += 1
        if self._handed_over == _HELPERS_FROM and self._arena.is_shared and helpers_here():
            self._crew = SealCrew(self._seals, self._codec, self._arena, _SEALED_BYTES_MAX)
            self._first_sealers, self._sealers = self._sealers, ThreadPoolExecutor(self._crew.threads, "seal-helped")
        self._jobs.append(self._sealers.submit(self._seal, self._crew, kind, plain, ids, lengths, release))

    def _seal(self, crew: SealCrew | None, kind: Type, plain: Region, ids: bytes, lengths: bytes, release: Callable[[], None]) -> None:
        """``crew``: as it was when the segment was handed over, so that only the threads that it has seats for ask it."""
        try:
            packed, sealed = self._sealed(crew, kind, plain, ids, lengths)
            self._packs.append(kind, packed, len(plain.view), ids, lengths, sealed)
        finally:
            release()

    def _sealed(self, crew: SealCrew | None, kind: Type, plain: Region, ids: bytes, lengths: bytes) -> tuple[Packed, memoryview]:
        if crew is not None and plain.offset is not None and len(plain.view) <= _SEALED_BYTES_MAX - SEAL_BYTES:
            with contextlib.suppress(HelperLost):  # nothing is lost with it: the content is still here
                return crew.seal(kind, plain.offset, len(plain.view), ids, lengths)
        sealer: SegmentSealer | None = getattr(self._local, "sealer", None)
        if sealer is None:
            sealer = self._local.sealer = SegmentSealer(self._seals, self._codec)
        return sealer.seal(kind, plain.view, ids, lengths)

    def _check(self) -> None:
        """Raise what a thread ran into, as soon as it is known."""
        while self._jobs and self._jobs[0].done():
            self._jobs.popleft().result()
        failure = self._packs.failure()
        if failure is not None:
            raise failure

    def _buffer(self) -> Region:
        if self._made < _BUFFERS and self._buffers.empty():
            self._made += 1
            return self._arena.take(_BUFFER_BYTES)
        return self.waited(self._buffers)

    def waited(self, pool: queue.SimpleQueue[_T]) -> _T:
        """The next free buffer of ``pool``; an error in a thread ends the wait."""
        while True:
            try:
                return pool.get(timeout=1.0)
            except queue.Empty:
                self._check()
