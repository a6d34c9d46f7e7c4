"""One loop per state directory: an OS lock that dies with its process, and a lease row whose token fences off a loop that overslept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.app.errors import LoopBusy
from reconciler.app.house import House

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog

LOCK = "loop.lock"


@contextmanager
def holding_the_loop(house: House, catalog: Catalog) -> Iterator[int]:
    """The token while this process holds the loop; LoopBusy names who holds it instead."""
    from filelock import FileLock, Timeout

    lock = FileLock(house.memory.state / LOCK, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        holder = catalog.lease_holder()
        raise LoopBusy(f"another process holds the loop of {house.memory.state}: {holder or 'it has just begun'}") from error
    try:
        token = catalog.take_lease(house.clock.now())
        try:
            yield token
        finally:
            catalog.give_back_lease(token)
    finally:
        lock.release()
