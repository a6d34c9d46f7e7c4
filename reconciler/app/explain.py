"""Everything that bears on one system, in one value."""

from __future__ import annotations

from reconciler.app.house import House
from reconciler.app.names import system_named
from reconciler.app.recording import read_only_status
from reconciler.app.reports import Explanation
from reconciler.app.scene import NOTHING, load, look
from reconciler.app.view import verdicts
from reconciler.decide.plan import plan as decide_plan
from reconciler.spec.origins import origins

RUNS_SHOWN = 10


def explain(house: House, name: str, *, cached: bool) -> Explanation:
    """What is wanted of the system, what is there, what comes next, and why each."""
    with house.memory.reading() as catalog:
        loaded = load(house, catalog)
        system = system_named(loaded.desired, name)
        scene = look(house, catalog, loaded, refresh=NOTHING if cached else None)
        plan = decide_plan(scene.desired, scene.observed, scene.now)
        status = read_only_status(catalog, scene, plan)
        runs = catalog.runs(RUNS_SHOWN, name)
    return Explanation(
        system=system,
        status=next(s for s in status.systems if s.name == name),
        actions=tuple(a for a in plan.actions if a.system == name),
        held=tuple(h for h in plan.held if h.system == name),
        gaps=tuple(g for g in plan.gaps if g.system == name),
        waiting=tuple(w for w in plan.waiting if w.system == name),
        verdicts={repository: verdicts(scene, system, repository) for repository in system.repositories},
        runs=runs,
        origins=tuple(origins(loaded, name)),
    )
