"""The care for repositories as a whole: when to remove from one what no snapshot needs any more.

As often as declared, and before its time where many backups have left many small index objects, which only a clean-up merges.
"""

from __future__ import annotations

from datetime import timedelta

from reconciler.base.units import format_duration
from reconciler.decide.calendar import window_opens
from reconciler.decide.scene import Scene
from reconciler.decide.upkeep import PRIORITY_UPKEEP
from reconciler.model.desired import DesiredRepository
from reconciler.model.plan import Action, ActionKind, Lane

_CROWDED_FROM = 100  # a first look from a new machine reads each index object; a year of backups must not cost it more than 200
_CROWDED_EVERY = timedelta(hours=1)  # many systems may write faster than that: then the objects wait, and the disks have peace


def plan_maintenance(scene: Scene) -> tuple[Action, ...]:
    """One clean-up for each repository whose time has come."""
    return tuple(action for repository in scene.desired.repositories if (action := _prune(scene, repository)) is not None)


def cleaned_every(scene: Scene, repository: DesiredRepository) -> timedelta | None:
    """How often this agent is to clean up there; None: never, or that is not for it to do."""
    prune = repository.maintenance.prune
    if prune is None or repository.observed_only:
        return None
    ours = any(scene.here(system) and repository.name in system.repositories for system in scene.desired.systems)
    return prune.every if ours else None


def _prune(scene: Scene, repository: DesiredRepository) -> Action | None:
    every, state = cleaned_every(scene, repository), scene.state(repository.name)
    if every is None or state is None or not scene.reachable(repository.name) or state.lost:
        return None
    if not state.fresh or not state.snapshots or ("", repository.name, Lane.UPKEEP) in scene.observed.busy:
        return None  # only after a complete listing in this very pass, and never in an empty repository
    last = scene.observed.pruned.get(repository.name)
    since = last or min(snapshot.counted_at for snapshot in state.snapshots)
    crowded = (state.small_indexes or 0) >= _CROWDED_FROM
    due_at = since + (min(every, _CROWDED_EVERY) if crowded else every)
    if due_at > scene.now:
        return None
    window = repository.maintenance.window
    if window is not None and window_opens(window, scene.now) > scene.now:
        return None
    ago = format_duration(scene.now - since, parts=2)
    why = f"last clean-up {ago} ago" if last is not None else f"never cleaned up, oldest snapshot {ago} old"
    early = crowded and since + every > scene.now
    return Action(
        kind=ActionKind.PRUNE,
        system="",
        repository=repository.name,
        lane=Lane.UPKEEP,
        reason="index-crowded" if early else "prune-due",
        why=f"{state.small_indexes} small index objects, {why}" if early else f"{why}; every {format_duration(every)} is declared",
        priority=PRIORITY_UPKEEP,
        place=repository.place,
        due_at=due_at,
    )
