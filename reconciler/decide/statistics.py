"""Counts, sizes and growth from what repositories list and what the log of runs knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.decide.scene import Scene
from reconciler.model.observed import RunHistory
from reconciler.model.snapshot import Snapshot
from reconciler.model.statistics import RepositoryStatistics, Stored, SystemStatistics

RUNS_WITHIN = timedelta(days=7)
GROWTH_WITHIN = timedelta(days=30)
_APART_MIN = timedelta(days=1)


class Attempt(Struct, frozen=True):
    """One backup that ended, well or not."""

    system: str
    repository: str
    started_at: datetime
    failed: bool


def of_systems(scene: Scene, attempts: Iterable[Attempt], system: str | None = None) -> tuple[SystemStatistics, ...]:
    """A row for each declared system in each of its repositories; ``system``: only of this one."""
    recent: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in attempts:
        if scene.now - attempt.started_at <= RUNS_WITHIN:
            recent.setdefault((attempt.system, attempt.repository), []).append(attempt)
    return tuple(
        _system(s.name, name, scene.snapshots(s.name, name), recent.get((s.name, name), []), scene.history(s.name, name), scene.now)
        for s in scene.desired.systems
        if system in (None, s.name)
        for name in s.repositories
    )


def of_repositories(scene: Scene, stored: Mapping[str, Stored]) -> tuple[RepositoryStatistics, ...]:
    """Every snapshot counts, also of other realms and of systems that are declared no longer: they take room."""
    found = []
    for repository in scene.desired.repositories:
        state = scene.state(repository.name)
        listed = state.snapshots if state is not None else ()
        found.append(
            RepositoryStatistics(
                repository=repository.name,
                snapshots=len(listed),
                systems=len({(s.realm, s.system) for s in listed}),
                logical_bytes=sum(s.bytes for s in listed),
                stored=stored.get(repository.name),
                free_bytes=state.free_bytes if state is not None else None,
            )
        )
    return tuple(found)


def _system(
    name: str, repository: str, snapshots: Sequence[Snapshot], attempts: Sequence[Attempt], history: RunHistory, now: datetime
) -> SystemStatistics:
    newest = next((s for s in snapshots if s.good), None)
    lately = [s for s in snapshots if now - s.counted_at <= GROWTH_WITHIN]
    return SystemStatistics(
        system=name,
        repository=repository,
        snapshots=len(snapshots),
        good=sum(s.good for s in snapshots),
        files=newest.files if newest is not None else 0,
        bytes=newest.bytes if newest is not None else 0,
        logical_bytes=sum(s.bytes for s in snapshots),
        added_bytes=sum(s.added_bytes for s in snapshots),
        growth_bytes_per_day=_per_day(lately, lately[0].bytes - lately[-1].bytes if lately else 0),
        added_bytes_per_day=_per_day(lately, sum(s.added_bytes for s in lately[:-1])),
        backups=len(attempts),
        failed=sum(attempt.failed for attempt in attempts),
        last_success_at=history.last_success_at,
    )


def _per_day(snapshots: Sequence[Snapshot], amount: int) -> float | None:
    """``snapshots``: newest first; ``amount``: what came between the oldest and the newest."""
    if len(snapshots) < 2:
        return None
    time = snapshots[0].counted_at - snapshots[-1].counted_at
    return amount / (time / timedelta(days=1)) if time >= _APART_MIN else None
