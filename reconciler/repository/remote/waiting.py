"""How long anybody waits for a place once somebody has asked to stop: as long as it gives signs of life, and a few seconds of silence.

A checkpoint after a stop still asks the place, and a place that works is given the time for it. One that was silent for so long counts as
silent until a question is answered again: whatever else would ask it then fails at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from queue import SimpleQueue
from typing import Any, TypeVar

from reconciler.base.clock import Clock
from reconciler.base.errors import Cancelled

T = TypeVar("T")

STOP_SECONDS = 3.0
"""So long may a place be silent after a stop."""
LOOK_SECONDS = 0.2
"""So often somebody who waits looks whether he still has to."""


class Waiting:
    """Of one place; its threads share it."""

    def __init__(self, stopped: Callable[[], bool] | None, clock: Clock, url: str) -> None:
        """``stopped``: None where nobody can ask to stop."""
        self._stopped = stopped
        self._clock = clock
        self._url = url
        self._alive_at = clock.monotonic()
        self._stopped_at: float | None = None
        self._silent = False
        self._crew = _Crew()

    def alive(self) -> None:
        """Bytes came, or were taken."""
        self._alive_at = self._clock.monotonic()

    def good(self) -> None:
        """A question was answered as it should be."""
        self._alive_at, self._silent = self._clock.monotonic(), False

    def stopped(self) -> bool:
        """Whether somebody has asked to stop."""
        if self._stopped is None or not self._stopped():
            self._stopped_at, self._silent = None, False
            return False
        if self._stopped_at is None:
            self._stopped_at = self._clock.monotonic()
        return True

    def go_on(self, began: float, *, alive: bool = True) -> None:
        """Raises Cancelled when nobody should wait any more for the answer to what was asked at ``began``.

        ``alive``: whether signs of life count; an answer that says "busy" is one, and yet brings nobody further.
        """
        if not self.stopped():
            return
        since = max(began, self._stopped_at or began, self._alive_at if alive else began)
        if self._silent or self._clock.monotonic() - since > STOP_SECONDS:
            self._silent = True
            raise Cancelled(f"{self._url} did not answer, and somebody asked to stop", repository=self._url)

    def sleep(self, seconds: float, began: float) -> None:
        """Raises Cancelled as :meth:`go_on` does."""
        while seconds > 0:
            self.go_on(began, alive=False)
            step = min(seconds, LOOK_SECONDS) if self._stopped is not None else seconds
            time.sleep(step)
            seconds -= step

    def beside(self, work: Callable[[], T]) -> T:
        """What ``work`` gives, done by another thread: this one can leave it alone with a place that says nothing. Raises Cancelled."""
        return work() if self._stopped is None else self.answer(self._crew.begin(work))

    def answer(self, future: Future[T]) -> T:
        """What another thread brings. Raises Cancelled, and then nobody waits for it any more."""
        if self._stopped is None:
            return future.result()
        began = self._clock.monotonic()
        while True:
            try:
                return future.result(LOOK_SECONDS)
            except NotYet:
                if future.done():  # the work itself timed out
                    raise
                self.go_on(began)


class _Crew:
    """Threads that do one piece of work after another. A process that ends does not wait for them."""

    def __init__(self) -> None:
        self._free: list[SimpleQueue[tuple[Future[Any], Callable[[], Any]]]] = []
        self._lock = threading.Lock()

    def begin(self, work: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            orders = self._free.pop() if self._free else None
        if orders is None:
            orders = SimpleQueue()
            threading.Thread(target=self._serve, args=(orders,), name="question", daemon=True).start()
        orders.put((future, work))
        return future

    def _serve(self, orders: SimpleQueue[tuple[Future[Any], Callable[[], Any]]]) -> None:
        while True:
            future, work = orders.get()
            result, failure = None, None
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - handed on to whoever waits
                failure = error
            with self._lock:
                self._free.append(orders)
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(result)
            del future, work, result, failure
