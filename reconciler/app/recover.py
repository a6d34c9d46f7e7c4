"""A whole machine back from a repository and a key: what is inside, the specs and the record of the host that is gone, then its systems.

Nothing here needs specs, a catalog or a state directory; what exists already is never written over.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from msgspec import Struct

from reconciler.app.bare import BareRepository, guarding, listed
from reconciler.app.choice import pick
from reconciler.app.errors import Ambiguous, NothingToRestore, PlaceTaken, RecoveryIncomplete
from reconciler.app.memory import AUDIT, CATALOG
from reconciler.app.reports import RestoreReport, RestoreRequest
from reconciler.app.restore import plan_for
from reconciler.app.restoring.run import Reporter, Running, into_folder
from reconciler.base.clock import Clock, SystemClock
from reconciler.decide.choose import fault
from reconciler.model.records import is_records
from reconciler.model.snapshot import Snapshot
from reconciler.repository import Repository, Root
from reconciler.tree.write import Target


class InsideSystem(Struct, frozen=True):
    """One system of a repository. Two realms may have a system of one name."""

    realm: str
    system: str
    host: str
    """Of the newest snapshot."""
    snapshots: int
    newest_good: Snapshot | None
    records: bool
    """What a host itself knows: its specs and its record."""


class Inside(Struct, frozen=True):
    """What a repository holds. ``problems``: what of it cannot be read."""

    id: str
    url: str
    systems: tuple[InsideSystem, ...]
    problems: tuple[str, ...] = ()


class Recovered(Struct, frozen=True):
    """The pieces that a host knew itself, in their new places."""

    snapshot: Snapshot | None
    """None: the repository holds no records, and what came back is what each snapshot says of its own system."""
    why: str
    specs: str | None = None
    """The folder of the spec tree."""
    stood_at: str | None = None
    """Where that tree was: relative paths in it count from there."""
    declarations: tuple[str, ...] = ()
    """Files of effective declarations, one per system, where there was no tree."""
    state: str | None = None


def inside_bare(where: BareRepository, *, clock: Clock | None = None) -> Inside:
    """Which systems are in it, with the newest good snapshot of each; by realm and name."""
    with closing(where.open()) as repository:
        snapshots = listed(where, repository, clock or SystemClock())
        problems = tuple(error.message for _, error in repository.listing().damaged)
        return Inside(repository.id, where.url, tuple(_systems(snapshots)), problems)


def restore_all_bare(
    where: BareRepository,
    target: str,
    *,
    at: datetime | None = None,
    stop: threading.Event | None = None,
    progress: Reporter | None = None,
    clock: Clock | None = None,
) -> tuple[RestoreReport, ...]:
    """Every system's newest good snapshot not after ``at`` into one folder, each under the paths that it had. Records are left out."""
    reports, stop = [], stop or threading.Event()
    with closing(where.open(stop)) as repository:
        snapshots = listed(where, repository, clock or SystemClock())
        found = [each for each in _systems(snapshots) if not each.records]
        if not found:
            raise NothingToRestore(f"no system is in {where.url}")
        for each in found:
            chosen, choice = pick(_of(snapshots, each.realm, each.system), at, {}, system=each.system)
            request = RestoreRequest(target)
            made = plan_for(chosen, where.url, choice.why, request)
            reports.append(into_folder(Running(repository, made, request, guarding(where, stop), stop, progress), None))
    return tuple(reports)


def recover_bare(
    where: BareRepository,
    *,
    specs_to: str | None = None,
    state_to: str | None = None,
    records: str | None = None,
    at: datetime | None = None,
    clock: Clock | None = None,
) -> Recovered:
    """Bring back the spec tree into ``specs_to``, catalog and audit log into ``state_to``.

    ``records``: the system that holds them, such as `reconciler.shop1`, where several hosts kept theirs. Where none did, the declarations
    saved with the newest snapshots come back instead. Raises PlaceTaken, Ambiguous, NothingToRestore, RecoveryIncomplete.
    """
    specs, state = _free(specs_to, ()), _free(state_to, (CATALOG, AUDIT))
    with closing(where.open()) as repository:
        snapshots = listed(where, repository, clock or SystemClock())
        held = [each for each in _systems(snapshots) if each.records and records in (None, each.system)]
        roots = {root.id: root for root in repository.listing().roots}
        if not held and records is None and specs is not None and state is None:
            why = "no host kept its records here: this is what the newest good snapshot of each system says of it"
            return Recovered(None, why, declarations=_declarations(specs, _systems(snapshots), roots))
        if not held:
            raise NothingToRestore(f"no host kept its records in {where.url}", hint="The systems themselves can be restored all the same.")
        if len(held) > 1:
            names = ", ".join(f"{each.system} of realm {each.realm}" for each in held)
            raise Ambiguous(f"{len(held)} hosts kept their records in {where.url}", hint="Name one of them as SYSTEM.", records=names)
        chosen, choice = pick(_of(snapshots, held[0].realm, held[0].system), at, {}, system=held[0].system)
        return _records(repository, roots[chosen.id], chosen, choice.why, specs, state)


def _systems(snapshots: Sequence[Snapshot]) -> list[InsideSystem]:
    found = []
    for realm, system in sorted({(s.realm, s.system) for s in snapshots}):
        mine = sorted(_of(snapshots, realm, system), key=lambda s: s.as_of, reverse=True)
        good = next((s for s in mine if not fault(s)), None)
        found.append(InsideSystem(realm, system, mine[0].host, len(mine), good, is_records(system)))
    return found


def _of(snapshots: Sequence[Snapshot], realm: str, system: str) -> list[Snapshot]:
    return [s for s in snapshots if (s.realm, s.system) == (realm, system)]


def _free(folder: str | None, names: Sequence[str]) -> Path | None:
    """The folder as an absolute path; PlaceTaken when one of ``names`` is in it (without names: when anything is)."""
    if folder is None:
        return None
    path = Path(os.path.abspath(os.path.expanduser(folder)))
    taken = [name for name in names if (path / name).exists()] if names else (os.listdir(path) if path.is_dir() else [])
    if taken or (path.exists() and not path.is_dir()):
        raise PlaceTaken(f"{path} holds {taken[0]} already" if taken else f"{path} is not a folder")
    return path


def _declarations(folder: Path, systems: Sequence[InsideSystem], roots: dict[str, Root]) -> tuple[str, ...]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = []
    for each in systems:
        root = roots.get(each.newest_good.id) if each.newest_good is not None else None
        if root is not None:
            name = f"{each.realm}.{each.system}.json"
            (folder / name).write_text(json.dumps(json.loads(bytes(root.specs)), indent=1, sort_keys=True) + "\n", encoding="utf-8")
            written.append(name)
    return tuple(written)


def _records(repository: Repository, root: Root, chosen: Snapshot, why: str, specs: Path | None, state: Path | None) -> Recovered:
    """Restored beside their new places, whole and checked, and only then put there."""
    tree = next(path for path in root.paths if os.path.basename(path) not in {CATALOG, AUDIT})
    own = [path for path in root.paths if path != tree]
    for goal, paths in ((specs, [tree]), (state, own)):
        if goal is None or not paths:
            continue
        goal.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(prefix=f".{goal.name}-", dir=goal.parent))
        try:
            _restored(repository, chosen, beside, paths)
            if goal is specs:
                if goal.is_dir():
                    goal.rmdir()  # it is empty
                os.rename(beside / tree.lstrip("/"), goal)
            else:
                goal.mkdir(mode=0o700, exist_ok=True)
                for path in own:
                    os.rename(beside / path.lstrip("/"), goal / os.path.basename(path))
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return Recovered(chosen, why, str(specs) if specs else None, tree, (), str(state) if state else None)


def _restored(repository: Repository, chosen: Snapshot, beside: Path, paths: Sequence[str]) -> None:
    with Target.open(str(beside)) as target:
        done = repository.restore(chosen.id, target, paths=[os.fsencode(path).strip(b"/") for path in paths])
    if done.failures:
        path, reason = done.failures[0]
        raise RecoveryIncomplete(f"{os.fsdecode(path)} of snapshot {chosen.id[:8]} cannot be restored: {reason}", snapshot=chosen.id)
