"""How long a promise was kept: arithmetic of time spans, not a walk over minutes.

At a moment the RPO is kept when some good state was available then that was no older than the RPO of that moment. A state is available from
the end of its backup on, and its age counts from its beginning. What nothing on record shows was not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.model.report import Compliance, Span, Target

LONGEST = 5
"""So many of the times outside are told one by one."""
_ZERO = timedelta(0)


class Point(Struct, frozen=True):
    """A good state that could be had back."""

    at: datetime
    """As of when."""
    known_at: datetime
    """From when on."""


def compliance(targets: Sequence[Target], points: Iterable[Point], suspended: Iterable[Span], period: Span) -> Compliance:
    """``targets``: the parts of the period, in order, without overlap; a moment that none covers was promised nothing."""
    ordered = sorted(points, key=lambda point: point.known_at)
    wanted = merged((t.begins, t.ends) for t in targets if t.rpo is not None)
    away = common(wanted, merged(suspended))
    kept: list[Span] = []
    for target in targets:
        if target.rpo is not None:
            covered = merged((p.known_at, p.at + target.rpo) for p in ordered)
            kept += common([(target.begins, target.ends)], covered)
    judged = without(wanted, away)
    inside = common(judged, merged(kept))
    outside = without(judged, inside)
    longest = sorted(outside, key=lambda span: (span[0] - span[1], span[0]))[:LONGEST]
    total = length(judged)
    return Compliance(
        inside=length(inside),
        outside=length(outside),
        suspended=length(away),
        unpromised=(period[1] - period[0]) - length(wanted),
        share=length(inside) / total if total else None,
        misses=len(outside),
        longest=tuple(longest),
        targets=tuple(targets),
        backups=sum(period[0] <= point.known_at < period[1] for point in ordered),
    )


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same moments, in order, without overlap, what touches joined; empty spans are none."""
    found: list[Span] = []
    for begins, ends in sorted(span for span in spans if span[0] < span[1]):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((begins, ends))
    return found


def common(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """The moments of both; each is in order and without overlap."""
    found: list[Span] = []
    first = second = 0
    while first < len(one) and second < len(other):
        begins, ends = max(one[first][0], other[second][0]), min(one[first][1], other[second][1])
        if begins < ends:
            found.append((begins, ends))
        if one[first][1] < other[second][1]:
            first += 1
        else:
            second += 1
    return found


def without(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """The moments of ``one`` that are none of ``other``; each is in order and without overlap."""
    if not one:
        return []
    gaps: list[Span] = []
    begins = one[0][0]
    for span in other:
        if begins < span[0]:
            gaps.append((begins, span[0]))
        begins = max(begins, span[1])
    if begins < one[-1][1]:
        gaps.append((begins, one[-1][1]))
    return common(one, gaps)


def length(spans: Iterable[Span]) -> timedelta:
    """Of all of them together."""
    return sum((ends - begins for begins, ends in spans), _ZERO)
