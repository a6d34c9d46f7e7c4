"""What recovery plans have measured: of each scenario and system how long it takes along the plan, where every step of it was timed."""

from __future__ import annotations

from datetime import timedelta

from reconciler.decide.impact.world import PlanTimes
from reconciler.decide.recovery import forecast, recovered_after
from reconciler.decide.scene import Scene

_MEASURED = "measured"


def plan_times(scene: Scene) -> PlanTimes:
    """The shortest of several plans. A plan for a type is one for every scenario of it."""
    found: dict[tuple[str, str], timedelta] = {}
    for plan in scene.desired.recovery_plans:
        for scenario in scene.desired.scenarios:
            word = next((name for name in (scenario.name, scenario.type.value) if name in plan.spec.scenarios), None)
            ahead = forecast(scene, plan, word) if word is not None else None
            if ahead is None or not all(step.source == _MEASURED for step in ahead.steps.values()):
                continue
            for system in plan.systems:
                seconds = recovered_after(ahead, plan, system)
                if seconds is not None:
                    took, key = timedelta(seconds=seconds), (scenario.name, system)
                    found[key] = min(took, found.get(key, took))
    return found
