"""When a backup is due, told as days in the life of one system."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.decide.plan import plan
from reconciler.model.declared.objectives import Objectives
from reconciler.model.declared.policy import Schedule, Window
from reconciler.model.declared.system import Suspend
from reconciler.model.plan import Action, ActionKind, Lane, Plan, Waiting
from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind, Snapshot
from tests.fakes.worlds import NOW, ago, cron, desired, every, failed, listed, observed, snapshot, system, took

MAIN = ("orders", "main")


def decide(*snapshots: Snapshot, at: datetime = NOW, history=None, of=None, interval="30s", **seen) -> Plan:
    """The plan for one system that has these snapshots."""
    runs = {MAIN: history} if history is not None else {}
    tree = desired(of if of is not None else system(), interval=interval)
    return plan(tree, observed(listed("main", snapshots), runs=runs, **seen), at)


def backups(decided: Plan) -> list[tuple[BackupKind | None, str]]:
    return [(a.backup_kind, a.reason) for a in decided.actions if a.kind is ActionKind.BACKUP]


def only(decided: Plan) -> Action:
    assert len(decided.actions) == 1
    return decided.actions[0]


def waits(decided: Plan) -> Waiting:
    assert decided.actions == ()
    assert len(decided.waiting) == 1
    return decided.waiting[0]


def test_a_system_that_was_never_backed_up_gets_a_full_at_once():
    action = only(decide())
    assert (action.backup_kind, action.reason, action.lane, action.priority) == (BackupKind.FULL, "never-backed-up", Lane.OBJECTIVE, 80)
    assert action.why == "no snapshot yet in main; RPO 1h"


def test_the_next_backup_begins_early_enough_to_end_within_the_rpo():
    # RPO 60 min, 6 min expected when nothing was measured, two intervals of 30 s: due after 53 min.
    full = snapshot(ago("2d"), kind="full")
    assert waits(decide(full, snapshot(ago("52m")))).due_at == ago("52m") + timedelta(minutes=53)
    action = only(decide(full, snapshot(ago("53m"))))
    assert (action.backup_kind, action.reason, action.lane) == (BackupKind.INCREMENTAL, "rpo-due", Lane.OBJECTIVE)
    assert action.why == "newest attempt began at 2026-05-04 11:07Z; RPO 1h less 6m expected less 2 × 30s interval"


def test_a_measured_duration_replaces_the_guess_and_one_outlier_in_ten_is_ignored():
    history = took("20m", "10h", *["20m"] * 8)
    assert backups(decide(snapshot(ago("38m"), kind="full"), history=history)) == []
    assert backups(decide(snapshot(ago("39m"), kind="full"), history=history)) == [(BackupKind.INCREMENTAL, "rpo-due")]


def test_a_first_full_of_many_hours_does_not_set_off_incrementals_without_end():
    fresh = snapshot(ago("20m"), kind="full")
    assert waits(decide(fresh, history=took("9h"))).due_at == ago("20m") + timedelta(minutes=29)


def test_a_wish_shorter_than_the_promise_is_followed():
    of = system(schedule=Schedule(full=every("7d"), incremental=every("10m")))
    action = only(decide(snapshot(ago("10m"), kind="full"), of=of))
    assert (action.reason, action.priority, action.lane) == ("schedule-due", 50, Lane.OBJECTIVE)
    assert action.why == "incremental every 10m; the newest that counts began at 2026-05-04 11:50Z"


def test_without_an_rpo_the_schedule_alone_counts():
    of = system(rpo=None, schedule=Schedule(incremental=every("1d")))
    assert backups(decide(snapshot(ago("23h")), of=of)) == []
    assert backups(decide(snapshot(ago("1d")), of=of)) == [(BackupKind.INCREMENTAL, "schedule-due")]


def test_without_rpo_and_schedule_nothing_is_ever_due():
    decided = decide(of=system(rpo=None, schedule=Schedule()))
    assert decided.actions == ()
    assert decided.waiting == ()


def test_a_newer_full_satisfies_the_incremental_and_the_differential():
    of = system(rpo="2d", schedule=Schedule(full=every("30d"), differential=every("7d"), incremental=every("1d")))
    assert backups(decide(snapshot(ago("10d")), snapshot(ago("1h"), kind="full"), of=of)) == []


def test_an_incremental_does_not_satisfy_the_full():
    action = only(decide(snapshot(ago("8d"), kind="full"), snapshot(ago("5m"))))
    assert (action.backup_kind, action.lane, action.priority) == (BackupKind.FULL, Lane.UPKEEP, 50)


@pytest.mark.parametrize("missed", ["1d", "3d", "90d"])
def test_missed_moments_are_caught_up_once(missed):
    of = system(rpo=None, schedule=Schedule(incremental=cron("0 2 * * *")))
    assert backups(decide(snapshot(ago(missed), kind="full"), of=of)) == [(BackupKind.INCREMENTAL, "schedule-due")]
    assert backups(decide(snapshot(ago(missed), kind="full"), snapshot(ago("9h")), of=of)) == []


def test_after_long_silence_the_full_takes_the_differential_along_and_the_rpo_goes_beside_it():
    of = system(schedule=Schedule(full=every("7d"), differential=every("1d"), incremental=every("1d")))
    decided = decide(snapshot(ago("30d"), kind="full"), of=of)
    assert backups(decided) == [(BackupKind.INCREMENTAL, "rpo-due"), (BackupKind.FULL, "schedule-due")]
    assert {a.lane for a in decided.actions} == {Lane.OBJECTIVE, Lane.UPKEEP}


def test_a_full_that_is_due_takes_an_incremental_along_that_the_rpo_does_not_need_yet():
    of = system(schedule=Schedule(full=every("7d"), incremental=every("10m")))
    assert backups(decide(snapshot(ago("8d"), kind="full"), snapshot(ago("15m")), of=of)) == [(BackupKind.FULL, "schedule-due")]


def test_missed_moments_are_skipped_when_the_policy_says_so():
    of = system(rpo=None, schedule=Schedule(incremental=cron("0 2 * * *"), catch_up="skip"))
    assert waits(decide(snapshot(ago("3d"), kind="full"), of=of)).due_at == datetime(2026, 5, 5, 2, tzinfo=UTC)
    at_two = datetime(2026, 5, 5, 2, 1, tzinfo=UTC)
    assert backups(decide(snapshot(ago("3d"), kind="full"), of=of, at=at_two)) == [(BackupKind.INCREMENTAL, "schedule-due")]


def test_skipping_counts_steps_of_a_duration_from_the_last_attempt():
    of = system(rpo=None, schedule=Schedule(incremental=every("10h"), catch_up="skip"))
    assert waits(decide(snapshot(ago("25h"), kind="full"), of=of)).due_at == NOW + timedelta(hours=5)


def test_a_try_that_failed_at_its_moment_is_repeated_and_not_skipped():
    of = system(rpo=None, schedule=Schedule(incremental=cron("0 2 * * *"), catch_up="skip"))
    history = failed(1, ago("9h59m"))
    assert backups(decide(snapshot(ago("1d"), kind="full"), of=of, history=history)) == [(BackupKind.INCREMENTAL, "schedule-due")]


def test_the_rpo_is_kept_even_when_missed_moments_are_skipped():
    of = system(schedule=Schedule(incremental=cron("0 2 * * *"), catch_up="skip"))
    assert backups(decide(snapshot(ago("3d"), kind="full"), of=of)) == [(BackupKind.INCREMENTAL, "rpo-due")]


def test_a_system_that_skips_and_has_no_rpo_begins_at_its_next_moment():
    of = system(rpo=None, schedule=Schedule(full=cron("0 2 * * *"), catch_up="skip"))
    assert waits(decide(of=of)).due_at == datetime(2026, 5, 5, 2, tzinfo=UTC)


def test_heavy_work_waits_for_its_window_and_the_rpo_does_not():
    window = Window(begin="22:00", end="04:00")
    of = system(schedule=Schedule(full=every("7d"), incremental=every("1d"), window=window))
    waiting = waits(decide(snapshot(ago("8d"), kind="full"), snapshot(ago("5m")), of=of))
    assert waiting.due_at == ago("5m") + timedelta(minutes=53)
    decided = decide(snapshot(ago("8d"), kind="full"), snapshot(ago("2h")), of=of)
    assert backups(decided) == [(BackupKind.INCREMENTAL, "rpo-due")]
    at_night = datetime(2026, 5, 4, 23, 0, tzinfo=UTC)
    full = decide(snapshot(ago("8d"), kind="full"), snapshot(at_night - timedelta(minutes=5)), of=of, at=at_night)
    assert backups(full) == [(BackupKind.FULL, "schedule-due")]


def test_a_full_that_alone_carries_the_rpo_waits_for_no_window():
    of = system(schedule=Schedule(full=every("1h"), window=Window(begin="22:00", end="04:00")))
    action = only(decide(snapshot(ago("58m"), kind="full"), of=of))
    assert (action.backup_kind, action.reason, action.lane) == (BackupKind.FULL, "rpo-due", Lane.OBJECTIVE)


def test_a_daylight_saving_step_neither_repeats_nor_loses_the_night():
    of = system(rpo=None, schedule=Schedule(incremental=cron("30 2 * * *", "Europe/Zurich")))
    before = snapshot(datetime(2026, 10, 24, 1, 0, tzinfo=UTC), kind="full")  # Saturday, 03:00 there
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in summer time; 02:30 comes again an hour later
    assert backups(decide(before, of=of, at=first - timedelta(seconds=1))) == []
    assert backups(decide(before, of=of, at=first)) == [(BackupKind.INCREMENTAL, "schedule-due")]
    taken = snapshot(first)
    assert backups(decide(before, taken, of=of, at=first + timedelta(hours=1, minutes=1))) == []


def test_a_partial_snapshot_paces_the_next_try_as_a_good_one_would():
    good, partial = snapshot(ago("2h"), kind="full"), snapshot(ago("10m"), grade=Grade.PARTIAL)
    assert waits(decide(good, partial)).due_at == ago("10m") + timedelta(minutes=53)


def test_a_partial_run_without_a_snapshot_of_its_own_paces_too():
    assert backups(decide(snapshot(ago("2h"), kind="full"), history=took(last_partial_at=ago("10m")))) == []


def test_with_only_partial_snapshots_the_next_try_is_a_full():
    action = only(decide(snapshot(ago("54m"), grade=Grade.PARTIAL)))
    assert (action.backup_kind, action.reason, action.lane) == (BackupKind.FULL, "rpo-due", Lane.OBJECTIVE)


def test_a_snapshot_found_damaged_counts_for_nothing():
    action = only(decide(snapshot(ago("1m"), kind="full", marks=(Mark(MarkKind.DAMAGED, ago("30s")),))))
    assert (action.backup_kind, action.reason) == (BackupKind.FULL, "never-backed-up")
    assert action.why == "1 snapshot, none usable, in main; RPO 1h"


def test_a_suspect_snapshot_paces_the_next_but_is_no_base_for_it():
    """Else every pass would take another one, suspect again, until a person has looked."""
    suspect = (Mark(MarkKind.SUSPECT, ago("30s")),)
    assert backups(decide(snapshot(ago("1m"), kind="full", marks=suspect))) == []
    assert backups(decide(snapshot(ago("54m"), kind="full", marks=suspect))) == [(BackupKind.FULL, "rpo-due")]


def test_a_confirmation_that_nothing_changed_counts_as_young():
    old = snapshot(ago("5d"), id="old", kind="full")
    assert backups(decide(old, history=took(confirmed=("old", ago("5m"))))) == []


def test_a_confirmation_of_a_snapshot_that_is_gone_counts_for_nothing():
    old = snapshot(ago("5d"), kind="full")
    assert backups(decide(old, history=took(confirmed=("gone", ago("5m"))))) == [(BackupKind.INCREMENTAL, "rpo-due")]


def test_a_confirmation_does_not_replace_the_full_that_reads_every_byte():
    old = snapshot(ago("8d"), id="old", kind="full")
    assert backups(decide(old, history=took(confirmed=("old", ago("5m"))))) == [(BackupKind.FULL, "schedule-due")]


def test_a_snapshot_from_the_future_does_not_silence_the_backups():
    real = snapshot(ago("2h"), kind="full")
    assert backups(decide(real, snapshot(NOW + timedelta(days=400)))) == [(BackupKind.INCREMENTAL, "rpo-due")]


def test_a_clock_that_is_two_minutes_behind_is_no_future():
    assert backups(decide(snapshot(NOW + timedelta(minutes=2), kind="full"))) == []


def test_failures_are_retried_later_and_later_but_never_later_than_a_quarter_of_the_rpo():
    history = failed(1, ago("20s"))
    waiting = waits(decide(history=history))
    assert waiting.due_at == ago("20s") + timedelta(seconds=30)
    assert waiting.why == "failed once, next try in 10s: the source /srv/orders does not exist"
    assert backups(decide(history=failed(1, ago("30s")))) == [(BackupKind.FULL, "never-backed-up")]
    assert waits(decide(history=failed(99, ago("1m")))).due_at == ago("1m") + timedelta(minutes=15)
    critical = system(rpo="15m")
    assert waits(decide(of=critical, history=failed(99, ago("1m")))).due_at == ago("1m") + timedelta(seconds=225)


def test_a_mended_spec_is_tried_at_once():
    assert backups(decide(of=system(generation="g2"), history=failed(5, ago("5s")))) == [(BackupKind.FULL, "never-backed-up")]


def test_a_failure_dated_in_the_future_delays_nothing():
    assert backups(decide(history=failed(5, NOW + timedelta(days=1)))) == [(BackupKind.FULL, "never-backed-up")]


def test_a_suspended_system_waits_and_says_why_until_it_ends_by_itself():
    of = system(suspend=Suspend(reason="moving house", until=NOW + timedelta(days=2)))
    waiting = waits(decide(snapshot(ago("3d"), kind="full"), of=of))
    assert (waiting.due_at, waiting.why) == (NOW + timedelta(days=2), "suspended: moving house")
    later = NOW + timedelta(days=2)
    assert backups(decide(snapshot(ago("3d"), kind="full"), of=of, at=later)) == [(BackupKind.INCREMENTAL, "rpo-due")]


def test_what_is_under_way_is_not_begun_again():
    busy = frozenset({("orders", "main", "objective")})
    assert waits(decide(busy=busy)).why == "a backup is under way"


def test_a_busy_upkeep_lane_does_not_hold_up_what_the_rpo_needs():
    busy = frozenset({("orders", "main", "upkeep")})
    decided = decide(snapshot(ago("8d"), kind="full"), busy=busy)
    assert backups(decided) == [(BackupKind.INCREMENTAL, "rpo-due")]


def test_the_sources_of_another_host_are_left_alone():
    decided = decide(of=system(host="shop2"))
    assert (decided.actions, decided.waiting) == ((), ())


def test_a_renamed_system_keeps_its_history():
    renamed = system("sales", previous_name="orders")
    assert waits(decide(snapshot(ago("5m"), kind="full"), of=renamed)).system == "sales"


def test_a_name_that_lives_on_passes_no_history_to_another():
    tree = desired(system("orders"), system("sales", previous_name="orders"))
    decided = plan(tree, observed(listed("main", [snapshot(ago("5m"), kind="full")])), NOW)
    assert [(a.system, a.reason) for a in decided.actions] == [("sales", "never-backed-up")]


def test_a_foreign_realm_and_another_system_count_for_nothing():
    decoys = [snapshot(ago("5m"), id="a", kind="full", realm="other"), snapshot(ago("5m"), id="b", kind="full", system="orders2")]
    assert backups(decide(*decoys)) == [(BackupKind.FULL, "never-backed-up")]


def test_a_broken_objective_is_tried_before_anything_else():
    tree = desired(system("a", schedule=Schedule(full=every("7d"), incremental=every("10m"))), system("b"))
    seen = observed(listed("main", [snapshot(ago("11m"), system="a", kind="full"), snapshot(ago("2h"), system="b", kind="full")]))
    assert [a.system for a in plan(tree, seen, NOW).actions] == ["b", "a"]


def test_a_system_without_any_promise_but_a_schedule_is_begun_at_once():
    of = system(objectives=Objectives(), schedule=Schedule(full=every("7d")))
    assert backups(decide(of=of)) == [(BackupKind.FULL, "never-backed-up")]


def test_a_full_whose_window_opens_too_late_for_the_rpo_begins_when_the_rpo_needs_it():
    of = system(schedule=Schedule(full=every("30m"), window=Window(begin="22:00", end="04:00")))
    assert waits(decide(snapshot(ago("40m"), kind="full"), of=of)).due_at == ago("40m") + timedelta(minutes=53)
    assert only(decide(snapshot(ago("58m"), kind="full"), of=of)).reason == "rpo-due"


def test_a_moment_that_was_kept_is_not_kept_twice_when_missed_ones_are_skipped():
    of = system(rpo=None, schedule=Schedule(incremental=cron("58 11 * * *"), catch_up="skip"))
    assert backups(decide(snapshot(ago("3h"), kind="full"), of=of)) == [(BackupKind.INCREMENTAL, "schedule-due")]
    assert waits(decide(snapshot(ago("1m"), kind="full"), of=of)).due_at == datetime(2026, 5, 5, 11, 58, tzinfo=UTC)


def test_two_heirs_of_one_name_inherit_nothing():
    tree = desired(system("sales", previous_name="orders"), system("stock", previous_name="orders"))
    decided = plan(tree, observed(listed("main", [snapshot(ago("5m"), kind="full")])), NOW)
    assert [(a.system, a.reason) for a in decided.actions] == [("sales", "never-backed-up"), ("stock", "never-backed-up")]
