"""How ready each system is to be recovered, in points that say what they are for.

The weights are a judgement: what was shown to work (a drill, a tested plan) counts for half, what is kept in good order for the rest.
A system is ready only when each part is full; what is untested or expired is never.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from reconciler.base.units import format_duration
from reconciler.decide.drills import standing_proof
from reconciler.decide.expect import recovery_time
from reconciler.decide.plan_tests import tests_of
from reconciler.decide.recovery import forecast, nearest_good, recovered_after
from reconciler.decide.scene import Scene
from reconciler.decide.words import minute
from reconciler.model.desired import DesiredRecoveryPlan, DesiredSystem
from reconciler.model.recovery import Forecast, PlanStanding, Readiness, ReadinessPart, RecoveryOutcome, RecoveryRun
from reconciler.model.status import Condition, ConditionType, Truth

DRILL, PLAN, COPIES, VERIFIED, RPO, RTO = 20, 30, 15, 15, 10, 10
"""Points of each part; together 100."""


class Plans(Struct, frozen=True):
    """What is known of all plans, looked at once for all systems."""

    of_system: Mapping[str, tuple[DesiredRecoveryPlan, ...]]
    """Those that restore it, sorted by name."""
    tests: Mapping[str, tuple[RecoveryRun, ...]]
    """By plan: those that ended, newest first."""
    forecasts: Mapping[str, Mapping[str, Forecast]]
    """By plan and scenario."""

    @classmethod
    def of(cls, scene: Scene) -> Plans:
        of_system: dict[str, tuple[DesiredRecoveryPlan, ...]] = {}
        for plan in scene.desired.recovery_plans:
            for name in plan.systems:
                of_system[name] = (*of_system.get(name, ()), plan)
        plans = scene.desired.recovery_plans
        tests = {plan.name: tests_of(scene, plan) for plan in plans}
        return cls(of_system, tests, {plan.name: {name: forecast(scene, plan, name) for name in plan.spec.scenarios} for plan in plans})

    def about(self, system: str) -> Plans:
        """Only what concerns this system."""
        mine = self.of_system.get(system, ())
        if not mine:
            return _NONE
        names = [plan.name for plan in mine]
        return Plans({system: mine}, {name: self.tests[name] for name in names}, {name: self.forecasts[name] for name in names})


_NONE = Plans({}, {}, {})


def readiness(scene: Scene, plans: Plans, system: DesiredSystem, conditions: Sequence[Condition]) -> Readiness:
    """``conditions``: of this system, as they stand."""
    stated = {condition.type: condition for condition in conditions}
    plan, tested = _plan(scene, plans, system)
    parts = (
        _drill(scene, system),
        tested,
        _copies(scene, system, stated.get(ConditionType.COPIES_SATISFIED)),
        _stated("verification", VERIFIED, stated.get(ConditionType.VERIFIED), "no verification is declared"),
        _stated("rpo", RPO, stated.get(ConditionType.BACKUP_FRESH), "no RPO is promised, and so none is kept"),
        _rto(scene, plans, system, plan),
    )
    return Readiness(system.name, parts, all(part.points == part.most for part in parts), plan.name if plan is not None else "")


def standing(scene: Scene, plans: Plans, plan: DesiredRecoveryPlan) -> PlanStanding:
    """How a plan stands."""
    tests = plans.tests[plan.name]
    passed = next((run for run in tests if run.outcome is RecoveryOutcome.RECOVERED), None)
    counts = next((run for run in tests if run.proves(plan.generation, scene.now)), None)
    rto = plan.spec.objectives.rto if plan.spec.objectives is not None else None
    return PlanStanding(
        plan.name,
        tested_at=passed.started_at if passed is not None else None,
        valid_until=counts.expires_at if counts is not None else None,
        passed=tests[0].outcome is RecoveryOutcome.RECOVERED if tests else None,
        rto_seconds=rto.total_seconds() if rto else None,
        expected_seconds=max((found.seconds for found in plans.forecasts[plan.name].values()), default=None),
        every=plan.spec.test.every if plan.spec.test is not None else None,
    )


def _drill(scene: Scene, system: DesiredSystem) -> ReadinessPart:
    proof = standing_proof(scene, system)
    if proof is None:
        return ReadinessPart("drill", 0, DRILL, "no drill has proven a recovery yet")
    if proof.until <= scene.now:
        return ReadinessPart("drill", 0, DRILL, f"last proven at {minute(proof.at)}; that expired at {minute(proof.until)}")
    return ReadinessPart("drill", DRILL, DRILL, f"at {minute(proof.at)} {proof.why}")


def _plan(scene: Scene, plans: Plans, system: DesiredSystem) -> tuple[DesiredRecoveryPlan | None, ReadinessPart]:
    """The plan that speaks for it: the first whose test counts, else the first that restores it."""
    mine = plans.of_system.get(system.name, ())
    if not mine:
        return None, ReadinessPart("plan", 0, PLAN, f"no recovery plan restores {system.name}")
    for plan in mine:
        for run in plans.tests[plan.name]:
            if run.proves(plan.generation, scene.now):
                return plan, ReadinessPart("plan", PLAN, PLAN, f"plan {plan.name} passed its test at {minute(run.started_at)}")
    plan = mine[0]
    tests = plans.tests[plan.name]
    if not tests:
        return plan, ReadinessPart("plan", 0, PLAN, f"plan {plan.name} was never tested")
    last = tests[0]
    if last.outcome is not RecoveryOutcome.RECOVERED:
        why = "; ".join(last.findings[:1])
        return plan, ReadinessPart("plan", 0, PLAN, f"the test of plan {plan.name} at {minute(last.started_at)} failed: {why}")
    if last.generation != plan.generation:
        return plan, ReadinessPart("plan", 0, PLAN, f"plan {plan.name} has changed since its test at {minute(last.started_at)}")
    until = last.expires_at or last.started_at
    why = f"plan {plan.name} was tested at {minute(last.started_at)}; that expired at {minute(until)}"
    return plan, ReadinessPart("plan", 0, PLAN, why)


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


def _rto(scene: Scene, plans: Plans, system: DesiredSystem, plan: DesiredRecoveryPlan | None) -> ReadinessPart:
    rto = system.objectives.rto
    if rto is None:
        return ReadinessPart("rto", 0, RTO, "no RTO is promised, and so none is kept")
    expected, how = _expected(scene, plans, system, plan)
    if expected is None:
        return ReadinessPart("rto", 0, RTO, f"nothing was measured that could say whether the RTO of {format_duration(rto)} holds")
    span = format_duration(timedelta(seconds=max(1.0, expected)), parts=2)
    word = "within" if expected <= rto.total_seconds() else "longer than"
    points = RTO if expected <= rto.total_seconds() else 0
    return ReadinessPart("rto", points, RTO, f"{span} expected {how}, {word} the RTO of {format_duration(rto)}")


def _expected(scene: Scene, plans: Plans, system: DesiredSystem, plan: DesiredRecoveryPlan | None) -> tuple[float | None, str]:
    """In the worst disaster that the plan is for; without a plan, by its own drills."""
    if plan is not None:
        found = {name: recovered_after(ahead, plan, system.name) for name, ahead in plans.forecasts[plan.name].items()}
        known: Mapping[str, float] = {name: seconds for name, seconds in found.items() if seconds is not None}
        if known:
            worst = max(known, key=lambda name: known[name])
            return known[worst], f"by plan {plan.name} in {worst}"
    snapshot = nearest_good(scene, system)
    if snapshot is None:
        return None, ""
    expected = recovery_time(scene, system.name, snapshot.repository, snapshot.files, snapshot.bytes)
    return (expected.seconds.total_seconds(), expected.source) if expected.seconds is not None else (None, "")
