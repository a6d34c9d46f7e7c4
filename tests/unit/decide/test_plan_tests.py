"""Tests of recovery plans that the loop takes: when one is due, what it waits for, and what the tests of a plan say of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from reconciler.decide.conditions import conditions
from reconciler.decide.plan import plan as decide_plan
from reconciler.model.declared.recovery import RecoveryPlanSpec
from reconciler.model.declared.system import Suspend
from reconciler.model.desired import Desired, DesiredRecoveryPlan
from reconciler.model.plan import Action, ActionKind, Lane
from reconciler.model.problem import Place
from reconciler.model.recovery import RecoveryOutcome, RecoveryRun, RunMode
from reconciler.model.status import ConditionType, Truth
from tests.fakes.worlds import NOW, ago, daily, desired, listed, observed, system, unreachable

WEEK = timedelta(days=7)
GOOD, BAD, STOPPED = RecoveryOutcome.RECOVERED, RecoveryOutcome.FAILED, RecoveryOutcome.INTERRUPTED


def shop(name: str = "shop", *, test: dict[str, Any] | None = None, of: str = "orders", generation: str = "g1") -> DesiredRecoveryPlan:
    said = {"scenarios": ["human_error"], "test": test or {"every": WEEK}, "steps": [{"name": "data", "restore": {"system": of}}]}
    return DesiredRecoveryPlan(name, RecoveryPlanSpec.model_validate(said, by_alias=True), Place("plan.yaml", 3), generation)


def untested_by_the_loop() -> DesiredRecoveryPlan:
    said = {"scenarios": ["human_error"], "steps": [{"name": "data", "restore": {"system": "orders"}}]}
    return DesiredRecoveryPlan("shop", RecoveryPlanSpec.model_validate(said, by_alias=True), Place("plan.yaml", 3), "g1")


def ran(
    at: str, outcome: RecoveryOutcome | None = GOOD, *, mode: RunMode = RunMode.TEST, whole: bool = True, of: str = "g1"
) -> RecoveryRun:
    until = ago(at) + 2 * WEEK if whole and outcome is GOOD else None
    ended = ago(at) + timedelta(seconds=40) if outcome is not None else None
    found = ("step data: broken",) if outcome is BAD else ()
    return RecoveryRun(at, "shop", mode, "", of, ago(at), "loop", (), ended_at=ended, outcome=outcome, expires_at=until, findings=found)


def tree(*plans: DesiredRecoveryPlan, **of: Any) -> Desired:
    return replace(desired(system(**of)), recovery_plans=plans or (shop(),))


def due(wanted: Desired | None = None, *runs: RecoveryRun, **seen: Any) -> tuple[Action, ...]:
    states = seen.pop("states", (listed("main", daily(3)),))
    made = decide_plan(wanted or tree(), observed(*states, recoveries=runs, **seen), NOW)
    return tuple(action for action in made.actions if action.kind is ActionKind.TEST)


def said(wanted: Desired, *runs: RecoveryRun) -> tuple[Truth, str] | None:
    seen = observed(listed("main", daily(3)), recoveries=runs)
    found = [c for c in conditions(wanted, seen, decide_plan(wanted, seen, NOW), NOW) if c.kind == "RecoveryPlan"]
    assert all(c.type is ConditionType.RECOVERY_PROVEN and c.name == "shop" for c in found)
    return (found[0].status, found[0].reason) if found else None


def test_what_was_never_tested_is_due_with_its_reason_and_its_place() -> None:
    (action,) = due()
    assert (action.plan, action.system, action.repository, action.lane) == ("shop", "", "", Lane.UPKEEP)
    assert (action.reason, action.why) == ("test-due", "never tested; every 7d is declared")
    assert (action.generation, action.place) == ("g1", Place("plan.yaml", 3))
    assert action.subject == ("RecoveryPlan", "shop")
    assert due(tree(untested_by_the_loop())) == ()


@pytest.mark.parametrize(
    ("runs", "is_due"),
    [
        ((ran("6d"),), False),
        ((ran("7d"),), True),  # a twentieth of the week early, so from six and two thirds days on
        ((ran("1d", of="g0"),), True),  # the plan has changed
        ((ran("23h", BAD),), False),  # tried again after a day at most
        ((ran("25h", BAD),), True),
        ((ran("25h", STOPPED),), True),
        ((ran("1h", whole=False), ran("6d")), False),  # a test of one disaster neither proves the plan nor puts its test off
        ((ran("1h", whole=False), ran("8d")), True),
        ((ran("1h", whole=False),), True),
    ],
)
def test_a_test_is_due_a_little_before_its_period_ends_and_sooner_after_a_failure(runs: tuple[RecoveryRun, ...], is_due: bool) -> None:
    assert bool(due(None, *runs)) is is_due


def test_it_takes_as_long_as_the_last_tests_took() -> None:
    (action,) = due(None, ran("7d"), ran("14d"))
    assert action.estimate is not None
    assert (action.estimate.seconds, action.estimate.source) == (40.0, "from 2 tests")
    (action,) = due()
    assert action.estimate is not None
    assert (action.estimate.seconds, action.estimate.source) == (None, "this plan never passed a test")


def test_it_waits_for_what_would_make_it_pointless_or_be_in_the_way() -> None:
    assert due(None, ran("1m", None, mode=RunMode.RUN)) == ()  # somebody is at it in earnest
    assert due(None, busy=frozenset({("", "", Lane.UPKEEP)})) == ()
    assert due(states=(listed("main"),)) == ()  # nothing was ever backed up
    assert due(states=(unreachable("main"),)) == ()
    assert due(tree(shop(of="elsewhere"))) == ()
    assert due(tree(host="another")) == ()
    frozen = Suspend(reason="moving", until=NOW + timedelta(hours=1))
    assert due(tree(suspend=frozen)) == ()
    closed = {"every": WEEK, "window": {"begin": "01:00", "end": "02:00"}}
    assert due(tree(shop(test=closed))) == ()


def test_several_plans_come_one_after_the_other() -> None:
    made = due(tree(shop("b"), shop("a")))
    assert [action.plan for action in made] == ["a", "b"]
    assert len({action.key for action in made}) == 1


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ((), (Truth.UNKNOWN, "NeverTested")),
        ((ran("1d"),), (Truth.TRUE, "Proven")),
        ((ran("1h", BAD), ran("1d")), (Truth.FALSE, "TestFailed")),
        ((ran("1h", STOPPED), ran("1d")), (Truth.TRUE, "Proven")),
        ((ran("15d"),), (Truth.FALSE, "Expired")),
        ((ran("1d", of="g0"),), (Truth.FALSE, "Changed")),
        ((ran("1h", BAD, of="g0"), ran("1d", of="g0")), (Truth.FALSE, "Changed")),
        ((ran("1h", whole=False),), (Truth.UNKNOWN, "NeverProven")),
    ],
)
def test_what_the_tests_of_a_plan_say_of_it(runs: tuple[RecoveryRun, ...], expected: tuple[Truth, str]) -> None:
    assert said(tree(), *runs) == expected


def test_a_plan_that_nobody_promised_to_test_is_judged_once_somebody_has() -> None:
    wanted = tree(untested_by_the_loop())
    assert said(wanted) is None
    assert said(wanted, ran("15d")) == (Truth.FALSE, "Expired")


def test_a_test_counts_at_least_until_the_next_one() -> None:
    said: dict[str, Any] = {"scenarios": ["human_error"], "steps": [{"name": "data", "restore": {"system": "orders"}}]}
    with pytest.raises(ValidationError, match="at least until the next one is due"):
        RecoveryPlanSpec.model_validate(said | {"validFor": "6d", "test": {"every": "7d"}}, by_alias=True)
    for test, days in ((None, 90), ({"every": "7d"}, 90), ({"every": "60d"}, 120)):
        assert RecoveryPlanSpec.model_validate(said | {"test": test}, by_alias=True).counts_for == timedelta(days=days)
