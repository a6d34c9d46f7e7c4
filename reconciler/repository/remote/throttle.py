"""Not more bytes per second than a person allows, shared by all connections to one place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from reconciler.base.clock import Clock

PIECE_BYTES = 64 * 1024
_ASKED_SECONDS = 0.2
"""So often somebody who waits looks whether he still has to."""


class Throttle:
    """A debt that is paid by waiting: whoever sends or receives a piece waits until the pieces before it are paid for."""

    def __init__(self, bytes_per_second: int | None, clock: Clock) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._free_at = clock.monotonic()
        self._lock = threading.Lock()

    def take(self, size: int, stopped: Callable[[], bool] | None = None) -> None:
        """Wait until ``size`` bytes more may pass, or until ``stopped`` says that nobody waits for them any more."""
        if self._rate is None:
            return
        with self._lock:
            now = self._clock.monotonic()
            begin = max(self._free_at, now)
            self._free_at = begin + size / self._rate
        left = begin - now
        while left > 0 and not (stopped is not None and stopped()):
            step = left if stopped is None else min(left, _ASKED_SECONDS)
            time.sleep(step)
            left -= step
