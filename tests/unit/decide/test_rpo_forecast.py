"""When an RPO will be broken: from what is planned and how long it takes, and never because some share of it has passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.decide.forecast import breach_in_words, rpo_breach_at
from reconciler.decide.objectives import RecoveryPoint
from tests.fakes.worlds import snapshot

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def point(age: timedelta) -> RecoveryPoint:
    return RecoveryPoint(snapshot(NOON - age), NOON - age, confirmed=False)


@pytest.mark.parametrize(
    ("age", "takes", "begins_in", "breach_in"),
    [
        (59 * MINUTE, timedelta(seconds=30), timedelta(0), None),  # nearly all of it has passed, and all is well
        (59 * MINUTE, 2 * MINUTE, timedelta(0), MINUTE),
        (10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 50 * MINUTE),
        (10 * MINUTE, 10 * MINUTE, 40 * MINUTE, None),  # ends in the last moment
        (10 * MINUTE, 10 * MINUTE, -HOUR, None),  # overdue: it can begin now
        (10 * MINUTE, 51 * MINUTE, -HOUR, 50 * MINUTE),
        (10 * MINUTE, MINUTE, None, 50 * MINUTE),  # nothing is planned
        (2 * HOUR, MINUTE, timedelta(0), -HOUR),  # broken already
    ],
)
def test_a_breach_is_predicted_when_the_next_backup_cannot_end_in_time(
    age: timedelta, takes: timedelta, begins_in: timedelta | None, breach_in: timedelta | None
) -> None:
    begins_at = NOON + begins_in if begins_in is not None else None
    found = rpo_breach_at(point(age), HOUR, takes, begins_at, NOON)
    assert found == (NOON + breach_in if breach_in is not None else None)


def test_nothing_is_predicted_of_what_was_never_backed_up_or_promised() -> None:
    assert rpo_breach_at(None, HOUR, MINUTE, NOON, NOON) is None
    assert rpo_breach_at(point(9 * HOUR), None, MINUTE, None, NOON) is None


def test_the_sentence() -> None:
    assert breach_in_words(NOON + 192 * MINUTE, NOON, NOON) == "RPO breach in 3h12m: the next backup cannot end in time"
    assert breach_in_words(NOON + HOUR, None, NOON) == "RPO breach in 1h: no backup is planned"
    assert breach_in_words(NOON - HOUR, NOON, NOON) == "the RPO was broken 1h ago"
