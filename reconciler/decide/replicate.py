"""Copies into the further repositories of a system: every good snapshot that they lack and would keep, the newest first.

Losing the primary today costs what the copies lack, so the newest state travels first; the nearer its deadline, the sooner, and a copy
that is overdue goes before all other upkeep. Backups still come first: without them there is nothing worth copying. After a long absence
the newest snapshot of each system travels alone, before the history of any: then every system has a copy again, and the rest follows.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from reconciler.base.units import format_duration
from reconciler.decide.copies import Holding, allowed_lag, holding, missing, origins
from reconciler.decide.scene import Scene
from reconciler.decide.upkeep import is_free
from reconciler.decide.words import counted
from reconciler.model.desired import DesiredSystem
from reconciler.model.plan import Action, ActionKind, Lane
from reconciler.model.snapshot import Snapshot

PRIORITY_REQUESTED = 100
PRIORITY_LATE = 45
"""Below a due backup (50), above all other upkeep (10)."""
PRIORITY_IN_TIME = 20
AT_A_TIME = 50
"""Snapshots in one action: then the next plan looks again at what matters most."""


def plan_copies(scene: Scene, system: DesiredSystem) -> tuple[Action, ...]:
    """What the loop copies now."""
    actions = []
    for target in system.repositories[1:]:
        found = missing(scene, system, target) if is_free(scene, system, target) else ()
        if found:
            there = holding(scene, system, target)
            late = not there.enough(scene.now)
            first, why = found[:1] if late else found[:AT_A_TIME], _why(scene, there, found)
            actions.append(_due(system, target, there, first, why, _priority(scene, system, there)))
            if late and found[1:]:
                why = f"{counted(len(found) - 1, 'older one')} to copy after the newest"
                actions.append(_due(system, target, there, found[1:][:AT_A_TIME], why, PRIORITY_IN_TIME))
    return tuple(actions)


def plan_requested_copies(scene: Scene, systems: Sequence[str], target: str) -> tuple[Action, ...]:
    """What a person asked for: an action for each system, also where there is nothing to copy. None of ``systems`` means all."""
    actions = []
    for system in scene.desired.systems:
        if not systems or system.name in systems:
            found = missing(scene, system, target)
            nothing = "asked for; nothing is missing in what could be seen"
            why = _why(scene, holding(scene, system, target), found) if found else nothing
            action = _action(system, target, found, "requested", why, PRIORITY_REQUESTED)
            actions.append(action if found else replace(action, origin=next(iter(origins(scene, system, target)), "")))
    return tuple(actions)


def _priority(scene: Scene, system: DesiredSystem, there: Holding) -> int:
    """From in time to late, as much of the allowed lag as has passed."""
    if not there.enough(scene.now):
        return PRIORITY_LATE
    lag = allowed_lag(system)
    if there.due_at is None or not lag:
        return PRIORITY_IN_TIME
    passed = 1 - (there.due_at - scene.now) / lag
    return PRIORITY_IN_TIME + int(max(passed, 0.0) * (PRIORITY_LATE - PRIORITY_IN_TIME - 1))


def _due(system: DesiredSystem, target: str, there: Holding, found: Sequence[Snapshot], why: str, priority: int) -> Action:
    action = _action(system, target, found, "copy-due", why, priority)
    return replace(action, due_at=there.due_at) if there.due_at is not None else action


def _action(system: DesiredSystem, target: str, found: Sequence[Snapshot], reason: str, why: str, priority: int) -> Action:
    return Action(
        kind=ActionKind.COPY,
        system=system.name,
        repository=target,
        lane=Lane.UPKEEP,
        reason=reason,
        why=why,
        priority=priority,
        generation=system.generation,
        place=system.place,
        due_at=found[0].ended_at if found else None,
        snapshots=tuple(s.id for s in found),
        origin=found[0].repository if found else "",
    )


def _why(scene: Scene, there: Holding, found: Sequence[Snapshot]) -> str:
    due = there.due_in_words(scene.now)
    due = f"; {due}" if due else ""
    if there.newest is None:
        return f"it holds no copy yet; {counted(len(found), 'snapshot')} to copy{due}"
    behind = found[0].counted_at - there.newest.counted_at
    trails = f"it trails by {format_duration(behind, parts=2)}" if behind.total_seconds() > 0 else "older ones are missing"
    return f"{trails}; {counted(len(found), 'snapshot')} to copy{due}"
