"""The care for what is stored: proving that snapshots are intact, and letting go of what retention no longer asks for."""

from __future__ import annotations

from dataclasses import replace

from reconciler.base.units import format_duration
from reconciler.decide.guard import rule
from reconciler.decide.objectives import newest_verified_at
from reconciler.decide.retention import digest as retention_digest
from reconciler.decide.scene import Scene, from_future
from reconciler.decide.words import counted
from reconciler.model.desired import DesiredSystem
from reconciler.model.plan import Action, ActionKind, Held, Lane

PRIORITY_UPKEEP = 10


def plan_verification(scene: Scene, system: DesiredSystem) -> tuple[Action, ...]:
    """Read the newest good snapshot of each repository again when the last proof is older than ``verification.deep``."""
    return tuple(action for repository in system.repositories if (action := _verify(scene, system, repository)) is not None)


def plan_retention(scene: Scene, system: DesiredSystem) -> tuple[tuple[Action, ...], tuple[Held, ...]]:
    """Mark, remove or hold, in each repository by itself. What is held is said even while nothing could be done anyway."""
    actions: list[Action] = []
    held: list[Held] = []
    for repository in system.repositories:
        if not scene.here(system) or not scene.reachable(repository):
            continue
        ruling = rule(scene, system, repository)
        held += ruling.held
        if not _free(scene, system, repository):
            continue
        total = len(scene.snapshots(system.name, repository))
        if ruling.mark:
            why = f"retention no longer asks for {len(ruling.mark)} of {counted(total, 'snapshot')}; they can be removed after a day"
            actions.append(_retention_action(system, repository, ActionKind.MARK, ruling.mark, why))
        if ruling.forget:
            why = f"{len(ruling.forget)} of {counted(total, 'snapshot')} were marked a day ago or earlier and are still not asked for"
            actions.append(_retention_action(system, repository, ActionKind.FORGET, ruling.forget, why))
    return tuple(actions), tuple(held)


def _free(scene: Scene, system: DesiredSystem, repository: str) -> bool:
    lane_busy = (system.name, repository, Lane.UPKEEP) in scene.observed.busy
    return scene.here(system) and scene.reachable(repository) and not scene.suspended(system) and not lane_busy


def _verify(scene: Scene, system: DesiredSystem, repository: str) -> Action | None:
    deep = system.verification.deep
    if deep is None or not _free(scene, system, repository):
        return None
    snapshots = scene.snapshots(system.name, repository)
    newest = next((s for s in snapshots if s.good and not from_future(s.counted_at, scene.now)), None)
    if newest is None:
        return None
    proven_at = newest_verified_at(snapshots, scene.now)
    if proven_at is not None and scene.now - proven_at < deep:
        return None
    last = f"last proof {format_duration(scene.now - proven_at, parts=2)} ago" if proven_at is not None else "no proof of intactness yet"
    why = f"{last}; every {format_duration(deep)} is declared"
    due_at = proven_at + deep if proven_at is not None else newest.ended_at
    action = _upkeep(system, repository, ActionKind.VERIFY, "verify-due", why, (newest.id,))
    return replace(action, due_at=due_at)


def _retention_action(system: DesiredSystem, repository: str, kind: ActionKind, ids: tuple[str, ...], why: str) -> Action:
    action = _upkeep(system, repository, kind, "retention", why, ids)
    return replace(action, retention_digest=retention_digest(system.retention))


def _upkeep(system: DesiredSystem, repository: str, kind: ActionKind, reason: str, why: str, ids: tuple[str, ...]) -> Action:
    return Action(kind, system.name, repository, Lane.UPKEEP, reason, why, PRIORITY_UPKEEP, system.generation, system.place, snapshots=ids)
