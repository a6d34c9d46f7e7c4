"""How things stand, put together from what the decision already knows: the one value that metrics, page and CLI are projections of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.decide.objectives import newest_verified_at, recovery_point
from reconciler.decide.scene import Scene
from reconciler.model.desired import Desired, DesiredRepository, DesiredSystem
from reconciler.model.observed import Observed
from reconciler.model.plan import ActionKind, Plan
from reconciler.model.status import Condition, LoopStatus, ProtectionStatus, RepositoryStatus, SpecStatus, Status, SystemStatus

_OF_OBJECTS = frozenset({"System", "Repository"})


def status(
    desired: Desired, observed: Observed, plan: Plan, conditions: Sequence[Condition], loop: LoopStatus, spec: SpecStatus, now: datetime
) -> Status:
    """Everything at one instant. ``conditions``: as the catalog returned them, with ``since``."""
    scene = Scene.of(desired, observed, now)
    by_object: dict[tuple[str, str], list[Condition]] = {}
    for condition in conditions:
        by_object.setdefault((condition.kind, condition.name), []).append(condition)
    due = _next_due(plan)
    return Status(
        at=now,
        agent=observed.agent,
        realm=desired.realm,
        systems=tuple(_system(scene, s, tuple(by_object.get(("System", s.name), ())), due) for s in desired.systems),
        repositories=tuple(_repository(scene, plan, r, tuple(by_object.get(("Repository", r.name), ()))) for r in desired.repositories),
        spec=spec,
        loop=replace(loop, pause=scene.pause),
        conditions=tuple(condition for condition in conditions if condition.kind not in _OF_OBJECTS),
    )


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


def _system(scene: Scene, system: DesiredSystem, conditions: tuple[Condition, ...], due: dict[str, _Due]) -> SystemStatus:
    next_due_at, next_due_why = due.get(system.name, (None, ""))
    return SystemStatus(
        name=system.name,
        tier=system.tier,
        policy=system.policy,
        owner=system.owner or "",
        host=system.host or scene.observed.agent,
        here=scene.here(system),
        rpo=system.objectives.rpo,
        rto=system.objectives.rto,
        protection=tuple(_protection(scene, system, name) for name in system.repositories),
        conditions=conditions,
        next_due_at=next_due_at,
        next_due_why=next_due_why,
        suspended=scene.suspended(system),
    )


def _protection(scene: Scene, system: DesiredSystem, repository: str) -> ProtectionStatus:
    snapshots, history = scene.snapshots(system.name, repository), scene.history(system.name, repository)
    point = recovery_point(snapshots, history, scene.now)
    return ProtectionStatus(
        repository=repository,
        snapshots=len(snapshots),
        newest_good_id=point.snapshot.id if point is not None else None,
        recovery_point_at=point.at if point is not None else None,
        newest_verified_at=newest_verified_at(snapshots, scene.now),
        history=history,
    )


def _repository(scene: Scene, plan: Plan, repository: DesiredRepository, conditions: tuple[Condition, ...]) -> RepositoryStatus:
    state = scene.state(repository.name)
    listed = state.snapshots if state is not None else ()
    own = [s for s in listed if s.realm == scene.desired.realm]
    return RepositoryStatus(
        name=repository.name,
        reachable=scene.reachable(repository.name),
        listed_at=state.listed_at if state is not None else None,
        snapshots=len(own),
        foreign=len(listed) - len(own),
        orphaned=sum(s.system in plan.orphans for s in own),
        free_bytes=state.free_bytes if state is not None else None,
        conditions=conditions,
        failure=state.failure if state is not None else None,
    )
