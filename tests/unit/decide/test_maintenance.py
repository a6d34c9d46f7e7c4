"""When a repository is cleaned up: by its own declaration, after a complete listing, by an agent that has something there."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from reconciler.decide.plan import plan
from reconciler.model.declared.policy import Window
from reconciler.model.declared.repository import Maintenance, Prune
from reconciler.model.observed import RepositoryState
from reconciler.model.plan import Action, ActionKind, Lane
from tests.fakes.worlds import NOW, ago, desired, listed, observed, repository, snapshot, system, unreachable

WEEKLY = Maintenance(prune=Prune(every=timedelta(days=7)))
OLD = snapshot(ago("8d"), id="old")


def due(
    state: RepositoryState, maintenance: Maintenance = WEEKLY, *, last: datetime | None = None, host: str | None = None, busy: bool = False
) -> list[Action]:
    wanted = desired(system(host=host), repository(maintenance=maintenance))
    pruned = {"main": last} if last is not None else {}
    world = observed(state, pruned=pruned, busy=frozenset({("", "main", Lane.UPKEEP.value)} if busy else ()))
    return [action for action in plan(wanted, world, NOW).actions if action.kind is ActionKind.PRUNE]


def test_a_week_after_the_oldest_snapshot_and_then_a_week_after_the_last() -> None:
    (action,) = due(listed("main", [OLD]))
    assert (action.system, action.repository, action.lane, action.reason) == ("", "main", Lane.UPKEEP, "prune-due")
    assert action.why.startswith("never cleaned up, oldest snapshot 8d")
    (again,) = due(listed("main", [OLD]), last=ago("7d1h"))
    assert again.why == "last clean-up 7d1h ago; every 7d is declared"
    assert due(listed("main", [OLD]), last=ago("6d")) == []
    assert due(listed("main", [snapshot(ago("6d"), id="young")])) == []


def test_never_without_being_declared() -> None:
    assert due(listed("main", [OLD]), Maintenance()) == []


def test_never_after_a_listing_of_another_pass_or_none_or_of_nothing() -> None:
    assert due(listed("main", [OLD], fresh=False)) == []
    assert due(unreachable("main")) == []
    assert due(listed("main", [])) == []


def test_only_where_this_agent_has_a_system_and_no_other_clean_up_is_under_way() -> None:
    assert due(listed("main", [OLD]), host="another") == []
    assert due(listed("main", [OLD]), busy=True) == []


def test_a_window_is_waited_for() -> None:
    def night(begin: str) -> Maintenance:
        return Maintenance(prune=Prune(every=timedelta(days=7)), window=Window(begin=begin, end="13:00"))

    assert due(listed("main", [OLD]), night("12:30")) == []
    assert len(due(listed("main", [OLD]), night("11:30"))) == 1


def test_before_its_time_when_a_hundred_backups_left_as_many_small_index_objects() -> None:
    crowded = replace(listed("main", [OLD]), small_indexes=100)
    (action,) = due(crowded, last=ago("26h"))
    assert (action.reason, action.due_at) == ("index-crowded", ago("25h"))
    assert action.why == "100 small index objects, last clean-up 1d2h ago"
    assert due(replace(crowded, small_indexes=99), last=ago("26h")) == []
    assert due(crowded, last=ago("59m")) == [], "many systems write faster than an index need be merged"
    (late,) = due(crowded, last=ago("7d1h"))
    assert late.reason == "prune-due"


def test_a_crowded_index_is_no_reason_where_no_clean_up_is_declared_or_its_window_is_closed() -> None:
    crowded = replace(listed("main", [OLD]), small_indexes=500)
    assert due(crowded, Maintenance()) == []
    assert due(crowded, Maintenance(prune=WEEKLY.prune, window=Window(begin="12:30", end="13:00")), last=ago("2d")) == []
