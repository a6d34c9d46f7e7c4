"""What is copied into the further repositories, in which order, and what is left alone."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from reconciler.decide.copies import missing
from reconciler.decide.plan import plan, plan_copy
from reconciler.decide.retention import judge
from reconciler.decide.scene import Scene
from reconciler.model.declared.objectives import Copies
from reconciler.model.declared.policy import Retention
from reconciler.model.declared.system import Suspend
from reconciler.model.plan import ActionKind, Lane
from reconciler.model.snapshot import Grade, Mark, MarkKind, Snapshot
from tests.fakes.worlds import NOW, ago, daily, desired, listed, observed, snapshot, system, unreachable

TWO = system(repositories=("main", "offsite"))


def copies(decided):
    return [a for a in decided.actions if a.kind is ActionKind.COPY]


def test_what_the_second_repository_lacks_is_copied_newest_first():
    held = daily(3)
    newest, rest = copies(plan(desired(TWO), observed(listed("main", held), listed("offsite", held[2:])), NOW))
    assert (newest.repository, newest.origin, newest.lane) == ("offsite", "main", Lane.UPKEEP)
    assert (newest.snapshots, rest.snapshots) == ((held[0].id,), (held[1].id,))
    assert newest.why == "it trails by 2d; 2 snapshots to copy; overdue since 2026-05-03 12:33Z"
    assert newest.due_at == held[1].ended_at + timedelta(hours=1), "the RPO where no lag is declared"
    assert copies(plan(desired(TWO), observed(listed("main", held), listed("offsite", held)), NOW)) == []


def test_an_overdue_copy_goes_before_other_upkeep_but_never_before_a_due_backup():
    late = copies(plan(desired(TWO), observed(listed("main", daily(2)), listed("offsite", [snapshot(ago("3d"))])), NOW))[0]
    held = [snapshot(ago("10m")), snapshot(ago("20m"))]
    early = copies(plan(desired(TWO), observed(listed("main", held), listed("offsite", held[1:])), NOW))[0]
    assert 50 > late.priority > early.priority > 10


def test_the_nearer_its_deadline_the_sooner_a_copy_goes():
    def priority(ended: str) -> int:
        held = [snapshot(ago(ended), ended_at=ago(ended)), snapshot(ago("5d"))]
        return copies(plan(desired(TWO), observed(listed("main", held), listed("offsite", held[1:])), NOW))[0].priority

    ladder = [priority(minutes) for minutes in ("1m", "15m", "30m", "45m", "60m", "61m")]
    assert ladder == [20, 26, 32, 38, 44, 45]


def test_what_is_not_good_or_not_true_is_not_copied():
    bad = [
        snapshot(ago("1h"), grade=Grade.PARTIAL),
        snapshot(ago("2h"), marks=(Mark(MarkKind.DAMAGED, ago("1h")),)),
        snapshot(NOW + timedelta(days=1)),
    ]
    world = observed(listed("main", [*bad, snapshot(ago("3h"), id="good")]), listed("offsite"))
    (action,) = copies(plan(desired(TWO), world, NOW))
    assert action.snapshots == ("good",)


def test_only_what_the_target_would_keep_is_copied():
    of = replace(TWO, retention=Retention(daily=2))
    held = daily(10)
    found = copies(plan(desired(of), observed(listed("main", held), listed("offsite")), NOW))
    assert [one for action in found for one in action.snapshots] == [s.id for s in held[:2]]


def test_what_was_copied_is_kept_and_never_copied_again():
    """Otherwise the loop would copy, let go a day later, and copy again, for ever."""
    of = replace(TWO, retention=Retention(last=2, hourly=5, daily=4, weekly=2, monthly=2, keep_within=timedelta(hours=30)))
    primary = [snapshot(NOW - timedelta(hours=7 * number)) for number in range(60)]
    there: list[Snapshot] = [snapshot(NOW - timedelta(hours=7 * number)) for number in range(20, 60, 3)]
    late = NOW + timedelta(minutes=3)
    scene = Scene.of(desired(of), observed(listed("main", primary), listed("offsite", there)), NOW)
    found = missing(scene, of, "offsite")
    assert found
    arrived = [replace(s, arrived_at=late, marks=()) for s in found]
    for some in (arrived, arrived[::2], arrived[:1], arrived[-1:]):
        kept = {v.snapshot.id for v in judge([*there, *some], of.retention, NOW) if v.keep}
        assert {s.id for s in some} <= kept
    scene = Scene.of(desired(of), observed(listed("main", primary), listed("offsite", [*there, *arrived])), NOW)
    assert missing(scene, of, "offsite") == ()


def test_the_only_verified_one_of_the_origin_is_no_reason_to_keep_it_elsewhere():
    of = replace(TWO, retention=Retention(last=1))
    held = [snapshot(ago("1h")), snapshot(ago("5d"), verified=ago("4d"))]
    (action,) = copies(plan(desired(of), observed(listed("main", held), listed("offsite")), NOW))
    assert action.snapshots == (held[0].id,)


def test_a_lost_primary_gets_its_snapshots_back_from_a_copy():
    of = system(repositories=("main", "offsite", "vault"))
    held = daily(2)
    world = observed(listed("main"), listed("offsite", held), listed("vault", held))
    assert copies(plan(desired(of), world, NOW)) == [], "a primary that is empty may be a wrong disk: a person decides"
    asked = plan_copy(desired(of), world, NOW, (of.name,), "main")
    assert [(a.repository, a.origin, a.snapshots) for a in asked.actions] == [("main", "offsite", tuple(s.id for s in held))]


def test_a_third_repository_is_filled_from_the_second_while_the_first_is_away():
    of = system(repositories=("main", "offsite", "vault"))
    world = observed(replace(listed("main", daily(1)), reachable=False), listed("offsite", daily(1)), listed("vault"))
    (action,) = copies(plan(desired(of), world, NOW))
    assert (action.origin, action.repository) == ("offsite", "vault")


def test_a_repository_that_was_away_for_long_catches_up_step_by_step_and_the_near_one_waits_for_nobody():
    of = replace(system(repositories=("main", "near", "far")), retention=Retention(last=5000))
    held = [snapshot(ago("1m") - timedelta(minutes=10 * number)) for number in range(2130)]
    away = observed(listed("main", held), listed("near", held[1:]), unreachable("far"))
    assert [(a.repository, a.snapshots) for a in copies(plan(desired(of), away, NOW))] == [("near", (held[0].id,))]
    steps, done = [], 0
    while found := copies(plan(desired(of), observed(listed("main", held), listed("near", held), listed("far", held[:done])), NOW)):
        action = found[0]  # what the queue takes: the most urgent of one key
        steps.append(len(action.snapshots))
        assert all(len(a.snapshots) <= 50 for a in found)
        assert action.snapshots == tuple(s.id for s in held[done : done + len(action.snapshots)]), "newest first, each once"
        done += len(action.snapshots)
    assert steps == [1, *[50] * 42, 29]


def test_after_a_long_absence_every_system_has_its_newest_copy_before_any_has_its_history():
    names = [f"s{number}" for number in range(40)]
    tree = desired(*(replace(system(name, repositories=("main", "far")), retention=Retention(last=500)) for name in names))
    held = [snapshot(ago("1m") - timedelta(hours=number), id=f"{name}-{number}", system=name) for name in names for number in range(60)]
    found = copies(plan(tree, observed(listed("main", held), listed("far")), NOW))
    assert [a.snapshots for a in found[:40]] == [(f"{name}-0",) for name in sorted(names)]
    assert {a.priority for a in found[:40]} == {45}
    assert {a.priority for a in found[40:]} == {20}


def test_nothing_is_copied_by_another_host_or_while_suspended_or_under_way():
    world = observed(listed("main", daily(1)), listed("offsite"))
    assert copies(plan(desired(replace(TWO, host="shop2")), world, NOW)) == []
    suspended = replace(TWO, suspend=Suspend(reason="moving house", until=NOW + timedelta(days=1)))
    decided = plan(desired(suspended), world, NOW)
    assert copies(decided) == []
    assert next(g for g in decided.gaps if g.code == "copy-missing").person.startswith("Take `suspend` out")
    busy = replace(world, busy=frozenset({("orders", "offsite", "upkeep")}))
    assert copies(plan(desired(TWO), busy, NOW)) == []


def test_a_copy_that_the_loop_can_make_is_no_gap():
    decided = plan(desired(TWO), observed(listed("main", daily(1)), listed("offsite")), NOW)
    assert [g.code for g in decided.gaps] == []
    assert len(copies(decided)) == 1


def test_a_copy_that_nothing_can_be_read_for_is_a_gap():
    world = observed(replace(listed("main", daily(1)), reachable=False), listed("offsite"))
    decided = plan(desired(replace(TWO, copies=Copies(count=2))), world, NOW)
    assert copies(decided) == []
    assert next(g for g in decided.gaps if g.code == "copy-missing").repository == "offsite"


def test_what_a_person_asks_for_is_planned_even_where_nothing_is_missing():
    held = daily(1)
    decided = plan_copy(desired(TWO), observed(listed("main", held), listed("offsite", held)), NOW, (), "offsite")
    assert [(a.snapshots, a.reason) for a in decided.actions] == [((), "requested")]
    decided = plan_copy(desired(TWO), observed(unreachable("main"), unreachable("offsite")), NOW, ("orders",), "offsite")
    assert len(decided.actions) == 1
