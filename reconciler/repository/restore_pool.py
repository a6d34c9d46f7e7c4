"""Threads that hand the batches of a restore to whoever writes them, and what waits for its turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from reconciler.repository.entries import Entry
from reconciler.repository.restore_crew import Crew
from reconciler.repository.restore_files import FileWriter, Written

_THREADS = 2  # measured: a third gains nothing on two cores, Python's part is under one lock
_AHEAD = 6  # batches that wait: enough for the helpers while the next window is read and sorted


class Pool:
    """Runs ``account(batch, written)`` for each batch, by one of its threads, as soon as the batch is written."""

    def __init__(self, account: Callable[[Sequence[Entry], Written], None]) -> None:
        self._account = account
        self._writer: Crew | FileWriter | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._waiting_max = 0
        self._jobs: deque[Future[None]] = deque()

    def open(self, writer: Crew | FileWriter) -> None:
        """Before the first batch; a crew belongs to the pool from now on."""
        self._writer = writer
        size = writer.threads if isinstance(writer, Crew) else _THREADS
        self._threads = ThreadPoolExecutor(size, "restore")
        self._waiting_max = size + _AHEAD

    @property
    def small(self) -> bool:
        """Whether this process writes everything by itself."""
        return not isinstance(self._writer, Crew)

    def run(self, batches: Iterable[Sequence[Entry]], between: Callable[[], None]) -> None:
        """Hand all batches over; returns with some of them still being written. Raises what a batch or ``between`` raised."""
        assert self._threads is not None
        for batch in batches:
            self._jobs.append(self._threads.submit(self._run, batch))
            while len(self._jobs) > self._waiting_max or (self._jobs and self._jobs[0].done()):
                self._jobs.popleft().result()
            between()

    def finish(self) -> None:
        """Wait for everything that was handed over. Raises what a batch raised."""
        while self._jobs:
            self._jobs.popleft().result()

    def close(self) -> None:
        """Drop what has not begun, wait for what has, end the helpers."""
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
        if isinstance(self._writer, Crew):
            self._writer.close()

    def _run(self, batch: Sequence[Entry]) -> None:
        assert self._writer is not None
        self._account(batch, self._writer.write(batch))
