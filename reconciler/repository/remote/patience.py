"""When to ask again: which failures may pass, how long to wait between two tries, and when it is enough.

A failure that may pass is an :class:`Again`; every other error is final at once. Waits grow from a fifth of a second to half a minute, each
by chance between nothing and its full length, so that many who were refused together do not come back together. A place that says it is
busy is left alone by all threads for that time, not only by the one it said it to. A stop ends every wait (:mod:`waiting`).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import TypeVar

from reconciler.base.clock import Clock
from reconciler.repository.errors import RepositoryError
from reconciler.repository.remote.waiting import Waiting

T = TypeVar("T")

HINT = "Is the network up, the server running, and the address right?"
FIRST_CONTACT_SECONDS = 10.0  # a name that nobody resolves and a port that nobody opens are most often a slip of the pen
_WAIT_SECONDS = 0.2
_WAIT_SECONDS_MAX = 30.0


class Again(Exception):
    """It may work the next time. ``error``: what it is when patience has ended."""

    def __init__(self, error: RepositoryError, *, busy: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.busy = busy


class Patience:
    """Of one place; its threads share it."""

    def __init__(self, seconds: float, clock: Clock, waiting: Waiting | None = None) -> None:
        self._seconds = seconds
        self._clock = clock
        self._waiting = waiting or Waiting(None, clock, "")
        self._answered = False
        self._quiet_until = clock.monotonic()
        self._lock = threading.Lock()
        self.repeats = 0
        """How often something was asked again, for whoever wants to know."""

    def answered(self) -> None:
        """It is there: from now on a silence is a disturbance."""
        self._answered = True

    def run(self, attempt: Callable[[int], T]) -> T:
        """What ``attempt(number)`` returns, tried until its patience ends. Raises what it raises, and the error of the last Again."""
        began = self._clock.monotonic()
        number = 0
        while True:
            self._waiting.go_on(began, alive=False)
            self._keep_quiet(began)
            try:
                answer = attempt(number)
            except Again as again:
                wait = random.uniform(0, min(_WAIT_SECONDS_MAX, _WAIT_SECONDS * 2**number))
                limit = self._seconds if self._answered else min(self._seconds, FIRST_CONTACT_SECONDS)
                if self._clock.monotonic() + wait - began > limit:
                    raise again.error from again
                number += 1
                self._note(wait, busy=again.busy)
                self._waiting.sleep(wait, began)
            else:
                self._waiting.good()
                return answer

    def _note(self, wait: float, *, busy: bool) -> None:
        with self._lock:
            self.repeats += 1
            if busy:
                self._quiet_until = max(self._quiet_until, self._clock.monotonic() + wait)

    def _keep_quiet(self, began: float) -> None:
        with self._lock:
            wait = self._quiet_until - self._clock.monotonic()
        self._waiting.sleep(wait, began)
