"""Equal schedules of many systems begin at moments of their own: fifty hosts that fill one repository at two o'clock help nobody.

Nothing is drawn: the share of a system is a hash of its realm, name and kind of backup, so the same inputs give the same plan, and a system
keeps its place from day to day. A *moment of the calendar* moves later, never by more than ``schedule.jitter`` and not at all without it,
because it was named. A *duration* is cut, because early is safe and late is not; of full and differential backups, the heavy ones, also
without being asked, by a twentieth at most. What the RPO needs is never moved: hosts drift apart there by themselves.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from reconciler.model.declared.policy import Schedule, Trigger
from reconciler.model.snapshot import BackupKind

EVERY_SHARE = 20
CUT_MAX = 2  # half of a duration, whatever is declared


def share(realm: str, system: str, kind: BackupKind) -> float:
    """At least 0, less than 1; spread evenly over systems."""
    digest = hashlib.sha256(f"{realm}\0{system}\0{kind.value}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def later(schedule: Schedule, trigger: Trigger, part: float) -> timedelta:
    """By how much the calendar moments of the trigger move."""
    if trigger.cron is None or schedule.jitter is None:
        return timedelta(0)
    return _seconds(schedule.jitter * part)


def earlier(schedule: Schedule, trigger: Trigger, kind: BackupKind, part: float) -> timedelta:
    """By how much the duration of the trigger is cut."""
    if trigger.every is None or (schedule.jitter is None and kind is BackupKind.INCREMENTAL):
        return timedelta(0)
    most = trigger.every / EVERY_SHARE if schedule.jitter is None else min(schedule.jitter, trigger.every / CUT_MAX)
    return _seconds(most * part)


def _seconds(value: timedelta) -> timedelta:
    """Whole ones: people read these moments."""
    return timedelta(seconds=int(value.total_seconds()))
