"""What retention keeps and for which reasons; each case has something that looks alike and must fall on the other side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reconciler.decide.retention import digest, judge
from reconciler.model.declared.policy import Retention
from reconciler.model.snapshot import Grade, Mark, MarkKind, Snapshot
from tests.fakes.worlds import NOW, ago, snapshot

DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def kept(snapshots: list[Snapshot], retention: Retention, now: datetime = NOW) -> dict[str, tuple[str, ...]]:
    """Reasons by id of what stays."""
    return {v.snapshot.id: v.reasons for v in judge(snapshots, retention, now) if v.keep}


@pytest.mark.parametrize("retention", [Retention(), Retention(minimum=3), Retention(last=0, daily=0)])
def test_a_retention_without_a_rule_keeps_everything(retention):
    snapshots = [snapshot(NOW - day * DAY) for day in range(40)]
    assert set(kept(snapshots, retention).values()) == {("no retention rule",)}


def test_each_bucket_keeps_its_newest_and_only_buckets_that_have_one_are_counted():
    snapshots = [snapshot(at(t), id=t) for t in ("2026-04-01T08:00", "2026-04-01T20:00", "2026-04-03T08:00", "2026-04-10T09:00")]
    assert kept(snapshots, Retention(daily=3)) == {
        "2026-04-10T09:00": ("newest good", "daily 2026-04-10"),
        "2026-04-03T08:00": ("daily 2026-04-03",),
        "2026-04-01T20:00": ("daily 2026-04-01",),
    }


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        ("hourly", "2026-04-10T09:59:59", "2026-04-10T10:00:00"),
        ("daily", "2026-04-10T23:59:59", "2026-04-11T00:00:00"),
        ("weekly", "2026-04-12T23:59:59", "2026-04-13T00:00:00"),  # ISO weeks end on Sunday
        ("monthly", "2026-04-30T23:59:59", "2026-05-01T00:00:00"),
        ("yearly", "2025-12-31T23:59:59", "2026-01-01T00:00:00"),
    ],
)
def test_buckets_change_at_their_utc_boundary(rule, inside, outside):
    one = snapshot(at(inside) - timedelta(minutes=1), id="one")
    same, other = snapshot(at(inside), id="same"), snapshot(at(outside), id="other")
    assert "one" not in kept([one, same], Retention(**{rule: 2}))
    assert set(kept([same, other], Retention(**{rule: 2}))) == {"same", "other"}


def test_the_first_days_of_january_belong_to_the_iso_year_of_their_week():
    new_year, monday = snapshot(at("2027-01-01T12:00"), id="new-year"), snapshot(at("2026-12-28T12:00"), id="monday")
    assert set(kept([new_year, monday], Retention(weekly=5), at("2027-01-02T00:00"))) == {"new-year"}


def test_keep_within_counts_back_from_the_newest_good_snapshot_and_not_from_the_clock():
    snapshots = [snapshot(ago("100d"), id="newest"), snapshot(ago("101d"), id="inside"), snapshot(ago("103d"), id="outside")]
    assert set(kept(snapshots, Retention(keep_within=2 * DAY))) == {"newest", "inside"}
    assert set(kept(snapshots, Retention(keep_within=2 * DAY), NOW + 400 * DAY)) == {"newest", "inside"}


def test_partial_and_suspect_snapshots_fill_no_bucket():
    good = snapshot(at("2026-04-10T08:00"), id="good")
    later = [
        snapshot(at("2026-04-10T09:00"), id="partial", grade=Grade.PARTIAL),
        snapshot(at("2026-04-10T10:00"), id="suspect", grade=Grade.SUSPECT),
        snapshot(at("2026-04-10T11:00"), id="damaged", marks=(Mark(MarkKind.DAMAGED, NOW),)),
    ]
    newest = snapshot(at("2026-04-11T08:00"), id="newest")
    assert set(kept([good, *later, newest], Retention(daily=5))) == {"good", "newest"}


def test_what_is_not_good_stays_while_it_is_the_newest_there_is():
    old, partial = snapshot(ago("3d"), id="old", kind="full"), snapshot(ago("1h"), id="partial", grade=Grade.PARTIAL)
    assert kept([old, partial], Retention(last=1))["partial"] == ("newer than the newest good",)
    only_bad = [snapshot(ago(f"{day}d"), grade=Grade.PARTIAL) for day in range(1, 30)]
    assert len(kept(only_bad, Retention(last=1))) == 29


def test_the_newest_verified_stays_while_the_newer_ones_are_unverified():
    verified = snapshot(ago("90d"), id="verified", verified=ago("89d"))
    decoy = snapshot(ago("91d"), id="decoy", verified=ago("1d"))
    newer = [snapshot(ago(f"{day}d")) for day in range(1, 20)]
    assert kept([verified, decoy, *newer], Retention(last=2))["verified"] == ("newest verified",)
    assert "decoy" not in kept([verified, decoy, *newer], Retention(last=2))


def test_a_verified_snapshot_that_turned_out_damaged_is_no_proof():
    broken = snapshot(ago("5d"), id="broken", verified=ago("5d"), marks=(Mark(MarkKind.DAMAGED, ago("1d")),))
    proven = snapshot(ago("9d"), id="proven", verified=ago("9d"))
    assert set(kept([broken, proven, snapshot(ago("1h"), id="new")], Retention(last=1))) == {"new", "proven"}


def test_the_newest_full_stays_because_the_schedule_counts_from_it():
    full, older = snapshot(ago("6d"), id="full", kind="full"), snapshot(ago("13d"), id="older", kind="full")
    snapshots = [older, full, *(snapshot(ago(f"{hour}h")) for hour in range(1, 140))]
    assert "newest full" in kept(snapshots, Retention(last=3))["full"]
    assert "older" not in kept(snapshots, Retention(last=3))


def test_the_minimum_counts_good_snapshots_only():
    goods = [snapshot(ago(f"{day}d"), id=f"good{day}") for day in range(1, 9)]
    bads = [snapshot(ago(f"{day}d") + timedelta(hours=1), grade=Grade.PARTIAL) for day in range(2, 9)]
    assert set(kept([*goods, *bads], Retention(last=1, minimum=4))) == {"good1", "good2", "good3", "good4"}


def test_a_held_snapshot_stays_and_its_twin_goes():
    held = snapshot(ago("50d"), id="held", marks=(Mark(MarkKind.HELD, ago("49d")),))
    twin = snapshot(ago("50d"), id="twin")
    assert set(kept([held, twin, snapshot(ago("1h"), id="new")], Retention(last=1))) == {"held", "new"}


def test_a_snapshot_from_the_future_stays_and_displaces_nothing():
    future = snapshot(NOW + 3 * DAY, id="future")
    today, yesterday = snapshot(ago("1h"), id="today"), snapshot(ago("25h"), id="yesterday")
    assert kept([future, today, yesterday], Retention(last=1)) == {
        "future": ("from the future",),
        "today": ("newest good", "last 1"),
    }


def test_a_claimed_future_counts_from_its_arrival():
    wrong_clock = snapshot(NOW + 300 * DAY, id="wrong", arrived_at=ago("2d"))
    assert kept([wrong_clock, snapshot(ago("1d"), id="new")], Retention(daily=2))["wrong"] == ("daily 2026-05-02",)


def test_a_forged_past_is_kept_in_addition_and_displaces_nothing():
    real = [snapshot(at(f"2026-04-{day:02}T02:00"), id=f"real{day}") for day in range(20, 30)]
    forged = [snapshot(at(f"2026-04-{day:02}T23:00"), id=f"forged{day}", arrived_at=ago("1h")) for day in range(20, 30)]
    assert {f"real{day}" for day in range(23, 30)} <= set(kept([*real, *forged], Retention(daily=7)))


def test_a_day_has_its_bucket_in_utc_wherever_the_laptop_travels():
    home = snapshot(datetime(2026, 4, 10, 1, 0, tzinfo=ZoneInfo("Europe/Zurich")).astimezone(UTC), id="home")
    away = snapshot(datetime(2026, 4, 10, 7, 0, tzinfo=ZoneInfo("Asia/Tokyo")).astimezone(UTC), id="away")
    assert set(kept([home, away], Retention(daily=5))) == {"home"}  # both lie in 9 April, UTC


def test_two_snapshots_of_one_moment_are_ranked_by_id():
    twins = [snapshot(ago("1h"), id="a"), snapshot(ago("1h"), id="b")]
    assert [v.snapshot.id for v in judge(twins, Retention(last=1), NOW)] == ["b", "a"]
    assert judge(twins, Retention(last=1), NOW) == judge(twins[::-1], Retention(last=1), NOW)


def test_the_digest_follows_the_meaning_and_not_the_writing():
    merged = Retention(daily=3, last=2).merged(Retention(last=None))
    assert digest(merged) == digest(Retention(daily=3))
    assert digest(Retention(daily=3)) != digest(Retention(daily=4))
    assert digest(Retention(keep_within=7 * DAY)) == digest(Retention(keep_within=timedelta(hours=168)))


def test_a_hold_that_ended_keeps_nothing_and_a_longer_one_beside_it_does():
    ended = Mark(MarkKind.HELD, ago("49d"), "audit", until=NOW)
    standing = Mark(MarkKind.HELD, ago("49d"), "court", until=NOW + timedelta(seconds=1))
    old = [snapshot(ago("50d"), id="over", marks=(ended,)), snapshot(ago("51d"), id="stands", marks=(ended, standing))]
    assert set(kept([*old, snapshot(ago("1h"), id="new")], Retention(last=1))) == {"stands", "new"}
