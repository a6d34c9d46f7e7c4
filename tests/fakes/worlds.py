"""Small worlds for decisions: one call makes a system, a snapshot or everything that was observed, with telling defaults.

It is noon of a Monday in UTC. A system has an RPO of an hour and looks into `main`; a snapshot is complete and three minutes long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from reconciler.base.units import parse_duration
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies, Objectives, Verification
from reconciler.model.declared.policy import Compression, GuardLimits, Retention, Schedule, Trigger
from reconciler.model.declared.repository import Key
from reconciler.model.declared.settings import SettingsSpec
from reconciler.model.declared.system import Source
from reconciler.model.desired import Desired, DesiredRepository, DesiredSystem
from reconciler.model.observed import Failure, Observed, RepositoryState, RunHistory
from reconciler.model.problem import Place
from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind, Snapshot

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
REALM = "quiet-otter-41"
AGENT = "shop1"
HALF_HOUR_AGO = timedelta(minutes=30)


def ago(text: str) -> datetime:
    """`ago("1h30m")`: that long before noon."""
    return NOW - parse_duration(text)


def every(text: str) -> Trigger:
    return Trigger(every=parse_duration(text))


def cron(expression: str, zone: str = "UTC") -> Trigger:
    return Trigger(cron=expression, timezone=zone)


def schedule(**kinds: Any) -> Schedule:
    """Only what is named: `schedule(incremental=every("1d"))`."""
    return Schedule(**kinds)


def system(name: str = "orders", **changes: Any) -> DesiredSystem:
    """`rpo` is a shorthand for the objective; everything else is a field of DesiredSystem."""
    rpo = changes.pop("rpo", "1h")
    plain = DesiredSystem(
        name=name,
        tier="high",
        policy="standard",
        sources=(Source(path=f"/srv/{name}"),),
        repositories=("main",),
        objectives=Objectives(rpo=parse_duration(rpo)) if rpo is not None else Objectives(),
        copies=Copies(),
        verification=Verification(),
        drill=Drill(),
        schedule=Schedule(full=every("7d"), incremental=every("1d")),
        retention=Retention(),
        compression=Compression(),
        checksums=("sha256",),
        guard=GuardLimits(),
        place=Place(f"{name}.yaml", 1),
        generation="g1",
    )
    return replace(plain, **changes)


def repository(name: str = "main", **changes: Any) -> DesiredRepository:
    return replace(DesiredRepository(name, f"/backup/{name}", Key(file=f"/keys/{name}"), Place("repositories.yaml", 1)), **changes)


def desired(*objects: DesiredSystem | DesiredRepository, clean: bool = True, interval: str = "30s") -> Desired:
    """The tree of these objects; a repository that a system names and nobody gives is made."""
    systems = tuple(sorted((o for o in objects if isinstance(o, DesiredSystem)), key=lambda s: s.name))
    repositories = {o.name: o for o in objects if isinstance(o, DesiredRepository)}
    for named in (name for s in systems for name in s.repositories):
        repositories.setdefault(named, repository(named))
    settings = SettingsSpec(realm=REALM, interval=parse_duration(interval))
    ordered = tuple(repositories[name] for name in sorted(repositories))
    return Desired(root="/specs", digest="d1", settings=settings, systems=systems, repositories=ordered, clean=clean)


def snapshot(
    as_of: datetime,
    *,
    id: str = "",  # noqa: A002 - the field of Snapshot
    kind: str = "incremental",
    grade: Grade = Grade.COMPLETE,
    verified: datetime | None = None,
    removing: datetime | None = None,
    marks: tuple[Mark, ...] = (),
    **changes: Any,
) -> Snapshot:
    """`verified` and `removing` are moments of such marks. Without an id it is named by its moment, so that two worlds agree."""
    if verified is not None:
        marks = (*marks, Mark(MarkKind.VERIFIED, verified))
    if removing is not None:
        marks = (*marks, Mark(MarkKind.REMOVE, removing))
    plain = Snapshot(
        id=id or f"{as_of:%Y%m%d-%H%M%S}",
        repository="main",
        realm=REALM,
        system="orders",
        host=AGENT,
        kind=BackupKind(kind),
        as_of=as_of,
        ended_at=as_of + timedelta(minutes=3),
        arrived_at=as_of + timedelta(minutes=3),
        grade=grade,
        files=10,
        bytes=1000,
        added_bytes=100,
        marks=marks,
    )
    return replace(plain, **changes)


def daily(count: int, *, newest: datetime = NOW - HALF_HOUR_AGO, **changes: Any) -> list[Snapshot]:
    """One snapshot a day, the newest first; the newest is a full and verified."""
    days = [newest - timedelta(days=day) for day in range(count)]
    return [snapshot(days[0], kind="full", verified=days[0], **changes), *(snapshot(day, **changes) for day in days[1:])]


def listed(name: str = "main", snapshots: Iterable[Snapshot] = (), *, fresh: bool = True) -> RepositoryState:
    own = tuple(sorted((replace(s, repository=name) for s in snapshots), key=lambda s: s.as_of, reverse=True))
    return RepositoryState(name, NOW, reachable=True, fresh=fresh, id=f"id-{name}", snapshots=own)


def unreachable(name: str = "main", code: str = "repository-unreachable") -> RepositoryState:
    return RepositoryState(name, None, reachable=False, failure=Failure(code, f"repository {name} does not answer"))


def observed(*states: RepositoryState, runs: Mapping[tuple[str, str], RunHistory] | None = None, **changes: Any) -> Observed:
    return replace(Observed(NOW, AGENT, {state.name: state for state in states}, runs or {}), **changes)


def took(*durations: str, **changes: Any) -> RunHistory:
    """A history in which backups took so long, newest first."""
    return replace(RunHistory(durations=tuple(parse_duration(d) for d in durations)), **changes)


def failed(times: int, last: datetime, *, generation: str = "g1") -> RunHistory:
    return RunHistory(
        consecutive_failures=times,
        last_failure_at=last,
        last_attempt_at=last,
        failed_generation=generation,
        last_failure=Failure("source-missing", "the source /srv/orders does not exist", "Is it mounted?"),
    )
