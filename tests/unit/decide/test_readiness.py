"""How long plans are expected to take and how that is known, plans made from the specs, and how ready systems are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.decide.order import importance
from reconciler.decide.readiness import Plans, readiness, standing
from reconciler.decide.recovery import forecast, nearest_good, recovered_after
from reconciler.decide.recovery_plan import PREPARE, generate, ordered
from reconciler.decide.scene import Scene
from reconciler.model.declared.objectives import Objectives
from reconciler.model.declared.recovery import RecoveryPlanSpec
from reconciler.model.desired import DesiredRecoveryPlan, DesiredSystem
from reconciler.model.disaster import DisasterType
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.problem import Place
from reconciler.model.recovery import RecoveryOutcome, RecoveryRun, RunMode, StepRecord, StepState
from reconciler.model.status import Condition, ConditionType, Truth
from tests.fakes.worlds import NOW, ago, daily, desired, listed, observed, snapshot, system, unreachable

STEPS = (
    {"name": "prepare", "manual": {"instruction": "Do."}, "timeout": "30m"},
    {"name": "data", "restore": {"system": "orders"}, "dependsOn": ["prepare"], "timeout": "2h"},
    {"name": "check", "assert": {"system": "orders"}, "dependsOn": ["data"]},
)


def plan(*steps: dict[str, Any], generation: str = "g1", scenarios: tuple[str, ...] = ("hardware_failure",)) -> DesiredRecoveryPlan:
    spec = RecoveryPlanSpec.model_validate({"scenarios": list(scenarios), "steps": list(steps or STEPS)}, by_alias=True)
    return DesiredRecoveryPlan("shop", spec, Place("plan.yaml", 1), generation)


def ran(at: str, mode: RunMode = RunMode.RUN, outcome: RecoveryOutcome = RecoveryOutcome.RECOVERED, **seconds: float) -> RecoveryRun:
    kinds = {step["name"]: next(kind for kind in step if kind in {"manual", "restore", "assert", "command"}) for step in STEPS}
    steps = tuple(StepRecord(name, kinds[name], StepState.DONE, ago(at), ago(at), 1, value) for name, value in seconds.items())
    until = ago(at) + timedelta(days=90) if mode is RunMode.TEST else None
    found = () if outcome is RecoveryOutcome.RECOVERED else ("step data: broken",)
    return RecoveryRun(
        at, "shop", mode, "", "g1", ago(at), "ada", steps, ended_at=ago(at), outcome=outcome, expires_at=until, findings=found
    )


def scene_of(*runs: RecoveryRun, of: DesiredSystem | None = None, plans: tuple[DesiredRecoveryPlan, ...] = (), **seen: Any) -> Scene:
    wanted = replace(desired(of or system(objectives=Objectives(rto=timedelta(hours=1)))), recovery_plans=plans or (plan(),))
    return Scene.of(wanted, observed(listed("main", daily(3)), recoveries=runs, **seen), NOW)


def drilled(seconds: float) -> DrillRecord:
    return DrillRecord(
        "d", "orders", "main", "s", "newest", ago("1d"), "loop", outcome=DrillOutcome.PROVEN, expires_at=NOW + timedelta(days=9),
        files=10, bytes=1000, restore_seconds=seconds,
    )  # fmt: skip


def test_a_step_takes_what_it_took_else_what_drills_say_else_its_whole_timeout() -> None:
    scene = scene_of(drills=(drilled(100.0),))
    found = forecast(scene, plan(), "hardware_failure")
    assert {name: (round(each.seconds), each.source) for name, each in found.steps.items()} == {
        "prepare": (1800, "timeout"),
        "data": (120, "predicted"),
        "check": (600, "timeout"),
    }
    assert (round(found.seconds), found.path) == (2520, ("prepare", "data", "check"))
    tested = ran("1d", RunMode.TEST, prepare=0.0, data=7.0, check=1.0)
    found = forecast(scene_of(tested, drills=(drilled(100.0),)), plan(), "hardware_failure")
    assert [round(found.steps[name].seconds) for name in ("prepare", "data", "check")] == [1800, 7, 1]
    runs = [ran("3d", data=10.0, prepare=60.0), ran("2d", data=30.0, prepare=0.0), ran("1d", data=20.0)]
    found = forecast(scene_of(tested, *runs), plan(), "hardware_failure")
    assert found.steps["data"].seconds == 20.0  # the median of runs; a test speaks only where there was none
    assert found.steps["prepare"].seconds == 60.0  # what a person had done before says nothing
    assert recovered_after(found, plan(), "orders") == pytest.approx(60 + 20 + 600)
    assert recovered_after(found, plan(), "other") is None


def test_only_what_can_be_reached_is_what_a_recovery_takes() -> None:
    of = system(repositories=("main", "second"))
    old, new = snapshot(ago("2d")), snapshot(ago("1h"))
    scene = Scene.of(desired(of), observed(replace(listed("main", [new, old]), reachable=False), listed("second", [old])), NOW)
    found = nearest_good(scene, of)
    assert found is not None
    assert (found.as_of, found.repository) == (old.as_of, "second")
    assert nearest_good(Scene.of(desired(of), observed(unreachable("main"), unreachable("second")), NOW), of) is None


def judged(scene: Scene, *stated: tuple[ConditionType, Truth]) -> dict[str, tuple[int, str]]:
    conditions = [Condition("System", "orders", kind, truth, "Because", "as it is") for kind, truth in stated]
    found = readiness(scene, Plans.of(scene), scene.desired.systems[0], conditions)
    assert 0 <= found.score <= 100 == sum(part.most for part in found.parts)
    assert found.ready == (found.score == 100)
    return {part.name: (part.points, part.why) for part in found.parts}


WELL = ((ConditionType.COPIES_SATISFIED, Truth.TRUE), (ConditionType.VERIFIED, Truth.TRUE), (ConditionType.BACKUP_FRESH, Truth.TRUE))


def test_a_system_of_which_all_is_shown_is_ready() -> None:
    scene = scene_of(ran("1d", RunMode.TEST, data=7.0, check=1.0), ran("2d", prepare=60.0), drills=(drilled(100.0),))
    assert {name: points for name, (points, _) in judged(scene, *WELL).items()} == {
        "drill": 20,
        "plan": 30,
        "copies": 15,
        "verification": 15,
        "rpo": 10,
        "rto": 10,
    }


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (None, "was never tested"),
        (ran("91d", RunMode.TEST, data=1.0), "that expired at 2026-05-03 12:00Z"),
        (replace(ran("1d", RunMode.TEST, data=1.0), generation="g0"), "has changed since its test"),
        (ran("1d", RunMode.TEST, RecoveryOutcome.FAILED, data=1.0), "failed: step data: broken"),
        (ran("1d", RunMode.RUN, data=1.0), "was never tested"),
    ],
)
def test_what_is_untested_or_expired_is_not_ready(run: RecoveryRun | None, why: str) -> None:
    parts = judged(scene_of(*([run] if run else ()), drills=(drilled(100.0),)), *WELL)
    assert parts["plan"][0] == 0
    assert why in parts["plan"][1]


def test_unknown_is_never_ready_and_one_copy_is_a_single_point_of_failure() -> None:
    parts = judged(scene_of(), (ConditionType.VERIFIED, Truth.UNKNOWN))
    assert (parts["verification"][0], parts["drill"], parts["rpo"][0]) == (0, (0, "no drill has proven a recovery yet"), 0)
    assert parts["copies"] == (0, "only main holds a good snapshot: its loss is the end")
    assert "longer than the RTO of 1h" in parts["rto"][1]


def test_how_a_plan_stands() -> None:
    failed, passed = ran("1d", RunMode.TEST, RecoveryOutcome.FAILED), ran("5d", RunMode.TEST)
    scene = scene_of(failed, passed)
    found = standing(scene, Plans.of(scene), plan())
    assert (found.passed, found.tested_at, found.valid_until) == (False, passed.started_at, passed.expires_at)
    assert found.expected_seconds == 1800 + 7200 + 600


@given(st.data())
def test_a_plan_that_is_made_keeps_to_the_dependencies_and_begins_with_the_most_critical(data: st.DataObject) -> None:
    names = [f"s{number}" for number in range(data.draw(st.integers(1, 7)))]
    systems = [
        system(
            name,
            tier=data.draw(st.sampled_from(["critical", "high", "medium", "low"])),
            objectives=Objectives(rto=timedelta(hours=data.draw(st.integers(1, 5)))),
            depends_on=tuple(data.draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else ()),
        )
        for place, name in enumerate(names)
    ]
    wanted = data.draw(st.lists(st.sampled_from(names), unique=True))
    disaster = data.draw(st.sampled_from(DisasterType))
    scene = Scene.of(desired(*systems), observed(), NOW)
    chosen = [each.name for each in ordered(scene.desired, wanted)]
    by_name = {each.name: each for each in systems}
    assert set(wanted or names) <= set(chosen)
    for place, name in enumerate(chosen):
        assert set(by_name[name].depends_on) <= set(chosen[:place])
        free = [other for other in chosen[place:] if set(by_name[other].depends_on) <= set(chosen[:place])]
        assert importance(by_name[name]) == min(importance(by_name[other]) for other in free)
    document = generate(scene, disaster.value, disaster, wanted)
    spec = RecoveryPlanSpec.model_validate(document["spec"], by_alias=True)
    assert [step.restore.system for step in spec.steps if step.restore is not None] == chosen


def test_every_disaster_tells_a_person_what_to_do_first() -> None:
    assert set(PREPARE) == set(DisasterType)
