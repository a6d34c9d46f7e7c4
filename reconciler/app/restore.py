"""Bringing snapshots back into a folder: which one, from which repository, why; then the writing, and what did not come back.

Needs no working spec tree (the last good one serves), no catalog (repositories are listed afresh) and no lock: it runs beside anything.
A restore that cannot write its line into the audit log still restores, and says so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime

from reconciler.act.context import Amount
from reconciler.app.errors import NotFound, NothingToRestore, TargetInside
from reconciler.app.house import House
from reconciler.app.reports import RestorePlan, RestoreReport, RestoreRequest
from reconciler.app.scene import Scene, load, look
from reconciler.app.view import failures, find
from reconciler.base.errors import ReconcilerError, StateError, Usage
from reconciler.catalog.audit import Stage
from reconciler.catalog.errors import AuditError, CatalogError
from reconciler.decide.choose import choose, fault
from reconciler.decide.scene import Scene as Decision
from reconciler.model.snapshot import MarkKind, Snapshot
from reconciler.repository import Repository, Restored, Restoring
from reconciler.tree.write import Target

Reporter = Callable[[Amount], None]


def plan(house: House, request: RestoreRequest) -> RestorePlan:
    """Which snapshot, from where, why. Reads only."""
    return _plan(house, _scene(house), request)


def restore(house: House, request: RestoreRequest, *, stop: threading.Event, progress: Reporter | None) -> RestoreReport:
    """Bring it back; see :meth:`Session.restore`."""
    scene = _scene(house)
    made = _plan(house, scene, request)
    declared = scene.desired.repository(made.repository)
    assert declared is not None, "the plan names a declared repository"
    with _told(house, made) as notes, closing(house.open_repository(declared)) as repository:
        report = write(repository, made, stop=stop, progress=progress)
        return replace(report, notes=(*made.notes, *notes))


def write(repository: Repository, made: RestorePlan, *, stop: threading.Event, progress: Reporter | None) -> RestoreReport:
    """Write what ``made`` names into its target. Nothing there is replaced."""

    def tell(now: Restoring) -> None:
        assert progress is not None, "told only when somebody listens"
        progress(Amount(now.files, now.bytes, 0, now.total_files))

    with Target.open(made.target) as target:
        done = repository.restore(
            made.snapshot.id, target, paths=inside(made.paths), progress=tell if progress is not None else None, stop=stop
        )
    return _report(made, done)


def inside(paths: Sequence[str]) -> tuple[bytes, ...]:
    """Paths as people write them, as they stand in a snapshot: absolute, without the first slash."""
    return tuple(os.fsencode(path).strip(b"/") if path.startswith("/") else b"**/" + os.fsencode(path).strip(b"/") for path in paths)


def plan_for(snapshot: Snapshot, repository: str, why: str, request: RestoreRequest, notes: Sequence[str] = ()) -> RestorePlan:
    """The plan once the snapshot is chosen."""
    target = os.path.abspath(os.path.expanduser(request.target))
    return RestorePlan(
        snapshot=snapshot,
        repository=repository,
        why=why,
        target=target,
        paths=request.paths,
        target_holds=_entries(target),
        notes=tuple(notes),
    )


def pick(candidates: Sequence[Snapshot], at: datetime | None, unseen: dict[str, str], *, system: str) -> tuple[Snapshot, str]:
    """The snapshot that answers ``at`` with the sentence why; NothingToRestore with what there is instead."""
    choice = choose(candidates, at)
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
    _check_target(house, scene, request.target)
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
        chosen, why = pick(candidates, request.at, unseen, system=request.system)
        copies = [s for s in candidates if s.id == chosen.id]
    copy = _nearest(scene, copies, request.repository)
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


def _check_target(house: House, scene: Scene, target: str) -> None:
    """Inside a repository or the state directory a restore would look like damage."""
    real = os.path.realpath(os.path.expanduser(target))
    places = [("the state directory", str(house.memory.state)), *((f"repository {r.name}", r.url) for r in scene.desired.repositories)]
    for what, place in places:
        if "://" not in place and (real + os.sep).startswith(os.path.realpath(place) + os.sep):
            raise TargetInside(f"the target {target} is inside {what}")


def _entries(target: str) -> int:
    try:
        with os.scandir(target) as entries:
            return sum(1 for _ in entries)
    except OSError:
        return 0  # not there yet, or not ours: opening the target says which


@contextmanager
def _told(house: House, made: RestorePlan) -> Iterator[list[str]]:
    """Intent and outcome in the audit log, as far as it can be written."""
    notes: list[str] = []
    facts = {"snapshot": made.snapshot.id, "target": made.target, "paths": list(made.paths), "actor": "cli"}
    where = f"{made.snapshot.system}@{made.repository}"

    def tell(stage: Stage, **more: object) -> None:
        try:
            house.memory.audit().append(stage, "restore", where, **facts, **more)
        except (StateError, CatalogError, AuditError) as error:
            notes.append(f"this restore is not in the audit log: {error.message}")

    tell("intent")
    try:
        yield notes
    except ReconcilerError as error:
        tell("complete", outcome="failed", code=error.code)
        raise
    tell("complete", outcome="succeeded")


def _report(made: RestorePlan, done: Restored) -> RestoreReport:
    return RestoreReport(
        plan=made,
        files=done.files,
        bytes=done.bytes,
        folders=done.folders,
        seconds=done.seconds,
        losses=tuple((os.fsdecode(loss.path), loss.what, loss.message) for loss in done.losses),
        failures=tuple((os.fsdecode(path), why) for path, why in done.failures),
        notes=made.notes,
    )
