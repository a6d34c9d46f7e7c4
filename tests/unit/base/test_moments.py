"""Moments as people say them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.base.moments import parse_moment

NOW = datetime(2026, 3, 29, 10, 0, tzinfo=UTC)
"""Noon in Zurich, on the day on which summer time began at two."""


@pytest.fixture(autouse=True)
def _in_zurich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Zurich")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(hour: int, minute: int = 0, day: int = 29) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-03-20T03:30:00+01:00", at(2, 30, day=20)),
        ("2026-03-20T03:30Z", at(3, 30, day=20)),
        ("2026-03-20 03:30", at(2, 30, day=20)),
        ("2026-03-29 03:30", at(1, 30)),
        ("2026-03-20", at(23, day=19)),
        ("now", NOW),
        ("today", at(23, day=28)),
        ("Yesterday", at(23, day=27)),
        ("2 hours ago", at(8)),
        ("an hour ago", at(9)),
        ("  3   days  ago ", at(10, day=26)),
        ("1h30m ago", at(8, 30)),
        ("2w ago", NOW - timedelta(weeks=2)),
    ],
)
def test_a_moment_is_what_a_person_means(said: str, meant: datetime) -> None:
    assert parse_moment(said, NOW) == meant


@pytest.mark.parametrize(
    "said",
    ["", "noon", "ago", "2 ago", "hours ago", "-2 hours ago", "2026-13-01", "1 month ago", "999999 weeks ago", "9999-12-31T23:59-12:00"],
)
def test_what_is_no_moment_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match=r"moment|duration|longer"):
        parse_moment(said, NOW)
