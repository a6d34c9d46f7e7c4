"""Whether somebody has asked to stop, for whoever waits deep inside: a place on the network that says nothing must not hold up the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stopping:
    """Of one session. Each verb that can be stopped is heeded while it runs; threads may ask."""

    def __init__(self) -> None:
        self._heeded: tuple[threading.Event, ...] = ()
        self._lock = threading.Lock()

    def __call__(self) -> bool:
        return any(stop.is_set() for stop in self._heeded)

    @contextmanager
    def heeding(self, stop: threading.Event | None) -> Iterator[threading.Event]:
        """``stop``, or one that nobody sets."""
        stop = stop or threading.Event()
        with self._lock:
            self._heeded = (*self._heeded, stop)
        try:
            yield stop
        finally:
            with self._lock:
                left = list(self._heeded)
                left.remove(stop)
                self._heeded = tuple(left)
