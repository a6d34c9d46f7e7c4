"""What no single object can know: references, promises against schedules, paths against each other.

Each check is a function from the objects of the tree to problems. Errors are reported of objects that stand in the tree now; a last
good version was judged when it was good. ``broken`` names objects that stand in the tree and could not be read: a reference to one of
them is no second fault.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet

from reconciler.model.problem import Problem
from reconciler.spec.checks import drills, paths, promises, references
from reconciler.spec.declare import Key
from reconciler.spec.objects import Objects


def check(objects: Objects, *, checked: Collection[Key], broken: AbstractSet[Key]) -> list[Problem]:
    """Every problem between the objects of a tree. ``checked``: those that stand in the tree now."""
    found = [
        *references.check(objects, broken),
        *promises.check(objects, broken),
        *paths.check(objects),
        *drills.check(objects),
    ]
    if "AlertPolicy" in objects.by_kind:
        from reconciler.spec.checks import alerts

        found += alerts.check(objects)
    if "RecoveryPlan" in objects.by_kind:
        from reconciler.spec.checks import recovery

        found += recovery.check(objects, broken)
    if "DisasterScenario" in objects.by_kind:
        from reconciler.spec.checks import scenarios

        found += scenarios.check(objects)
    return [problem for problem in found if not problem.kind or (problem.kind, problem.name) in checked]
