"""How long an action will take, and how many bytes it will move, by what the same took before. What was never measured is not guessed.

A backup goes by the snapshots and runs of its own system. The rest goes by the pace of the same kind of action in the same repository,
whoever it was for: a disk is as fast for one system as for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from statistics import median

from msgspec.structs import replace

from reconciler.decide.objectives import expected_duration
from reconciler.decide.scene import Scene
from reconciler.decide.words import counted
from reconciler.model.listing import good
from reconciler.model.observed import Pace
from reconciler.model.plan import Action, ActionKind, Estimate
from reconciler.model.recovery import RecoveryOutcome, RunMode
from reconciler.model.snapshot import BackupKind, Snapshot

_NEWEST = 5
"""So many snapshots of a kind say what is usual: one big day must not colour all days after it."""
STORED_SHARE = 0.5
"""Of the bytes of a source that reach the store after compression, where no first full backup tells. An assumption."""
_MARKS = frozenset({ActionKind.SUSPECT, ActionKind.MARK, ActionKind.UNMARK, ActionKind.FORGET})


def estimated(scene: Scene, action: Action) -> Action:
    """The action with what it is expected to take."""
    match action.kind:
        case ActionKind.BACKUP:
            found = _backup(scene, action)
        case ActionKind.COPY:
            found = _paced(scene, action, _copied(scene, action))
        case ActionKind.VERIFY:
            found = _paced(scene, action, None if action.quick else _stored(scene, action))
        case ActionKind.TEST:
            found = _tested(scene, action)
        case ActionKind.PRUNE | ActionKind.DRILL:
            found = _paced(scene, action, None)
        case ActionKind.SUSPECT | ActionKind.MARK | ActionKind.UNMARK | ActionKind.FORGET:
            found = _paced(scene, action, 0)
    return replace(action, estimate=found)


def _backup(scene: Scene, action: Action) -> Estimate:
    """By what snapshots of this kind took and added; the first of them is none to go by, for it stored everything."""
    kind = action.backup_kind or BackupKind.INCREMENTAL
    stored = scene.snapshots(action.system, action.repository)
    first = next((s for s in reversed(stored) if s.good), None)
    if first is None:
        return Estimate(None, None, "there is no snapshot to go by")
    alike = list(islice((s for s in stored if s.kind is kind and s is not first and s.good), _NEWEST))
    if alike:
        seconds = median((s.ended_at - s.as_of).total_seconds() for s in alike)
        return Estimate(round(seconds, 1), round(median(s.added_bytes for s in alike)), _source(len(alike), f"{kind} backup"))
    if kind is BackupKind.FULL:
        return Estimate(round((first.ended_at - first.as_of).total_seconds(), 1), None, "from its first backup")
    history = scene.history(action.system, action.repository)
    if not history.durations:
        return Estimate(None, None, f"no {kind} backup was measured yet")
    seconds = expected_duration(history, None).total_seconds()
    return Estimate(round(seconds, 1), history.last_added_bytes, _source(len(history.durations), "backup"))


def _tested(scene: Scene, action: Action) -> Estimate:
    """As long as the last tests of this plan took, whatever it would take in earnest."""
    runs = (run for run in scene.observed.recoveries if (run.plan, run.mode) == (action.plan, RunMode.TEST))
    took = [run.seconds for run in runs if run.outcome is RecoveryOutcome.RECOVERED and run.seconds is not None]
    if not took:
        return Estimate(None, None, "this plan never passed a test")
    return Estimate(round(median(took), 1), None, _source(len(took), "test"))


def _copied(scene: Scene, action: Action) -> int | None:
    """What its snapshots added where they are read from; the first copy in a repository brings a whole state."""
    wanted = set(action.snapshots)
    there = [s for s in scene.snapshots(action.system, action.origin) if s.id in wanted] if action.origin else []
    if len(there) < len(wanted):
        return None  # some are read from another place
    if scene.snapshots(action.system, action.repository) or not there:
        return sum(s.added_bytes for s in there)
    there_good = good(scene.snapshots(action.system, action.origin))
    return (stored_size(there_good) if there_good else 0) + sum(s.added_bytes for s in there[:-1])


def _stored(scene: Scene, action: Action) -> int | None:
    held = good(scene.snapshots(action.system, action.repository))
    return stored_size(held) if held else None


def _paced(scene: Scene, action: Action, size: int | None) -> Estimate:
    measured = scene.observed.paces.get((action.pace_kind, action.repository), ())
    if not measured:
        return Estimate(None, size, f"no {action.pace_kind} was measured in {action.repository} yet")
    source = _source(len(measured), f"{action.pace_kind} in {action.repository}", plural=False)
    if action.kind in _MARKS:
        each = sum(pace.seconds for pace in measured) / max(sum(pace.snapshots for pace in measured), 1)
        return Estimate(round(each * len(action.snapshots), 1), size, source)
    return Estimate(_seconds(measured, size), size, source)


def _seconds(measured: Sequence[Pace], size: int | None) -> float:
    """By the bytes where both know them, else as long as usual."""
    moved, spent = sum(pace.bytes for pace in measured), sum(pace.seconds for pace in measured)
    if size is None or not moved or not spent:
        return round(median(pace.seconds for pace in measured), 1)
    return round(size * spent / moved, 1)


def _source(number: int, what: str, *, plural: bool = True) -> str:
    return f"from {counted(number, what)}" if plural else f"from {number} × {what}"


def stored_size(good: Sequence[Snapshot]) -> int:
    """What the newest state takes: as much of its bytes as was stored of the oldest one, where that stored it all."""
    newest, oldest = good[0], good[-1]
    first = oldest.parent is None and oldest.bytes and oldest.added_bytes >= oldest.bytes / 20
    share = min(oldest.added_bytes / oldest.bytes, 1.0) if first else STORED_SHARE
    return round(newest.bytes * share)
