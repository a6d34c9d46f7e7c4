"""What must stay, written down a second time from the documents and not from the code: slow, plain, and with nothing in common."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import datetime, timedelta

from reconciler.model.declared.policy import Retention
from reconciler.model.snapshot import BackupKind, Grade, MarkKind, Snapshot

_FORMATS = {"hourly": "%Y-%m-%d %H", "daily": "%Y-%m-%d", "weekly": "%G-%V", "monthly": "%Y-%m", "yearly": "%Y"}


def must_stay(snapshots: Iterable[Snapshot], retention: Retention, now: datetime) -> set[str]:
    """The ids that nobody may remove now."""
    everything = sorted(snapshots, key=lambda s: (min(s.as_of, s.arrived_at), s.as_of, s.id))
    good = [s for s in everything if is_good(s)]
    rules = [getattr(retention, name) for name in ("keep_within", "last", *_FORMATS)]
    if not any(rules) or not good:
        return {s.id for s in everything}
    stay = {good[-1].id}
    for kind in (BackupKind.FULL, BackupKind.DIFFERENTIAL):
        stay |= {s.id for s in [s for s in good if s.kind is kind][-1:]}
    stay |= {s.id for s in [s for s in good if any(m.kind is MarkKind.VERIFIED for m in s.marks)][-1:]}
    stay |= {s.id for s in good[-(retention.minimum or 0) :] if retention.minimum}
    stay |= {s.id for s in everything if any(m.kind is MarkKind.HELD for m in s.marks)}
    stay |= {s.id for s in everything[everything.index(good[-1]) :]}
    late = [s for s in good if s.arrived_at - s.ended_at > timedelta(hours=1)]
    for group in (late, [s for s in good if s not in late] if late else good):
        stay |= {s.id for s in group[-(retention.last or 0) :] if retention.last}
        for count, form in [(count, form) for rule, form in _FORMATS.items() if (count := getattr(retention, rule))]:
            newest = {_period(min(s.as_of, s.arrived_at), form): s.id for s in group}  # of each period the last one stands
            stay |= set(list(newest.values())[-count:])
    if retention.keep_within:
        oldest = min(good[-1].as_of, good[-1].arrived_at) - retention.keep_within
        stay |= {s.id for s in everything if min(s.as_of, s.arrived_at) >= oldest}
    return stay


@functools.lru_cache(maxsize=100_000)
def _period(moment: datetime, form: str) -> str:
    return moment.strftime(form)


def is_good(snapshot: Snapshot) -> bool:
    return snapshot.grade is Grade.COMPLETE and not any(m.kind in {MarkKind.DAMAGED, MarkKind.SUSPECT} for m in snapshot.marks)


def is_verified(snapshot: Snapshot) -> bool:
    return is_good(snapshot) and any(mark.kind is MarkKind.VERIFIED for mark in snapshot.marks)
