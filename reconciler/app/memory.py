"""The state directory, opened as far as a verb needs it: not at all, for reading, or for writing.

Reading creates nothing and changes nothing, not even a time stamp: that is what makes ``--dry-run`` safe to type anywhere.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.errors import ReadOnly
from reconciler.app.state import prepare
from reconciler.app.stopping import Stopping
from reconciler.base.clock import Clock
from reconciler.base.ids import new_id

if TYPE_CHECKING:
    from reconciler.catalog.audit import Audit
    from reconciler.catalog.catalog import Catalog
    from reconciler.model.desired import DesiredRepository
    from reconciler.repository import Cache, Store
    from reconciler.spec import Parses

CATALOG = "catalog.sqlite"
AUDIT = "audit.jsonl"
_RECOVERY = "recovery"


def remember_recovery(catalog: Catalog, note: str, now: datetime) -> None:
    """The catalog was found damaged and made anew: an event now, and a condition for some days."""
    catalog.add_event("Warning", "Catalog", "catalog", "CatalogRecovered", note, now)
    catalog.put_value(_RECOVERY, json.dumps([now.isoformat(), note]))


def last_recovery(catalog: Catalog, now: datetime) -> tuple[datetime, str] | None:
    """When the catalog was last found damaged, and what was done about it."""
    kept = catalog.get_value(_RECOVERY)
    if kept is None:  # a view for reading finds the damage itself
        return (now, catalog.recovered) if catalog.recovered is not None else None
    moment, note = json.loads(kept)
    return datetime.fromisoformat(moment), note


class Memory:
    """Catalog and audit log of one state directory."""

    def __init__(self, state: Path, clock: Clock, *, read_only: bool) -> None:
        self.state = state
        self.stopping = Stopping()
        self._clock = clock
        self._read_only = read_only
        self._catalog: Catalog | None = None
        self._audit: Audit | None = None
        self._cache: Cache | None = None
        self._parses: Parses | None = None
        self._places: dict[str, tuple[DesiredRepository, Store]] = {}
        self._left: list[Store] = []
        """Of specs that have changed; an action may still be under way there."""
        self._places_lock = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Catalog]:
        """The catalog as it stands now; an empty one where there is none."""
        from reconciler.catalog.catalog import Catalog

        if self._catalog is not None:
            yield self._catalog
            return
        view = Catalog.peek(self.state / CATALOG)
        try:
            yield view
        finally:
            view.close()

    def writing(self) -> Catalog:
        """The catalog, made when it is missing; it stays open until :meth:`close`."""
        from reconciler.catalog.catalog import Catalog

        if self._read_only:
            raise ReadOnly("this would change the state directory, which was opened for reading")
        if self._catalog is None:
            self._catalog = Catalog.open(prepare(self.state) / CATALOG, clock=self._clock)
            if self._catalog.recovered is not None:
                remember_recovery(self._catalog, self._catalog.recovered, self._clock.now())
        return self._catalog

    def cache(self) -> Cache:
        """What immutable objects of repositories say; written only once the catalog is. Its folder may be deleted at any time."""
        from reconciler.repository import Cache

        if self._cache is None:
            self._cache = Cache(str(self.state / "cache"))
        self._cache.keeps = self._catalog is not None
        return self._cache

    def parses(self) -> Parses:
        """What was made of the specs before. Its files may be deleted at any time."""
        from reconciler.spec import Parses

        if self._parses is None:
            self._parses = Parses(self.state / "cache" / "specs")
        return self._parses

    def place(self, repository: DesiredRepository, allowed: Sequence[Path]) -> Store:
        """Where a repository is. Connections to a place on the network stay open until :meth:`close`; who asks again shares them."""
        from reconciler.repository import store_at

        if not repository.is_remote:
            return store_at(repository.url)
        from reconciler.app.reach import access_to

        with self._places_lock:
            declared, place = self._places.get(repository.name, (None, None))
            if place is None or declared != repository:
                if place is not None:
                    self._left.append(place)
                place = store_at(repository.url, access_to(repository, allowed, self.stopping))
                self._places[repository.name] = (repository, place)
            return place

    def audit(self) -> Audit:
        """The audit log, made when it is missing."""
        from reconciler.catalog.audit import Audit

        self.writing()
        if self._audit is None:
            self._audit = Audit(self.state / AUDIT, clock=self._clock)
        return self._audit

    def writer(self) -> str:
        """The random id under which this state directory writes snapshots; made once."""
        catalog = self.writing()
        known = catalog.get_value("writer")
        if known is None:
            known = new_id()
            catalog.put_value("writer", known)
        return known

    def close(self) -> None:
        if self._catalog is not None:
            self._catalog.keep_listings()
            self._catalog.close()
            self._catalog = None
        self._audit = None
        places, self._places = self._places, {}
        left, self._left = self._left, []
        for place in (*left, *(place for _, place in places.values())):
            place.close()
