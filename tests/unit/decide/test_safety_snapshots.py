"""Safety snapshots of restores: whole trees they are not, so nothing that asks what was backed up may count them."""

from __future__ import annotations

from datetime import timedelta

from reconciler.decide.choose import choose
from reconciler.decide.guard import rule
from reconciler.decide.plan import plan
from reconciler.decide.retention import judge
from reconciler.decide.scene import Scene
from reconciler.decide.status import status
from reconciler.model.declared.policy import Retention
from reconciler.model.snapshot import ROLLBACK_WINDOW, Grade, Mark, MarkKind, Snapshot
from reconciler.model.status import LoopStatus, SpecStatus
from tests.fakes.worlds import NOW, ago, desired, listed, observed, snapshot, system

SECOND = timedelta(seconds=1)


def safety(as_of=None, **changes) -> Snapshot:
    as_of = as_of or ago("1m")
    return snapshot(as_of, id=f"safety-{as_of:%d%H%M%S}", kind="full", grade=Grade.SAFETY, marks=(Mark(MarkKind.HELD, as_of),), **changes)


def test_a_restore_never_chooses_one_nor_speaks_of_it():
    good = snapshot(ago("3h"), id="good")
    choice = choose([safety(), good], None)
    assert choice.snapshot is good
    assert choice.passed_over == ()
    assert choose([safety()], None).why == "there is no snapshot"


def test_the_plan_and_the_status_are_the_same_with_and_without_one():
    """Due times, RPO, conditions, verification, copies: all of it."""
    wanted = desired(system())
    for good in ([snapshot(ago("50m"), kind="full", verified=ago("2d"))], []):
        without, beside = (observed(listed(snapshots=[*good, *extra])) for extra in ((), (safety(), safety(ago("20d")))))
        assert plan(wanted, without, NOW) == plan(wanted, beside, NOW)
        made = [
            status(wanted, seen, plan(wanted, seen, NOW), (), LoopStatus(), SpecStatus("d", True, 0, 0, NOW, 1), NOW)
            for seen in (without, beside)
        ]
        assert made[0].systems == made[1].systems


def test_it_fills_no_bucket_and_stays_until_the_rollback_window_ends():
    full = snapshot(ago("1h"), id="good", kind="full")
    inside, over = safety(NOW - ROLLBACK_WINDOW + SECOND), safety(NOW - ROLLBACK_WINDOW)
    reasons = {v.snapshot.id: v.reasons for v in judge([full, inside, over, safety()], Retention(daily=30, last=1), NOW)}
    assert reasons[inside.id] == ("held",)
    assert reasons[over.id] == ()
    assert reasons[safety().id] == ("held",)
    assert "daily 2026-05-04" in reasons["good"]


def test_a_hold_of_a_person_on_an_ordinary_snapshot_never_ends():
    old = snapshot(ago("400d"), marks=(Mark(MarkKind.HELD, ago("400d")),))
    assert old.held(NOW)


def test_one_whose_window_is_over_is_marked_and_holds_up_nothing_else():
    old, new = safety(NOW - ROLLBACK_WINDOW - SECOND), safety(ago("1d"))
    stale = snapshot(ago("40d"), id="stale")
    good = [snapshot(ago(f"{day}d"), kind="full", verified=ago(f"{day}d")) for day in range(1, 4)]
    retention = Retention(last=3)
    wanted = desired(system(retention=retention))
    seen = observed(listed(snapshots=[old, new, stale, *good]), accepted_retention={"orders": retention})
    ruling = rule(Scene.of(wanted, seen, NOW), wanted.systems[0], "main")
    assert ruling.held == ()
    assert set(ruling.mark) == {old.id, "stale"}
