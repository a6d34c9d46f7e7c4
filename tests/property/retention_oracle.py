"""Retention, written a second time and differently: for each snapshot the question "is there a newer one that does the same?".

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
    stay = {
        s.id for s in snapshots if s not in real or any(m.kind is MarkKind.HELD and (m.until is None or now < m.until) for m in s.marks)
    }
    ordered = sorted(good, key=rank, reverse=True)
    for one in real:
        if not one.good:
            stay |= {one.id} if not [s for s in good if time(s) >= time(one)] else set()
        if retention.keep_within is not None and good and time(one) >= max(map(time, good)) - retention.keep_within:
            stay.add(one.id)
    return stay | needed(ordered, retention.minimum or 0, numbers)


def needed(ordered: list[Snapshot], minimum: int, numbers: dict[str, int]) -> set[str]:
    """The good ones that are the newest of something that is asked for: none of those before them is."""
    lates = [late(s) for s in ordered]
    mine = {name: [(lates[i], span(time(s))) for i, s in enumerate(ordered)] for name, span in SPANS.items()}
    found = set()
    for i, one in enumerate(ordered):
        newer = ordered[:i]
        rare = one.kind is not BackupKind.INCREMENTAL and all(s.kind is not one.kind for s in newer)
        proof = verified(one) and not any(map(verified, newer))
        if i < max(minimum, 1) or rare or proof or lates[:i].count(lates[i]) < numbers["last"]:
            found.add(one.id)
        for name in SPANS:
            spans = {span for is_late, span in set(mine[name][:i]) if is_late == lates[i]}
            if mine[name][i][1] not in spans and len(spans) < numbers[name]:
                found.add(one.id)
    return found


def time(snapshot: Snapshot) -> datetime:
    return min(snapshot.as_of, snapshot.arrived_at)


def rank(snapshot: Snapshot) -> tuple[datetime, datetime, str]:
    return (time(snapshot), snapshot.as_of, snapshot.id)


def late(snapshot: Snapshot) -> bool:
    return snapshot.arrived_at > snapshot.ended_at + timedelta(hours=1)


def verified(snapshot: Snapshot) -> bool:
    return any(m.kind is MarkKind.VERIFIED for m in snapshot.marks)
