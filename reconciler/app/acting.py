"""What every acting verb shares: the context of its actions, the traces of dead processes, what counts as accepted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.act.context import Context, Done, Patience, Watcher, no_beat, no_patience
from reconciler.act.errors import ActError
from reconciler.act.sandbox import clear
from reconciler.app.house import House
from reconciler.app.scene import Scene
from reconciler.catalog.records import Run
from reconciler.decide.guard import settled_retention
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.plan import Action
from reconciler.model.wishes import WISH_STANDS

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog
    from reconciler.decide.remembered import Remembered
    from reconciler.model.recovery import RecoveryRun


def make_context(
    house: House,
    scene: Scene,
    *,
    actor: str,
    stop: threading.Event,
    progress: Watcher | None = None,
    beat: Callable[[], None] = no_beat,
    patience: Patience = no_patience,
    lease: int | None = None,
) -> Context:
    """The world as this scene saw it, with the doors that actions need."""
    return Context(
        desired=scene.desired,
        observed=scene.observed,
        opener=house.open_repository,
        catalog=house.memory.writing(),
        audit=house.memory.audit(),
        clock=house.clock,
        actor=actor,
        writer=house.memory.writer(),
        skip=house.never_read(scene.desired),
        allow_commands=house.allow_commands,
        copies=house.memory.state / "copies",
        sandboxes=house.memory.state / "drills",
        stop=stop,
        progress=progress,
        beat=beat,
        patience=patience,
        exercise=partial(_exercise, house, scene),
        lease=lease,
    )


def _exercise(house: House, scene: Scene, action: Action, context: Context) -> Done:
    from reconciler.app.recovery.rehearsal import exercise

    return exercise(house, scene, action, context)


def in_order(actions: Sequence[Action]) -> list[Action]:
    """Most urgent first; equal ones as planned."""
    return sorted(actions, key=lambda action: -action.priority)


def close_interrupted(house: House, catalog: Catalog) -> tuple[Run, ...]:
    """Give the runs of dead processes their outcome, in the catalog, in the audit log and as events.

    What they achieved is not guessed: this pass looks at the repositories anyway.
    """
    at = house.clock.now()
    runs = catalog.mark_interrupted(at)
    for run in runs:
        house.memory.audit().append("interrupted", run.kind, f"{run.system}@{run.repository}", run=run.id, pid=run.pid)
        note = f"{run.kind} in {run.repository}, begun {run.started_at:%Y-%m-%d %H:%M:%S} UTC, ended with its process"
        catalog.add_event("Warning", "System", run.system, "Interrupted", note, at)
    for drill in catalog.drills.leftovers():
        _end_drill(catalog, drill, at)
    for test in catalog.recoveries.leftovers():
        _end_test(catalog, test, at)
    return runs


def _end_drill(catalog: Catalog, drill: DrillRecord, at: datetime) -> None:
    """The sandbox goes before the record ends: what cannot be cleared away is tried again at the next start."""
    try:
        clear(drill.sandbox)
    except ActError as error:
        catalog.add_event("Warning", "System", drill.system, "SandboxStays", error.message, at)
        return
    if drill.ended_at is None:
        drill = replace(drill, ended_at=at, outcome=DrillOutcome.BLOCKED, findings=("its process ended before it did",))
    catalog.drills.end(replace(drill, sandbox=""))


def _end_test(catalog: Catalog, test: RecoveryRun, at: datetime) -> None:
    """Of a recovery plan. A run in earnest stays as it is: a person goes on with it."""
    try:
        clear(test.sandbox)
    except ActError as error:
        catalog.add_event("Warning", "RecoveryPlan", test.plan, "SandboxStays", error.message, at)
        return
    catalog.recoveries.put(replace(test, sandbox="", ended_at=test.ended_at or at))


def forget_old_wishes(catalog: Catalog, scene: Scene) -> None:
    """What could not be done within a day is told instead of being done at some other time."""
    old = [wish for wish in scene.observed.wishes if not wish.stands(scene.now)]
    for wish in old:
        note = f"the {wish.kind} backup that {wish.by} asked for at {wish.at:%Y-%m-%d %H:%M} UTC could not be taken within a day"
        catalog.add_event("Warning", "System", wish.system, "TriggerExpired", note, scene.now)
    if old:
        catalog.drop_wishes(scene.now - WISH_STANDS + timedelta(microseconds=1))


def accept_retention(catalog: Catalog, scene: Scene, remembered: Remembered | None = None) -> None:
    """Remember under which retention each system was last judged without objection: tightening is measured against it."""
    for system, retention in settled_retention(scene.desired, scene.observed, scene.now, remembered=remembered).items():
        if scene.observed.accepted_retention.get(system) != retention:
            catalog.put_accepted_retention(system, retention)
