"""An hour that notices what is asked of it: what came of a comparison holds until the moment that it named, whatever was compared."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.decide.moment import Horizon, Moment

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
STEPS = 8
compares = st.sampled_from([operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
steps = st.integers(-STEPS, STEPS).map(lambda number: timedelta(microseconds=number))
Question = Callable[[Any], Any]
"""What is asked of an hour."""


@st.composite
def questions(draw: st.DrawFn) -> Question:
    compare, other, shift, length = draw(compares), NOW + draw(steps), draw(steps), draw(steps)
    asked: list[Question] = [
        lambda hour: compare(hour + shift, other),
        lambda hour: compare(other, hour - shift),
        lambda hour: compare(hour + shift - other, length),
        lambda hour: compare(length, other - (hour - shift)),
        lambda hour: compare(-(hour - other) + shift, length),
        lambda hour: compare(hour + shift, hour),
        lambda hour: compare(hour - other, hour - (other + length)),
        lambda hour: compare((hour + shift).date(), other.date()),
        lambda hour: (hour + shift).second,
        lambda hour: (hour + shift).isoformat(),
        lambda hour: (hour + shift).timestamp(),
        lambda hour: str(hour - shift),
    ]
    return draw(st.sampled_from(asked))


@given(st.lists(questions(), min_size=1, max_size=4))
def test_an_answer_holds_until_the_moment_that_was_named(asked: list[Question]) -> None:
    horizon = Horizon(NOW)
    told = [question(Moment.of(horizon)) for question in asked]
    assert told == [question(NOW) for question in asked]
    for step in range(4 * STEPS):
        later = NOW + timedelta(microseconds=step)
        if horizon.until is None or later < horizon.until:
            assert [question(later) for question in asked] == told


def test_what_lies_beyond_all_years_is_never_reached():
    horizon = Horizon(NOW)
    assert Moment.of(horizon) + timedelta(days=1) < datetime.max.replace(tzinfo=UTC)
    assert Moment.of(horizon) - timedelta(days=1) < datetime.max.replace(tzinfo=UTC)
    assert horizon.until is None or horizon.until > NOW + timedelta(days=365)
