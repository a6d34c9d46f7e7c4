"""What can be asked of a scene again and again while disasters are tried on it: points, times, order. Worked out once."""

from __future__ import annotations

from bisect import bisect_left
from collections import ChainMap
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from msgspec.structs import replace

from reconciler.decide.expect import Expectation, recovery_time
from reconciler.decide.objectives import RecoveryPoint, recovery_point
from reconciler.decide.order import recovery_order
from reconciler.decide.scene import Scene, from_future
from reconciler.model.desired import DesiredRepository, DesiredSystem
from reconciler.model.snapshot import MarkKind, Snapshot

PlanTimes = Mapping[tuple[str, str], timedelta]
"""By (scenario, system): how long its recovery took along a plan that was run."""


class World:
    """One scene, and what was changed in it to try a remedy. ``looked`` counts the points that were worked out."""

    def __init__(self, scene: Scene, plan_times: PlanTimes | None = None) -> None:
        self.scene = scene
        self.plan_times = plan_times or {}
        self.systems: Mapping[str, DesiredSystem] = {s.name: s for s in scene.desired.systems}
        self.repositories: Mapping[str, DesiredRepository] = {r.name: r for r in scene.desired.repositories}
        self.order: Mapping[str, int] = {name: number for number, name in enumerate(s.name for s in recovery_order(scene.desired.systems))}
        """By system: its place in a recovery; what it depends on before it, and of those that are free the most critical first."""
        self.writers: Mapping[str, frozenset[str | None]] = _writers(scene.desired.systems)
        """By repository: the hosts that write into it; None: some system names no host, so any may."""
        self.looked = 0
        self._strangers: Mapping[str, tuple[str, ...]] = self._holding()
        self._points: dict[tuple[str, str, datetime | None, bool], RecoveryPoint | None] = {}
        self._times: dict[tuple[str, str, str], Expectation] = {}

    def repositories_of(self, system: DesiredSystem) -> tuple[str, ...]:
        """Its own ones in their order, then those that hold something of it all the same."""
        return tuple(dict.fromkeys((*system.repositories, *self._strangers.get(system.name, ()))))

    def observed(self, repository: str) -> bool:
        """Whether what it holds is known now."""
        return self.scene.reachable(repository)

    def snapshots(self, system: str, repository: str) -> Sequence[Snapshot]:
        """Newest first."""
        return self.scene.snapshots(system, repository)

    def point(self, system: str, repository: str, before: datetime | None = None, *, verified: bool = False) -> RecoveryPoint | None:
        """The newest state that is of use there. ``before``: what is younger is not trusted; ``verified``: nor what was not read whole."""
        key = (system, repository, before, verified)
        if key not in self._points:
            self.looked += 1
            self._points[key] = self._point(system, repository, before, verified=verified)
        return self._points[key]

    def recovery(self, system: str, repository: str, snapshot: Snapshot) -> Expectation:
        """How long this system alone takes to be back from there."""
        key = (system, repository, snapshot.id)
        if key not in self._times:
            self._times[key] = recovery_time(self.scene, system, repository, snapshot.files, snapshot.bytes)
        return self._times[key]

    def _point(self, system: str, repository: str, before: datetime | None, *, verified: bool) -> RecoveryPoint | None:
        now, history = self.scene.now, self.scene.history(system, repository)
        stored = self.snapshots(system, repository)
        if verified:
            stored = [s for s in stored if (at := s.marked(MarkKind.VERIFIED)) is not None and not from_future(at, now)]
        if before is not None:
            stored = stored[bisect_left(stored, True, key=lambda s: s.counted_at <= before) :]
            if history.confirmed is not None:
                history = replace(history, confirmed=(history.confirmed[0], min(history.confirmed[1], before)))
        return recovery_point(stored, history, now)

    def _holding(self) -> dict[str, tuple[str, ...]]:
        """By system: repositories that are not its own and hold something of it."""
        found: dict[str, list[str]] = {}
        for repository, system in self.scene.holdings():
            if system in self.systems and repository in self.repositories and repository not in self.systems[system].repositories:
                found.setdefault(system, []).append(repository)
        return {system: tuple(sorted(names)) for system, names in found.items()}


class Tried(World):
    """The same world with one change in it. Only what the change touches is worked out again."""

    def __init__(
        self,
        base: World,
        *,
        system: DesiredSystem | None = None,
        repository: DesiredRepository | None = None,
        stored: Mapping[tuple[str, str], Sequence[Snapshot]] | None = None,
    ) -> None:
        """``stored``: by (system, repository) what it then holds, newest first."""
        self.scene, self.plan_times, self.order, self.looked = base.scene, base.plan_times, base.order, 0
        self.systems = ChainMap({system.name: system} if system is not None else {}, cast("dict[str, DesiredSystem]", base.systems))
        changed = {repository.name: repository} if repository is not None else {}
        self.repositories = ChainMap(changed, cast("dict[str, DesiredRepository]", base.repositories))
        added = {name: base.writers.get(name, frozenset()) | {system.host} for name in system.repositories} if system is not None else {}
        self.writers = ChainMap(added, cast("dict[str, frozenset[str | None]]", base.writers))
        self._strangers = base._strangers
        self._base, self._stored = base, stored or {}
        self._points, self._times = {}, base._times

    def observed(self, repository: str) -> bool:
        return repository not in self._base.repositories or self._base.observed(repository)

    def snapshots(self, system: str, repository: str) -> Sequence[Snapshot]:
        found = self._stored.get((system, repository))
        return found if found is not None else self._base.snapshots(system, repository)

    def point(self, system: str, repository: str, before: datetime | None = None, *, verified: bool = False) -> RecoveryPoint | None:
        if (system, repository) in self._stored:
            return super().point(system, repository, before, verified=verified)
        return self._base.point(system, repository, before, verified=verified)

    def recovery(self, system: str, repository: str, snapshot: Snapshot) -> Expectation:
        """What was never backed up has no size, so nobody can say how long it takes."""
        if snapshot.id == UNSEEN:
            return Expectation(None, "nothing of it was backed up yet")
        return super().recovery(system, repository, snapshot)


UNSEEN = "unseen"
"""Stands in the place of the id of a snapshot that nobody has taken yet."""


def _writers(systems: Sequence[DesiredSystem]) -> dict[str, frozenset[str | None]]:
    found: dict[str, set[str | None]] = {}
    for system in systems:
        for name in system.repositories:
            found.setdefault(name, set()).add(system.host)
    return {name: frozenset(hosts) for name, hosts in found.items()}
