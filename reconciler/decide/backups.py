"""The backups of one system: what is due now becomes an action, what is not becomes the next moment with its reason."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from reconciler.base.units import format_duration
from reconciler.decide.backoff import retry_at
from reconciler.decide.due import Case, Due, dues, kind_for
from reconciler.decide.scene import Scene
from reconciler.model.desired import DesiredSystem
from reconciler.model.plan import Action, ActionKind, Lane, Waiting
from reconciler.model.snapshot import BackupKind

PRIORITY_REQUESTED = 100
PRIORITY_AT_RISK = 80
PRIORITY_DUE = 50
Key = tuple[str, str, Lane]
_WEIGHT = {None: 0, BackupKind.INCREMENTAL: 0, BackupKind.DIFFERENTIAL: 1, BackupKind.FULL: 2}


class Request(Struct, frozen=True):
    """What a person asks for with ``backup create``: no schedule, window or back-off stands against it."""

    systems: tuple[str, ...] = ()
    """Names; none means every system of this agent."""
    kind: BackupKind | None = None
    """None: an incremental."""


def plan_backups(scene: Scene, system: DesiredSystem) -> tuple[tuple[Action, ...], tuple[Waiting, ...]]:
    """Into the primary repository; empty when it cannot be reached or another host reads the sources.

    What a person wished for goes before what is due in the same lane, and waits for no window and no back-off.
    """
    wished = _wished(scene, system)
    lanes = {action.key for action in wished}
    planned, waiting = _planned(scene, system)
    return (*wished, *(action for action in planned if action.key not in lanes)), waiting


def _wished(scene: Scene, system: DesiredSystem) -> tuple[Action, ...]:
    """One action for each lane; of several kinds wished for in one lane the heaviest, which satisfies the others."""
    wishes = [wish for wish in scene.observed.wishes if wish.system == system.name and wish.stands(scene.now)]
    found: dict[Key, Action] = {}
    for wish in sorted(wishes, key=lambda wish: _WEIGHT[wish.kind]):
        for action in plan_requested(scene, system, Request((system.name,), wish.kind)):
            found[action.key] = replace(action, why=f"{action.why}, by {wish.by} at {wish.at:%H:%M:%S} UTC")
    return tuple(action for key, action in found.items() if key not in scene.observed.busy)


def _planned(scene: Scene, system: DesiredSystem) -> tuple[tuple[Action, ...], tuple[Waiting, ...]]:
    repository = system.repositories[0] if system.repositories else ""
    if not scene.here(system) or not scene.reachable(repository) or repository in scene.observed_only:
        return (), ()
    wanted = sorted(dues(_case(scene, system, repository)), key=lambda due: due.due_at)
    if not wanted:
        return (), ()
    if system.suspend is not None and scene.suspended(system):
        return (), (Waiting(system.name, repository, wanted[0].kind, system.suspend.until, f"suspended: {system.suspend.reason}"),)
    now_due = [due for due in wanted if due.due_at <= scene.now]
    if not now_due:
        return (), (Waiting(system.name, repository, wanted[0].kind, wanted[0].due_at, wanted[0].why),)
    delay = _back_off(scene, system, repository, now_due[0])
    if delay is not None:
        return (), (delay,)
    actions = _collapsed([_action(scene, system, repository, due) for due in now_due])
    free = tuple(action for action in actions if action.key not in scene.observed.busy)
    under_way = Waiting(system.name, repository, now_due[0].kind, now_due[0].due_at, "a backup is under way")
    return free, () if free else (under_way,)


def plan_requested(scene: Scene, system: DesiredSystem, request: Request) -> tuple[Action, ...]:
    """What a person asked for, as far as this agent can do it; gaps.py says why it cannot."""
    repository = system.repositories[0] if system.repositories else ""
    if not scene.here(system) or not scene.reachable(repository) or scene.suspended(system) or repository in scene.observed_only:
        return ()
    kind = request.kind or BackupKind.INCREMENTAL
    snapshots = scene.snapshots(system.name, repository)
    real = kind_for(snapshots, kind)
    first = not any(s.good for s in snapshots)  # in the lane in which the loop would take it, so that two never run side by side
    why = f"{kind} asked for" if real is kind else f"{kind} asked for; a full, because nothing to compare with is in {repository}"
    due = Due(real, scene.now, "requested", why, objective=first or real is BackupKind.INCREMENTAL)
    return (replace(_action(scene, system, repository, due), priority=PRIORITY_REQUESTED),)


def _case(scene: Scene, system: DesiredSystem, repository: str) -> Case:
    snapshots, history = scene.snapshots(system.name, repository), scene.history(system.name, repository)
    return Case(system, repository, snapshots, history, scene.desired.settings.interval, scene.now, scene.desired.realm)


def _collapsed(due: list[Action]) -> list[Action]:
    """Of several kinds due at once, the heaviest satisfies the others. Only what the RPO needs goes beside it: a full may take hours."""
    needed = [action for action in due if action.lane is Lane.OBJECTIVE and action.priority == PRIORITY_AT_RISK]
    heaviest = max(due, key=lambda action: _WEIGHT[action.backup_kind])
    if any(action.backup_kind is heaviest.backup_kind for action in needed):
        return needed
    return [heaviest, *needed]


def _action(scene: Scene, system: DesiredSystem, repository: str, due: Due) -> Action:
    kind = kind_for(scene.snapshots(system.name, repository), due.kind)
    light = due.objective or due.kind is BackupKind.INCREMENTAL
    return Action(
        kind=ActionKind.BACKUP,
        system=system.name,
        repository=repository,
        lane=Lane.OBJECTIVE if light else Lane.UPKEEP,
        reason=due.reason,
        why=due.why,
        priority=PRIORITY_AT_RISK if due.objective else PRIORITY_DUE,
        generation=system.generation,
        place=system.place,
        due_at=due.due_at,
        backup_kind=kind,
        suspects=tuple(sorted(scene.suspects.get(system.name, ()))),
    )


def _back_off(scene: Scene, system: DesiredSystem, repository: str, due: Due) -> Waiting | None:
    history = scene.history(system.name, repository)
    moment = retry_at(history, system.generation, system.objectives.rpo, scene.now)
    if moment is None:
        return None
    failure = f": {history.last_failure.message}" if history.last_failure is not None else ""
    times = "once" if history.consecutive_failures == 1 else f"{history.consecutive_failures} times"
    left = format_duration(moment - scene.now, parts=2)
    return Waiting(system.name, repository, due.kind, moment, f"failed {times}, next try in {left}{failure}")
