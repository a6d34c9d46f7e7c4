"""All verbs in one place, each told in the file that is named after its family. Synchronous; safe to use from one thread at a time.

A session looks at the specs anew in every verb: it holds no opinion about the world, only where things are. Verbs that read open
nothing for writing; the state directory is made by the first verb that has something to remember. A verb imports its family when it is
used: looking at what is remembered needs no cryptography, and a plan nothing of what would carry it out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from reconciler.app.house import House, agent_name
from reconciler.app.memory import Memory
from reconciler.app.state import choose as choose_state
from reconciler.base.clock import Clock, SystemClock

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from types import TracebackType

    from reconciler.act.context import Amount, Result, Watcher
    from reconciler.app.care import CheckReport, RepairReport
    from reconciler.app.clean import CleanUpReport
    from reconciler.app.keyring import KeyChange, KeyList, Kit
    from reconciler.app.keys import KeyKind
    from reconciler.app.planned import PlanReport
    from reconciler.app.queries.queries import Queries
    from reconciler.app.reports import (
        Explanation,
        HoldReport,
        InitReport,
        PassReport,
        PauseReport,
        RebuildReport,
        RestoreDetail,
        RestoreList,
        RestorePlan,
        RestoreReport,
        RestoreRequest,
        SnapshotDetail,
        SnapshotList,
        StarterReport,
        TriggerReport,
    )
    from reconciler.catalog.records import Event, Run
    from reconciler.decide.backups import Request
    from reconciler.model.snapshot import BackupKind
    from reconciler.model.status import Status
    from reconciler.model.uncovered import Uncovered
    from reconciler.spec import Loaded


class Session:
    """One spec tree and its memory, ready for verbs."""

    def __init__(self, house: House) -> None:
        self.house = house

    @classmethod
    def open(
        cls,
        specs: Path,
        *,
        state: Path | None = None,
        agent: str | None = None,
        allow_commands: tuple[Path, ...] = (),
        clock: Clock | None = None,
        read_only: bool = False,
    ) -> Self:
        """Nothing is read or made yet. ``read_only``: verbs that would change anything raise instead."""
        clock = clock or SystemClock()
        memory = Memory(choose_state(specs, state), clock, read_only=read_only)
        return cls(House(specs.absolute(), memory, agent_name(agent), allow_commands, clock))

    def close(self) -> None:
        self.house.memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # Looking

    def load(self) -> Loaded:
        """The specs as they stand, with their problems; broken objects at their last good version."""
        from reconciler.app import planning

        return planning.load(self.house)

    def plan(self, *, cached: bool = False, request: Request | None = None, base: str | None = None) -> PlanReport:
        """What would be done now. ``cached``: as the repositories were last seen, without looking at them.

        ``base``: a revision in git; the report then says what the edit since then changes (its blast radius).
        """
        from reconciler.app import planning

        return planning.plan(self.house, cached=cached, request=request, base=base)

    def status(self, *, cached: bool = False) -> Status:
        from reconciler.app import view

        return view.status(self.house, cached=cached)

    def explain(self, system: str, *, cached: bool = False) -> Explanation:
        from reconciler.app import explain

        return explain.explain(self.house, system, cached=cached)

    def snapshots(self, system: str | None = None, *, cached: bool = False) -> SnapshotList:
        """Newest first; of one system or of all, those of other realms included."""
        from reconciler.app import view

        return view.snapshots(self.house, system, cached=cached)

    def snapshot(self, prefix: str, *, cached: bool = False) -> SnapshotDetail:
        """The one snapshot whose id begins so."""
        from reconciler.app import view

        return view.snapshot(self.house, prefix, cached=cached)

    def events(self, limit: int = 50, system: str | None = None) -> tuple[Event, ...]:
        from reconciler.app import view

        return view.events(self.house, limit, system)

    def runs(self, limit: int = 50, system: str | None = None) -> tuple[Run, ...]:
        from reconciler.app import view

        return view.runs(self.house, limit, system)

    def queries(self) -> AbstractContextManager[Queries]:
        """Questions about what snapshots hold, answered from one look at the repositories: files, diff, find, dump."""
        from reconciler.app.queries.queries import declared_queries

        return declared_queries(self.house)

    # Acting

    def run_once(self, *, init: bool = False, stop: threading.Event | None = None, progress: Watcher | None = None) -> PassReport:
        """One pass of the loop: observe, plan, act, record. ``init``: first create repositories and keys that are missing."""
        from reconciler.app import one_pass

        return one_pass.run_once(self.house, init=init, stop=stop or threading.Event(), progress=progress)

    def watch(self, *, stop: threading.Event, progress: Watcher | None = None, init: bool = False) -> None:
        """Passes until ``stop`` is set, at once when the specs change; serves the endpoints."""
        from reconciler.app import watch

        watch.watch(self.house, stop=stop, progress=progress, init=init)

    def backup(
        self,
        systems: Sequence[str] = (),
        kind: BackupKind | None = None,
        *,
        stop: threading.Event | None = None,
        progress: Watcher | None = None,
    ) -> tuple[Result, ...]:
        """Back up now, due or not: the named systems, or all that this host runs. ``kind``: None means incremental."""
        from reconciler.app import demand

        return demand.backup(self.house, systems, kind, stop=stop or threading.Event(), progress=progress)

    def verify(
        self,
        systems: Sequence[str] = (),
        *,
        deep: bool = False,
        stop: threading.Event | None = None,
        progress: Watcher | None = None,
    ) -> tuple[Result, ...]:
        """Prove that the snapshots of each system are intact, in every repository that holds some.

        ``deep``: read every byte. Otherwise that happens only where such a proof is due by declaration; where it is fresh, the structure is
        looked at.
        """
        from reconciler.app import demand

        return demand.verify(self.house, systems, deep=deep, stop=stop or threading.Event(), progress=progress)

    def copy(
        self, systems: Sequence[str], target: str, *, stop: threading.Event | None = None, progress: Watcher | None = None
    ) -> tuple[Result, ...]:
        """Copy what a repository lacks of these systems (none means all) into it, from any repository that holds it."""
        from reconciler.app import demand

        return demand.copy(self.house, systems, target, stop=stop or threading.Event(), progress=progress)

    def plan_copy(self, systems: Sequence[str], target: str) -> PlanReport:
        """What :meth:`copy` would do. Changes nothing."""
        from reconciler.app import planning

        return planning.plan_copies(self.house, systems, target)

    def prune(
        self,
        repositories: Sequence[str] = (),
        *,
        confirm: str | None = None,
        stop: threading.Event | None = None,
        progress: Watcher | None = None,
    ) -> tuple[Result, ...]:
        """Remove from these repositories (none means all) what no snapshot needs. ``confirm``: the digest of the plan of the one named."""
        from reconciler.app import clean

        return clean.run(self.house, repositories, confirm=confirm, stop=stop or threading.Event(), progress=progress)

    def plan_prune(self, repositories: Sequence[str] = ()) -> tuple[CleanUpReport, ...]:
        """What :meth:`prune` would do. Changes nothing."""
        from reconciler.app import clean

        return clean.plan(self.house, repositories)

    def uncovered(self, roots: Sequence[str] = ()) -> tuple[Uncovered, ...]:
        """Data below these folders (none: the usual ones), and running databases, that no system of this host covers."""
        from reconciler.app import coverage

        return coverage.uncovered(self.house, roots)

    def hold(self, ids: Sequence[str], until: datetime, reason: str) -> HoldReport:
        """Protect snapshots from being forgotten until then, in every declared repository that holds them."""
        from reconciler.app import holds

        return holds.hold(self.house, ids, until, reason)

    def release(self, ids: Sequence[str], reason: str) -> HoldReport:
        """End every hold on these snapshots. That of a restore's safety snapshot is refused: HoldOfRestore."""
        from reconciler.app import holds

        return holds.release(self.house, ids, reason)

    def holds(self, *, cached: bool = False) -> HoldReport:
        """Every snapshot that is held now."""
        from reconciler.app import holds

        return holds.standing(self.house, cached=cached)

    def trigger(self, systems: Sequence[str], kind: BackupKind | None = None) -> TriggerReport:
        """Ask the running loop to back up these systems now, due or not; it begins within one interval. Raises LoopAbsent without one."""
        from reconciler.app import steer

        return steer.trigger(self.house, systems, kind)

    def pause(self, length: timedelta, reason: str) -> PauseReport:
        """Let the loop, and every single pass, begin nothing for so long. Looking, conditions and metrics go on."""
        from reconciler.app import steer

        return steer.pause(self.house, length, reason)

    def resume(self) -> PauseReport:
        """End the pause; harmless when there is none."""
        from reconciler.app import steer

        return steer.resume(self.house)

    def forget(self, ids: Sequence[str], reason: str) -> tuple[Result, ...]:
        """Remove snapshots because a person says so. The newest good one of a system and held ones are refused."""
        from reconciler.app import demand

        return demand.forget(self.house, ids, reason)

    def plan_restore(self, request: RestoreRequest) -> RestorePlan:
        """Which snapshot would be restored from where, why, and what it would do to what is there. Changes nothing."""
        from reconciler.app import restore

        return restore.plan(self.house, request)

    def restore(
        self,
        request: RestoreRequest,
        *,
        stop: threading.Event | None = None,
        progress: Callable[[Amount], None] | None = None,
        told: Callable[[RestorePlan], None] | None = None,
    ) -> RestoreReport:
        """Bring a snapshot, or paths of it, back: into a target folder, or in place. Works beside a running loop.

        ``told`` hears the plan before anything is done.
        """
        from reconciler.app import restore

        return restore.restore(self.house, request, stop=stop or threading.Event(), progress=progress, told=told)

    def continue_restore(
        self, restore: str | None = None, *, stop: threading.Event | None = None, progress: Callable[[Amount], None] | None = None
    ) -> RestoreReport:
        """Do what an interrupted restore in place (None: the only one) has left. Its id, or the beginning of it."""
        from reconciler.app import recoveries

        return recoveries.go_on(self.house, restore, stop=stop or threading.Event(), progress=progress)

    def plan_rollback(self, restore: str) -> RestorePlan:
        """What :meth:`rollback` would do. Changes nothing."""
        from reconciler.app import recoveries

        return recoveries.plan_rollback(self.house, restore)

    def rollback(
        self,
        restore: str,
        *,
        stop: threading.Event | None = None,
        progress: Callable[[Amount], None] | None = None,
        told: Callable[[RestorePlan], None] | None = None,
    ) -> RestoreReport:
        """Put everything back as it was before a restore in place, whether it ended or not. Can itself be rolled back."""
        from reconciler.app import recoveries

        return recoveries.rollback(self.house, restore, stop=stop or threading.Event(), progress=progress, told=told)

    def restores(self, limit: int = 50, system: str | None = None) -> RestoreList:
        """Recovery operations, newest first."""
        from reconciler.app import recoveries

        return recoveries.restores(self.house, limit, system)

    def restore_detail(self, restore: str) -> RestoreDetail:
        """One of them, by the beginning of its id."""
        from reconciler.app import recoveries

        return recoveries.show(self.house, restore)

    def init_repository(self, name: str) -> InitReport:
        """Create a declared repository, and its key file when that is missing."""
        from reconciler.app import create

        return create.init_repository(self.house, name)

    def check(
        self, repository: str, *, deep: bool = False, stop: threading.Event | None = None, progress: Callable[[Amount], None] | None = None
    ) -> CheckReport:
        """Look at every object of a declared repository; ``deep``: at every byte. Damage is in the report."""
        from reconciler.app import care

        return care.check(self.house, repository, deep=deep, stop=stop, progress=progress)

    def repair(
        self,
        repository: str,
        digest: str | None = None,
        *,
        deep: bool = False,
        stop: threading.Event | None = None,
        progress: Callable[[Amount], None] | None = None,
    ) -> RepairReport:
        """Without a digest: what a repair would do. With the digest of that plan: do it."""
        from reconciler.app import care

        if digest is None:
            return care.plan_repair(self.house, repository, deep=deep, stop=stop, progress=progress)
        return care.repair(self.house, repository, digest, deep=deep, stop=stop, progress=progress)

    def keys(self, repository: str) -> KeyList:
        """Who can open a declared repository."""
        from reconciler.app import keyring

        return keyring.listed(self.house, repository)

    def add_key(self, repository: str, file: Path, kind: KeyKind = "raw") -> KeyChange:
        """Let the key in ``file`` open it, too; a raw one is made there when the file is missing."""
        from reconciler.app import keyring

        return keyring.add(self.house, repository, file, kind)

    def remove_key(self, repository: str, slot: str) -> KeyChange:
        """Remove the slot whose id begins so; that of the declared key stays."""
        from reconciler.app import keyring

        return keyring.remove(self.house, repository, slot)

    def rotate_key(self, repository: str, *, keep: bool = False) -> KeyChange:
        """Replace the declared key file by a new key. ``keep``: the old key still opens it."""
        from reconciler.app import keyring

        return keyring.rotate(self.house, repository, keep=keep)

    def recovery_kit(self, repository: str) -> Kit:
        """A new passphrase, with all else that a bare machine needs to restore."""
        from reconciler.app import keyring

        return keyring.kit(self.house, repository)

    def init_specs(self, *, url: str | None = None, key: Path | None = None) -> StarterReport:
        """Write starter specs for this machine, and create their repository and key, at ``url`` and ``key`` or the usual places."""
        from reconciler.app import starter

        return starter.init_specs(self.house, url, key)

    def catalog_rebuild(self) -> RebuildReport:
        """Make the catalog's cache anew from what the repositories hold."""
        from reconciler.app import rebuild

        return rebuild.rebuild(self.house)
