"""How ready each system is to be recovered, in points that say what they are for.

The weights are a judgement: what was shown to work (a drill, a tested plan) counts for half, what is kept in good order for the rest.
A system is ready only when each part is full; what is untested or expired is never.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from reconciler.base.units import format_duration
from reconciler.decide.drills import ago, standing_proof
from reconciler.decide.expect import recovery_time
from reconciler.decide.recovery import forecast, nearest_good, recovered_after
from reconciler.decide.scene import Scene
from reconciler.model.desired import DesiredRecoveryPlan, DesiredSystem
from reconciler.model.recovery import PlanStanding, Readiness, ReadinessPart, RecoveryOutcome, RecoveryRun, RunMode
from reconciler.model.status import Condition, ConditionType, Truth

DRILL, PLAN, COPIES, VERIFIED, RPO, RTO = 20, 30, 15, 15, 10, 10
"""Points of each part; together 100."""


def readiness(scene: Scene, system: DesiredSystem, conditions: Sequence[Condition]) -> Readiness:
    """``conditions``: of this system, as they stand."""
    stated = {condition.type: condition for condition in conditions}
    plans = [plan for plan in scene.desired.recovery_plans if system.name in plan.systems]
    plan, tested = _plan(scene, system, plans)
    parts = (
        _drill(scene, system),
        tested,
        _copies(scene, system, stated.get(ConditionType.COPIES_SATISFIED)),
        _stated("verification", VERIFIED, stated.get(ConditionType.VERIFIED), "no verification is declared"),
        _stated("rpo", RPO, stated.get(ConditionType.BACKUP_FRESH), "no RPO is promised, and so none is kept"),
        _rto(scene, system, plan),
    )
    return Readiness(system.name, parts, all(part.points == part.most for part in parts), plan.name if plan is not None else "")


def standing(scene: Scene, plan: DesiredRecoveryPlan) -> PlanStanding:
    """How a plan stands."""
    tests = _tests(scene, plan)
    passed = next((run for run in tests if run.outcome is RecoveryOutcome.RECOVERED), None)
    counts = next((run for run in tests if run.proves(plan.generation, scene.now)), None)
    rto = plan.spec.objectives.rto if plan.spec.objectives is not None else None
    expected = max((forecast(scene, plan, name).seconds for name in plan.spec.scenarios), default=None)
    newest = tests[0].outcome is RecoveryOutcome.RECOVERED if tests else None
    until = counts.expires_at if counts is not None else None
    return PlanStanding(
        plan.name, passed.ended_at if passed is not None else None, until, newest, rto.total_seconds() if rto else None, expected
    )


def _tests(scene: Scene, plan: DesiredRecoveryPlan) -> list[RecoveryRun]:
    """Those that ended, newest first."""
    runs = (run for run in scene.observed.recoveries if run.plan == plan.name and run.mode is RunMode.TEST and run.outcome is not None)
    return sorted(runs, key=lambda run: run.started_at, reverse=True)


def _drill(scene: Scene, system: DesiredSystem) -> ReadinessPart:
    proof = standing_proof(scene, system)
    if proof is None:
        return ReadinessPart("drill", 0, DRILL, "no drill has proven a recovery yet")
    if proof.until <= scene.now:
        return ReadinessPart("drill", 0, DRILL, f"last proven {ago(scene, proof.at)}; that expired {ago(scene, proof.until)}")
    return ReadinessPart("drill", DRILL, DRILL, f"{ago(scene, proof.at)} {proof.why}")


def _plan(scene: Scene, system: DesiredSystem, plans: Sequence[DesiredRecoveryPlan]) -> tuple[DesiredRecoveryPlan | None, ReadinessPart]:
    """The plan that speaks for it: the first whose test counts, else the first that restores it."""
    if not plans:
        return None, ReadinessPart("plan", 0, PLAN, f"no recovery plan restores {system.name}")
    for plan in plans:
        for run in _tests(scene, plan):
            if run.proves(plan.generation, scene.now) and any(step.name in _names(plan, system.name) for step in run.steps):
                return plan, ReadinessPart("plan", PLAN, PLAN, f"plan {plan.name} passed its test {ago(scene, run.started_at)}")
    plan = plans[0]
    tests = _tests(scene, plan)
    if not tests:
        return plan, ReadinessPart("plan", 0, PLAN, f"plan {plan.name} was never tested")
    last = tests[0]
    if last.outcome is not RecoveryOutcome.RECOVERED:
        why = "; ".join(last.findings[:1])
        return plan, ReadinessPart("plan", 0, PLAN, f"the test of plan {plan.name} {ago(scene, last.started_at)} failed: {why}")
    if last.generation != plan.generation:
        return plan, ReadinessPart("plan", 0, PLAN, f"plan {plan.name} has changed since its test {ago(scene, last.started_at)}")
    until = last.expires_at or last.started_at
    why = f"plan {plan.name} was tested {ago(scene, last.started_at)}; that expired {ago(scene, until)}"
    return plan, ReadinessPart("plan", 0, PLAN, why)


def _names(plan: DesiredRecoveryPlan, system: str) -> set[str]:
    return {step.name for step in plan.spec.steps if step.restore is not None and step.restore.system == system}


def _copies(scene: Scene, system: DesiredSystem, stated: Condition | None) -> ReadinessPart:
    """As declared; where nothing is, a second repository that holds a good snapshot is what a disaster asks for."""
    if stated is not None:
        return _stated("copies", COPIES, stated, "")
    holders = [name for name in system.repositories if any(s.good for s in scene.snapshots(system.name, name))]
    if len(holders) > 1:
        return ReadinessPart("copies", COPIES, COPIES, f"good snapshots are in {', '.join(holders)}")
    where = f"only {holders[0]} holds a good snapshot: its loss is the end" if holders else "no repository holds a good snapshot"
    return ReadinessPart("copies", 0, COPIES, where)


def _stated(name: str, most: int, stated: Condition | None, missing: str) -> ReadinessPart:
    if stated is None:
        return ReadinessPart(name, 0, most, missing)
    return ReadinessPart(name, most if stated.status is Truth.TRUE else 0, most, stated.message)


def _rto(scene: Scene, system: DesiredSystem, plan: DesiredRecoveryPlan | None) -> ReadinessPart:
    rto = system.objectives.rto
    if rto is None:
        return ReadinessPart("rto", 0, RTO, "no RTO is promised, and so none is kept")
    expected, how = _expected(scene, system, plan)
    if expected is None:
        return ReadinessPart("rto", 0, RTO, f"nothing was measured that could say whether the RTO of {format_duration(rto)} holds")
    span = format_duration(timedelta(seconds=max(1.0, expected)), parts=2)
    word = "within" if expected <= rto.total_seconds() else "longer than"
    points = RTO if expected <= rto.total_seconds() else 0
    return ReadinessPart("rto", points, RTO, f"{span} expected {how}, {word} the RTO of {format_duration(rto)}")


def _expected(scene: Scene, system: DesiredSystem, plan: DesiredRecoveryPlan | None) -> tuple[float | None, str]:
    """In the worst disaster that the plan is for; without a plan, by its own drills."""
    if plan is not None:
        found = {name: recovered_after(forecast(scene, plan, name), plan, system.name) for name in plan.spec.scenarios}
        known: Mapping[str, float] = {name: seconds for name, seconds in found.items() if seconds is not None}
        if known:
            worst = max(known, key=lambda name: known[name])
            return known[worst], f"by plan {plan.name} in {worst}"
    snapshot = nearest_good(scene, system.name)
    if snapshot is None:
        return None, ""
    expected = recovery_time(scene, system.name, snapshot.repository, snapshot.files, snapshot.bytes)
    return (expected.seconds.total_seconds(), expected.source) if expected.seconds is not None else (None, "")
