"""Reads parts of packs before they are asked for: neighbours in one request, several requests at a time.

Whoever knows what it will read says so, in order; the parts that lie side by side are joined, and so many are on their way that the wire
is never idle. What is not taken is dropped once the room is needed. Memory: about 48 MiB.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

from msgspec import Struct, field

from reconciler.repository.errors import RepositoryError
from reconciler.repository.index import SegmentPlace
from reconciler.repository.store import Readable

_JOINED_BYTES = 4 * 2**20
_GAP_BYTES = 64 * 1024  # read in vain rather than asked for apart
_BYTES_MAX = 48 * 2**20

_Key = tuple[bytes, int]


class _Run(Struct, eq=False):
    """Parts of one pack that are read with one request."""

    pack: str
    offset: int
    length: int
    left: set[_Key] = field(default_factory=set)
    """Parts that nobody has taken yet."""
    answer: Future[bytes] | None = None


class Ahead:
    """Threads may share it."""

    def __init__(self, place: Readable) -> None:
        self._place = place
        self._threads = ThreadPoolExecutor(place.at_once, "read-ahead")
        self._lock = threading.Lock()
        self._runs: dict[_Key, _Run] = {}
        self._waiting: deque[_Run] = deque()
        self._begun: deque[_Run] = deque()
        self._bytes = 0
        self._closed = False

    def expect(self, parts: Iterable[SegmentPlace]) -> None:
        """These will be taken, about in this order."""
        with self._lock:
            run: _Run | None = None
            for part in parts:
                key = part.pack, part.offset
                if key in self._runs:
                    continue
                run = self._joined(run, part) or self._new(part)
                run.left.add(key)
                self._runs[key] = run
            self._begin_waiting()

    def take(self, part: SegmentPlace) -> memoryview | None:
        """The part, once it is here; None: it was not expected, was taken before, or could not be read: then ask for it."""
        key = part.pack, part.offset
        with self._lock:
            run = self._runs.pop(key, None)
            if run is None or (self._closed and run.answer is None):
                return None
            if run.answer is None:
                self._waiting.remove(run)
                self._drop_stale()
                self._begin(run)
            answer = run.answer
        assert answer is not None
        try:
            data = answer.result()
        except (RepositoryError, CancelledError):
            return None
        finally:
            with self._lock:
                self._took(run, key)
        start = part.offset - run.offset
        return memoryview(data)[start : start + part.stored_bytes]

    def close(self) -> None:
        """Ask for nothing more: a program that ends would wait for what nobody takes."""
        with self._lock:
            self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _joined(self, run: _Run | None, part: SegmentPlace) -> _Run | None:
        if run is None or run.pack != part.pack_name:
            return None
        gap, end = part.offset - run.offset - run.length, part.offset + part.stored_bytes
        if not 0 <= gap <= _GAP_BYTES or end - run.offset > _JOINED_BYTES:
            return None
        run.length = end - run.offset
        return run

    def _new(self, part: SegmentPlace) -> _Run:
        run = _Run(part.pack_name, part.offset, part.stored_bytes)
        self._waiting.append(run)
        return run

    def _begin_waiting(self) -> None:
        while not self._closed and self._waiting and self._bytes + self._waiting[0].length <= _BYTES_MAX:
            self._begin(self._waiting.popleft())

    def _begin(self, run: _Run) -> None:
        run.answer = self._threads.submit(self._place.get_range, run.pack, run.offset, run.length)
        self._begun.append(run)
        self._bytes += run.length

    def _took(self, run: _Run, key: _Key) -> None:
        run.left.discard(key)
        if not run.left and run in self._begun:
            self._forget(run)
            self._begin_waiting()

    def _drop_stale(self) -> None:
        """What came long ago and nobody took: the reader had it from elsewhere, or gave up on the file that needed it."""
        while self._begun and self._bytes > _BYTES_MAX // 2 and (answer := self._begun[0].answer) is not None and answer.done():
            self._forget(self._begun[0])

    def _forget(self, run: _Run) -> None:
        self._begun.remove(run)
        self._bytes -= run.length
        for key in run.left:
            self._runs.pop(key, None)
