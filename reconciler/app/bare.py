"""Restoring with nothing but a repository and its key: no specs, no catalog, no state directory. The day after the fire."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from reconciler.app import keys
from reconciler.app.choice import Wanted, chosen_bare
from reconciler.app.paths import inside
from reconciler.app.reach import access_bare
from reconciler.app.reports import RestorePlan, RestoreReport, RestoreRequest, SnapshotList
from reconciler.app.restore import plan_for
from reconciler.app.restoring.place import check_folder
from reconciler.app.restoring.plan import Weighing, weigh
from reconciler.app.restoring.run import Reporter, Running, Teller, into_folder
from reconciler.base.clock import Clock, SystemClock
from reconciler.base.errors import Usage
from reconciler.model.snapshot import Snapshot
from reconciler.observe.repositories import state_of
from reconciler.repository import Repository, store_to_read


class BareRepository(Struct, frozen=True):
    """Where the data is, and the key to it."""

    url: str
    key_file: Path
    kind: keys.KeyKind = "raw"

    def open(self, stop: threading.Event | None = None) -> Repository:
        """``stop``: once it is set, nobody waits for a place that says nothing."""
        url = self.url if "://" in self.url else os.path.abspath(os.path.expanduser(self.url))
        key = keys.from_file(self.key_file.expanduser(), self.kind)
        place = store_to_read(url, access_bare(url, stop.is_set if stop is not None else None))
        return Repository.open(url, key, kind=self.kind, store=place, owned=True, headerless=True)


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
    with closing(where.open(stop)) as repository:
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
    wanted = Wanted(request.system, request.snapshot, request.at, request.verified)
    made = chosen_bare(listed(where, repository, clock), where.url, wanted)
    return plan_for(made.snapshot, where.url, made.why, request)
