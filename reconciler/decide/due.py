"""When each kind of backup is due, and why. ``every`` is a wish, the RPO the promise.

The *anchor* of a kind is the newest attempt that satisfies it: a full satisfies a differential, either satisfies an incremental. A
partial snapshot is an attempt, too: it never meets the RPO, but the next try is paced as after a good one, or a file that stays
unreadable would be read again without end. The RPO is carried by the *lightest* kind that the schedule has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.base.units import format_duration
from reconciler.decide.calendar import next_moment, next_unmissed, window_opens
from reconciler.decide.objectives import expected_duration
from reconciler.decide.scene import from_future
from reconciler.decide.spread import earlier, later, share
from reconciler.decide.words import counted, minute
from reconciler.model.declared.policy import Schedule, Trigger
from reconciler.model.desired import DesiredSystem
from reconciler.model.listing import good
from reconciler.model.observed import RunHistory
from reconciler.model.snapshot import BackupKind, MarkKind, Snapshot

GRACE_MIN = timedelta(minutes=5)
"""With ``catchUp: skip`` a moment counts as missed after two intervals, and never before this."""

_SATISFIED_BY = {
    BackupKind.FULL: (BackupKind.FULL,),
    BackupKind.DIFFERENTIAL: (BackupKind.FULL, BackupKind.DIFFERENTIAL),
    BackupKind.INCREMENTAL: tuple(BackupKind),
}


class Case(Struct, frozen=True):
    """What due-ness of one system in one repository depends on."""

    system: DesiredSystem
    repository: str
    snapshots: Sequence[Snapshot]
    """Newest first."""
    history: RunHistory
    interval: timedelta
    now: datetime
    realm: str = ""


class Due(Struct, frozen=True):
    """One kind of backup and the moment from which it is wanted; that moment may lie ahead."""

    kind: BackupKind
    due_at: datetime
    reason: str
    """never-backed-up, rpo-due or schedule-due."""
    why: str
    objective: bool
    """Whether the RPO needs it: then it waits for no window and no upkeep."""


def dues(case: Case) -> tuple[Due, ...]:
    """Every kind that the schedule or the RPO asks for, lightest first; empty when nothing was ever promised."""
    lightest = _lightest(case.system.schedule, case.system.objectives.rpo)
    if lightest is None:
        return ()
    if _base(case) is None:
        return (_first(case, lightest),)
    kinds = [kind for kind in reversed(BackupKind) if kind is lightest or _trigger(case.system.schedule, kind) is not None]
    return tuple(_due(case, kind, promised=kind is lightest) for kind in kinds)


def kind_for(snapshots: Sequence[Snapshot], wanted: BackupKind) -> BackupKind:
    """What a backup of the wanted kind really becomes: without a good snapshot to compare with, a full."""
    if wanted is BackupKind.INCREMENTAL and good(snapshots):
        return wanted
    if wanted is BackupKind.DIFFERENTIAL and any(s.kind is BackupKind.FULL for s in good(snapshots)):
        return wanted
    return BackupKind.FULL


def _lightest(schedule: Schedule, rpo: timedelta | None) -> BackupKind | None:
    for kind in (BackupKind.INCREMENTAL, BackupKind.DIFFERENTIAL, BackupKind.FULL):
        if _trigger(schedule, kind) is not None:
            return kind
    return BackupKind.INCREMENTAL if rpo is not None else None


def _trigger(schedule: Schedule, kind: BackupKind) -> Trigger | None:
    trigger: Trigger | None = getattr(schedule, kind.value)
    return trigger


def _paces(snapshot: Snapshot, now: datetime) -> bool:
    """Whether it counts as an attempt: not what was found damaged, not what claims to come from the future.

    A suspect one does, as a partial one does: the next would be suspect, too, and again and again until a person has looked.
    """
    return snapshot.marked(MarkKind.DAMAGED) is None and not from_future(snapshot.counted_at, now)


def _anchor(case: Case, kind: BackupKind) -> datetime | None:
    kinds = _SATISFIED_BY[kind]
    newest = next((s for s in case.snapshots if s.kind in kinds and _paces(s, case.now)), None)
    moments = [newest.counted_at] if newest is not None else []
    if case.history.confirmed is not None and kind is not BackupKind.FULL:  # a full exists to read every byte; a scan is no substitute
        confirmed_id, confirmed_at = case.history.confirmed
        moments += [confirmed_at for s in case.snapshots if s.id == confirmed_id and s.kind in kinds and _paces(s, case.now)]
    if case.history.last_partial_at is not None and kind is BackupKind.INCREMENTAL:
        moments.append(case.history.last_partial_at)
    return max((moment for moment in moments if not from_future(moment, case.now)), default=None)


def _base(case: Case) -> datetime | None:
    return _anchor(case, BackupKind.INCREMENTAL)


def _first(case: Case, lightest: BackupKind) -> Due:
    """Nothing usable is there: a full at once, unless the schedule alone asks and wants missed moments skipped."""
    count = len(case.snapshots)
    there = "no snapshot yet" if count == 0 else f"{counted(count, 'snapshot')}, none usable,"
    why = f"{there} in {case.repository}"
    rpo = case.system.objectives.rpo
    trigger = _trigger(case.system.schedule, lightest)
    if rpo is None and trigger is not None and trigger.cron is not None and case.system.schedule.catch_up == "skip":
        shift = later(case.system.schedule, trigger, share(case.realm, case.system.name, lightest))
        due_at = next_unmissed(trigger, case.now - shift - _grace(case), _grace(case), case.now - shift) + shift
        return Due(BackupKind.FULL, due_at, "never-backed-up", f"{why}; waits for the next moment of its schedule", objective=True)
    promise = f"; RPO {format_duration(rpo)}" if rpo is not None else ""
    return Due(BackupKind.FULL, case.now, "never-backed-up", f"{why}{promise}", objective=True)


def _due(case: Case, kind: BackupKind, *, promised: bool) -> Due:
    """The earlier of the promise and the wish; the promise wins a tie, because it waits for nothing."""
    candidates = [due for due in (_by_promise(case, kind) if promised else None, _by_schedule(case, kind)) if due is not None]
    wanted = min(candidates, key=lambda due: due.due_at)
    if wanted.objective or kind is BackupKind.INCREMENTAL or case.system.schedule.window is None:
        return wanted
    promise = next((due for due in candidates if due.objective), None)
    opens = window_opens(case.system.schedule.window, max(wanted.due_at, case.now))
    if promise is not None and promise.due_at <= opens:
        return promise
    if opens == max(wanted.due_at, case.now):
        return wanted
    window = case.system.schedule.window
    return Due(
        kind, opens, wanted.reason, f"{wanted.why}; waits for its window {window.begin} to {window.end} {window.timezone}", objective=False
    )


def _by_promise(case: Case, kind: BackupKind) -> Due | None:
    rpo, anchor = case.system.objectives.rpo, _base(case)
    if rpo is None or anchor is None:
        return None
    # More than half the RPO brings nothing: one run follows the other anyway. It does matter after a first full of many hours,
    # whose duration says nothing about the incrementals to come.
    expected = min(expected_duration(case.history, rpo), rpo / 2)
    due_at = anchor + rpo - expected - 2 * case.interval
    why = (
        f"newest attempt began at {minute(anchor)}; RPO {format_duration(rpo)} less {format_duration(expected)} expected "
        f"less 2 × {format_duration(case.interval)} interval"
    )
    return Due(kind, due_at, "rpo-due", why, objective=True)


def _by_schedule(case: Case, kind: BackupKind) -> Due | None:
    trigger = _trigger(case.system.schedule, kind)
    if trigger is None:
        return None
    part = share(case.realm, case.system.name, kind)
    cut, shift = earlier(case.system.schedule, trigger, kind, part), later(case.system.schedule, trigger, part)
    rule = f"every {format_duration(trigger.every)}" if trigger.every is not None else f"at '{trigger.cron}' {trigger.timezone or 'UTC'}"
    rule += f", spread by {format_duration(cut or shift, parts=2)}" if cut or shift else ""
    anchor = _anchor(case, kind)
    if anchor is None:
        return Due(kind, case.now, "schedule-due", f"{kind} {rule}; none yet", objective=False)
    moment = next_moment(trigger, anchor - shift, cut=cut) + shift
    if case.system.schedule.catch_up == "skip" and not _being_retried(case, moment):
        moment = next_unmissed(trigger, anchor - shift, _grace(case), case.now - shift, cut=cut) + shift
    return Due(kind, moment, "schedule-due", f"{kind} {rule}; the newest that counts began at {minute(anchor)}", objective=False)


def _being_retried(case: Case, moment: datetime) -> bool:
    """A try that failed at its moment is repeated, not missed."""
    tried_at = case.history.last_attempt_at
    return case.history.consecutive_failures > 0 and tried_at is not None and moment <= tried_at


def _grace(case: Case) -> timedelta:
    return max(2 * case.interval, GRACE_MIN)
