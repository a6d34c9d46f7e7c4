"""Takes new chunks, gathers them into segments, and has the segments sealed and packed by threads.

Reading and hashing stay in the caller's thread, so the index needs no lock and segments keep the order of the tree; compressing, encrypting
and verifying run beside it. A fixed set of buffers goes round: when all are in use the reader waits, which bounds the memory.
"""

from __future__ import annotations

import os
import queue
import threading
from array import array
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from reconciler.repository.codec import Codec
from reconciler.repository.format import SEGMENT_BYTES, WHOLE_FILE_BYTES, Type
from reconciler.repository.index import ChunkIndex
from reconciler.repository.pack import PackWriter
from reconciler.repository.seal import Seals, SegmentSealer, lengths_packed

_BUFFER_BYTES = SEGMENT_BYTES + WHOLE_FILE_BYTES + 4096
_BUFFERS = 6
_SEALERS = max(2, min(4, os.cpu_count() or 2))  # measured on two cores: a third thread gains nothing


class _Open:
    """A segment being filled."""

    __slots__ = ("buffer", "ids", "lengths", "size")

    def __init__(self, buffer: bytearray) -> None:
        self.buffer = buffer
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
        self._buffers: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        self._made = 0
        self._open: dict[Type, _Open] = {}
        self.new_chunks = 0

    def room(self, need: int) -> memoryview:
        """Space for ``need`` bytes where the next data chunk will stand; filled by the caller, kept by :meth:`keep` or simply reused."""
        segment = self._open.get(Type.DATA)
        if segment is not None and segment.size + need > len(segment.buffer):
            self._submit(Type.DATA)
            segment = None
        if segment is None:
            segment = self._open[Type.DATA] = _Open(self._buffer())
        return memoryview(segment.buffer)[segment.size : segment.size + need]

    def keep(self, chunk: bytes, length: int) -> None:
        """The first ``length`` bytes of the last :meth:`room` are this new chunk."""
        self._kept(Type.DATA, self._open[Type.DATA], chunk, length)

    def put(self, kind: Type, data: bytes) -> bytes:
        """Store a chunk of metadata unless it is known; returns its id."""
        chunk = self._seals.chunk_id(kind, data)
        if chunk in self._index:
            return chunk
        segment = self._open.get(kind)
        if segment is not None and segment.size + len(data) > len(segment.buffer):
            self._submit(kind)
            segment = None
        if segment is None:
            segment = self._open[kind] = _Open(self._buffer())
        if len(data) > len(segment.buffer):  # longer than a segment: alone in a buffer of its own size
            segment.buffer.extend(bytes(len(data) - len(segment.buffer)))
        segment.buffer[segment.size : segment.size + len(data)] = data
        self._kept(kind, segment, chunk, len(data))
        return chunk

    def put_alone(self, chunk: bytes, view: memoryview, release: Callable[[], None]) -> None:
        """A large data chunk as a segment of its own, straight from the caller's memory; ``release`` is called when that is free again."""
        self._index.expect(chunk)
        self.new_chunks += 1
        self._later(Type.DATA, view, chunk, lengths_packed(array("I", [len(view)])), release)

    def flush(self) -> None:
        """Return when everything handed over is sealed and in a pack. Raises the first error of a thread."""
        for kind in list(self._open):
            self._submit(kind)
        while self._jobs:
            self._jobs.popleft().result()

    def close(self) -> None:
        """Stop the threads; nothing is waited for but what already runs."""
        self._sealers.shutdown(wait=True, cancel_futures=True)

    def _kept(self, kind: Type, segment: _Open, chunk: bytes, length: int) -> None:
        self._index.expect(chunk)
        self.new_chunks += 1
        segment.ids += chunk
        segment.lengths.append(length)
        segment.size += length
        if segment.size >= SEGMENT_BYTES:
            self._submit(kind)

    def _submit(self, kind: Type) -> None:
        segment = self._open.pop(kind)
        if not segment.size and not segment.lengths:
            self._buffers.put(segment.buffer)
            return
        view = memoryview(segment.buffer)[: segment.size]
        self._later(kind, view, bytes(segment.ids), lengths_packed(segment.lengths), lambda: self._buffers.put(segment.buffer))

    def _later(self, kind: Type, plain: memoryview, ids: bytes, lengths: bytes, release: Callable[[], None]) -> None:
        self._check()
        self._jobs.append(self._sealers.submit(self._seal, kind, plain, ids, lengths, release))

    def _seal(self, kind: Type, plain: memoryview, ids: bytes, lengths: bytes, release: Callable[[], None]) -> None:
        try:
            sealer = getattr(self._local, "sealer", None)
            if sealer is None:
                sealer = self._local.sealer = SegmentSealer(self._seals, self._codec)
            packed, sealed = sealer.seal(kind, plain, ids, lengths)
            self._packs.append(kind, packed, len(plain), ids, lengths, sealed)
        finally:
            release()

    def _check(self) -> None:
        """Raise what a thread ran into, as soon as it is known."""
        while self._jobs and self._jobs[0].done():
            self._jobs.popleft().result()
        failure = self._packs.failure()
        if failure is not None:
            raise failure

    def _buffer(self) -> bytearray:
        if self._made < _BUFFERS and self._buffers.empty():
            self._made += 1
            return bytearray(_BUFFER_BYTES)
        return self.waited(self._buffers)

    def waited(self, pool: queue.SimpleQueue[bytearray]) -> bytearray:
        """The next free buffer of ``pool``; an error in a thread ends the wait."""
        while True:
            try:
                return pool.get(timeout=1.0)
            except queue.Empty:
                self._check()
