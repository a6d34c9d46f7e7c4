"""Drills on demand, and what is on record of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from reconciler.act.context import Result, Watcher
from reconciler.act.words import REQUESTED
from reconciler.app.demand import PRIORITY, carry_out
from reconciler.app.errors import NotFound
from reconciler.app.house import House
from reconciler.app.names import require_systems
from reconciler.app.scene import Scene
from reconciler.base.errors import Usage
from reconciler.decide.drills import NEWEST, choose, drill_action
from reconciler.decide.scene import Scene as Decision
from reconciler.model.desired import DesiredSystem
from reconciler.model.drill import DrillRecord
from reconciler.model.plan import Action

NAMED = "named"


class DrillList(Struct, frozen=True):
    """Newest first."""

    at: datetime
    drills: tuple[DrillRecord, ...]


def run(
    house: House,
    systems: Sequence[str],
    *,
    snapshot: str | None,
    pick: str | None,
    stop: threading.Event,
    progress: Watcher | None,
) -> tuple[Result, ...]:
    """See :meth:`Session.drill`."""
    if snapshot is not None and (len(systems) != 1 or pick is not None):
        raise Usage("a snapshot can be named for one system alone, and then nothing is picked")

    def actions(scene: Scene) -> list[Action]:
        require_systems(scene.desired, systems)
        decision = Decision.of(scene.desired, scene.observed, scene.now)
        wanted = [s for s in scene.desired.systems if s.name in systems or (not systems and s.drill.every is not None)]
        if not wanted:
            raise NotFound("no system declares drills", hint="Name one: `reconcile drill run SYSTEM`, or declare `drill.every`.")
        return [_action(decision, system, snapshot, pick) for system in wanted]

    return carry_out(house, actions, stop=stop, progress=progress)


def _action(decision: Decision, system: DesiredSystem, snapshot: str | None, pick: str | None) -> Action:
    """A named one may be of any grade: whether it is of use is what is asked."""
    for repository in system.repositories:
        stored = decision.snapshots(system.name, repository)
        chosen = [s for s in stored if (s.id.startswith(snapshot) if snapshot is not None else s.good)]
        if snapshot is not None and len(chosen) > 1:
            raise Usage(f"'{snapshot}' is the beginning of {len(chosen)} snapshots of system {system.name}")
        if chosen:
            how = NAMED if snapshot is not None else pick or system.drill.snapshot or NEWEST
            one = choose(decision, system, chosen, how)
            return replace(drill_action(decision, system, repository, one, how, REQUESTED, "asked for"), priority=PRIORITY)
    what = f"no snapshot '{snapshot}'" if snapshot is not None else "no good snapshot"
    raise NotFound(f"there is {what} of system {system.name} that could be drilled", hint="Take a backup first.")


def drills(house: House, limit: int, system: str | None) -> DrillList:
    """See :meth:`Session.drills`."""
    with house.memory.reading() as catalog:
        return DrillList(house.clock.now(), catalog.drills.newest(limit, system))


def drill_detail(house: House, drill: str) -> DrillRecord:
    """See :meth:`Session.drill_detail`."""
    with house.memory.reading() as catalog:
        found = [each for each in catalog.drills.newest(10_000) if each.id.startswith(drill)]
    if not found:
        raise NotFound(f"no drill '{drill}' is on record", hint="`reconcile drill list` shows them.")
    if len(found) > 1:
        raise Usage(f"'{drill}' is the beginning of {len(found)} drills")
    return found[0]
