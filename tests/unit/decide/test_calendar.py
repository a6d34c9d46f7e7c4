"""Windows and calendar moments over both clock changes, in several zones. Times in the tables are what the clock on the wall shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.decide.calendar import next_moment, next_unmissed, window_opens
from reconciler.model.declared.policy import Trigger, Window

MINUTE = timedelta(minutes=1)

SPRING = [  # zone, first skipped time, first time after
    ("Europe/Zurich", "2026-03-29T02:00", "2026-03-29T03:00"),
    ("America/New_York", "2026-03-08T02:00", "2026-03-08T03:00"),
    ("Australia/Lord_Howe", "2026-10-04T02:00", "2026-10-04T02:30"),
    ("Antarctica/Troll", "2026-03-29T01:00", "2026-03-29T03:00"),
    ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T01:00"),
    ("Pacific/Apia", "2011-12-30T00:00", "2011-12-31T00:00"),  # a whole day
]
AUTUMN = [  # zone, first repeated time, length of the repetition
    ("Europe/Zurich", "2026-10-25T02:00", 60),
    ("America/New_York", "2026-11-01T01:00", 60),
    ("Australia/Lord_Howe", "2026-04-05T01:30", 30),
    ("Antarctica/Troll", "2026-10-25T01:00", 120),
]


def wall(text: str | datetime, zone: str, *, fold: int = 0) -> datetime:
    """The moment in UTC at which the clock of the zone shows this."""
    local = datetime.fromisoformat(text) if isinstance(text, str) else text
    return local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def window(begin: datetime, end: datetime, zone: str) -> Window:
    return Window(begin=f"{begin:%H:%M}", end=f"{end:%H:%M}", timezone=zone)


def minutes_open(of: Window, begin: datetime, hours: int) -> list[datetime]:
    moments = [begin + MINUTE * n for n in range(hours * 60)]
    return [moment for moment in moments if window_opens(of, moment) == moment]


@pytest.mark.parametrize(("zone", "skipped", "after"), SPRING[:-1])
def test_a_window_whose_begin_is_skipped_opens_at_the_change(zone, skipped, after):
    begin, change = datetime.fromisoformat(skipped) + 10 * MINUTE, wall(after, zone)
    end = datetime.fromisoformat(after) + 20 * MINUTE
    of = window(begin, end, zone)
    assert window_opens(of, change - 20 * MINUTE) == change
    assert len(minutes_open(of, change - 60 * MINUTE, 2)) == 20


@pytest.mark.parametrize(("zone", "skipped", "after"), SPRING)
def test_a_window_that_is_skipped_whole_waits_for_the_next_day(zone, skipped, after):
    begin, change = datetime.fromisoformat(skipped) + 10 * MINUTE, wall(after, zone)
    of = window(begin, begin + 10 * MINUTE, zone)
    opens = window_opens(of, change - MINUTE)
    assert opens > change
    assert f"{opens.astimezone(ZoneInfo(zone)):%H:%M}" == of.begin
    assert opens - change <= timedelta(hours=25)
    assert window_opens(of, opens) == opens


@pytest.mark.parametrize(("zone", "repeated", "minutes"), AUTUMN)
def test_a_window_in_the_hour_that_comes_twice_opens_once(zone, repeated, minutes):
    begin = datetime.fromisoformat(repeated) + 5 * MINUTE
    of, first = window(begin, begin + 15 * MINUTE, zone), wall(begin, zone)
    open_at = minutes_open(of, first - 60 * MINUTE, 5)
    assert open_at == [first + n * MINUTE for n in range(15)]


@pytest.mark.parametrize(("zone", "repeated", "minutes"), AUTUMN)
def test_a_window_over_the_night_of_the_change_is_one_window(zone, repeated, minutes):
    evening = datetime.fromisoformat(repeated).replace(hour=22, minute=0) - timedelta(days=1)
    of = Window(begin="22:00", end="05:00", timezone=zone)
    open_at = minutes_open(of, wall(evening, zone) - 60 * MINUTE, 12)
    assert len(open_at) == 7 * 60 + minutes
    assert open_at[-1] - open_at[0] == MINUTE * (len(open_at) - 1), "without a hole"


ZONES = sorted({zone for zone, *_ in SPRING})
MOMENTS = st.integers(0, 16 * 366 * 24 * 60).map(lambda n: datetime(2011, 1, 1, tzinfo=UTC) + n * MINUTE)
CLOCKS = st.integers(0, 24 * 60 - 1).map(lambda n: f"{n // 60:02}:{n % 60:02}")


@given(st.sampled_from(ZONES), CLOCKS, CLOCKS, MOMENTS)
def test_a_window_always_opens_within_three_days_and_is_open_then(zone, begin, end, moment):
    if begin == end:
        return
    of = Window(begin=begin, end=end, timezone=zone)
    opens = window_opens(of, moment)
    assert moment <= opens <= moment + timedelta(days=3)
    assert window_opens(of, opens) == opens
    assert opens.tzinfo is UTC


@pytest.mark.parametrize(("zone", "skipped", "after"), SPRING[:-1])
def test_a_calendar_moment_that_spring_skips_runs_once_right_after_the_change(zone, skipped, after):
    at = datetime.fromisoformat(skipped) + 5 * MINUTE
    trigger, change = Trigger(cron=f"{at.minute} {at.hour} * * *", timezone=zone), wall(after, zone)
    day_before = wall(at - timedelta(days=1), zone)
    first = next_moment(trigger, day_before)
    assert change <= first <= change + timedelta(hours=1)
    second = next_moment(trigger, first)
    assert second == wall(at + timedelta(days=1), zone), "and the next day at its own time"


@pytest.mark.parametrize(("zone", "repeated", "minutes"), AUTUMN)
def test_a_calendar_moment_that_comes_twice_is_taken_once(zone, repeated, minutes):
    at = datetime.fromisoformat(repeated) + 5 * MINUTE
    trigger = Trigger(cron=f"{at.minute} {at.hour} * * *", timezone=zone)
    moments = [wall(at - timedelta(days=1), zone)]
    while len(moments) < 3:
        moments.append(next_moment(trigger, moments[-1]))
    days = [moment.astimezone(ZoneInfo(zone)).date() for moment in moments]
    assert days == [at.date() + timedelta(days=n) for n in (-1, 0, 1)]


@pytest.mark.parametrize(("zone", "repeated", "minutes"), AUTUMN)
def test_a_missed_moment_of_the_change_is_caught_up_or_given_up_like_any_other(zone, repeated, minutes):
    at = datetime.fromisoformat(repeated) + 5 * MINUTE
    trigger = Trigger(cron=f"{at.minute} {at.hour} * * *", timezone=zone)
    before, now = wall(at - timedelta(days=1), zone), wall(at, zone, fold=1) + timedelta(hours=6)
    assert next_moment(trigger, before) < now
    assert next_unmissed(trigger, before, 5 * MINUTE, now) == wall(at + timedelta(days=1), zone)
