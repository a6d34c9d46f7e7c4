"""The catalog before anything was written: every question has an answer, and the answer is nothing.

A first look at new specs needs no database for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from reconciler.catalog.book import AlertBook
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.drills import Drills
from reconciler.catalog.errors import CatalogError
from reconciler.catalog.looks import LookBook
from reconciler.catalog.paces import PaceBook

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from reconciler.catalog.endings import NoEndings
    from reconciler.catalog.records import Document, Holder, RestoreRecord, Run
    from reconciler.catalog.recoveries import NoRecoveries
    from reconciler.model.alerts import Alert, ReceiverStatus, Silence
    from reconciler.model.declared.policy import Retention
    from reconciler.model.drill import DrillRecord
    from reconciler.model.event import Event
    from reconciler.model.health import CheckKey, Held, Seen
    from reconciler.model.observed import Pace, RepositoryState, RunHistory
    from reconciler.model.status import Condition
    from reconciler.model.wishes import Pause, Wish


class Unwritten(Catalog):
    """Reads as an empty catalog; whatever would write raises."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def close(self) -> None:
        """Nothing was opened."""

    @property
    def recovered(self) -> None:
        return None

    def repositories(self) -> dict[str, RepositoryState]:
        return {}

    def runs(self, limit: int, system: str | None = None) -> tuple[Run, ...]:
        return ()

    def histories(self) -> dict[tuple[str, str], RunHistory]:
        return {}

    def pruned(self) -> dict[str, datetime]:
        return {}

    def counters(self) -> tuple[dict[str, int], dict[str, int]]:
        return {}, {}

    def restores(self, limit: int, system: str | None = None) -> tuple[RestoreRecord, ...]:
        return ()

    def measured_restores(self, system: str, repository: str, since: datetime) -> tuple[RestoreRecord, ...]:
        return ()

    @property
    def alerts(self) -> NoAlerts:
        return NoAlerts()

    @property
    def paces(self) -> NoPaces:
        return NoPaces()

    @property
    def endings(self) -> NoEndings:
        from reconciler.catalog.endings import NoEndings

        return NoEndings()

    @property
    def drills(self) -> NoDrills:
        return NoDrills()

    @property
    def recoveries(self) -> NoRecoveries:
        from reconciler.catalog.recoveries import NoRecoveries

        return NoRecoveries()

    @property
    def looks(self) -> NoLooks:
        return NoLooks()

    def conditions(self) -> tuple[Condition, ...]:
        return ()

    def events(self, limit: int, name: str | None = None) -> tuple[Event, ...]:
        return ()

    def busy(self) -> frozenset[tuple[str, str, str]]:
        return frozenset()

    def lease_holder(self) -> Holder | None:
        return None

    def newest_lease(self) -> int:
        return 0

    def wishes(self) -> tuple[Wish, ...]:
        return ()

    def pause(self) -> Pause | None:
        return None

    def last_good(self) -> dict[tuple[str, str], Document]:
        return {}

    def accepted_retention(self) -> dict[str, Retention]:
        return {}

    def get_value(self, key: str) -> str | None:
        return None

    @property
    def _store(self) -> NoReturn:  # type: ignore[override]
        """What every other method begins with."""
        raise CatalogError(f"the catalog {self._path} was opened for reading, and there is none yet")


class NoAlerts(AlertBook):
    """Nothing has ever fired."""

    def __init__(self) -> None:
        """There is no store."""

    def live(self, now: datetime) -> tuple[Alert, ...]:
        return ()

    def newest(self, limit: int) -> tuple[Alert, ...]:
        return ()

    def starting(self, prefix: str) -> tuple[Alert, ...]:
        return ()

    def silences(self, now: datetime) -> tuple[Silence, ...]:
        return ()

    def receivers(self) -> tuple[ReceiverStatus, ...]:
        return ()

    @property
    def _store(self) -> NoReturn:  # type: ignore[override]
        raise CatalogError("there is no catalog yet that could be written")


class NoPaces(PaceBook):
    """Nothing was ever measured."""

    def __init__(self) -> None:
        """There is no store."""

    def read(self) -> dict[tuple[str, str], tuple[Pace, ...]]:
        return {}


class NoDrills(Drills):
    """Nothing was ever rehearsed."""

    def __init__(self) -> None:
        """There is no store."""

    def recent(self) -> tuple[DrillRecord, ...]:
        return ()

    def newest(self, limit: int, system: str | None = None) -> tuple[DrillRecord, ...]:
        return ()

    def leftovers(self) -> tuple[DrillRecord, ...]:
        return ()


class NoLooks(LookBook):
    """The host was never looked at."""

    def __init__(self) -> None:
        """There is no store."""

    def memory(self) -> Mapping[CheckKey, Held]:
        return {}

    def last_at(self) -> datetime | None:
        return None

    def since(self, moment: datetime) -> tuple[Seen, ...]:
        return ()
