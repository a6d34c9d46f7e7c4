"""Restoring with nothing but a repository and its key: no specs, no catalog, no state directory. The day after the fire."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reconciler.app import keys
from reconciler.app.errors import Ambiguous, NotFound
from reconciler.app.reports import RestorePlan, RestoreReport, RestoreRequest, SnapshotList
from reconciler.app.restore import named, pick, plan_for
from reconciler.app.restoring.place import check_folder
from reconciler.app.restoring.plan import Weighing, inside, weigh
from reconciler.app.restoring.run import Reporter, Running, Teller, into_folder
from reconciler.base.clock import Clock, SystemClock
from reconciler.base.errors import Usage
from reconciler.model.records import is_records
from reconciler.model.snapshot import Snapshot
from reconciler.observe.repositories import state_of
from reconciler.repository import Repository


@dataclass(frozen=True, slots=True)
class BareRepository:
    """Where the data is, and the key to it."""

    url: str
    key_file: Path
    kind: keys.KeyKind = "raw"

    def open(self) -> Repository:
        url = self.url if "://" in self.url else os.path.abspath(os.path.expanduser(self.url))
        return Repository.open(url, keys.from_file(self.key_file.expanduser(), self.kind), kind=self.kind)


def snapshots_bare(where: BareRepository, *, clock: Clock | None = None) -> SnapshotList:
    """Everything that is in it, of every realm."""
    with closing(where.open()) as repository:
        return SnapshotList(listed(where, repository, clock or SystemClock()), realm="")


def plan_restore_bare(where: BareRepository, request: RestoreRequest, *, clock: Clock | None = None) -> RestorePlan:
    """Which snapshot would be restored, why, and what it would do to what is there."""
    with closing(where.open()) as repository:
        made = _plan(where, repository, request, clock or SystemClock())
        return weigh(repository, made, inside(request.paths), request, guarding(where, None)).plan


def restore_bare(
    where: BareRepository,
    request: RestoreRequest,
    *,
    stop: threading.Event | None = None,
    progress: Reporter | None = None,
    told: Teller | None = None,
    clock: Clock | None = None,
) -> RestoreReport:
    """Bring a snapshot, or paths of it, back into a target folder. ``told`` hears the plan before anything is done."""
    stop = stop or threading.Event()
    with closing(where.open()) as repository:
        made = _plan(where, repository, request, clock or SystemClock())
        return into_folder(Running(repository, made, request, guarding(where, stop), stop, progress, told), None)


def guarding(where: BareRepository, stop: threading.Event | None) -> Weighing:
    """Nothing goes into the repository itself, whatever a snapshot holds."""
    return Weighing(forbidden=() if "://" in where.url else (os.path.realpath(os.path.expanduser(where.url)),), stop=stop)


def listed(where: BareRepository, repository: Repository, clock: Clock) -> tuple[Snapshot, ...]:
    """Every snapshot with its marks, as a declared repository would show them."""
    return state_of(where.url, repository.id, repository.listing(), None, clock.now()).snapshots


def _plan(where: BareRepository, repository: Repository, request: RestoreRequest, clock: Clock) -> RestorePlan:
    if request.in_place:
        raise Usage("--in-place needs the specs and a state directory for its journal", hint="Restore with --target.")
    check_folder(request.target)
    snapshots = listed(where, repository, clock)
    if request.snapshot is not None:
        chosen = _by_id(snapshots, request.snapshot)
        return plan_for(chosen, where.url, named(chosen), request)
    system = request.system or _only_system(snapshots)
    candidates = [s for s in snapshots if s.system == system]
    realms = sorted({s.realm for s in candidates})
    if not candidates:
        raise NotFound(f"no snapshot of system '{system}' is in {where.url}", systems=", ".join(sorted({s.system for s in snapshots})))
    if len(realms) > 1:
        raise Ambiguous(
            f"{len(realms)} realms have a system '{system}' in {where.url}",
            hint="Name the snapshot with --snapshot; `reconcile snapshots --repository` lists them.",
            realms=", ".join(realms),
        )
    chosen, why = pick(candidates, request.at, {}, system=system, verified=request.verified)
    return plan_for(chosen, where.url, why, request)


def _by_id(snapshots: tuple[Snapshot, ...], prefix: str) -> Snapshot:
    found = [s for s in snapshots if prefix and s.id.startswith(prefix.lower())]
    if not found:
        raise NotFound(f"no snapshot begins with '{prefix}'")
    if len(found) > 1:
        raise Ambiguous(f"'{prefix}' is the beginning of {len(found)} snapshots", first=found[0].id, last=found[-1].id)
    return found[0]


def _only_system(snapshots: tuple[Snapshot, ...]) -> str:
    systems = sorted({s.system for s in snapshots if not is_records(s.system)})
    if len(systems) != 1:
        raise Usage(
            "neither a system nor a snapshot is named",
            hint="Name one of the systems in this repository." if systems else "The repository holds no snapshot.",
            systems=", ".join(systems),
        )
    return systems[0]
