"""The care for repositories as a whole: when to remove from one what no snapshot needs any more."""

from __future__ import annotations

from reconciler.base.units import format_duration
from reconciler.decide.calendar import window_opens
from reconciler.decide.scene import Scene
from reconciler.decide.upkeep import PRIORITY_UPKEEP
from reconciler.model.desired import DesiredRepository
from reconciler.model.plan import Action, ActionKind, Lane


def plan_maintenance(scene: Scene) -> tuple[Action, ...]:
    """One clean-up for each repository whose time has come."""
    return tuple(action for repository in scene.desired.repositories if (action := _prune(scene, repository)) is not None)


def _prune(scene: Scene, repository: DesiredRepository) -> Action | None:
    prune, state = repository.maintenance.prune, scene.state(repository.name)
    if prune is None or state is None or not scene.reachable(repository.name):
        return None
    if not state.fresh or not state.snapshots or ("", repository.name, Lane.UPKEEP) in scene.observed.busy:
        return None  # only after a complete listing in this very pass, and never in an empty repository
    if not any(scene.here(system) and repository.name in system.repositories for system in scene.desired.systems):
        return None
    last = scene.observed.pruned.get(repository.name)
    since = last or min(snapshot.counted_at for snapshot in state.snapshots)
    due_at = since + prune.every
    if due_at > scene.now:
        return None
    window = repository.maintenance.window
    if window is not None and window_opens(window, scene.now) > scene.now:
        return None
    ago = format_duration(scene.now - since, parts=2)
    why = f"last clean-up {ago} ago" if last is not None else f"never cleaned up, oldest snapshot {ago} old"
    return Action(
        kind=ActionKind.PRUNE,
        system="",
        repository=repository.name,
        lane=Lane.UPKEEP,
        reason="prune-due",
        why=f"{why}; every {format_duration(prune.every)} is declared",
        priority=PRIORITY_UPKEEP,
        place=repository.place,
        due_at=due_at,
    )
