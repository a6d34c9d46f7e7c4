"""Verbs that stop after the plan: nothing is taken, nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.app.house import House
from reconciler.app.names import repository_named, require_systems
from reconciler.app.planned import PlanReport
from reconciler.app.records import with_records
from reconciler.app.scene import NOTHING, Scene, look
from reconciler.app.scene import load as load_scene
from reconciler.decide.backups import Request
from reconciler.decide.plan import plan as decide_plan
from reconciler.decide.plan import plan_copy
from reconciler.spec import Loaded, checkout
from reconciler.spec import load as load_specs

if TYPE_CHECKING:
    from reconciler.model.blast import BlastRadius

__all__ = ["Request", "load", "plan"]


def load(house: House) -> Loaded:
    """The specs as they stand, with what can be seen of their sources from here."""
    from reconciler.app.visible import with_visible

    with house.memory.reading() as catalog:
        return with_visible(house, load_scene(house, catalog))


def schemas() -> dict[str, dict[str, Any]]:
    """For editors: the JSON Schema of each kind, and of any document, by file name."""
    from reconciler.spec.schemas import schemas as of_kinds

    return of_kinds()


def plan(house: House, *, cached: bool, request: Request | None, base: str | None = None) -> PlanReport:
    """What would be done now, by the same function that the loop acts on. ``base``: and what the edit since that revision changes."""
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load_scene(house, catalog), refresh=NOTHING if cached else None)
    made = decide_plan(scene.desired, scene.observed, scene.now, request=request)
    blast = _blast(house, scene, base) if base is not None else None
    return PlanReport(made, scene.desired, scene.observed, scene.loaded.problems, blast)


def _blast(house: House, scene: Scene, base: str) -> BlastRadius:
    from tempfile import TemporaryDirectory

    from reconciler.decide.blast import blast_radius

    with TemporaryDirectory(prefix="reconciler-") as folder:
        revision = checkout(house.specs, base, Path(folder))
        before = with_records(house, load_specs(Path(folder), stands_for=house.specs))
    return blast_radius(before.desired, scene.desired, scene.observed, scene.now, revision)


def plan_copies(house: House, systems: Sequence[str], target: str) -> PlanReport:
    """What would be copied into ``target``."""
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load_scene(house, catalog))
    require_systems(scene.desired, systems)
    repository_named(scene.desired, target)
    made = plan_copy(scene.desired, scene.observed, scene.now, systems, target)
    return PlanReport(made, scene.desired, scene.observed, scene.loaded.problems)
