"""Retention, written a second time and differently: for each snapshot the question "who would have to be missing for it to go?".

Slow and plain on purpose. It shares no code with the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from reconciler.model.declared.policy import Retention
from reconciler.model.snapshot import BackupKind, MarkKind, Snapshot

SPANS: dict[str, Callable[[datetime], object]] = {
    "hourly": lambda t: (t.date(), t.hour),
    "daily": lambda t: t.date(),
    "weekly": lambda t: t.date() - timedelta(days=t.weekday()),  # the Monday
    "monthly": lambda t: (t.year, t.month),
    "yearly": lambda t: t.year,
}


def must_stay(snapshots: Sequence[Snapshot], retention: Retention, now: datetime) -> set[str]:
    """Ids that retention may not let go."""
    numbers = {name: getattr(retention, name) or 0 for name in SPANS} | {"last": retention.last or 0}
    if not any(numbers.values()) and retention.keep_within is None:
        return {s.id for s in snapshots}
    real = [s for s in snapshots if time(s) <= now + timedelta(minutes=5)]
    good = [s for s in real if s.good]
    stay = {s.id for s in snapshots if s not in real or any(m.kind is MarkKind.HELD for m in s.marks)}
    for one in real:
        newer = [s for s in good if rank(s) > rank(one)]
        if not one.good:
            stay |= {one.id} if not [s for s in good if time(s) >= time(one)] else set()
        elif needed(one, newer, retention.minimum or 0, numbers):
            stay.add(one.id)
        if retention.keep_within is not None and good and time(one) >= max(map(time, good)) - retention.keep_within:
            stay.add(one.id)
    return stay


def needed(one: Snapshot, newer: list[Snapshot], minimum: int, numbers: dict[str, int]) -> bool:
    """Whether a good snapshot is the newest of something that is asked for."""
    if len(newer) < max(minimum, 1):
        return True
    if one.kind is not BackupKind.INCREMENTAL and not [s for s in newer if s.kind is one.kind]:
        return True
    if verified(one) and not [s for s in newer if verified(s)]:
        return True
    peers = [s for s in newer if late(s) == late(one)]
    if len(peers) < numbers["last"]:
        return True
    for name, span in SPANS.items():
        mine, spans = span(time(one)), {span(time(s)) for s in peers}
        if mine not in spans and len(spans) < numbers[name]:
            return True
    return False


def time(snapshot: Snapshot) -> datetime:
    return min(snapshot.as_of, snapshot.arrived_at)


def rank(snapshot: Snapshot) -> tuple[datetime, datetime, str]:
    return (time(snapshot), snapshot.as_of, snapshot.id)


def late(snapshot: Snapshot) -> bool:
    return snapshot.arrived_at > snapshot.ended_at + timedelta(hours=1)


def verified(snapshot: Snapshot) -> bool:
    return any(m.kind is MarkKind.VERIFIED for m in snapshot.marks)
