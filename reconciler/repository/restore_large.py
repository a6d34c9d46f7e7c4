"""Writes the content of a file of more than one chunk and reads it back. Each chunk has a place of its own in the file, so several threads
take one each: decoded, written, read again and compared with its id, and only then the next one.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cached_property
from typing import Final, NamedTuple

from msgspec import Struct, field

from reconciler.base.files import read_into
from reconciler.repository.entries import Entry, ids_of
from reconciler.repository.errors import Damaged
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Type
from reconciler.repository.places import Part, Places
from reconciler.repository.seal import Seals

_THREADS: Final = max(2, min(4, os.cpu_count() or 2))
_THREADS_FROM: Final = 8  # chunks: fewer are written before threads would be worth it
_AHEAD: Final = 2  # chunks that wait for each thread


class _Placed(NamedTuple):
    """A chunk, and where it goes."""

    chunk: bytes
    parts: tuple[Part, ...]


class LargeWriter(Struct, dict=True):
    """Threads may share it, and it has some of its own for all of them, each with a buffer as large as the largest chunk that it met."""

    fetcher: Fetcher
    seals: Seals
    _own: threading.local = field(default_factory=threading.local)

    def write(self, handle: int, entry: Entry) -> None:
        """All of it, proven. Raises Damaged, ObjectMissing or OSError; then nobody writes to ``handle`` any more."""
        placed = self._placed(entry)
        if len(entry.cold.chunks) < 32 * _THREADS_FROM:
            for each in placed:
                self._write(handle, each)
            return
        under_way: deque[Future[None]] = deque()
        try:
            for each in placed:
                under_way.append(self._threads.submit(self._write, handle, each))
                if len(under_way) > (1 + _AHEAD) * _THREADS:
                    under_way.popleft().result()
            while under_way:
                under_way.popleft().result()
        finally:
            wait([each for each in under_way if not each.cancel()])

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        """They end with the last reference to them."""
        return ThreadPoolExecutor(_THREADS, "restore-large")

    def _placed(self, entry: Entry) -> Iterator[_Placed]:
        """No two in one place: each would be proven, and one be lost."""
        places, end = Places(entry), 0
        for chunk in ids_of(entry.cold.chunks):
            parts = tuple(places.take(self.fetcher.locate(chunk).length))
            for offset, length in parts:
                if offset < end:
                    raise Damaged("its extents overlap")
                end = offset + length
            yield _Placed(chunk, parts)
        if not places.complete:
            raise Damaged("its chunks do not add up to its size")

    def _write(self, handle: int, placed: _Placed) -> None:
        chunk, parts = placed
        view, size = self.fetcher.view(chunk), sum(length for _, length in parts)
        if len(view) != size:
            raise Damaged(f"chunk {chunk.hex()[:16]} of {self.fetcher.pack_of(chunk)} is shorter than the index says")
        room, start, is_there = self._room(size), 0, True
        for offset, length in parts:
            _write_all(handle, view[start : start + length], offset)
            is_there &= _read_all(handle, room[start : start + length], offset)
            start += length
        if not is_there or self.seals.chunk_id(Type.DATA, room) != chunk:
            raise Damaged(f"what was written differs from chunk {chunk.hex()[:16]} of {self.fetcher.pack_of(chunk)}")

    def _room(self, size: int) -> memoryview:
        room: bytearray | None = getattr(self._own, "room", None)
        if room is None or len(room) < size:
            room = self._own.room = bytearray(size)
        return memoryview(room)[:size]


def _write_all(handle: int, piece: memoryview, offset: int) -> None:
    while piece:
        written = os.pwrite(handle, piece, offset)
        offset += written
        piece = piece[written:]


def _read_all(handle: int, room: memoryview, offset: int) -> bool:
    """Whether there was so much: what is missing stays in ``room`` as it was there from another chunk."""
    while room:
        count = read_into(handle, room, offset)
        if not count:
            return False
        offset += count
        room = room[count:]
    return True
