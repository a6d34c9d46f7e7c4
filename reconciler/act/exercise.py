"""A test of a recovery plan: refused when the plan is another than the one that was decided on; carried out by who knows its steps."""

from __future__ import annotations

from reconciler.act.context import Context, Done
from reconciler.act.errors import FactsChanged
from reconciler.model.plan import Action


def run(action: Action, context: Context) -> Done:
    """Raises PlanTestFailed, and whatever kept the test from being made."""
    plan = context.desired.recovery_plan(action.plan)
    if plan is None or plan.generation != action.generation:
        raise FactsChanged(f"recovery plan {action.plan} changed after the test was planned")
    return context.exercise(action, context)
