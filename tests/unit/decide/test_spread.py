"""Equal schedules of many systems."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reconciler.decide.plan import plan
from reconciler.decide.spread import share
from reconciler.model.declared.policy import Schedule
from reconciler.model.plan import ActionKind
from reconciler.model.snapshot import BackupKind
from tests.fakes.worlds import NOW, ago, cron, desired, every, listed, observed, snapshot, system

NAMES = tuple(f"shop{n}" for n in range(200))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def dues(schedule: Schedule, begun: datetime, *, at: datetime = NOW, names: tuple[str, ...] = NAMES) -> dict[str, datetime]:
    """When the next backup of each of these equal systems is due; all of them were last backed up in the same moment."""
    tree = desired(*(system(name, rpo=None, schedule=schedule) for name in names))
    there = [snapshot(begun, id=f"id-{name}", system=name, kind="full") for name in names]
    decided = plan(tree, observed(listed("main", there)), at)
    found = {action.system: action.due_at for action in decided.actions if action.kind is ActionKind.BACKUP}
    return {name: due for name, due in ({w.system: w.due_at for w in decided.waiting} | found).items() if due is not None}


def test_shares_are_even_and_stay_as_they_are():
    shares = [share("realm", name, BackupKind.FULL) for name in NAMES]
    assert all(0 <= part < 1 for part in shares)
    tenths = Counter(int(part * 10) for part in shares)
    assert len(tenths) == 10
    assert max(tenths.values()) <= 40, "200 systems, 20 expected in each tenth"
    assert share("quiet-otter-41", "orders", BackupKind.FULL) == pytest.approx(0.6441551032622428)
    assert share("quiet-otter-41", "orders", BackupKind.FULL) != share("loud-otter-42", "orders", BackupKind.FULL)


def test_heavy_backups_of_equal_systems_do_not_begin_together_although_nobody_asked():
    moments = dues(Schedule(full=every("7d")), NOW - DAY)
    latest = NOW + 6 * DAY
    assert all(latest - 7 * DAY / 20 <= due <= latest for due in moments.values()), "early is safe, late is not"
    fullest = Counter((due - NOW) // HOUR for due in moments.values()).most_common(1)[0][1]
    assert fullest <= 60, "over eight hours; without the spread 200 in one"


def test_incrementals_and_calendar_moments_mean_what_they_say_unless_a_spread_is_declared():
    assert set(dues(Schedule(incremental=every("1d")), NOW - HOUR).values()) == {NOW + 23 * HOUR}
    assert set(dues(Schedule(full=cron("0 14 * * *")), NOW - HOUR).values()) == {NOW + 2 * HOUR}


def test_a_declared_spread_moves_calendar_moments_later_and_durations_earlier():
    moments = set(dues(Schedule(full=cron("0 14 * * *"), jitter=HOUR), NOW - HOUR).values())
    assert len(moments) > 150
    assert all(NOW + 2 * HOUR <= due < NOW + 3 * HOUR for due in moments)
    moments = set(dues(Schedule(incremental=every("1d"), jitter=HOUR), NOW - HOUR).values())
    assert len(moments) > 150
    assert all(NOW + 22 * HOUR < due <= NOW + 23 * HOUR for due in moments)


def test_a_spread_longer_than_the_duration_leaves_half_of_it():
    moments = dues(Schedule(incremental=every("1h"), jitter=DAY), NOW)
    assert all(NOW + HOUR / 2 <= due <= NOW + HOUR for due in moments.values())


def test_a_spread_moment_comes_once_a_day_at_the_same_time_also_over_a_clock_change():
    schedule = Schedule(full=cron("30 2 * * *", "Europe/Zurich"), jitter=HOUR)
    zone, begun, times = ZoneInfo("Europe/Zurich"), datetime(2026, 10, 20, 12, tzinfo=ZoneInfo("UTC")), []
    for _ in range(10):
        begun = dues(schedule, begun, at=begun, names=("orders",))["orders"]
        times.append(begun.astimezone(zone))
    assert [moment.day for moment in times] == list(range(21, 31))
    assert len({moment.time() for moment in times if moment.day != 25}) == 1


def test_a_backup_between_the_named_and_the_spread_moment_does_not_cancel_it():
    schedule = Schedule(full=cron("0 11 * * *"), jitter=2 * HOUR)
    name = next(name for name in NAMES if share("quiet-otter-41", name, BackupKind.FULL) > 0.6)
    due = dues(schedule, ago("55m"), names=(name,))[name]
    assert NOW < due < NOW + HOUR, "begun at 11:05, due between 12:12 and 13:00 of the same day"


def test_the_reason_names_the_spread():
    tree = desired(system(rpo=None, schedule=Schedule(full=cron("0 14 * * *"), jitter=HOUR)))
    (waits,) = plan(tree, observed(listed("main", [snapshot(ago("1h"), kind="full")])), NOW).waiting
    assert waits.why.startswith("full at '0 14 * * *' UTC, spread by ")
