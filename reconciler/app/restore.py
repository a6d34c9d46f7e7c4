"""Bringing snapshots back into a folder: which one, from which repository, why; then the writing, and what did not come back.

Needs no working spec tree (the last good one serves), no catalog (repositories are listed afresh) and no lock: it runs beside anything.
A restore that cannot write its line into the audit log still restores, and says so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from reconciler.app.errors import NotFound, NothingToRestore, OtherHost
from reconciler.app.house import House
from reconciler.app.reports import RestorePlan, RestoreReport, RestoreRequest
from reconciler.app.restoring.place import check_target
from reconciler.app.restoring.plan import inside, weigh
from reconciler.app.restoring.run import Reporter, Running, Teller, into_folder, into_place, weighing
from reconciler.app.scene import Scene, load, look
from reconciler.app.view import failures, find
from reconciler.base.errors import Usage
from reconciler.decide.choose import choose, fault
from reconciler.decide.scene import Scene as Decision
from reconciler.model.snapshot import MarkKind, Snapshot
from reconciler.repository import Repository


def plan(house: House, request: RestoreRequest) -> RestorePlan:
    """Which snapshot, from where, why, and what it would do to what is there. Reads only."""
    scene = _scene(house)
    made = _plan(house, scene, request)
    with closing(_opened(house, scene, made.repository)) as repository:
        return weigh(repository, made, inside(request.paths), request, weighing(house, scene, made, None)).plan


def restore(
    house: House, request: RestoreRequest, *, stop: threading.Event, progress: Reporter | None, told: Teller | None = None
) -> RestoreReport:
    """Bring it back; see :meth:`Session.restore`."""
    scene = _scene(house)
    made = _plan(house, scene, request)
    with closing(_opened(house, scene, made.repository)) as repository:
        running = Running(repository, made, request, weighing(house, scene, made, stop), stop, progress, told)
        return into_place(running, house) if request.in_place else into_folder(running, house)


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


def pick(
    candidates: Sequence[Snapshot], at: datetime | None, unseen: dict[str, str], *, system: str, verified: bool = False
) -> tuple[Snapshot, str]:
    """The snapshot that answers ``at`` with the sentence why; NothingToRestore with what there is instead."""
    choice = choose(candidates, at, verified=verified)
    if choice.snapshot is None:
        raise NothingToRestore(f"system {system} cannot be restored: {choice.why}", **unseen)
    return choice.snapshot, choice.why


def named(snapshot: Snapshot) -> str:
    """Why this one, when it was asked for by its id."""
    wrong = fault(snapshot)
    return f"snapshot {snapshot.id[:8]} was asked for by its id{f'; beware: it is {wrong}' if wrong else ''}"


def _scene(house: House) -> Scene:
    with house.memory.reading() as catalog:
        return look(house, catalog, load(house, catalog))


def _plan(house: House, scene: Scene, request: RestoreRequest) -> RestorePlan:
    if not request.in_place:
        check_target(house, scene, request.target)
    if request.snapshot is None and request.system is None:
        raise Usage("neither a system nor a snapshot is named", hint="`reconcile restore SYSTEM --target DIR`, or --snapshot ID.")
    unseen = failures(scene.observed.repositories)
    if request.snapshot is not None:
        copies = [s for s in find(scene, request.snapshot) if request.system in (None, s.system)]
        if not copies:
            raise NotFound(f"snapshot {request.snapshot} is not one of system {request.system}")
        chosen, why = copies[0], named(copies[0])
    else:
        assert request.system is not None
        candidates = _candidates(scene, request.system)
        chosen, why = pick(candidates, request.at, unseen, system=request.system, verified=request.verified)
        copies = [s for s in candidates if s.id == chosen.id]
    copy = _nearest(scene, copies, request.repository)
    if request.in_place and copy.host != house.agent:
        raise OtherHost(f"snapshot {copy.id[:8]} was taken on host {copy.host}, this is {house.agent}")
    notes = [f"repository {name}: {failure}" for name, failure in sorted(unseen.items())]
    return plan_for(copy, copy.repository, why, request, notes)


def _candidates(scene: Scene, system: str) -> list[Snapshot]:
    """Those of the system in every repository, also when it is declared no longer."""
    decision = Decision.of(scene.desired, scene.observed, scene.now)
    every = [s for r in scene.desired.repositories for s in decision.snapshots(system, r.name)]
    if not every and scene.desired.system(system) is None:
        unseen = failures(scene.observed.repositories)
        raise NotFound(f"no system '{system}' is declared, and no snapshot bears that name", **unseen)
    return every


def _nearest(scene: Scene, copies: Sequence[Snapshot], wanted: str | None) -> Snapshot:
    """The copy to read: from where it was asked for, else reachable, undamaged, and early in the system's list."""
    if wanted is not None:
        for copy in copies:
            if copy.repository == wanted:
                return copy
        raise NotFound(f"repository {wanted} does not hold snapshot {copies[0].id}", held_by=", ".join(c.repository for c in copies))
    declared = scene.desired.system(copies[0].system)
    order = {name: place for place, name in enumerate(declared.repositories)} if declared is not None else {}

    def cost(copy: Snapshot) -> tuple[bool, bool, int]:
        reachable = scene.observed.repositories[copy.repository].reachable
        return not reachable, copy.marked(MarkKind.DAMAGED) is not None, order.get(copy.repository, len(order))

    return min(copies, key=cost)


def _opened(house: House, scene: Scene, name: str) -> Repository:
    declared = scene.desired.repository(name)
    assert declared is not None, "the plan names a declared repository"
    return house.open_repository(declared)


def _entries(target: str) -> int:
    try:
        with os.scandir(target) as entries:
            return sum(1 for _ in entries)
    except OSError:
        return 0  # not there yet, or not ours: opening the target says which
