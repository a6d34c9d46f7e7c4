"""Has what is written to a target made durable while more of it is written, so that the disk does not stand idle until the end.

The kernel begins to write by itself when a tenth of the memory is waiting to be written, which a restore of a few gigabytes never reaches.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

SYNCED_BYTES: Final = 128 * 2**20


class EarlySync:
    """One per restore. Threads may share it. A sync that failed is not asked again: what it raised is kept for :meth:`end`."""

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._under_way: Future[None] | None = None
        self._synced_bytes = 0

    def written(self, total_bytes: int) -> None:
        """So much has been written since the beginning: begin a sync when that is much more than before, and none is under way."""
        with self._lock:
            if total_bytes - self._synced_bytes < SYNCED_BYTES:
                return
            if self._under_way is not None and (not self._under_way.done() or self._under_way.exception() is not None):
                return
            self._synced_bytes = total_bytes
            self._thread = self._thread or ThreadPoolExecutor(1, "early-sync")
            self._under_way = self._thread.submit(self._sync)

    def end(self) -> None:
        """Return when none is under way any more; raises what one raised. What was written since the last one began needs another."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        if self._under_way is not None:
            self._under_way.result()
