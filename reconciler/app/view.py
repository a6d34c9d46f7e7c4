"""Verbs that only look: status, snapshots, events, runs. They work without a state directory and beside a running loop."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from reconciler.app.choice import failures, find
from reconciler.app.errors import NotFound
from reconciler.app.house import House
from reconciler.app.names import require_systems
from reconciler.app.recording import read_only_status
from reconciler.app.reports import KeepVerdict, SnapshotDetail, SnapshotList
from reconciler.app.scene import NOTHING, Scene, load, look
from reconciler.catalog.records import Run
from reconciler.decide.plan import plan as decide_plan
from reconciler.decide.retention import judge
from reconciler.decide.scene import Scene as Decision
from reconciler.model.desired import DesiredSystem
from reconciler.model.event import Event
from reconciler.model.status import Status


def status(house: House, systems: Sequence[str] = (), *, cached: bool) -> Status:
    """How things stand; of ``systems`` alone, and of what they lie in, when some are named."""
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load(house, catalog), refresh=NOTHING if cached else None)
        plan = decide_plan(scene.desired, scene.observed, scene.now)
        found = read_only_status(catalog, scene, plan)
    if not systems:
        return found
    require_systems(scene.desired, systems)
    chosen = tuple(s for s in found.systems if s.name in systems)
    places = {part.repository for s in chosen for part in s.protection}
    return replace(found, systems=chosen, repositories=tuple(r for r in found.repositories if r.name in places))


def snapshots(house: House, system: str | None, *, cached: bool) -> SnapshotList:
    """What the declared repositories hold, newest first."""
    scene = _scene(house, cached=cached)
    names = _names(scene, system)
    found = [s for state in scene.observed.repositories.values() for s in state.snapshots if names is None or s.system in names]
    if system is not None and not found and scene.desired.system(system) is None:
        raise NotFound(f"no system '{system}' is declared, and no snapshot bears that name")
    found.sort(key=lambda s: (s.as_of, s.id, s.repository), reverse=True)
    return SnapshotList(tuple(found), scene.desired.realm, failures(scene.observed.repositories))


def snapshot(house: House, prefix: str, *, cached: bool) -> SnapshotDetail:
    """One snapshot, with what retention says about it."""
    scene = _scene(house, cached=cached)
    copies = find(scene, prefix)
    system = scene.desired.system(copies[0].system)
    verdict = next((v for v in verdicts(scene, system, copies[0].repository) if v.snapshot.id == copies[0].id), None) if system else None
    return SnapshotDetail(copies[0], tuple(copy.repository for copy in copies), verdict, copies)


def verdicts(scene: Scene, system: DesiredSystem, repository: str) -> tuple[KeepVerdict, ...]:
    """What the declared retention says about each snapshot there, newest first."""
    own = Decision.of(scene.desired, scene.observed, scene.now).stored(system.name, repository)
    return tuple(KeepVerdict(v.snapshot, v.keep, v.reasons) for v in judge(own, system.retention, scene.now))


def events(house: House, limit: int, system: str | None) -> tuple[Event, ...]:
    with house.memory.reading() as catalog:
        return catalog.events(limit, system)


def runs(house: House, limit: int, system: str | None) -> tuple[Run, ...]:
    with house.memory.reading() as catalog:
        return catalog.runs(limit, system)


def _scene(house: House, *, cached: bool) -> Scene:
    with house.memory.reading() as catalog:
        return look(house, catalog, load(house, catalog), refresh=NOTHING if cached else None)


def _names(scene: Scene, system: str | None) -> set[str] | None:
    """The name and the former one; None: all."""
    if system is None:
        return None
    declared = scene.desired.system(system)
    return {system, declared.previous_name or system} if declared is not None else {system}
