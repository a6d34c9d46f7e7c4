"""Each guard with its decoy: the same world without the danger lets the same snapshots go, and what looks alike survives."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.approve import change_digest
from reconciler.decide.guard import floor, settled_retention
from reconciler.decide.plan import plan
from reconciler.decide.scene import Scene
from reconciler.model.declared.objectives import Verification
from reconciler.model.declared.policy import GuardLimits, Retention
from reconciler.model.declared.repository import ObjectLock
from reconciler.model.declared.system import Suspend
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.listing import Group, Listing
from reconciler.model.observed import Observed
from reconciler.model.plan import ActionKind, Plan
from reconciler.model.snapshot import Grade, Mark, MarkKind, Snapshot
from tests.fakes.worlds import NOW, ago, daily, desired, listed, observed, snapshot, system, unreachable

KEEP_5 = Retention(last=5)
TWO_DAYS_AGO = NOW - timedelta(days=2)


def keeping(retention: Retention = KEEP_5, **changes) -> DesiredSystem:
    return system(retention=retention, **changes)


def accepted(of: DesiredSystem, *snapshots: Snapshot, **changes) -> tuple[Desired, Observed]:
    """A world in which the retention of the system is old news."""
    return desired(of), observed(listed("main", snapshots), accepted_retention={of.name: of.retention}, **changes)


def leaving(decided: Plan, kind: ActionKind) -> set[str]:
    return {i for action in decided.actions if action.kind is kind for i in action.snapshots}


def untouched(decided: Plan) -> bool:
    return not leaving(decided, ActionKind.MARK) and not leaving(decided, ActionKind.FORGET)


def guards(decided: Plan) -> list[str]:
    return [change.guard for change in decided.held]


def old_ids(snapshots: list[Snapshot]) -> set[str]:
    return {s.id for s in snapshots[5:]}


# two phases


def test_what_retention_asks_for_again_loses_its_mark():
    """Else it would have rested already on the day when it is let go once more, and go without the second look."""
    snapshots = daily(8)
    marked = [replace(s, marks=(*s.marks, Mark(MarkKind.REMOVE, ago("3d")))) if s.id in old_ids(snapshots) else s for s in snapshots]
    again = plan(*accepted(keeping(Retention(last=30)), *marked), NOW)
    assert leaving(again, ActionKind.UNMARK) == old_ids(snapshots)
    assert untouched(again)
    still = plan(*accepted(keeping(), *marked), NOW)
    assert leaving(still, ActionKind.UNMARK) == set()
    assert leaving(still, ActionKind.FORGET) == old_ids(snapshots)


def test_what_has_a_reason_to_stay_stays_whatever_a_memory_says():
    """Retention remembers what it lets go, and finds it without giving reasons: where something is to go, each is asked for its reasons."""
    snapshots = daily(8)
    of = keeping()
    wanted, found = accepted(of, *snapshots)
    found = replace(found, repositories={"main": replace(found.repositories["main"], snapshots=Listing(snapshots))})
    group = Scene.of(wanted, found, NOW).stored(of.name, "main")
    assert isinstance(group, Group)
    wrong = frozenset(s.id for s in snapshots[1:])
    assert group.recall(of.retention, lambda: wrong) == wrong
    assert leaving(plan(wanted, found, NOW), ActionKind.MARK) == old_ids(snapshots)


def test_what_may_go_is_marked_first_and_nothing_is_removed():
    snapshots = daily(8)
    decided = plan(*accepted(keeping(), *snapshots), NOW)
    assert leaving(decided, ActionKind.MARK) == old_ids(snapshots)
    assert leaving(decided, ActionKind.FORGET) == set()
    assert decided.to_forget == 0


def test_a_mark_rests_for_a_day_before_the_snapshot_is_removed():
    fresh, rested = snapshot(ago("20d"), removing=ago("23h59m")), snapshot(ago("21d"), removing=ago("1d"))
    decided = plan(*accepted(keeping(), *daily(6), fresh, rested), NOW)
    assert leaving(decided, ActionKind.FORGET) == {rested.id}
    assert decided.to_forget == 1


def test_a_mark_is_no_sentence_when_retention_asks_for_the_snapshot_again():
    snapshots = [*daily(4), snapshot(ago("20d"), removing=ago("9d"))]
    assert untouched(plan(*accepted(keeping(), *snapshots), NOW))


def test_a_mark_dated_in_the_future_has_not_rested():
    marked = snapshot(ago("20d"), removing=NOW + timedelta(days=3))
    assert leaving(plan(*accepted(keeping(), *daily(6), marked), NOW), ActionKind.FORGET) == set()


def test_what_a_bucket_keeps_locked_is_removed_when_the_lock_is_over():
    """Thirty days, and a quarter as slack."""
    marked = [replace(snapshot(ago(age), removing=ago("5d")), id=age) for age in ("37d", "38d")]
    tree, seen = accepted(keeping(), *daily(6), *marked)
    lock = ObjectLock(retain=timedelta(days=30))
    locked = replace(tree, repositories=tuple(replace(r, object_lock=lock) for r in tree.repositories))
    assert leaving(plan(tree, seen, NOW), ActionKind.FORGET) == {"37d", "38d"}
    assert leaving(plan(locked, seen, NOW), ActionKind.FORGET) == {"38d"}


def test_actions_carry_the_retention_that_decided_and_sorted_ids():
    action = next(a for a in plan(*accepted(keeping(), *daily(8)), NOW).actions if a.kind is ActionKind.MARK)
    assert list(action.snapshots) == sorted(action.snapshots)
    assert action.retention_digest
    assert (action.reason, action.generation, action.priority) == ("retention", "g1", 10)


# tree, observation, clock, verification


def test_a_broken_tree_lets_nothing_go():
    tree, seen = accepted(keeping(), *daily(8))
    decided = plan(replace(tree, clean=False), seen, NOW)
    assert untouched(decided)
    assert guards(decided) == ["tree"]


def test_a_system_on_its_last_good_version_lets_nothing_go_and_its_neighbour_does():
    broken, sound = keeping(last_good=True), replace(keeping(), name="sales")
    theirs = [replace(s, system="sales", id=f"s{s.id}") for s in daily(8)]
    seen = observed(listed("main", [*daily(8), *theirs]), accepted_retention={"orders": KEEP_5, "sales": KEEP_5})
    decided = plan(desired(broken, sound), seen, NOW)
    assert {(a.system, len(a.snapshots)) for a in decided.actions if a.kind is ActionKind.MARK} == {("sales", 3)}
    assert [(h.system, h.guard) for h in decided.held] == [("orders", "tree")]


def test_a_listing_of_an_earlier_pass_lets_nothing_go():
    tree, _ = accepted(keeping(), *daily(8))
    seen = observed(listed("main", daily(8), fresh=False), accepted_retention={"orders": KEEP_5})
    decided = plan(tree, seen, NOW)
    assert untouched(decided)
    assert guards(decided) == ["observation"]


def test_a_repository_out_of_reach_lets_nothing_go_and_the_other_one_does():
    of = keeping(repositories=("main", "offsite"))
    seen = observed(unreachable("main"), listed("offsite", daily(8)), accepted_retention={"orders": KEEP_5})
    decided = plan(desired(of), seen, NOW)
    assert [(a.repository, len(a.snapshots)) for a in decided.actions] == [("offsite", 3)]
    assert not decided.complete


def test_a_snapshot_from_the_future_stops_the_clearing_of_its_system_alone():
    theirs = [replace(s, system="sales", id=f"s{s.id}") for s in daily(8)]
    future = snapshot(NOW + timedelta(minutes=6), id="future")
    seen = observed(listed("main", [*daily(8), future, *theirs]), accepted_retention={"orders": KEEP_5, "sales": KEEP_5})
    decided = plan(desired(keeping(), replace(keeping(), name="sales")), seen, NOW)
    assert {a.system for a in decided.actions if a.kind is ActionKind.MARK} == {"sales"}
    assert [(h.system, h.guard) for h in decided.held] == [("orders", "clock")]


def test_clocks_that_differ_by_some_minutes_stop_nothing():
    near = snapshot(NOW + timedelta(minutes=4), id="near", arrived_at=NOW)
    assert leaving(plan(*accepted(keeping(), near, *daily(8)), NOW), ActionKind.MARK)


def test_a_clock_that_jumped_lets_nothing_go():
    decided = plan(*accepted(keeping(), *daily(8), clock_jump=timedelta(days=300)), NOW)
    assert untouched(decided)
    assert guards(decided) == ["clock"]
    assert decided.held[0].why == "the clock of this host jumped by 300d since the last pass"


def test_where_verification_is_declared_and_nothing_is_verified_nothing_goes():
    of = keeping(verification=Verification(deep=timedelta(days=30)))
    unproven = [replace(s, marks=()) for s in daily(8)]
    decided = plan(*accepted(of, *unproven), NOW)
    assert untouched(decided)
    assert guards(decided) == ["verification"]
    assert leaving(plan(*accepted(of, *daily(8)), NOW), ActionKind.MARK) == old_ids(daily(8))
    assert leaving(plan(*accepted(keeping(), *unproven), NOW), ActionKind.MARK) == old_ids(daily(8))


def test_a_proof_on_a_snapshot_that_is_damaged_by_now_does_not_count():
    of = keeping(verification=Verification(deep=timedelta(days=30)))
    newest, *others = daily(8)
    broken = replace(newest, marks=(*newest.marks, Mark(MarkKind.DAMAGED, NOW)))
    assert guards(plan(*accepted(of, broken, *others), NOW)) == ["verification"]


def test_what_only_rests_after_its_mark_needs_no_guard():
    resting = [replace(s, marks=(*s.marks, Mark(MarkKind.REMOVE, ago("1h")))) for s in daily(8)[5:]]
    tree, seen = accepted(keeping(), *daily(5), *resting)
    decided = plan(replace(tree, clean=False), seen, NOW)
    assert (decided.held, untouched(decided)) == ((), True)


# tightening


def tightened(total: int, keep: int, *, before: Retention | None, limits: GuardLimits | None = None) -> Plan:
    of = keeping(Retention(last=keep), guard=limits or GuardLimits())
    known = {} if before is None else {"orders": before}
    return plan(desired(of), observed(listed("main", daily(total)), accepted_retention=known), NOW)


@pytest.mark.parametrize(
    ("total", "keep", "held"),
    [
        (10, 7, False),  # 30 % exactly
        (10, 6, True),
        (9, 1, False),  # below ten a percentage says nothing
        (200, 150, False),  # fifty exactly, 25 %
        (200, 149, True),
    ],
)
def test_a_tightened_retention_is_held_when_it_lets_much_go(total, keep, held):
    decided = tightened(total, keep, before=Retention(last=1000))
    assert guards(decided) == (["tightening"] if held else [])
    assert untouched(decided) is held


def test_only_what_the_tightening_lets_go_is_held_and_the_rest_of_the_plan_goes_on():
    decided = tightened(40, 5, before=Retention(last=30))
    assert len(leaving(decided, ActionKind.MARK)) == 10  # these would go under the former retention, too
    assert len(decided.held[0].snapshots) == 25
    assert set(decided.held[0].snapshots).isdisjoint(leaving(decided, ActionKind.MARK))
    assert [a.kind for a in decided.actions if a.kind is ActionKind.BACKUP] == []


def test_a_loosened_retention_holds_nothing():
    assert guards(tightened(40, 30, before=Retention(last=5))) == []


def test_without_an_accepted_retention_everything_counts_as_tightened():
    assert guards(tightened(40, 5, before=None)) == ["tightening"]
    assert guards(tightened(9, 5, before=None)) == []


def test_a_system_may_set_its_own_limits():
    assert guards(tightened(10, 6, before=Retention(last=1000), limits=GuardLimits(max_forget_percent=40))) == []
    assert guards(tightened(200, 195, before=Retention(last=1000), limits=GuardLimits(max_forget_count=4))) == ["tightening"]


def test_marks_of_an_earlier_day_do_not_carry_a_tightened_retention_past_the_guard():
    snapshots = [*daily(5), *(replace(s, marks=(Mark(MarkKind.REMOVE, ago("9d")),)) for s in daily(40)[5:])]
    seen = observed(listed("main", snapshots), accepted_retention={"orders": Retention(last=100)})
    decided = plan(desired(keeping()), seen, NOW)
    assert untouched(decided)
    assert guards(decided) == ["tightening"]


def test_a_held_tightening_stays_in_sight_when_the_listing_is_old():
    seen = observed(listed("main", daily(40), fresh=False), accepted_retention={"orders": Retention(last=100)})
    assert guards(plan(desired(keeping()), seen, NOW)) == ["tightening"]


def test_a_rename_does_not_lose_the_accepted_retention():
    renamed = replace(keeping(), name="sales", previous_name="orders")
    seen = observed(listed("main", daily(40)), accepted_retention={"orders": KEEP_5})
    assert guards(plan(desired(renamed), seen, NOW)) == []


def test_the_digest_of_a_held_change_names_exactly_that_change():
    held = tightened(40, 5, before=Retention(last=100)).held[0]
    again = tightened(40, 5, before=Retention(last=90)).held[0]
    assert held.digest == again.digest == change_digest(keeping(), "main", reversed(held.snapshots))
    assert held.digest != tightened(40, 6, before=Retention(last=100)).held[0].digest
    assert held.digest != change_digest(keeping(), "offsite", held.snapshots)


# what may be remembered as accepted


def test_a_retention_without_objection_is_settled():
    tree, seen = accepted(keeping(), *daily(8))
    assert settled_retention(tree, seen, NOW) == {"orders": KEEP_5}


def held_world(**changes) -> tuple[Desired, Observed]:
    of = keeping(**changes)
    return desired(of), observed(listed("main", daily(40)), accepted_retention={"orders": Retention(last=100)})


def test_a_held_retention_is_not_settled():
    assert settled_retention(*held_world(), NOW) == {}


def test_a_held_retention_is_not_settled_by_looking_away():
    tree, seen = held_world()
    assert settled_retention(tree, replace(seen, busy=frozenset({("orders", "main", "upkeep")})), NOW) == {}
    assert settled_retention(*held_world(suspend=Suspend(reason="r", until=NOW + timedelta(days=1))), NOW) == {}
    assert settled_retention(*held_world(host="shop2"), NOW) == {}
    unseen = observed(unreachable("main"), accepted_retention={"orders": Retention(last=100)})
    assert settled_retention(tree, unseen, NOW) == {}


def test_a_wrong_clock_does_not_get_a_held_retention_accepted():
    tree, seen = held_world()
    assert settled_retention(tree, seen, NOW - timedelta(days=365)) == {}, "everything seems to come from the future and stays"
    assert settled_retention(tree, replace(seen, clock_jump=timedelta(days=-365)), NOW) == {}


def test_a_repository_out_of_reach_leaves_the_retention_unsettled():
    of = keeping(repositories=("main", "offsite"))
    seen = observed(listed("main", daily(4)), unreachable("offsite"))
    assert settled_retention(desired(of), seen, NOW) == {}


# floor: the second lock, tried directly because the first one never lets such a set through


def floor_of(snapshots: list[Snapshot], going: list[Snapshot], retention: Retention = KEEP_5) -> str | None:
    of = keeping(retention)
    return floor(Scene.of(desired(of), observed(listed("main", snapshots)), NOW), of, snapshots, going)


def test_the_floor_refuses_whatever_let_such_a_set_through():
    newest, proven, partial = snapshot(ago("1h")), snapshot(ago("9d"), verified=ago("9d")), snapshot(ago("30m"), grade=Grade.PARTIAL)
    held = snapshot(ago("30d"), marks=(Mark(MarkKind.HELD, ago("29d")),))
    old = [snapshot(ago(f"{day}d")) for day in range(2, 8)]
    everything = [newest, proven, partial, held, *old]
    assert floor_of(everything, [newest]) == "the newest good snapshot would go"
    assert floor_of(everything, [proven]) == "the newest verified snapshot would go"
    assert floor_of(everything, [held]) == "a held snapshot would go"
    assert floor_of(everything, old, Retention(last=1, minimum=4)) == "only 3 good snapshots would remain, fewer than 4"
    assert floor_of([partial], [partial]) == "every snapshot would go"
    assert floor_of(everything, old) is None
    assert floor_of(everything, [partial]) is None


# who and what is never touched


def test_orphans_and_foreign_snapshots_are_counted_and_never_touched():
    gone = [snapshot(ago(f"{day}d"), id=f"gone{day}", system="old-wiki") for day in range(1, 30)]
    foreign = [snapshot(ago(f"{day}d"), id=f"foreign{day}", realm="other") for day in range(1, 30)]
    tree, seen = accepted(keeping(), *daily(4), *gone, *foreign)
    decided = plan(tree, seen, NOW)
    assert untouched(decided)
    assert decided.orphans == {"old-wiki": 29}
    assert decided.foreign == 29


def test_a_broken_tree_proves_no_removal_and_shows_no_orphans():
    tree, seen = accepted(keeping(), snapshot(ago("1d"), system="old-wiki"))
    assert plan(replace(tree, clean=False), seen, NOW).orphans == {}


def test_a_former_name_is_no_orphan():
    renamed = replace(keeping(), name="sales", previous_name="orders")
    assert plan(desired(renamed), observed(listed("main", daily(4))), NOW).orphans == {}


def test_the_snapshots_of_another_host_are_only_looked_at():
    decided = plan(*accepted(keeping(host="shop2"), *daily(8)), NOW)
    assert (untouched(decided), decided.held) == (True, ())


def test_a_suspended_system_keeps_everything():
    assert untouched(plan(*accepted(keeping(suspend=Suspend(reason="r", until=NOW + timedelta(days=1))), *daily(8)), NOW))


def test_an_empty_retention_keeps_everything():
    assert untouched(plan(*accepted(keeping(Retention(minimum=2)), *daily(80)), NOW))


def test_a_repository_that_the_system_no_longer_names_keeps_what_it_has():
    of = keeping()
    seen = observed(listed("main", daily(4)), listed("former", daily(80)), accepted_retention={"orders": KEEP_5})
    assert untouched(plan(desired(of), seen, NOW))


def test_an_agent_settles_only_what_it_acts_on():
    assert settled_retention(*accepted(keeping(host="shop2"), *daily(4)), NOW) == {}
    assert settled_retention(*accepted(keeping(host="shop1"), *daily(4)), NOW) == {"orders": KEEP_5}


def test_a_name_that_comes_back_is_not_measured_against_the_retention_of_its_earlier_life():
    """Renamed to `sales` and back: what `orders` was under long ago is no excuse to let go what `sales` kept until now."""
    again = replace(keeping(), name="orders", previous_name="sales")
    theirs = [replace(s, system="sales") for s in daily(40)]
    seen = observed(listed("main", theirs), accepted_retention={"orders": KEEP_5, "sales": Retention(last=100)})
    assert guards(plan(desired(again), seen, NOW)) == ["tightening"]


def test_what_is_accepted_after_a_rename_stands_under_both_names():
    renamed = replace(keeping(Retention(last=30)), previous_name="sales")
    seen = observed(listed("main", daily(8)), accepted_retention={"sales": KEEP_5})
    assert settled_retention(desired(renamed), seen, NOW) == {"orders": Retention(last=30), "sales": Retention(last=30)}
