"""A store that is read no faster than somebody allows: a rehearsal must not take the line that users and backups need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from reconciler.base.clock import Clock
from reconciler.repository.remote.throttle import Throttle
from reconciler.repository.store import Store


class _Paced:
    """Only what brings content is slowed down: lists and single looks cost next to nothing."""

    def __init__(self, store: Store, throttle: Throttle) -> None:
        self._store = store
        self._throttle = throttle

    def get(self, name: str, limit: int) -> bytes:
        return self._paid(self._store.get(name, limit))

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        return self._paid(self._store.get_range(name, offset, length))

    def _paid(self, data: bytes) -> bytes:
        """After it was read: then the size is known, and the first piece is paid for like every other."""
        self._throttle.take(len(data))
        self._throttle.take(0)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def paced(store: Store, bytes_per_second: int, clock: Clock, stopped: Callable[[], bool]) -> Store:
    """``store`` as it is, but for the time that reading takes. A stop ends the waiting; helpers of other processes do not read it."""
    return cast("Store", _Paced(store, Throttle(bytes_per_second, clock, stopped)))
