"""One loop per state directory: an OS lock that dies with its process, and a fencing token in the catalog.

The lock decides. The token is for a loop that was stopped so long that its lock is gone with a network mount or a paused machine: the
next loop takes a greater one, and a run cannot be begun with the older.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reconciler.base.clock import Clock
from reconciler.catalog.catalog import Catalog
from reconciler.loop.errors import LoopBusy, LoopLockUnusable

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK = "loop.lock"


class Lease:
    """Held from :meth:`take` to :meth:`release`, or to the end of the process."""

    def __init__(self, lock: BaseFileLock, catalog: Catalog, token: int) -> None:
        self._lock = lock
        self._catalog = catalog
        self.token = token

    @classmethod
    def take(cls, state: Path, catalog: Catalog, clock: Clock) -> Self:
        """The lease of this state directory. Raises LoopBusy, naming the holder, without waiting."""
        from filelock import FileLock, Timeout

        lock = FileLock(state / LOCK, timeout=0, mode=0o600, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            holder = catalog.lease_holder()
            who = f"process {holder.pid}, since {holder.at:%Y-%m-%d %H:%M:%S} UTC" if holder else "another process"
            raise LoopBusy(f"the loop of {state} is already run by {who}", state=state) from None
        except (NotImplementedError, OSError) as error:
            raise LoopLockUnusable(f"the file {state / LOCK} cannot be locked: {error}", state=state) from error
        try:
            token = catalog.take_lease(clock.now())
        except BaseException:
            lock.release()
            raise
        return cls(lock, catalog, token)

    def release(self) -> None:
        """May be called twice."""
        if self._lock.is_locked:
            try:
                self._catalog.give_back_lease(self.token)
            finally:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()
