"""How much each repository takes, counted beside the passes: what hangs there delays no backup, and what is large is counted less often.

The newest count stands in the catalog, so a restart counts nothing again and whoever only looks sees it, too.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import msgspec

from reconciler.app.house import House
from reconciler.app.scene import Scene
from reconciler.base.errors import ReconcilerError
from reconciler.base.log import get
from reconciler.model.desired import DesiredRepository
from reconciler.model.stock import Stock
from reconciler.observe.deadline import within

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog

EVERY_FAR = timedelta(hours=1)
"""Over a network, where a list costs money. What is on a disk, or has so few objects that they are one answer, is counted each time it
is looked at."""
SMALL_OBJECTS_MAX = 1000
AGAIN = timedelta(hours=1)  # after a failure
SHARE = 100
"""Counting takes a hundredth of the time at most: what took a minute is counted again after 100 minutes."""
SECONDS_MAX = 600.0
SECONDS_MAX_AT_ONCE = 30.0  # somebody waits for a single pass
CLOSE_SECONDS = 1.0
_KEY = "stock"
_log = get("app")


class StockTaker:
    """Of one process. All but the counting itself is called by the passes, which come from one thread."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._thread: threading.Thread | None = None
        self._new: SimpleQueue[Stock] = SimpleQueue()
        self._tried: dict[str, datetime] = {}
        """By repository: when counting last began. One that fails is not tried again in each pass."""

    def begin(self, scene: Scene, catalog: Catalog) -> None:
        """Count in another thread where it is time, if that one is not at it already."""
        if self._thread is not None and self._thread.is_alive():
            return
        wanted = self._due(scene, read_stock(catalog))
        if wanted:
            self._thread = threading.Thread(target=self._count, args=(wanted, scene.now, SECONDS_MAX), name="stock", daemon=True)
            self._thread.start()

    def look(self, scene: Scene, catalog: Catalog) -> None:
        """The same for a single pass: at once."""
        self._count(self._due(scene, read_stock(catalog)), scene.now, SECONDS_MAX_AT_ONCE)

    def keep(self, scene: Scene, catalog: Catalog) -> None:
        """Put what was counted since the last time into the catalog, where :func:`read_stock` finds it."""
        new = {}
        while True:
            try:
                stock = self._new.get_nowait()
            except Empty:
                break
            new[stock.repository] = stock
        if new:
            names = {repository.name for repository in scene.desired.repositories}
            kept = [stock for name, stock in ({**read_stock(catalog), **new}).items() if name in names]
            catalog.put_value(_KEY, msgspec.json.encode(kept).decode())

    def close(self) -> None:
        """Let a count that is under way end, if it does soon."""
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _due(self, scene: Scene, known: Mapping[str, Stock]) -> list[DesiredRepository]:
        """Only where it answers, and is ours to read. From now on these count as tried."""
        found = []
        for repository in scene.desired.repositories:
            name = repository.name
            state, last, tried = scene.observed.repositories.get(name), known.get(name), self._tried.get(name)
            if repository.observed_only or state is None or not state.reachable:
                continue
            if tried is not None and (last is None or last.at != tried) and abs(scene.now - tried) < AGAIN:
                continue  # it failed
            if last is None or abs(scene.now - last.at) >= _pause(repository, last, scene.desired.settings.observe_every):
                found.append(repository)
                self._tried[name] = scene.now
        return found

    def _count(self, wanted: list[DesiredRepository], now: datetime, seconds_max: float) -> None:
        for repository in wanted:
            what = f"repository {repository.name}"
            try:
                self._new.put(within(seconds_max, partial(self._counted, repository, now), what=what, key=f"stock {what}"))
            except ReconcilerError:
                continue  # the next listing says what is wrong; that the number grows old shows in when it was counted
            except Exception:  # noqa: BLE001 - a defect in counting must not end what protects everything
                _log.exception("counting what a repository takes failed unexpectedly", repository=repository.name)

    def _counted(self, wanted: DesiredRepository, now: datetime) -> Stock:
        began = self._house.clock.monotonic()
        with self._house.open_repository(wanted) as opened:
            objects, size = opened.stock()
        return Stock(wanted.name, now, objects, size, self._house.clock.monotonic() - began)


def read_stock(catalog: Catalog) -> Mapping[str, Stock]:
    """By repository: as last counted. What another version has written in another way was not counted."""
    try:
        kept = msgspec.json.decode(catalog.get_value(_KEY) or "[]", type=list[Stock])
    except msgspec.DecodeError:
        return {}
    return {stock.repository: stock for stock in kept}


def _pause(repository: DesiredRepository, last: Stock, observe_every: timedelta) -> timedelta:
    far = repository.is_remote and last.objects > SMALL_OBJECTS_MAX
    return max(EVERY_FAR if far else observe_every, SHARE * timedelta(seconds=last.seconds))
