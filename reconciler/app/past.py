"""`reconcile history`: what was seen of the host, what the backups of a system came to, and which alerts there were. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.app.errors import NotFound
from reconciler.app.house import House
from reconciler.app.scene import load
from reconciler.catalog.records import Run, RunOutcome
from reconciler.model.alerts import Alert
from reconciler.model.health import HOST_CHECKS, CheckKey, HealthState, Seen
from reconciler.model.plan import ActionKind

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog

SINCE = timedelta(days=7)
_RUNS_MAX, _ALERTS_MAX = 100_000, 10_000


class Point(Struct, frozen=True):
    """Of a check, at one look; after two days of one hour."""

    at: datetime
    value: float | None
    state: HealthState


class Series(Struct, frozen=True):
    """One check of one subject, oldest first."""

    name: str
    subject: str
    points: tuple[Point, ...]


class Backup(Struct, frozen=True):
    """One that ended."""

    at: datetime
    failed: bool
    seconds: float
    added_bytes: int


class Backups(Struct, frozen=True):
    """Of one system in one repository, oldest first."""

    system: str
    repository: str
    runs: tuple[Backup, ...]


class Past(Struct, frozen=True):
    """Since a moment."""

    at: datetime
    since: datetime
    checks: tuple[Series, ...]
    backups: tuple[Backups, ...]
    alerts: tuple[Alert, ...]
    """That stood at any time since then, the newest first."""


def past(house: House, *, check: str | None, system: str | None, since: timedelta) -> Past:
    """Of everything, of one check of the host, or of one system. Raises NotFound."""
    names = [name.value for name in HOST_CHECKS]
    if check is not None and check not in names:
        raise NotFound(f"there is no check '{check}' of the host", hint=f"There are: {', '.join(names)}.")
    now = house.clock.now()
    begin = now - since
    with house.memory.reading() as catalog:
        if system is not None and load(house, catalog).desired.system(system) is None and not catalog.runs(1, system):
            raise NotFound(f"no system '{system}' is declared, and none of that name was ever backed up")
        looked = catalog.looks.since(begin) if system is None else ()
        runs = catalog.runs(_RUNS_MAX, system) if check is None else ()
        alerts = _alerts(catalog, begin, check, system)
    return Past(now, begin, _series(looked, check), _backups([run for run in runs if run.started_at >= begin]), alerts)


def _series(looked: Sequence[Seen], check: str | None) -> tuple[Series, ...]:
    points: dict[CheckKey, list[Point]] = {}
    for seen in looked:
        for key, (value, state) in seen.values.items():
            if check in (None, key[0]):
                points.setdefault(key, []).append(Point(seen.at, value, state))
    order = {name.value: place for place, name in enumerate(HOST_CHECKS)}
    found = sorted(points.items(), key=lambda item: (order.get(item[0][0], len(order)), item[0][1]))
    return tuple(Series(name, subject, tuple(each)) for (name, subject), each in found)


def _backups(runs: Sequence[Run]) -> tuple[Backups, ...]:
    """A person's stop says nothing about a backup."""
    found: dict[tuple[str, str], list[Backup]] = {}
    for run in sorted(runs, key=lambda run: run.started_at):
        if run.kind != ActionKind.BACKUP or run.duration is None or run.outcome in (RunOutcome.CANCELLED, RunOutcome.INTERRUPTED):
            continue
        each = Backup(run.started_at, run.outcome is RunOutcome.FAILED, run.duration.total_seconds(), run.added_bytes)
        found.setdefault((run.system, run.repository), []).append(each)
    return tuple(Backups(*pair, tuple(each)) for pair, each in sorted(found.items()))


def _alerts(catalog: Catalog, begin: datetime, check: str | None, system: str | None) -> tuple[Alert, ...]:
    found = [
        alert
        for alert in catalog.alerts.newest(_ALERTS_MAX)
        if (alert.stands or alert.changed_at >= begin)
        and (check is None or (alert.object_kind == "Host" and alert.condition == check))
        and (system is None or (alert.object_kind == "System" and alert.object_name == system))
    ]
    return tuple(sorted(found, key=lambda alert: alert.started_at, reverse=True))
