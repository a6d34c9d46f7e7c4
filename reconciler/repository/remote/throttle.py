"""Not more bytes per second than a person allows, shared by all connections to one place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from reconciler.base.clock import Clock
from reconciler.repository.remote.waiting import LOOK_SECONDS

PIECE_BYTES = 64 * 1024


class Throttle:
    """A debt that is paid by waiting: whoever sends or receives a piece waits until the pieces before it are paid for."""

    def __init__(self, bytes_per_second: int | None, clock: Clock, stopped: Callable[[], bool] | None = None) -> None:
        """``stopped`` says that nobody should wait any more; what is still under way then passes at once."""
        self._rate = bytes_per_second
        self._stopped = stopped
        self._clock = clock
        self._free_at = clock.monotonic()
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Wait until ``size`` bytes more may pass."""
        if self._rate is None:
            return
        with self._lock:
            now = self._clock.monotonic()
            begin = max(self._free_at, now)
            self._free_at = begin + size / self._rate
        left = begin - now
        while left > 0 and not (self._stopped is not None and self._stopped()):
            step = left if self._stopped is None else min(left, LOOK_SECONDS)
            time.sleep(step)
            left -= step
