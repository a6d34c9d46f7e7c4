"""What people want of the loop, in the plan."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from reconciler.decide.backups import Request
from reconciler.decide.conditions import conditions
from reconciler.decide.plan import plan
from reconciler.model.declared.system import Suspend
from reconciler.model.plan import Plan
from reconciler.model.snapshot import BackupKind
from reconciler.model.wishes import PAUSE_MAX, WISH_STANDS, Pause, Wish
from tests.fakes.worlds import NOW, ago, daily, desired, failed, listed, observed, system, unreachable

MINUTE = timedelta(minutes=1)
PAUSED = Pause(NOW + timedelta(hours=2), "moving the disks", "maria", ago("1m"))


def wished(*kinds: BackupKind, at=None, **seen) -> Plan:
    of = seen.pop("of", None) or system()
    wishes = tuple(Wish("orders", kind, at or ago("5s"), "maria") for kind in kinds)
    return plan(desired(of), replace(observed(seen.pop("in_main", listed("main", daily(2))), **seen), wishes=wishes), NOW)


def requested(decided: Plan) -> list[tuple[BackupKind | None, str, int]]:
    return [(a.backup_kind, a.lane.value, a.priority) for a in decided.actions if a.reason == "requested"]


def test_a_wish_becomes_an_action_whatever_schedule_and_back_off_say():
    assert requested(wished()) == []
    decided = wished(BackupKind.INCREMENTAL, runs={("orders", "main"): failed(9, ago("1s"))})
    assert requested(decided) == [(BackupKind.INCREMENTAL, "objective", 100)]
    assert decided.actions[0].why == "incremental asked for, by maria at 11:59:55 UTC"


def test_of_several_wishes_in_one_lane_the_heaviest_serves_them_all():
    assert requested(wished(BackupKind.FULL, BackupKind.DIFFERENTIAL)) == [(BackupKind.FULL, "upkeep", 100)]
    assert len(requested(wished(*BackupKind))) == 2


def test_what_is_due_in_the_same_lane_is_not_begun_beside_it():
    nothing_yet = listed("main", [])
    decided = wished(BackupKind.INCREMENTAL, in_main=nothing_yet)
    assert [(a.reason, a.backup_kind) for a in decided.actions] == [("requested", BackupKind.FULL)]


def test_what_is_under_way_is_not_begun_again_for_a_wish():
    assert requested(wished(BackupKind.INCREMENTAL, busy=frozenset({("orders", "main", "objective")}))) == []


def test_a_wish_of_yesterday_is_no_longer_meant():
    assert requested(wished(BackupKind.FULL, at=NOW - WISH_STANDS)) == []
    assert requested(wished(BackupKind.FULL, at=NOW - WISH_STANDS + MINUTE)) != []


def test_a_wish_from_the_future_is_fulfilled_because_the_clock_was_set_back():
    assert requested(wished(BackupKind.FULL, at=NOW + timedelta(days=400))) != []


def test_nobody_wishes_past_a_suspension_another_host_or_an_unreachable_repository():
    suspended = system(suspend=Suspend(reason="x", until=NOW + MINUTE))
    assert requested(wished(BackupKind.FULL, of=suspended)) == []
    assert requested(wished(BackupKind.FULL, of=system(host="shop2"))) == []
    assert requested(wished(BackupKind.FULL, in_main=unreachable("main"))) == []


def test_a_pause_leaves_the_plan_as_it_is_and_lets_nothing_begin():
    tree, seen = desired(system()), observed(listed("main", []))
    decided, free = plan(tree, replace(seen, pause=PAUSED), NOW), plan(tree, seen, NOW)
    assert (decided.pause, decided.to_begin) == (PAUSED, ())
    assert decided.actions == free.actions == free.to_begin != ()
    assert conditions(tree, replace(seen, pause=PAUSED), decided, NOW) == conditions(tree, seen, free, NOW), "nothing is silenced"


def test_a_pause_ends_by_itself_and_is_never_longer_than_it_may_be():
    tree, seen = desired(system()), replace(observed(listed("main", [])), pause=PAUSED)
    assert plan(tree, seen, PAUSED.until).pause is None
    assert plan(tree, seen, PAUSED.until - PAUSE_MAX - MINUTE).pause is None, "the clock was set back by a month"


def test_what_a_person_does_by_hand_is_not_paused():
    seen = replace(observed(listed("main", daily(2))), pause=PAUSED)
    assert plan(desired(system()), seen, NOW, request=Request(("orders",))).to_begin != ()
