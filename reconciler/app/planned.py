"""What a verb gives back that stops after the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.model.problem import Problem, Severity

if TYPE_CHECKING:
    from reconciler.model.blast import BlastRadius
    from reconciler.model.desired import Desired
    from reconciler.model.observed import Observed
    from reconciler.model.plan import Plan


class PlanReport(Struct, frozen=True):
    """What would be done now."""

    plan: Plan
    desired: Desired
    observed: Observed
    problems: tuple[Problem, ...]
    blast: BlastRadius | None = None
    """What the edit since another revision changes; None when nobody asked."""

    @property
    def broken(self) -> bool:
        """Whether some spec is in error; what could be trusted is in the plan all the same."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)
