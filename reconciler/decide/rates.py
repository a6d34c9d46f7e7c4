"""How a system behaves, read off the snapshots that it left: how much it holds, changes and grows, and how long a backup takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from reconciler.base.units import format_duration
from reconciler.decide.estimate import stored_size
from reconciler.decide.objectives import expected_duration
from reconciler.model.desired import DesiredSystem
from reconciler.model.forecast import Rates
from reconciler.model.observed import RunHistory
from reconciler.model.snapshot import Snapshot

SPAN_MIN = timedelta(hours=6)
"""Snapshots that lie closer together say nothing about a day."""
_DAY = timedelta(days=1)


def measure(system: DesiredSystem, snapshots: Sequence[Snapshot], history: RunHistory) -> Rates:
    """``snapshots``: of its primary repository, newest first. What they cannot tell is assumed, and the words say so."""
    assumed: list[str] = []
    good = [s for s in snapshots if s.good]
    seconds = expected_duration(history, system.objectives.rpo).total_seconds()
    if not history.durations:
        assumed.append(f"a backup takes {format_duration(timedelta(seconds=seconds))}")
    if not good:
        return Rates(0, 0, 0, seconds, (*assumed, "its size is unknown: no snapshot yet, so its bytes count as none"))
    newest, oldest = good[0], good[-1]
    span = newest.as_of - oldest.as_of
    size = stored_size(good)
    if span < SPAN_MIN:
        return Rates(
            size, 0, 0, seconds, (*assumed, f"what changes counts as no bytes: its snapshots span only {format_duration(span, parts=2)}")
        )
    added = sum(s.added_bytes for s in good[:-1])
    share = size / newest.bytes if newest.bytes else 0.0
    growth = max(newest.bytes - oldest.bytes, 0) * share / (span / _DAY)
    return Rates(size, round(added / (span / _DAY)), round(growth), seconds, tuple(assumed))
