"""The doors of a catalog to whole families of records, each a small class of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.catalog.book import AlertBook
    from reconciler.catalog.drills import DrillCache, Drills
    from reconciler.catalog.endings import EndingBook
    from reconciler.catalog.looks import LookBook
    from reconciler.catalog.paces import PaceBook
    from reconciler.catalog.recoveries import Recoveries
    from reconciler.catalog.store import Store


class Doors:
    """Part of a Catalog."""

    _store: Store
    _drills: DrillCache

    @property
    def alerts(self) -> AlertBook:
        """The alerts, the silences, and what waits to be delivered."""
        from reconciler.catalog.book import AlertBook

        return AlertBook(self._store)

    @property
    def paces(self) -> PaceBook:
        """How long actions took."""
        from reconciler.catalog.paces import PaceBook

        return PaceBook(self._store)

    @property
    def endings(self) -> EndingBook:
        """How actions ended."""
        from reconciler.catalog.endings import EndingBook

        return EndingBook(self._store)

    @property
    def drills(self) -> Drills:
        """Rehearsed recoveries."""
        from reconciler.catalog.drills import Drills

        return Drills(self._store, self._drills)

    @property
    def recoveries(self) -> Recoveries:
        """Runs and tests of recovery plans."""
        from reconciler.catalog.recoveries import Recoveries

        return Recoveries(self._store)

    @property
    def looks(self) -> LookBook:
        """What was seen of the host, and what is remembered of its checks."""
        from reconciler.catalog.looks import LookBook

        return LookBook(self._store)
