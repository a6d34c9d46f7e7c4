"""Bringing snapshots back into a folder: which one, from which repository, why; then the writing, and what did not come back.

Needs no working spec tree (the last good one serves), no catalog (repositories are listed afresh) and no lock: it runs beside anything.
A restore that cannot write its line into the audit log still restores, and says so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import closing

from reconciler.app.choice import Wanted, by_nearness, chosen, find
from reconciler.app.errors import OtherHost
from reconciler.app.foreign import check_request, restore_by_restic
from reconciler.app.house import House
from reconciler.app.paths import inside
from reconciler.app.reports import RestorePlan, RestoreReport, RestoreRequest
from reconciler.app.restoring.fall_over import first_that_can
from reconciler.app.restoring.in_place import interrupted
from reconciler.app.restoring.place import check_target
from reconciler.app.restoring.plan import weigh
from reconciler.app.restoring.run import Reporter, Running, Teller, into_folder, into_place, weighing
from reconciler.app.scene import Scene, load, look
from reconciler.base.errors import Usage
from reconciler.model.desired import DesiredRepository
from reconciler.model.snapshot import Snapshot
from reconciler.repository import Repository


def plan(house: House, request: RestoreRequest) -> RestorePlan:
    """Which snapshot, from where, why, and what it would do to what is there. Reads only."""
    scene = _scene(house)
    made = _plan(house, scene, request)
    declared = _declared(scene, made.repository)
    if declared.observed_only:
        check_request(made, request)
        return made
    with closing(_opened(house, scene, made.repository)) as repository:
        return weigh(repository, made, inside(request.paths), request, weighing(house, scene, made, None)).plan


def restore(
    house: House, request: RestoreRequest, *, stop: threading.Event, progress: Reporter | None, told: Teller | None = None
) -> RestoreReport:
    """Bring it back; see :meth:`Session.restore`."""
    scene = _scene(house)
    made = _plan(house, scene, request)
    copies = [made.snapshot, *_others(scene, made.snapshot, request)]

    def attempt(copy: Snapshot, wanted: RestoreRequest) -> RestoreReport:
        is_first = copy is made.snapshot
        planned = made if is_first else plan_for(copy, copy.repository, made.why, wanted, made.notes)
        declared = _declared(scene, copy.repository)
        if declared.observed_only:
            check_request(planned, wanted)
            if told is not None:
                told(planned)
            return restore_by_restic(house, declared, planned, wanted, stop, progress)
        with closing(_opened(house, scene, copy.repository)) as repository:
            running = Running(
                repository, planned, wanted, weighing(house, scene, planned, stop), stop, progress, told if is_first else None
            )
            return into_place(running, house) if request.in_place else into_folder(running, house)

    def untouched() -> bool:
        return not request.in_place or not interrupted(house.memory.state, made.snapshot.system)

    return first_that_can(copies, request, attempt, untouched)


def plan_for(snapshot: Snapshot, repository: str, why: str, request: RestoreRequest, notes: Sequence[str] = ()) -> RestorePlan:
    """The plan once the snapshot is chosen."""
    target = "" if request.in_place else os.path.abspath(os.path.expanduser(request.target))
    return RestorePlan(
        snapshot=snapshot,
        repository=repository,
        why=why,
        target=target,
        paths=request.paths,
        target_holds=_entries(target) if target else 0,
        notes=tuple(notes),
        in_place=request.in_place,
        on_conflict=request.on_conflict,
        at=request.at,
    )


def _others(scene: Scene, copy: Snapshot, request: RestoreRequest) -> list[Snapshot]:
    """The other repositories that hold it and can be asked, nearest first; none when one was named."""
    if request.repository is not None:
        return []
    held = [s for s in find(scene, copy.id) if s.repository != copy.repository]
    return [s for s in (by_nearness(scene, held, request.last) if held else ()) if scene.observed.repositories[s.repository].reachable]


def _scene(house: House) -> Scene:
    with house.memory.reading() as catalog:
        return look(house, catalog, load(house, catalog))


def _plan(house: House, scene: Scene, request: RestoreRequest) -> RestorePlan:
    if not request.in_place:
        check_target(house, scene, request.target)
    if request.snapshot is None and request.system is None:
        raise Usage("neither a system nor a snapshot is named", hint="`reconcile restore SYSTEM --target DIR`, or --snapshot ID.")
    wanted = Wanted(request.system, request.snapshot, request.at, request.verified, request.repository, request.last)
    made = chosen(scene, wanted)
    copy = made.snapshot
    if request.in_place and copy.host != house.agent:
        raise OtherHost(f"snapshot {copy.id[:8]} was taken on host {copy.host}, this is {house.agent}")
    return plan_for(copy, copy.repository, made.why, request, made.notes)


def _opened(house: House, scene: Scene, name: str) -> Repository:
    return house.open_repository(_declared(scene, name))


def _declared(scene: Scene, name: str) -> DesiredRepository:
    declared = scene.desired.repository(name)
    assert declared is not None, "the plan names a declared repository"
    return declared


def _entries(target: str) -> int:
    try:
        with os.scandir(target) as entries:
            return sum(1 for _ in entries)
    except OSError:
        return 0  # not there yet, or not ours: opening the target says which
