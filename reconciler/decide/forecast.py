"""When a promise that holds today will be broken: a prediction from what is planned and how long backups take, never a share of the RPO."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.base.units import format_duration
from reconciler.decide.objectives import RecoveryPoint


def rpo_breach_at(
    point: RecoveryPoint | None, rpo: timedelta | None, expected: timedelta, begins_at: datetime | None, now: datetime
) -> datetime | None:
    """When the recovery point grows older than ``rpo``, if the next backup cannot end in time; in the past where it is so already.

    ``begins_at``: when the next backup may begin; None: none is planned (suspended, nothing scheduled). None of ``point`` (never backed up)
    or of ``rpo`` (nothing promised) predicts nothing.
    """
    if point is None or rpo is None:
        return None
    limit = point.at + rpo
    if begins_at is None or limit <= now:
        return limit
    return limit if max(begins_at, now) + expected > limit else None


def breach_in_words(at: datetime, begins_at: datetime | None, now: datetime) -> str:
    """``RPO breach in 3h12m: the next backup cannot end in time``."""
    if at <= now:
        return f"the RPO was broken {format_duration(now - at, parts=2)} ago"
    why = "no backup is planned" if begins_at is None else "the next backup cannot end in time"
    return f"RPO breach in {format_duration(at - now, parts=2)}: {why}"
