"""How plans and systems stand: the last tests and runs, what a plan would take now, how ready each system is and why not more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.app.errors import Ambiguous, NotFound
from reconciler.app.house import House
from reconciler.app.recovery.values import PlanStatus, RecoveryStatus
from reconciler.app.scene import Scene, load, look
from reconciler.decide.conditions import conditions
from reconciler.decide.plan import plan as decide_plan
from reconciler.decide.readiness import Plans, readiness, standing
from reconciler.decide.scene import Scene as Decision
from reconciler.model.records import is_records
from reconciler.model.recovery import Readiness, RecoveryRun, RunMode

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog


def status(house: House, *, cached: bool = False) -> RecoveryStatus:
    """See :meth:`Session.recovery_status`."""
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load(house, catalog), refresh=frozenset() if cached else None)
        return status_of(catalog, scene)


def status_of(catalog: Catalog, scene: Scene) -> RecoveryStatus:
    """Of one look at everything."""
    decision = Decision.of(scene.desired, scene.observed, scene.now)
    plans, reports = Plans.of(decision), []
    for plan in scene.desired.recovery_plans:
        newest = next(iter(catalog.recoveries.newest(1, plan.name, RunMode.RUN)), None)
        reports.append(PlanStatus(standing(decision, plans, plan), plan.systems, plans.forecasts[plan.name], newest))
    return RecoveryStatus(
        scene.now, tuple(reports), tuple(sorted(_readiness(scene, decision, plans), key=lambda r: (r.ready, r.score, r.system)))
    )


def runs(house: House, limit: int, plan: str | None) -> tuple[RecoveryRun, ...]:
    """See :meth:`Session.recovery_runs`."""
    with house.memory.reading() as catalog:
        return catalog.recoveries.newest(limit, plan)


def run_detail(house: House, prefix: str) -> RecoveryRun:
    """See :meth:`Session.recovery_run`."""
    found = [run for run in runs(house, 10_000, None) if prefix and run.id.startswith(prefix)]
    if not found:
        raise NotFound(f"no run of a recovery plan '{prefix}' is on record", hint="`reconcile recovery runs` lists them.")
    if len(found) > 1:
        raise Ambiguous(f"'{prefix}' is the beginning of {len(found)} runs")
    return found[0]


def _readiness(scene: Scene, decision: Decision, plans: Plans) -> Sequence[Readiness]:
    stated = conditions(scene.desired, scene.observed, decide_plan(scene.desired, scene.observed, scene.now), scene.now)
    mine = {s.name: [c for c in stated if (c.kind, c.name) == ("System", s.name)] for s in scene.desired.systems}
    return [readiness(decision, plans, s, mine[s.name]) for s in scene.desired.systems if not is_records(s.name)]
