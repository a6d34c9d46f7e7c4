"""How far back a recovery would fall today, and whether that keeps the promise.

*Recovery point*: the moment whose state can be had back. It is the ``as_of`` of the newest good snapshot, or of a later scan that
found nothing changed since a good snapshot. Partial, suspect and damaged ones never count: their age would be a false comfort.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from msgspec import Struct

from reconciler.decide.scene import from_future, newest_sound, sound
from reconciler.model.listing import recall, remarked
from reconciler.model.observed import RunHistory
from reconciler.model.snapshot import MarkKind, Snapshot

UNKNOWN_SHARE = 10
"""Without any measurement a backup is expected to take a tenth of the RPO."""
_PERCENTILE = 0.9


class Standing(StrEnum):
    """A promise against reality."""

    MET = "met"
    AT_RISK = "at risk"
    """Still kept, but a backup begun now would end too late."""
    BREACHED = "breached"
    NEVER = "never"


class RecoveryPoint(Struct, frozen=True):
    """What a recovery would bring back."""

    snapshot: Snapshot
    at: datetime
    confirmed: bool
    """True: the snapshot is older than ``at``, a scan at ``at`` found that it still describes the source."""


def recovery_point(snapshots: Sequence[Snapshot], history: RunHistory, now: datetime) -> RecoveryPoint | None:
    """The newest state that can be had back, or None. ``snapshots``: newest first.

    A snapshot from the future does not count, or a wrong clock of last year would silence every backup until then.
    A confirmation counts only while the snapshot that it confirms is there and good.
    """
    newest = newest_sound(snapshots, now)
    point = RecoveryPoint(newest, min(newest.counted_at, now), confirmed=False) if newest is not None else None
    if point is None or history.confirmed is None:
        return point
    confirmed_id, confirmed_at = history.confirmed
    confirmed = next((s for s in sound(snapshots, now) if s.id == confirmed_id), None)
    if confirmed is None or from_future(confirmed_at, now) or confirmed_at <= point.at:
        return point
    return RecoveryPoint(confirmed, min(confirmed_at, now), confirmed=True)


def expected_duration(history: RunHistory, rpo: timedelta | None) -> timedelta:
    """How long the next backup may take: p90 of the last ten, a tenth of the RPO when nothing was measured."""
    if history.durations:
        return sorted(history.durations)[ceil(_PERCENTILE * len(history.durations)) - 1]
    return rpo / UNKNOWN_SHARE if rpo is not None else timedelta(0)


def assess(point: RecoveryPoint | None, rpo: timedelta, expected: timedelta, now: datetime) -> Standing:
    """Where the promise stands. At risk is a prediction, never a share of the RPO."""
    if point is None:
        return Standing.NEVER
    age = now - point.at
    if age > rpo:
        return Standing.BREACHED
    return Standing.AT_RISK if age + expected > rpo else Standing.MET


def newest_verified_at(snapshots: Sequence[Snapshot], now: datetime) -> datetime | None:
    """When intactness was last proven on a snapshot that is still good. Proofs dated in the future prove nothing."""
    return _newest_mark(snapshots, now, (MarkKind.VERIFIED,))


def newest_checked_at(snapshots: Sequence[Snapshot], now: datetime) -> datetime | None:
    """When at least the structure was last proven: reading every byte proves that, too."""
    return _newest_mark(snapshots, now, (MarkKind.VERIFIED, MarkKind.CHECKED))


def _newest_mark(snapshots: Sequence[Snapshot], now: datetime, kinds: tuple[MarkKind, ...]) -> datetime | None:
    def newest_first() -> list[datetime]:
        return sorted((mark.at for s in remarked(snapshots) if s.good for mark in s.marks if mark.kind in kinds), reverse=True)

    return next((at for at in recall(snapshots, kinds, newest_first) if not from_future(at, now)), None)
