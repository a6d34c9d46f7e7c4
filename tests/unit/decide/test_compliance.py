"""How long an RPO was kept, against a loop that asks every minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.decide.compliance import Point, common, compliance, length, merged, without
from reconciler.model.report import Compliance, Span, Target
from tests.fakes.worlds import NOW

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PERIOD = (NOW - DAY, NOW)
LONG = 90
"""Minutes that the brute force walks over."""


def at(minutes: int) -> datetime:
    return NOW + minutes * MINUTE


def point(begun: int, took: int = 0) -> Point:
    return Point(at(begun), at(begun + took))


def judged(points: list[Point], rpo: timedelta | None = HOUR, suspended: list[Span] | None = None) -> Compliance:
    return compliance([Target(*PERIOD, rpo, recorded=True)], points, suspended or [], PERIOD)


def test_without_any_record_everything_is_outside() -> None:
    found = judged([])
    assert (found.inside, found.outside, found.share, found.misses) == (timedelta(0), DAY, 0.0, 1)
    assert found.longest == (PERIOD,)


def test_a_backup_every_half_hour_keeps_an_rpo_of_an_hour() -> None:
    found = judged([point(-minutes, 3) for minutes in range(0, 1500, 30)])
    assert (found.share, found.outside, found.misses, found.longest) == (1.0, timedelta(0), 0, ())
    assert found.backups == 48


def test_one_backup_counts_from_its_end_until_its_beginning_is_too_old() -> None:
    found = judged([point(-600, 20)])
    assert (found.inside, found.outside) == (40 * MINUTE, DAY - 40 * MINUTE)
    assert found.longest == ((at(-1440), at(-580)), (at(-540), NOW))


def test_a_backup_that_takes_longer_than_the_rpo_never_counts() -> None:
    assert judged([point(-600, 61)]).inside == timedelta(0)


def test_a_state_from_before_the_period_counts_while_it_is_young_enough() -> None:
    assert judged([point(-1440 - 50, 5)]).inside == 10 * MINUTE


def test_time_suspended_is_neither_inside_nor_outside() -> None:
    found = judged([point(-600, 0)], suspended=[(at(-570), at(-300)), (at(-310), at(-200))])
    assert (found.inside, found.suspended) == (30 * MINUTE, 370 * MINUTE)
    assert found.inside + found.outside + found.suspended == DAY


def test_without_a_promise_there_is_no_share() -> None:
    found = judged([point(-60)], rpo=None)
    assert (found.share, found.unpromised, found.suspended) == (None, DAY, timedelta(0))


def test_each_part_of_the_period_is_judged_by_the_target_of_its_time() -> None:
    noon = at(-720)
    targets = [Target(PERIOD[0], noon, HOUR, recorded=False), Target(noon, NOW, 6 * HOUR, recorded=True)]
    found = compliance(targets, [point(-1440), point(-720)], [], PERIOD)
    assert found.inside == HOUR + 6 * HOUR


def minutes(low: int = -30, high: int = LONG + 30) -> st.SearchStrategy[int]:
    return st.integers(low, high)


spans = st.lists(st.tuples(minutes(), minutes()).map(lambda pair: (at(min(pair)), at(max(pair)))), max_size=6)
points = st.lists(st.builds(point, minutes(), st.integers(0, 15)), max_size=8)
rpos = st.one_of(st.none(), st.integers(1, 60).map(lambda count: count * MINUTE))


@st.composite
def targets(draw: st.DrawFn) -> list[Target]:
    """The period in some parts, of which some may be missing."""
    cuts = sorted({0, LONG, *draw(st.lists(st.integers(1, LONG - 1), max_size=3))})
    parts = [Target(at(begins), at(ends), draw(rpos), recorded=True) for begins, ends in pairwise(cuts)]
    return [part for part in parts if draw(st.booleans()) or len(parts) == 1]


def inside(minute: datetime, any_of: list[Span]) -> bool:
    return any(begins <= minute < ends for begins, ends in any_of)


@given(targets(), points, spans)
def test_it_agrees_with_a_loop_that_asks_every_minute(parts: list[Target], known: list[Point], suspended: list[Span]) -> None:
    counted = dict.fromkeys(("inside", "outside", "suspended", "unpromised"), 0)
    for number in range(LONG):
        minute = at(number)
        rpo = next((part.rpo for part in parts if part.begins <= minute < part.ends), None)
        if rpo is None:
            counted["unpromised"] += 1
        elif inside(minute, suspended):
            counted["suspended"] += 1
        else:
            kept = any(p.known_at <= minute and minute - p.at < rpo for p in known)
            counted["inside" if kept else "outside"] += 1
    found = compliance(parts, known, suspended, (at(0), at(LONG)))
    assert {name: getattr(found, name) for name in counted} == {name: count * MINUTE for name, count in counted.items()}
    judged_minutes = counted["inside"] + counted["outside"]
    assert found.share == (counted["inside"] / judged_minutes if judged_minutes else None)


@given(points, points)
def test_more_backups_never_make_it_worse(some: list[Point], more: list[Point]) -> None:
    part = [Target(at(0), at(LONG), 20 * MINUTE, recorded=True)]
    period = (at(0), at(LONG))
    assert compliance(part, [*some, *more], [], period).inside >= compliance(part, some, [], period).inside


@given(spans, spans)
def test_spans_are_sets_of_moments(some: list[Span], others: list[Span]) -> None:
    one, other = merged(some), merged(others)
    assert length(one) + length(other) == length(merged([*some, *others])) + length(common(one, other))
    assert length(without(one, other)) + length(common(one, other)) == length(one)
    assert merged(common(one, other)) == common(one, other)
