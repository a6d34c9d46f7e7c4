"""What can be asked of a scene again and again while disasters are tried on it: points, times, order. Worked out once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.decide.expect import Expectation, recovery_time
from reconciler.decide.objectives import RecoveryPoint, recovery_point
from reconciler.decide.order import recovery_order
from reconciler.decide.scene import Scene, from_future
from reconciler.model.declared.objectives import Objectives
from reconciler.model.desired import DesiredRepository, DesiredSystem
from reconciler.model.disaster import DisasterType
from reconciler.model.listing import marked
from reconciler.model.snapshot import MarkKind, Snapshot

PlanTimes = Mapping[tuple[str, str], timedelta]
"""By (scenario, system): how long its recovery took along a plan that was run."""


Runs = tuple[Sequence[Snapshot], ...]
"""Snapshots of one system in one repository: several sequences, each the newest first."""
_NOBODY: frozenset[str | None] = frozenset()


class Promised(Struct, frozen=True, gc=False):
    """What is promised of one system while one type of disaster lasts; None: nothing."""

    rpo: timedelta | None
    rto: timedelta | None
    mtd: timedelta | None

    @classmethod
    def of(cls, objectives: Objectives, disaster: DisasterType) -> Promised:
        """As it is declared."""
        given = objectives.under(disaster) if disaster.value in objectives.disasters else objectives
        return cls(given.rpo, given.rto, given.mtd)

    def in_time(self, total: timedelta | None) -> bool:
        """Whether it may take so long; None: nobody knows how long it takes."""
        if self.rto is None and self.mtd is None:
            return True
        return total is not None and (self.rto is None or total <= self.rto) and (self.mtd is None or total <= self.mtd)


class Option(Struct, frozen=True, gc=False):
    """One repository that a system could be recovered from."""

    repository: str
    snapshot_id: str | None
    point_at: datetime
    seconds: timedelta | None
    """None: nothing to go by."""
    source: str = ""


class World:
    """One scene. ``looked`` counts the points that were worked out."""

    def __init__(self, scene: Scene, plan_times: PlanTimes | None = None) -> None:
        self.scene = scene
        self.root: World = self
        """The world of the scene, in which nothing is changed."""
        self.plan_times = plan_times or {}
        self.systems: Mapping[str, DesiredSystem] = {s.name: s for s in scene.desired.systems}
        self.repositories: Mapping[str, DesiredRepository] = {r.name: r for r in scene.desired.repositories}
        self.order: Mapping[str, int] = {name: number for number, name in enumerate(s.name for s in recovery_order(scene.desired.systems))}
        """By system: its place in a recovery; what it depends on before it, and of those that are free the most critical first."""
        self.looked = 0
        self.redeclared: Mapping[str, DesiredSystem] = {}
        """Systems that are declared otherwise than in the scene."""
        self.repromised: Mapping[str, Promised] = {}
        """By system: what is promised instead, in the scenario at hand."""
        self.refated: frozenset[str] = frozenset()
        """Repositories that an incident may treat otherwise than in the scene."""
        self.refilled: Mapping[tuple[str, str], World] = {}
        """By (system, repository): the world in which it came to hold something else than in the scene."""
        self.remade: Mapping[str, DesiredRepository] = {}
        """Repositories that are declared otherwise than in the scene, or only here."""
        self._writers: Mapping[str, frozenset[str | None]] = _writers(scene.desired.systems)
        self._added_writers: Mapping[str, frozenset[str | None]] = {}
        self._strangers: Mapping[str, tuple[str, ...]] = self._holding()
        self._observed = frozenset(name for name in scene.observed.repositories if scene.reachable(name))
        self._points: dict[tuple[str, str, datetime | None, bool], RecoveryPoint | None] = {}
        self._options: dict[tuple[str, str, datetime | None, bool], Option | None] = {}
        self._times: dict[tuple[str, str, str], Expectation] = {}
        self._promises: dict[DisasterType, dict[str, Promised]] = {}

    def system(self, name: str) -> DesiredSystem:
        """As it is declared here."""
        return self.redeclared.get(name) or self.systems[name]

    def repository(self, name: str) -> DesiredRepository | None:
        """As it is declared here; None: it is not."""
        return self.remade.get(name) or self.repositories.get(name)

    def writers(self, repository: str) -> frozenset[str | None]:
        """The hosts that write into it; None among them: some system names no host, so any may."""
        added = self._added_writers.get(repository)
        return added if added is not None else self._writers.get(repository, _NOBODY)

    def repositories_of(self, system: DesiredSystem) -> tuple[str, ...]:
        """Its own ones in their order, then those that hold something of it all the same."""
        strangers = self._strangers.get(system.name)
        return tuple(dict.fromkeys((*system.repositories, *strangers))) if strangers else system.repositories

    def promises(self, disaster: DisasterType) -> dict[str, Promised]:
        """By system what is promised while such a disaster lasts, as far as it was asked for."""
        return self.root._promises.setdefault(disaster, {})

    def observed(self, repository: str) -> bool:
        """Whether what it holds is known now."""
        return repository in self._observed

    def held(self, system: str, repository: str) -> Runs:
        """What the repository holds of the system."""
        return self._holder(system, repository)._held(system, repository)

    def point(self, system: str, repository: str, before: datetime | None = None, *, verified: bool = False) -> RecoveryPoint | None:
        """The newest state that is of use there. ``before``: what is younger is not trusted; ``verified``: nor what was not read whole."""
        holder, key = self._holder(system, repository), (system, repository, before, verified)
        if key not in holder._points:
            holder.looked += 1
            holder._points[key] = holder._point(system, repository, before, verified=verified)
        return holder._points[key]

    def option(self, system: str, repository: str, before: datetime | None, *, verified: bool) -> Option | None:
        """That state, with how long this system alone takes to be back from there."""
        holder, key = self._holder(system, repository), (system, repository, before, verified)
        if key not in holder._options:
            point = holder.point(system, repository, before, verified=verified)
            holder._options[key] = holder._option(system, repository, point) if point is not None else None
        return holder._options[key]

    def differs(self, system: DesiredSystem, before: datetime | None, *, verified: bool) -> bool:
        """Whether anything that an incident leaves of this system hangs on may be another than in the scene; what it depends on apart."""
        name = system.name
        if name in self.redeclared or name in self.repromised or not self.refated.isdisjoint(self.repositories_of(system)):
            return True
        mine = (repository for other, repository in self.refilled if other == name)
        now, here = self.root.option, self.option
        return any(here(name, each, before, verified=verified) != now(name, each, before, verified=verified) for each in mine)

    def _holder(self, system: str, repository: str) -> World:
        return self.refilled.get((system, repository), self.root) if self.refilled else self.root

    def _held(self, system: str, repository: str) -> Runs:
        return (self.scene.snapshots(system, repository),)

    def _option(self, system: str, repository: str, point: RecoveryPoint) -> Option:
        key = (system, repository, point.snapshot.id)
        if key not in self._times:
            self._times[key] = self._recovery(system, repository, point.snapshot)
        expected = self._times[key]
        return Option(repository, point.snapshot.id, point.at, expected.seconds, expected.source)

    def _recovery(self, system: str, repository: str, snapshot: Snapshot) -> Expectation:
        """What was never backed up has no size, so nobody can say how long it takes."""
        if snapshot.id == UNSEEN:
            return Expectation(None, "nothing of it was backed up yet")
        return recovery_time(self.scene, system, repository, snapshot.files, snapshot.bytes)

    def _point(self, system: str, repository: str, before: datetime | None, *, verified: bool) -> RecoveryPoint | None:
        now, history = self.scene.now, self.scene.history(system, repository)
        if before is not None and history.confirmed is not None:
            history = replace(history, confirmed=(history.confirmed[0], min(history.confirmed[1], before)))
        found: RecoveryPoint | None = None
        for run in self._held(system, repository):
            point = recovery_point(_trusted(run, before, now, verified=verified), history, now) if run else None
            if point is not None and (found is None or _newness(point) > _newness(found)):
                found = point
        return found

    def _holding(self) -> dict[str, tuple[str, ...]]:
        """By system: repositories that are not its own and hold something of it."""
        found: dict[str, list[str]] = {}
        for repository, system in self.scene.holdings():
            if system in self.systems and repository in self.repositories and repository not in self.systems[system].repositories:
                found.setdefault(system, []).append(repository)
        return {system: tuple(sorted(names)) for system, names in found.items()}


class Tried(World):
    """Another world with one change more in it. Only what the change touches is worked out again."""

    def __init__(
        self,
        base: World,
        *,
        system: DesiredSystem | None = None,
        repository: DesiredRepository | None = None,
        held: Mapping[tuple[str, str], Runs] | None = None,
        promised: Mapping[str, Promised] | None = None,
    ) -> None:
        """``held``: by (system, repository) what it then holds. ``promised``: by system, in the scenario at hand."""
        self.__dict__.update(base.__dict__)
        self.looked, self._points, self._options = 0, {}, {}
        self._now_held = held or {}
        self.refilled = {**base.refilled, **dict.fromkeys(self._now_held, self)}
        self.repromised = {**base.repromised, **(promised or {})}
        if system is not None:
            self.redeclared = {**base.redeclared, system.name: system}
            news = [name for name in system.repositories if system.host not in base.writers(name)]
            self._added_writers = {**base._added_writers, **{name: base.writers(name) | {system.host} for name in news}}
            self.refated = base.refated.union(news)
        if repository is not None:
            self.remade = {**base.remade, repository.name: repository}
            self.refated |= {repository.name}
            if repository.name not in base.repositories:
                self._observed |= {repository.name}

    def beside(self, other: Tried) -> Tried:
        """Both changes in one world. Where they speak of the same repository, the other one counts."""
        both = Tried(self)
        both.redeclared = {**self.redeclared, **other.redeclared}
        both.repromised = {**self.repromised, **other.repromised}
        both.refilled = {**self.refilled, **other.refilled}
        both.remade = {**self.remade, **other.remade}
        both.refated = self.refated | other.refated
        names = {*self._added_writers, *other._added_writers}
        both._added_writers = {name: self.writers(name) | other.writers(name) for name in names}
        both._observed = self._observed | other._observed
        return both

    def _held(self, system: str, repository: str) -> Runs:
        return self._now_held[system, repository]


UNSEEN = "unseen"
"""Stands in the place of the id of a snapshot that nobody has taken yet."""


def _trusted(run: Sequence[Snapshot], before: datetime | None, now: datetime, *, verified: bool) -> Sequence[Snapshot]:
    if verified:
        proven = marked(run, MarkKind.VERIFIED)
        run = [s for s in proven if (at := s.marked(MarkKind.VERIFIED)) is not None and not from_future(at, now)]
    return run[bisect_left(run, True, key=lambda s: s.counted_at <= before) :] if before is not None else run


def _newness(point: RecoveryPoint) -> tuple[datetime, datetime, str]:
    return point.at, point.snapshot.as_of, point.snapshot.id


def _writers(systems: Sequence[DesiredSystem]) -> dict[str, frozenset[str | None]]:
    found: dict[str, set[str | None]] = {}
    for system in systems:
        for name in system.repositories:
            found.setdefault(name, set()).add(system.host)
    return {name: frozenset(hosts) for name, hosts in found.items()}
