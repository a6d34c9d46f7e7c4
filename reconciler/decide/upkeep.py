"""The care for what is stored: letting go of what retention no longer asks for, and what all such care has in common."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from reconciler.decide.guard import rule
from reconciler.decide.retention import digest as retention_digest
from reconciler.decide.scene import Scene
from reconciler.decide.words import counted
from reconciler.model.desired import DesiredSystem
from reconciler.model.plan import Action, ActionKind, Held, Lane
from reconciler.model.snapshot import MarkKind

PRIORITY_UPKEEP = 10


def plan_retention(scene: Scene, system: DesiredSystem) -> tuple[tuple[Action, ...], tuple[Held, ...]]:
    """Mark, spare, remove or hold, in each repository by itself. What is held is said even while nothing could be done anyway."""
    actions: list[Action] = []
    held: list[Held] = []
    for repository in scene.kept(system):
        if not scene.here(system) or not scene.reachable(repository):
            continue
        ruling = rule(scene, system, repository)
        held += ruling.held
        if not is_free(scene, system, repository):
            continue
        total = len(scene.stored(system.name, repository))
        if ruling.spare:
            why = f"retention asks again for {counted(len(ruling.spare), 'snapshot')} that were marked for removal"
            actions.append(_retention_action(system, repository, ActionKind.UNMARK, ruling.spare, why))
        if ruling.mark:
            why = f"retention no longer asks for {len(ruling.mark)} of {counted(total, 'snapshot')}; they can be removed after a day"
            actions.append(_retention_action(system, repository, ActionKind.MARK, ruling.mark, why, ruling.approvals))
        if ruling.forget:
            why = f"{len(ruling.forget)} of {counted(total, 'snapshot')} were marked a day ago or earlier and are still not asked for"
            actions.append(_retention_action(system, repository, ActionKind.FORGET, ruling.forget, why, ruling.approvals))
    return tuple(actions), tuple(held)


def plan_suspicion(scene: Scene, system: DesiredSystem) -> tuple[Action, ...]:
    """Say in every repository that holds them which snapshots do not fit the history: on the mark everybody else relies, too."""
    found = scene.suspects.get(system.name, {})
    if not found:  # as for nearly every system
        return ()
    actions = []
    for repository in system.repositories:
        state = scene.state(repository)
        if state is None or not is_free(scene, system, repository):
            continue
        there = {s.id for s in scene.snapshots(system.name, repository)}
        durable = {s.id for s in state.snapshots if s.id in found and s.marked(MarkKind.SUSPECT) is not None}
        for snapshot, why in found.items():
            if snapshot in there and snapshot not in durable:
                actions.append(upkeep_action(system, repository, ActionKind.SUSPECT, "anomaly", why, (snapshot,)))
    return tuple(actions)


def is_free(scene: Scene, system: DesiredSystem, repository: str) -> bool:
    """Whether this agent may care for the system there now."""
    if repository in scene.observed_only:
        return False
    lane_busy = (system.name, repository, Lane.UPKEEP) in scene.observed.busy
    return scene.here(system) and scene.reachable(repository) and not scene.suspended(system) and not lane_busy


def _retention_action(
    system: DesiredSystem, repository: str, kind: ActionKind, ids: tuple[str, ...], why: str, approvals: tuple[str, ...] = ()
) -> Action:
    if approvals:
        why = f"{why}; approved by {', '.join(approvals)}"
    digest = retention_digest(system.retention)
    return upkeep_action(system, repository, kind, "retention", why, ids, retention_digest=digest, approvals=approvals)


def upkeep_action(
    system: DesiredSystem, repository: str, kind: ActionKind, reason: str, why: str, ids: tuple[str, ...], **more: Any
) -> Action:
    """An action that never holds up a backup. ``more``: fields of Action."""
    plain = Action(kind, system.name, repository, Lane.UPKEEP, reason, why, PRIORITY_UPKEEP, system.generation, system.place, snapshots=ids)
    return replace(plain, **more)
