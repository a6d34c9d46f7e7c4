"""Tests of recovery plans: which one is due, and what the tests of a plan say of it at this moment.

A test becomes due a little before its period ends, at once when the plan has changed, and after a failure sooner than after a success. It
waits while a person carries a plan out, while a system of the plan is suspended, and until every system that the plan restores has a good
snapshot that can be reached: what was never backed up is told by other conditions.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.base.units import format_duration
from reconciler.decide.calendar import window_opens
from reconciler.decide.drills import EARLY, RETRY_MAX, RETRY_SHARE
from reconciler.decide.recovery import forecast, nearest_good
from reconciler.decide.scene import Scene
from reconciler.decide.upkeep import PRIORITY_UPKEEP
from reconciler.decide.words import ago, minute
from reconciler.model.desired import DesiredRecoveryPlan
from reconciler.model.plan import Action, ActionKind, Lane
from reconciler.model.recovery import RecoveryOutcome, RecoveryRun, RunMode
from reconciler.model.status import Truth


def plan_tests(scene: Scene) -> tuple[Action, ...]:
    """All that are due now. They share a lane, so one follows the other."""
    if ("", "", Lane.UPKEEP) in scene.observed.busy or any(_in_earnest(run) for run in scene.observed.recoveries):
        return ()
    return tuple(action for plan in scene.desired.recovery_plans if (action := _test(scene, plan)) is not None)


def tests_of(scene: Scene, plan: DesiredRecoveryPlan) -> tuple[RecoveryRun, ...]:
    """Those that ended, newest first."""
    runs = (run for run in scene.observed.recoveries if run.plan == plan.name and run.mode is RunMode.TEST and run.outcome is not None)
    return tuple(sorted(runs, key=lambda run: run.started_at, reverse=True))


def tested(scene: Scene, plan: DesiredRecoveryPlan) -> tuple[Truth, str, str] | None:
    """RecoveryProven, of a plan. None: no test is declared, and none was ever made."""
    tests = tests_of(scene, plan)
    proof = next((run for run in tests if run.proves(plan.generation, scene.now)), None)
    if not tests:
        return (Truth.UNKNOWN, "NeverTested", "its test is declared, and none is on record") if plan.spec.test is not None else None
    last = tests[0]
    if last.outcome is RecoveryOutcome.FAILED and last.generation == plan.generation:
        why = "; ".join(last.findings[:1]) or "a step of it failed"
        return Truth.FALSE, "TestFailed", f"its test {ago(last.started_at, scene.now)} failed: {why}"
    if proof is not None:
        assert proof.expires_at is not None, "what proves expires"
        return Truth.TRUE, "Proven", f"it passed its test {ago(proof.started_at, scene.now)}; that counts until {minute(proof.expires_at)}"
    passed = next((run for run in tests if run.expires_at is not None and run.outcome is RecoveryOutcome.RECOVERED), None)
    if passed is None:
        return Truth.UNKNOWN, "NeverProven", f"no test of all its steps came to its end; the last began {ago(last.started_at, scene.now)}"
    if passed.generation != plan.generation:
        return Truth.FALSE, "Changed", f"it has changed since its test {ago(passed.started_at, scene.now)}: that proves nothing of it"
    assert passed.expires_at is not None, "asked for above"
    expired = ago(passed.expires_at, scene.now)
    return Truth.FALSE, "Expired", f"it passed its test {ago(passed.started_at, scene.now)}; that expired {expired}"


def _in_earnest(run: RecoveryRun) -> bool:
    return run.mode is RunMode.RUN and run.outcome is None


def _test(scene: Scene, plan: DesiredRecoveryPlan) -> Action | None:
    test = plan.spec.test
    if test is None or not _can_be_made(scene, plan):
        return None
    due_at, why = _due(scene, plan, test.every)
    if due_at > scene.now or (test.window is not None and window_opens(test.window, scene.now) > scene.now):
        return None
    expected = max((forecast(scene, plan, name).seconds for name in plan.spec.scenarios), default=None)
    return Action(
        ActionKind.TEST,
        system="",
        repository="",
        lane=Lane.UPKEEP,
        reason="test-due",
        why=why,
        priority=PRIORITY_UPKEEP,
        generation=plan.generation,
        place=plan.place,
        due_at=due_at,
        expected_seconds=expected,
        plan=plan.name,
    )


def _can_be_made(scene: Scene, plan: DesiredRecoveryPlan) -> bool:
    """By one agent alone: that of the first system that it restores."""
    systems = [found for name in plan.systems if (found := scene.desired.system(name)) is not None]
    if not systems or len(systems) < len(plan.systems) or not scene.here(systems[0]) or any(scene.suspended(s) for s in systems):
        return False
    return all(nearest_good(scene, system) is not None for system in systems)


def _due(scene: Scene, plan: DesiredRecoveryPlan, every: timedelta) -> tuple[datetime, str]:
    tests, declared = tests_of(scene, plan), f"every {format_duration(every)} is declared"
    if not tests:
        return scene.now, f"never tested; {declared}"
    last = tests[0]
    if last.generation != plan.generation:
        return last.started_at, f"the plan has changed since its last test {ago(last.started_at, scene.now)}"
    passed = next((run for run in tests if run.generation == plan.generation and run.expires_at is not None), None)
    if last.outcome is RecoveryOutcome.RECOVERED:  # perhaps of one disaster alone: that neither proves the plan nor puts its test off
        if passed is None:
            return scene.now, f"all its steps were never tested together; {declared}"
        return passed.started_at + every - every / EARLY, f"last tested {ago(passed.started_at, scene.now)}; {declared}"
    word = "failed" if last.outcome is RecoveryOutcome.FAILED else "did not come to its end"
    wait = min(every / RETRY_SHARE, RETRY_MAX)
    return last.started_at + wait, f"its test {ago(last.started_at, scene.now)} {word}; tried again after {format_duration(wait)}"
