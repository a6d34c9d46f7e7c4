"""What could be changed about one system: a world with each change in it, the cheapest first."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property, partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.decide.impact.incidents import Incident, fate
from reconciler.decide.impact.outcome import Aftermath, Outcome
from reconciler.decide.impact.words import span
from reconciler.decide.impact.world import UNSEEN, Promised, Runs, Tried, World
from reconciler.model.declared.repository import Key
from reconciler.model.desired import DesiredRepository, DesiredScenario, DesiredSystem
from reconciler.model.impact import Copy, RemedyKind, Survival
from reconciler.model.problem import Place
from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind, Snapshot

OTHERS_TRIED = 3
"""Repositories of other systems that are tried; the tree may hold hundreds."""
_ELSEWHERE = "(a new one)"


class Change(Struct, frozen=True):
    """One change, and the world with it."""

    kind: RemedyKind
    what: str
    world: Tried
    scenario: DesiredScenario | None = None
    """Another one in the place of the scenario."""


class Case(Struct, frozen=True):
    """What a change is wanted for."""

    incidents: Sequence[Incident]
    """Those of one scenario that the system is judged in, the worst first."""
    verified: bool
    """Only what was read whole is trusted in it."""
    outcome: Outcome
    """What the worst of them leaves of the system."""
    copies: Sequence[Copy]

    @property
    def incident(self) -> Incident:
        """The worst one."""
        return self.incidents[0]


class Changes:
    """All that may be tried on one system in one world. What no incident has a part in is made once."""

    def __init__(self, world: World, system: DesiredSystem) -> None:
        self._world, self._system = world, system
        self._made: dict[Hashable, Any] = {}

    def of(self, outcome: Outcome, aftermaths: Sequence[Aftermath], kinds: Iterable[RemedyKind] = RemedyKind) -> Iterator[Change]:
        """All that may help in the first of the incidents, the cheapest first. ``outcome``: what that leaves of the system."""
        first = aftermaths[0].incident
        verified = bool(first.scenario.takes.unverified)
        case = Case([each.incident for each in aftermaths], verified, outcome, aftermaths[0].copies(self._system.name))
        for kind in kinds:
            yield from _WAYS[kind](self, case)

    def _once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    @cached_property
    def _best(self) -> Sequence[Snapshot]:
        """What the repository holds that has the newest state now, newest first; nothing where none of it is good."""
        world, name = self._world, self._system.name
        known = [(point, r) for r in world.repositories_of(self._system) if world.observed(r) and (point := world.point(name, r))]
        return world.scene.snapshots(name, max(known, key=lambda pair: pair[0].at)[1]) if known else ()

    @cached_property
    def _newest(self) -> Snapshot | None:
        """The newest good one of them."""
        return next((s for s in self._best if s.good), None)

    def _verify(self, case: Case) -> Iterator[Change]:
        return iter(self._once("verify", lambda: tuple(self._verified_now())) if case.verified else ())

    def _verified_now(self) -> Iterator[Change]:
        name = self._system.name
        for repository in self._world.repositories_of(self._system):
            newest = self._world.point(name, repository) if self._world.observed(repository) else None
            if newest is not None:
                what = f"verify the newest snapshot in {repository}: reconcile verify {name} --deep"
                yield Change(RemedyKind.VERIFY, what, self._holding(repository, self._proven(newest.snapshot)))

    def _backup(self, case: Case) -> Iterator[Change]:
        return iter(self._once(("backup", case.verified), lambda: tuple(self._backed_up(verified=case.verified))))

    def _backed_up(self, *, verified: bool) -> Iterator[Change]:
        system = self._system
        primary = next(iter(system.repositories), None)
        if primary is None or not self._world.observed(primary):
            return
        taken = self._taken_now(primary)
        often = f", and at least every {span(system.objectives.rpo)}" if system.objectives.rpo is not None else ""
        what = f"back up now{' and verify it' if verified else ''}{often}: reconcile backup create {system.name}"
        yield Change(RemedyKind.BACKUP, what, self._holding(primary, self._proven(taken) if verified else taken))

    def _copy(self, case: Case) -> Iterator[Change]:
        return iter(self._once(("copy", case.verified), lambda: tuple(self._copied(verified=case.verified))))

    def _copied(self, *, verified: bool) -> Iterator[Change]:
        system = self._system
        for name in system.repositories[1:]:
            if self._newest is not None and self._world.observed(name):
                what = f"copy it to {name}{' and verify it there' if verified else ''}: reconcile copy {system.name} --to {name}"
                yield Change(RemedyKind.COPY, what, Tried(self._world, held=self._with(name, verified=verified)))

    def _shield(self, case: Case) -> Iterator[Change]:
        hosts = {host for host in case.incident.hosts if host is not None}
        for copy in case.copies:
            repository = self._world.repository(copy.repository)
            if not hosts or repository is None or copy.survival is not Survival.TAKEN:
                continue
            left = tuple(h for h in repository.deletable_from or () if h not in hosts)
            what = f"let {repository.name} not be deletable from {', '.join(sorted(hosts))}, and say so: deletableFrom: [{', '.join(left)}]"
            yield Change(RemedyKind.DELETABLE, what, Tried(self._world, repository=replace(repository, deletable_from=left)))

    def _other(self, case: Case) -> Iterator[Change]:
        """Declared repositories that are not its own and that survive."""
        tried, world, system = 0, self._world, self._system
        for name, repository in world.repositories.items():
            if name in system.repositories or not world.observed(name):
                continue
            if fate(repository, case.incident, world.writers(name) | {system.host})[0] is not Survival.SURVIVES:
                continue
            tried += 1
            if tried > OTHERS_TRIED:
                return
            yield self._once(("other", name, case.verified), partial(self._kept_in, name, verified=case.verified))

    def _kept_in(self, name: str, *, verified: bool) -> Change:
        more = replace(self._system, repositories=(*self._system.repositories, name))
        what = f"keep a copy in {name}: repositories: [{', '.join(more.repositories)}]"
        return Change(RemedyKind.REPOSITORY, what, Tried(self._world, system=more, held=self._with(name, verified=verified)))

    def _elsewhere(self, case: Case) -> Iterator[Change]:
        """A repository that does not exist yet, where none of these reaches: what would survive if there were a copy."""
        system, incidents = self._system, case.incidents
        places = {key: _ELSEWHERE for incident in incidents for key, _ in incident.places}
        near = incidents[0].scenario.takes.reach is not None
        if near and "site" not in places:
            places["site"] = system.failure_domain.get("site", _ELSEWHERE)
        hosts = sorted({host or "the host of the system" for incident in incidents for host in incident.hosts})
        where = "at the system's own site" if near else f"at another {' and '.join(places)}" if places else "of its own"
        guarded = f", that {' and '.join(hosts)} cannot delete (deletableFrom: [])" if hosts else ""
        what = f"keep a copy in a new repository {where}{guarded}"
        world = self._once(("elsewhere", tuple(places.items()), case.verified), lambda: self._moved(places, verified=case.verified))
        yield Change(RemedyKind.SITE, what, world)

    def _moved(self, places: dict[str, str], *, verified: bool) -> Tried:
        made = DesiredRepository(_ELSEWHERE, "s3://another", Key.model_construct(), Place("", 0), failure_domain=places, deletable_from=())
        return Tried(self._once(("filled", verified), lambda: self._filled(verified=verified)), repository=made)

    def _filled(self, *, verified: bool) -> Tried:
        more = replace(self._system, repositories=(*self._system.repositories, _ELSEWHERE))
        return Tried(self._world, system=more, held=self._with(_ELSEWHERE, verified=verified))

    def _detect(self, case: Case) -> Iterator[Change]:
        """As late as just suffices: when the oldest snapshot that keeps the RPO is still trusted."""
        scenario = case.incident.scenario
        rpo, latency = case.outcome.promised.rpo, scenario.detection_latency
        if rpo is None or not latency:
            return
        alive = [copy.repository for copy in case.copies if copy.survival is Survival.SURVIVES]
        limit = min(rpo, latency)
        within = max((age for name in alive if (age := self._oldest_within(name, limit)) is not None), default=None)
        step = timedelta(minutes=1)
        if within is not None and within >= step:
            sooner = within // step * step
            what = f"notice it within {span(sooner)}, and say so: detectionLatency: {span(sooner)} in scenario {scenario.name}"
            yield Change(RemedyKind.DETECT, what, Tried(self._world), replace(scenario, detection_latency=sooner))

    def _oldest_within(self, repository: str, limit: timedelta) -> timedelta | None:
        """The age of the oldest good snapshot that is no older."""
        now, found = self._world.scene.now, None
        for snapshot in self._world.scene.snapshots(self._system.name, repository):  # newest first
            age = now - snapshot.counted_at
            if age > limit:
                break
            if age > timedelta(0) and snapshot.good:
                found = age
        return found

    def _promise(self, case: Case) -> Iterator[Change]:
        """The last resort: to say what is true."""
        side, promised, possible = case.outcome.certain, case.outcome.promised, dict[str, timedelta]()
        if side.option is None or side.blocked_by or not case.outcome.taken:
            return
        loss = self._world.scene.now - side.option.point_at
        if promised.rpo is not None and loss > promised.rpo:
            possible["rpo"] = _rounded_up(loss)
        if side.total is not None and promised.rto is not None and side.total > promised.rto:
            possible["rto"] = _rounded_up(side.total)
        if side.total is not None and promised.mtd is not None and side.total > promised.mtd:
            possible["mtd"] = _rounded_up(side.total)
        if not possible:
            return
        rpo, rto, mtd = possible.get("rpo", promised.rpo), possible.get("rto", promised.rto), possible.get("mtd", promised.mtd)
        said = Promised(rpo, rto, mtd)
        words = ", ".join(f"{key}: {span(value)}" for key, value in possible.items())
        what = f"promise what is possible: objectives: {{disasters: {{{case.incident.scenario.type.value}: {{{words}}}}}}}"
        yield Change(RemedyKind.PROMISE, what, Tried(self._world, promised={self._system.name: said}))

    def _with(self, repository: str, *, verified: bool) -> dict[tuple[str, str], Runs]:
        """What ``repository`` holds once everything that is good was copied there; without anything to copy, a first backup.

        That it was verified where it comes from says nothing there: of what arrives, only what is verified there is.
        """
        there = self._world.scene.snapshots(self._system.name, repository)
        newest = self._newest or self._taken_now(repository)
        arrived: Sequence[Snapshot] = self._best if self._newest is not None and not verified else (newest,)
        if verified:
            arrived = (self._proven(replace(newest, marks=())),)
        return {(self._system.name, repository): (arrived, there)}

    def _holding(self, repository: str, also: Snapshot) -> Tried:
        """The world in which the repository holds this one, too."""
        there = self._world.scene.snapshots(self._system.name, repository)
        return Tried(self._world, held={(self._system.name, repository): ((also,), there)})

    def _taken_now(self, repository: str) -> Snapshot:
        """What a backup made at this moment would leave: as big as the newest one, of unknown size where there is none."""
        now, newest = self._world.scene.now, self._newest
        if newest is not None:
            return replace(newest, id=f"{newest.id}+", repository=repository, as_of=now, ended_at=now, arrived_at=now, marks=())
        realm, host = self._world.scene.desired.realm, self._system.host or ""
        return Snapshot(UNSEEN, repository, realm, self._system.name, host, BackupKind.FULL, now, now, now, Grade.COMPLETE, 0, 0, 0)

    def _proven(self, snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, marks=(*snapshot.marks, Mark(MarkKind.VERIFIED, self._world.scene.now)))


_WAYS: Mapping[RemedyKind, Callable[[Changes, Case], Iterator[Change]]] = {
    RemedyKind.VERIFY: Changes._verify,
    RemedyKind.BACKUP: Changes._backup,
    RemedyKind.COPY: Changes._copy,
    RemedyKind.DELETABLE: Changes._shield,
    RemedyKind.REPOSITORY: Changes._other,
    RemedyKind.SITE: Changes._elsewhere,
    RemedyKind.DETECT: Changes._detect,
    RemedyKind.PROMISE: Changes._promise,
}


def _rounded_up(value: timedelta) -> timedelta:
    """To what :func:`span` writes in full, so that what is said is what was tried."""
    step = timedelta(hours=1) if value >= timedelta(hours=23) else timedelta(minutes=1)
    return -(-value // step) * step
