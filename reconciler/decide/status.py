"""How things stand, put together from what the decision already knows: the one value that metrics, page and CLI are projections of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.decide import copies as copying
from reconciler.decide.copy_rule import digits
from reconciler.decide.forecast import breach_in_words, rpo_breach_at
from reconciler.decide.maintenance import cleaned_every
from reconciler.decide.objectives import expected_duration, newest_checked_at, newest_verified_at, recovery_point
from reconciler.decide.promised import Facts, Promises, promised
from reconciler.decide.readiness import Plans, readiness, standing
from reconciler.decide.rehearsal import recovery, rehearsed
from reconciler.decide.scene import Scene
from reconciler.model.desired import Desired, DesiredRepository, DesiredSystem
from reconciler.model.listing import Listing
from reconciler.model.objective import ObjectiveStatus
from reconciler.model.observed import Observed
from reconciler.model.plan import ActionKind, Plan
from reconciler.model.records import is_records
from reconciler.model.status import (
    Condition,
    ConditionType,
    Copied,
    LoopStatus,
    Planned,
    ProtectionStatus,
    RepositoryStatus,
    SpecStatus,
    Status,
    SystemStatus,
)

if TYPE_CHECKING:
    from reconciler.decide.remembered import Remembered

_OF_OBJECTS = frozenset({"System", "Repository"})


def status(
    desired: Desired,
    observed: Observed,
    plan: Plan,
    conditions: tuple[Condition, ...],
    loop: LoopStatus,
    spec: SpecStatus,
    now: datetime,
    *,
    remembered: Remembered | None = None,
) -> Status:
    """Everything at one instant. ``conditions``: as the catalog returned them, with ``since``.

    ``remembered``: the same, made from what earlier passes have left in it.
    """
    scene = Scene.of(desired, observed, now) if remembered is None else remembered.scene(desired, observed, now)
    plans = Plans.of(scene)
    if remembered is None:
        grouped = _grouped(conditions)
        given = _given(desired, plan, plans, grouped)
        standings = [_standing(scene, system, given[system.name]) for system in desired.systems]
        judged: list[Sequence[ObjectiveStatus]] = [
            promised(scene, system, facts) for system, (_, facts) in zip(desired.systems, standings, strict=True)
        ]
    else:
        grouped = remembered.recall("status.grouped", (conditions,), lambda: _grouped(conditions))
        parts = (grouped, plan.actions, plan.waiting, plan.held)
        given = remembered.recall("status.given", parts, lambda: _given(desired, plan, plans, grouped), equal=plans)
        standings = remembered.each("status", scene, _standing, given, kind=tuple[SystemStatus, Facts])
        judged = [Promises(scene, system, facts) for system, (_, facts) in zip(desired.systems, standings, strict=True)]
    told = zip(desired.systems, standings, judged, strict=True)
    return Status(
        at=now,
        agent=observed.agent,
        realm=desired.realm,
        systems=tuple(replace(status, verification=s.verification, objectives=each) for s, (status, _), each in told),
        repositories=tuple(_repository(scene, plan, r, grouped.get(("Repository", r.name), ()), remembered) for r in desired.repositories),
        spec=spec,
        loop=replace(loop, pause=scene.pause),
        conditions=grouped.get(_ELSEWHERE, ()),
        recovery_plans=tuple(standing(scene, plans, each) for each in desired.recovery_plans),
        planned=_planned(plan),
    )


def _planned(plan: Plan) -> Planned:
    actions, held = Counter(action.kind.value for action in plan.actions), Counter(change.guard for change in plan.held)
    return Planned(dict(actions), dict(held), len(plan.gaps))


_Grouped = Mapping[tuple[str, str], tuple[Condition, ...]]
_ELSEWHERE = ("", "")


def _grouped(conditions: Iterable[Condition]) -> _Grouped:
    """By kind and name of systems and repositories; those of everything else under :data:`_ELSEWHERE`."""
    found: dict[tuple[str, str], list[Condition]] = {}
    for condition in conditions:
        key = (condition.kind, condition.name) if condition.kind in _OF_OBJECTS else _ELSEWHERE
        found.setdefault(key, []).append(condition)
    return {key: tuple(members) for key, members in found.items()}


def _given(desired: Desired, plan: Plan, plans: Plans, grouped: _Grouped) -> dict[str, _Given]:
    """By system."""
    due, held = _next_due(plan), Counter[str]()
    for change in plan.held:
        held[change.system] += len(change.snapshots)
    return {
        s.name: _Given(grouped.get(("System", s.name), ()), due.get(s.name, _NEVER), held[s.name], plans.about(s.name))
        for s in desired.systems
    }


_Due = tuple[datetime, str]


def _next_due(plan: Plan) -> dict[str, _Due]:
    """By system: the earliest moment at which a backup is wanted, and why."""
    found: dict[str, _Due] = {}
    moments = [(a.system, a.due_at, a.why) for a in plan.actions if a.kind is ActionKind.BACKUP]
    moments += [(w.system, w.due_at, w.why) for w in plan.waiting]
    for system, due_at, why in moments:
        if due_at is not None and (system not in found or due_at < found[system][0]):
            found[system] = (due_at, why)
    return found


class _Given(Struct, frozen=True):
    """What else the status of a system is made from."""

    conditions: tuple[Condition, ...]
    due: tuple[datetime | None, str]
    """When the next backup is wanted, and why."""
    held: int
    plans: Plans


_NEVER: tuple[None, str] = (None, "")


def _standing(scene: Scene, system: DesiredSystem, given: _Given) -> tuple[SystemStatus, Facts]:
    """All but what is declared as it stands here, and the promises: they say how old things are, another number in each pass."""
    conditions, (next_due_at, next_due_why) = given.conditions, given.due
    spread = copying.Spread.of(scene, system)
    begins_at = _begins_at(scene, system, next_due_at)
    breach_at = _breach_at(scene, system, begins_at)
    breach_why = breach_in_words(breach_at, begins_at, scene.now) if breach_at is not None else ""
    fresh = next((c for c in conditions if c.type is ConditionType.BACKUP_FRESH), None)
    facts = Facts(fresh, recovery(scene, system), rehearsed(scene, system), begins_at, breach_at, breach_why)
    status = SystemStatus(
        name=system.name,
        tier=system.tier,
        policy=system.policy,
        owner=system.owner or "",
        host=system.host or scene.observed.agent,
        here=scene.here(system),
        rpo=system.objectives.rpo,
        rto=system.objectives.rto,
        protection=tuple(_protection(scene, system, name, spread.holdings[name]) for name in system.repositories),
        conditions=conditions,
        next_due_at=next_due_at,
        next_due_why=next_due_why,
        suspended=scene.suspended(system),
        rpo_breach_at=breach_at,
        rpo_breach_why=breach_why,
        held=given.held,
        mtd=system.objectives.mtd,
        rehearsed=facts.rehearsed,
        recovery=facts.recovery,
        copied=_copied(scene, system, spread),
        readiness=readiness(scene, given.plans, system, conditions) if not is_records(system.name) else None,
    )
    return status, facts


def _begins_at(scene: Scene, system: DesiredSystem, next_due_at: datetime | None) -> datetime | None:
    """When the next backup may begin; None: none is planned."""
    if next_due_at is None or scene.suspended(system):
        return None
    return max(next_due_at, scene.pause.until) if scene.pause is not None else next_due_at


def _breach_at(scene: Scene, system: DesiredSystem, begins_at: datetime | None) -> datetime | None:
    """Of this agent's own systems: it knows nothing of what another one plans."""
    if not scene.here(system) or not system.repositories:
        return None
    points = [recovery_point(scene.snapshots(system.name, r), scene.history(system.name, r), scene.now) for r in system.repositories]
    newest = max((point for point in points if point is not None), key=lambda point: point.at, default=None)
    rpo = system.objectives.rpo
    expected = expected_duration(scene.history(system.name, system.repositories[0]), rpo)
    return rpo_breach_at(newest, rpo, expected, begins_at, scene.now)


def _protection(scene: Scene, system: DesiredSystem, repository: str, holding: copying.Holding) -> ProtectionStatus:
    snapshots, history = scene.snapshots(system.name, repository), scene.history(system.name, repository)
    point = recovery_point(snapshots, history, scene.now)
    return ProtectionStatus(
        repository=repository,
        snapshots=len(snapshots),
        newest_good_id=point.snapshot.id if point is not None else None,
        recovery_point_at=point.at if point is not None else None,
        newest_verified_at=newest_verified_at(snapshots, scene.now),
        history=history,
        newest_checked_at=newest_checked_at(snapshots, scene.now),
        trails=copying.trail(scene, system, repository) if repository != system.repositories[0] else None,
        copy_due_at=holding.due_at,
    )


def _copied(scene: Scene, system: DesiredSystem, spread: copying.Spread) -> Copied:
    """How many hold it, counted where they could be listed."""
    found = dict(copying.present(system, [r for name in spread.holding(scene) if (r := scene.desired.repository(name)) is not None]))
    return Copied(
        declared=system.copies.count or 0,
        held=found["count"],
        offsite_declared=system.copies.offsite or 0,
        offsite_held=found["offsite"],
        lag=copying.allowed_lag(system) or None,
        digits=digits(scene, system, spread),
    )


def _repository(
    scene: Scene, plan: Plan, repository: DesiredRepository, conditions: tuple[Condition, ...], remembered: Remembered | None
) -> RepositoryStatus:
    state = scene.state(repository.name)
    listed = state.snapshots if state is not None else ()

    def counted() -> Counter[str]:
        own: Counter[str] = Counter()
        for (realm, system, _), group in Listing.of(listed).groups.items():
            own[system] += len(group) if realm == scene.desired.realm else 0
        return own

    own = counted() if remembered is None else remembered.recall(f"status.own.{repository.name}", (listed,), counted)
    return RepositoryStatus(
        name=repository.name,
        reachable=scene.reachable(repository.name),
        listed_at=state.listed_at if state is not None else None,
        snapshots=own.total(),
        foreign=len(listed) - own.total(),
        orphaned=sum(own[system] for system in plan.orphans),
        free_bytes=state.free_bytes if state is not None else None,
        conditions=conditions,
        failure=state.failure if state is not None else None,
        prune_every=cleaned_every(scene, repository),
    )
