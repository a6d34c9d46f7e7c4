"""Verbs that do what the loop does, once or for ever, or because a person says so."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.act.context import Result, Watcher
    from reconciler.app.clean import CleanUpReport
    from reconciler.app.drills import DrillList
    from reconciler.app.house import House
    from reconciler.app.planned import PlanReport
    from reconciler.app.reports import PassReport
    from reconciler.model.drill import DrillRecord
    from reconciler.model.snapshot import BackupKind


class Acting:
    """Part of a Session."""

    house: House

    def run_once(self, *, init: bool = False, stop: threading.Event | None = None, progress: Watcher | None = None) -> PassReport:
        """One pass of the loop: observe, plan, act, record. ``init``: first create repositories and keys that are missing."""
        from reconciler.app import one_pass

        with self.house.heeding(stop) as heeded:
            return one_pass.run_once(self.house, init=init, stop=heeded, progress=progress)

    def watch(self, *, stop: threading.Event, progress: Watcher | None = None, init: bool = False) -> None:
        """Passes until ``stop`` is set, at once when the specs change; serves the endpoints."""
        from reconciler.app import watch

        with self.house.heeding(stop):
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

        with self.house.heeding(stop) as heeded:
            return demand.backup(self.house, systems, kind, stop=heeded, progress=progress)

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

        with self.house.heeding(stop) as heeded:
            return demand.verify(self.house, systems, deep=deep, stop=heeded, progress=progress)

    def copy(
        self, systems: Sequence[str], target: str, *, stop: threading.Event | None = None, progress: Watcher | None = None
    ) -> tuple[Result, ...]:
        """Copy what a repository lacks of these systems (none means all) into it, from any repository that holds it."""
        from reconciler.app import demand

        with self.house.heeding(stop) as heeded:
            return demand.copy(self.house, systems, target, stop=heeded, progress=progress)

    def plan_copy(self, systems: Sequence[str], target: str) -> PlanReport:
        """What :meth:`copy` would do. Changes nothing."""
        from reconciler.app import planning

        return planning.plan_copies(self.house, systems, target)

    def prune(
        self,
        repositories: Sequence[str] = (),
        *,
        confirm: str | None = None,
        accept_loss: bool = False,
        stop: threading.Event | None = None,
        progress: Watcher | None = None,
    ) -> tuple[Result, ...]:
        """Remove from these repositories (none means all) what no snapshot needs. ``confirm``: the digest of the plan of the one named.

        One that went back in time is refused unless ``accept_loss``.
        """
        from reconciler.app import clean

        with self.house.heeding(stop) as heeded:
            return clean.run(self.house, repositories, confirm=confirm, accept_loss=accept_loss, stop=heeded, progress=progress)

    def plan_prune(self, repositories: Sequence[str] = ()) -> tuple[CleanUpReport, ...]:
        """What :meth:`prune` would do. Changes nothing."""
        from reconciler.app import clean

        return clean.plan(self.house, repositories)

    def forget(self, ids: Sequence[str], reason: str) -> tuple[Result, ...]:
        """Remove snapshots because a person says so. The newest good one of a system and held ones are refused."""
        from reconciler.app import demand

        return demand.forget(self.house, ids, reason)

    def drill(
        self,
        systems: Sequence[str] = (),
        *,
        snapshot: str | None = None,
        pick: str | None = None,
        stop: threading.Event | None = None,
        progress: Watcher | None = None,
    ) -> tuple[Result, ...]:
        """Rehearse the recovery of these systems now (none means all that declare drills), in a sandbox that is cleared away.

        ``snapshot``: this one, by the beginning of its id. ``pick``: newest, random or oldest; None: as declared.
        """
        from reconciler.app import drills

        with self.house.heeding(stop) as heeded:
            return drills.run(self.house, systems, snapshot=snapshot, pick=pick, stop=heeded, progress=progress)

    def drills(self, limit: int = 50, system: str | None = None) -> DrillList:
        """Drills that are on record, newest first. Changes nothing."""
        from reconciler.app import drills

        return drills.drills(self.house, limit, system)

    def drill_detail(self, drill: str) -> DrillRecord:
        """One of them, by the beginning of its id. Changes nothing."""
        from reconciler.app import drills

        return drills.drill_detail(self.house, drill)
