"""What would make a bad end better, the cheapest first. Each is tried on the same world, and named only when the verdict gets better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.decide.impact.incidents import Incident, fate
from reconciler.decide.impact.outcome import Aftermath, Outcome, shown
from reconciler.decide.impact.words import span
from reconciler.decide.impact.world import UNSEEN, Tried, World
from reconciler.model.declared.objectives import Targets
from reconciler.model.declared.repository import Key
from reconciler.model.desired import DesiredRepository, DesiredScenario, DesiredSystem
from reconciler.model.impact import Remedy, RemedyKind, Survival, Verdict
from reconciler.model.listing import newest_first
from reconciler.model.problem import Place
from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind, Snapshot

SHOWN = 5
OTHERS_TRIED = 3
"""Repositories of other systems that are tried; the tree may hold hundreds."""
_ELSEWHERE = "(a new one)"


class Change(Struct, frozen=True):
    """One change, and the world with it."""

    kind: RemedyKind
    what: str
    world: World
    scenario: DesiredScenario | None = None
    """Another one in the place of the scenario."""


Struck = tuple[Incident, Outcome]
Blamed = tuple[DesiredSystem, Outcome]


def remedies(world: World, system: DesiredSystem, struck: Sequence[Struck]) -> tuple[Remedy, ...]:
    """At most SHOWN. Where what it depends on is to blame, that is mended; where both are, both. ``struck``: every incident of a
    scenario that the system is judged in, the worst first; a remedy counts only when the worst that is left is better.
    """
    incident, outcome = struck[0]
    incidents = [each for each, _ in struck]
    chain = _blamed(world, system, incident, outcome)
    found = _better(changes(world, *chain[-1], incidents), incidents, system, outcome)
    if not found and len(chain) > 1:
        found = _better(_for_all(world, chain, incidents), incidents, system, outcome)
    return found


def _better(tried: Iterator[Change], incidents: Sequence[Incident], system: DesiredSystem, outcome: Outcome) -> tuple[Remedy, ...]:
    found: list[Remedy] = []
    for change in tried:
        verdict = _worst(change, incidents, system.name, outcome.verdict)
        if verdict.rank > outcome.verdict.rank:
            found.append(Remedy(change.kind, change.what, verdict))
            if len(found) == SHOWN:
                break
    return tuple(found)


def _worst(change: Change, incidents: Sequence[Incident], name: str, today: Verdict) -> Verdict:
    """Of all the incidents; looks no further than to one that is as bad as it is today."""
    worst = Verdict.UNTOUCHED
    for incident in incidents:
        other = replace(incident, scenario=change.scenario) if change.scenario is not None else incident
        worst = min(worst, Aftermath(change.world, other).of(name).verdict, key=lambda verdict: verdict.rank)
        if worst.rank <= today.rank:
            break
    return worst


def _blamed(world: World, system: DesiredSystem, incident: Incident, outcome: Outcome) -> list[Blamed]:
    """The system, and what it depends on as far as that breaks it."""
    chain, aftermath = [(system, outcome)], Aftermath(world, incident)
    while (name := shown(chain[-1][1]).blocked_by) and name not in {each.name for each, _ in chain}:
        chain.append((world.systems[name], aftermath.of(name)))
    return chain


def _for_all(world: World, chain: list[Blamed], incidents: Sequence[Incident]) -> Iterator[Change]:
    """The same kind of change for each of them."""
    (system, outcome), *others = chain
    names = ", ".join(other.name for other, _ in others)
    for change in changes(world, system, outcome, incidents):
        whole: Change | None = change
        for other, its in others:
            whole = _beside(whole, other, its, incidents) if whole is not None else None
        if whole is not None:
            yield replace(whole, what=f"{change.what}; and the same for {names}")


def _beside(first: Change, system: DesiredSystem, outcome: Outcome, incidents: Sequence[Incident]) -> Change | None:
    """Both changes in one world; None when there is none of this kind for the second system."""
    second = next((c for c in changes(first.world, system, outcome, incidents) if c.kind is first.kind), None)
    if second is None:
        return None
    scenarios = [c.scenario for c in (first, second) if c.scenario is not None]
    return Change(first.kind, first.what, second.world, min(scenarios, key=lambda s: s.detection_latency, default=None))


def changes(world: World, system: DesiredSystem, outcome: Outcome, incidents: Sequence[Incident]) -> Iterator[Change]:
    """All that may help in the first of the incidents, the cheapest first."""
    incident = incidents[0]
    verified = bool(incident.scenario.takes.unverified)
    best = _best(world, system)
    if verified:
        yield from _verify(world, system)
    yield from _backup(world, system, best, verified=verified)
    yield from _copy(world, system, best, verified=verified)
    yield from _shield(world, system, incident, outcome)
    yield from _other(world, system, incident, best, verified=verified)
    yield _elsewhere(world, system, incidents, best, verified=verified)
    yield from _detect(world, system, incident, outcome)
    yield from _promise(world, system, incident, outcome)


def _best(world: World, system: DesiredSystem) -> tuple[Snapshot, ...]:
    """The good snapshots of the repository that has the newest state now, newest first."""
    known = [(point, name) for name in world.repositories_of(system) if world.observed(name) and (point := world.point(system.name, name))]
    if not known:
        return ()
    _, name = max(known, key=lambda pair: pair[0].at)
    return tuple(s for s in world.snapshots(system.name, name) if s.good)


def _verify(world: World, system: DesiredSystem) -> Iterator[Change]:
    for name in world.repositories_of(system):
        newest = world.point(system.name, name) if world.observed(name) else None
        if newest is None:
            continue
        stored = [_proven(s, world) if s.id == newest.snapshot.id else s for s in world.snapshots(system.name, name)]
        what = f"verify the newest snapshot in {name}: reconcile verify {system.name} --deep"
        yield Change(RemedyKind.VERIFY, what, Tried(world, stored={(system.name, name): stored}))


def _backup(world: World, system: DesiredSystem, best: Sequence[Snapshot], *, verified: bool) -> Iterator[Change]:
    primary = next(iter(system.repositories), None)
    if primary is None or not world.observed(primary):
        return
    taken = _taken_now(world, system, primary, best)
    stored = newest_first([_proven(taken, world) if verified else taken, *world.snapshots(system.name, primary)])
    often = f", and at least every {span(system.objectives.rpo)}" if system.objectives.rpo is not None else ""
    what = f"back up now{' and verify it' if verified else ''}{often}: reconcile backup create {system.name}"
    yield Change(RemedyKind.BACKUP, what, Tried(world, stored={(system.name, primary): stored}))


def _copy(world: World, system: DesiredSystem, best: Sequence[Snapshot], *, verified: bool) -> Iterator[Change]:
    for name in system.repositories[1:]:
        if best and world.observed(name):
            what = f"copy it to {name}{' and verify it there' if verified else ''}: reconcile copy {system.name} --to {name}"
            yield Change(RemedyKind.COPY, what, Tried(world, stored=_with(world, system, name, best, verified=verified)))


def _shield(world: World, system: DesiredSystem, incident: Incident, outcome: Outcome) -> Iterator[Change]:
    hosts = {host for host in incident.hosts if host is not None}
    for copy in outcome.copies:
        repository = world.repositories.get(copy.repository)
        if not hosts or repository is None or copy.survival is not Survival.TAKEN:
            continue
        left = tuple(h for h in repository.deletable_from or () if h not in hosts)
        what = f"let {repository.name} not be deletable from {', '.join(sorted(hosts))}, and say so: deletableFrom: [{', '.join(left)}]"
        yield Change(RemedyKind.DELETABLE, what, Tried(world, repository=replace(repository, deletable_from=left)))


def _other(world: World, system: DesiredSystem, incident: Incident, best: Sequence[Snapshot], *, verified: bool) -> Iterator[Change]:
    """Declared repositories that are not its own and that survive."""
    tried = 0
    for name, repository in world.repositories.items():
        if name in system.repositories or not world.observed(name):
            continue
        if fate(repository, incident, world.writers.get(name, frozenset()) | {system.host})[0] is not Survival.SURVIVES:
            continue
        tried += 1
        if tried > OTHERS_TRIED:
            return
        more = replace(system, repositories=(*system.repositories, name))
        stored = _with(world, system, name, best, verified=verified)
        what = f"keep a copy in {name}: repositories: [{', '.join(more.repositories)}]"
        yield Change(RemedyKind.REPOSITORY, what, Tried(world, system=more, stored=stored))


def _elsewhere(world: World, system: DesiredSystem, incidents: Sequence[Incident], best: Sequence[Snapshot], *, verified: bool) -> Change:
    """A repository that does not exist yet, where none of these reaches: what would survive if there were a copy."""
    places = {key: _ELSEWHERE for incident in incidents for key, _ in incident.places}
    near = incidents[0].scenario.takes.reach is not None
    if near and "site" not in places:
        places["site"] = system.failure_domain.get("site", _ELSEWHERE)
    hosts = sorted({host or "the host of the system" for incident in incidents for host in incident.hosts})
    where = "at the system's own site" if near else f"at another {' and '.join(places)}" if places else "of its own"
    guarded = f", that {' and '.join(hosts)} cannot delete (deletableFrom: [])" if hosts else ""
    made = DesiredRepository(_ELSEWHERE, "s3://another", Key.model_construct(), Place("", 0), failure_domain=places, deletable_from=())
    more = replace(system, repositories=(*system.repositories, _ELSEWHERE))
    stored = _with(world, system, _ELSEWHERE, best, verified=verified)
    what = f"keep a copy in a new repository {where}{guarded}"
    return Change(RemedyKind.SITE, what, Tried(world, system=more, repository=made, stored=stored))


def _detect(world: World, system: DesiredSystem, incident: Incident, outcome: Outcome) -> Iterator[Change]:
    """As late as just suffices: when the oldest snapshot that keeps the RPO is still trusted."""
    rpo, latency = outcome.promised.rpo, incident.scenario.detection_latency
    if rpo is None or not latency:
        return
    alive = [copy.repository for copy in outcome.copies if copy.survival is Survival.SURVIVES]
    now = world.scene.now
    ages = [now - s.counted_at for name in alive for s in world.snapshots(system.name, name) if s.good]
    within = max((age for age in ages if timedelta(0) < age <= min(rpo, latency)), default=None)
    step = timedelta(minutes=1)
    if within is not None and within >= step:
        sooner = within // step * step
        what = f"notice it within {span(sooner)}, and say so: detectionLatency: {span(sooner)} in scenario {incident.scenario.name}"
        yield Change(RemedyKind.DETECT, what, world, replace(incident.scenario, detection_latency=sooner))


def _promise(world: World, system: DesiredSystem, incident: Incident, outcome: Outcome) -> Iterator[Change]:
    """The last resort: to say what is true."""
    side, kind = outcome.certain, incident.scenario.type.value
    if side.option is None or side.blocked_by or not outcome.taken:
        return
    now, promised, possible = world.scene.now, outcome.promised, dict[str, timedelta]()
    loss = now - side.option.point_at
    if promised.rpo is not None and loss > promised.rpo:
        possible["rpo"] = _rounded_up(loss)
    if side.total is not None and promised.rto is not None and side.total > promised.rto:
        possible["rto"] = _rounded_up(side.total)
    if side.total is not None and promised.mtd is not None and side.total > promised.mtd:
        possible["mtd"] = _rounded_up(side.total)
    if not possible:
        return
    own: dict[Any, Targets] = dict(system.objectives.disasters)
    now_said = own.get(kind) or Targets.model_construct()
    said = now_said.merged(Targets.model_construct(_fields_set=set(possible), **possible))
    disasters = {**own, kind: said}
    given = {**system.objectives.given(), "disasters": disasters}
    objectives = system.objectives.model_construct(_fields_set=set(given), **given)
    words = ", ".join(f"{key}: {span(value)}" for key, value in possible.items())
    what = f"promise what is possible: objectives: {{disasters: {{{kind}: {{{words}}}}}}}"
    yield Change(RemedyKind.PROMISE, what, Tried(world, system=replace(system, objectives=objectives)))


def _rounded_up(value: timedelta) -> timedelta:
    """To what :func:`span` writes in full, so that what is said is what was tried."""
    step = timedelta(hours=1) if value >= timedelta(hours=23) else timedelta(minutes=1)
    return -(-value // step) * step


def _with(
    world: World, system: DesiredSystem, repository: str, best: Sequence[Snapshot], *, verified: bool
) -> dict[tuple[str, str], Sequence[Snapshot]]:
    """What ``repository`` holds once everything that is good was copied there; without anything to copy, a first backup."""
    copied = best or (_taken_now(world, system, repository, ()),)
    there = world.snapshots(system.name, repository)
    known = {s.id for s in copied}
    arrived = [replace(s, repository=repository, marks=()) for s in copied]
    if verified:
        arrived[0] = _proven(arrived[0], world)
    others = [s for s in there if s.id not in known]
    return {(system.name, repository): newest_first([*arrived, *others]) if others else arrived}


def _taken_now(world: World, system: DesiredSystem, repository: str, best: Sequence[Snapshot]) -> Snapshot:
    """What a backup made at this moment would leave: as big as the newest one, of unknown size where there is none."""
    now = world.scene.now
    if best:
        return replace(best[0], id=f"{best[0].id}+", repository=repository, as_of=now, ended_at=now, arrived_at=now, marks=())
    realm, host = world.scene.desired.realm, system.host or ""
    return Snapshot(UNSEEN, repository, realm, system.name, host, BackupKind.FULL, now, now, now, Grade.COMPLETE, 0, 0, 0)


def _proven(snapshot: Snapshot, world: World) -> Snapshot:
    return replace(snapshot, marks=(*snapshot.marks, Mark(MarkKind.VERIFIED, world.scene.now)))
