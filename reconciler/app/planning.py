"""Verbs that stop after the plan: nothing is taken, nothing is written."""

from __future__ import annotations

from reconciler.app.house import House
from reconciler.app.reports import PlanReport
from reconciler.app.scene import NOTHING, look
from reconciler.app.scene import load as load_scene
from reconciler.app.visible import with_visible
from reconciler.decide import Request
from reconciler.decide import plan as decide_plan
from reconciler.spec import Loaded, schemas

__all__ = ["Request", "load", "plan", "schemas"]


def load(house: House) -> Loaded:
    """The specs as they stand, with what can be seen of their sources from here."""
    with house.memory.reading() as catalog:
        return with_visible(house, load_scene(house, catalog))


def plan(house: House, *, cached: bool, request: Request | None) -> PlanReport:
    """What would be done now, by the same function that the loop acts on."""
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load_scene(house, catalog), refresh=NOTHING if cached else None)
    made = decide_plan(scene.desired, scene.observed, scene.now, request=request)
    return PlanReport(made, scene.desired, scene.observed, scene.loaded.problems)
