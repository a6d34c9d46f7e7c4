"""The public Python API: the verbs of the command line, asynchronous, with the same values and the same errors.

Each verb runs in a worker thread, so the event loop stays free; one session does one thing at a time. A verb whose task is cancelled
sets its stop event: what was stored stays, and the next call continues with it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar

if TYPE_CHECKING:
    from reconciler.act.context import Amount, Result, Watcher
    from reconciler.app.alerts import AlertList
    from reconciler.app.care import CheckReport
    from reconciler.app.doctor import Diagnosis
    from reconciler.app.drills import DrillList
    from reconciler.app.loop_view import LoopView
    from reconciler.app.past import Past
    from reconciler.app.planned import PlanReport
    from reconciler.app.queries.queries import Queries
    from reconciler.app.queries.values import DiffReport, DumpReport, FileList, FindReport
    from reconciler.app.recovery.values import ContinuityReport, GeneratedPlan, Guide, RecoveryReport, RecoveryStatus
    from reconciler.app.reports import (
        AdoptionReport,
        Explanation,
        InitReport,
        PassReport,
        PauseReport,
        RebuildReport,
        RestoreList,
        RestorePlan,
        RestoreReport,
        SnapshotDetail,
        SnapshotList,
        TriggerReport,
    )
    from reconciler.app.session import Session
    from reconciler.app.simulate import SimulationReport
    from reconciler.model.alerts import Alert
    from reconciler.model.event import Event
    from reconciler.model.health import Health
    from reconciler.model.impact import Impact, ScenarioOutlook
    from reconciler.model.recovery import RecoveryRun
    from reconciler.model.report import Report
    from reconciler.model.snapshot import BackupKind
    from reconciler.model.statistics import Statistics
    from reconciler.model.status import Status

T = TypeVar("T")


class Reconciler:
    """One spec tree and its memory. Use it as ``async with Reconciler.open(specs) as reconciler``."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turn = asyncio.Lock()

    @classmethod
    def open(
        cls,
        specs: str | Path,
        *,
        state: str | Path | None = None,
        agent: str | None = None,
        allow_commands: Sequence[str | Path] = (),
        allow_hosts: Sequence[str] = (),
        read_only: bool = False,
        waits: bool = True,
    ) -> Self:
        """Nothing is read or made yet. All words as the options of the command line; ``waits=False`` is `--no-wait`."""
        from reconciler.app.session import Session

        return cls(
            Session.open(
                Path(specs),
                state=Path(state) if state is not None else None,
                agent=agent,
                allow_commands=tuple(Path(folder) for folder in allow_commands),
                allow_hosts=tuple(allow_hosts),
                read_only=read_only,
                waits=waits,
            )
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await asyncio.to_thread(self._session.close)

    async def plan(self, *, cached: bool = False, base: str | None = None) -> PlanReport:
        """What would be done now, and why; with ``base``, a revision in git, also what the edit since then changes. Changes nothing."""
        return await self._run(lambda _stop: self._session.plan(cached=cached, base=base))

    async def statistics(self, system: str | None = None, *, cached: bool = False) -> Statistics:
        """Counts, sizes, ratios, growth and failures, per system and repository. Changes nothing."""
        return await self._run(lambda _stop: self._session.statistics(system, cached=cached))

    async def report(self, *systems: str, begins: datetime | None = None, ends: datetime | None = None, cached: bool = False) -> Report:
        """Evidence over a period: the 30 days before ``ends`` (None: now) when ``begins`` is left out. Changes nothing."""
        return await self._run(lambda _stop: self._session.report(begins, ends, systems, cached=cached))

    async def health(self, *, cached: bool = False) -> Health:
        """How well host, repositories and backups are now. Changes nothing."""
        return await self._run(lambda _stop: self._session.health(cached=cached))

    async def history(self, *, check: str | None = None, system: str | None = None, since: timedelta | None = None) -> Past:
        """What was seen of the host, of backups and alerts, at most ``since`` ago (default: 7 days). Changes nothing."""
        return await self._run(lambda _stop: self._session.history(check=check, system=system, since=since))

    async def doctor(self) -> Diagnosis:
        """One page for a report of a defect, without secrets. Changes nothing."""
        return await self._run(lambda _stop: self._session.doctor())

    async def loop(self) -> LoopView:
        """Who runs the loop of this state directory, what it is at, and whether it lives. Changes nothing."""
        return await self._run(lambda _stop: self._session.loop())

    async def impact(self, scenario: str | None = None, system: str | None = None, *, cached: bool = False) -> Impact:
        """What each disaster (or this one) does to each system (or this one): survivors, loss, recovery time, verdict, what mends it."""
        return await self._run(lambda _stop: self._session.impact(scenario, system, cached=cached))

    async def simulate(self, *, days: int = 365, policy: str | Path | None = None, seed: int = 0, cached: bool = False) -> SimulationReport:
        """What the specs come to in so many days: snapshots, bytes, ages. ``policy``: the same with this file in them."""
        edit = Path(policy) if policy is not None else None
        return await self._run(lambda _stop: self._session.simulate(days=days, policy=edit, seed=seed, cached=cached))

    async def scenarios(self) -> tuple[ScenarioOutlook, ...]:
        """The disasters that are reckoned with, and what each takes away in this tree."""
        return await self._run(lambda _stop: self._session.scenarios())

    async def run_once(self, *, init: bool = False, progress: Watcher | None = None) -> PassReport:
        """One pass of the loop. ``init``: first create repositories and keys that are missing."""
        return await self._run(lambda stop: self._session.run_once(init=init, stop=stop, progress=progress))

    async def watch(self) -> None:
        """Passes until the task is cancelled."""
        await self._run(lambda stop: self._session.watch(stop=stop))

    async def backup(self, *systems: str, kind: BackupKind | None = None, progress: Watcher | None = None) -> tuple[Result, ...]:
        """Back up now, due or not: the named systems, or all of this host."""
        return await self._run(lambda stop: self._session.backup(systems, kind, stop=stop, progress=progress))

    async def copy(self, *systems: str, to: str, progress: Watcher | None = None) -> tuple[Result, ...]:
        """Copy what the repository ``to`` lacks of these systems (none means all) into it."""
        return await self._run(lambda stop: self._session.copy(systems, to, stop=stop, progress=progress))

    async def verify(self, *systems: str, deep: bool = False, progress: Watcher | None = None) -> tuple[Result, ...]:
        """Read the newest good snapshots whole and write down in the repository what was found."""
        return await self._run(lambda stop: self._session.verify(systems, deep=deep, stop=stop, progress=progress))

    async def drill(
        self, *systems: str, snapshot: str | None = None, pick: str | None = None, progress: Watcher | None = None
    ) -> tuple[Result, ...]:
        """Rehearse a recovery now: of the named systems, or of all that declare drills. ``pick``: newest, random or oldest."""
        return await self._run(lambda stop: self._session.drill(systems, snapshot=snapshot, pick=pick, stop=stop, progress=progress))

    async def drills(self, limit: int = 50, system: str | None = None) -> DrillList:
        """Drills on record, newest first: what they found, what they prove until when, how long a recovery took."""
        return await self._run(lambda _stop: self._session.drills(limit, system))

    async def check(self, repository: str, *, deep: bool = False) -> CheckReport:
        """Look at every object of a declared repository; ``deep``: at every byte. Changes nothing."""
        return await self._run(lambda stop: self._session.check(repository, deep=deep, stop=stop))

    async def restore(
        self,
        target: str | Path | None = None,
        *,
        system: str | None = None,
        snapshot: str | None = None,
        at: datetime | None = None,
        paths: Sequence[str] = (),
        repository: str | None = None,
        in_place: bool = False,
        on_conflict: str = "refuse",
        changed_since: str | None = None,
        confirm: str | None = None,
        checksums: str | Path | None = None,
        progress: Callable[[Amount], None] | None = None,
    ) -> RestoreReport:
        """Bring back the newest good snapshot of ``system`` not after ``at``, or ``snapshot``, or ``paths`` of it.

        Into ``target``, or ``in_place``: then it can be undone with :meth:`rollback`. The other words are those of RestoreRequest.
        """
        from reconciler.app.reports import RestoreRequest

        place, file = str(target) if target is not None else "", str(checksums) if checksums is not None else None
        request = RestoreRequest(
            place, system, snapshot, at, tuple(paths), repository, in_place, on_conflict, changed_since, confirm, file
        ).checked()
        return await self._run(lambda stop: self._session.restore(request, stop=stop, progress=progress))

    async def plan_restore(
        self,
        target: str | Path | None = None,
        *,
        system: str | None = None,
        snapshot: str | None = None,
        at: datetime | None = None,
        paths: Sequence[str] = (),
        repository: str | None = None,
        in_place: bool = False,
        on_conflict: str = "refuse",
        changed_since: str | None = None,
    ) -> RestorePlan:
        """Which snapshot would be restored, why, and what it would do to what is there. Changes nothing."""
        from reconciler.app.reports import RestoreRequest

        place = str(target) if target is not None else ""
        request = RestoreRequest(place, system, snapshot, at, tuple(paths), repository, in_place, on_conflict, changed_since).checked()
        return await self._run(lambda _stop: self._session.plan_restore(request))

    async def continue_restore(self, restore: str | None = None) -> RestoreReport:
        """Do what an interrupted restore in place (None: the only one) has left."""
        return await self._run(lambda stop: self._session.continue_restore(restore, stop=stop))

    async def rollback(self, restore: str) -> RestoreReport:
        """Put everything back as it was before a restore in place, whether it ended or not."""
        return await self._run(lambda stop: self._session.rollback(restore, stop=stop))

    async def plan_rollback(self, restore: str) -> RestorePlan:
        """What :meth:`rollback` would do. Changes nothing."""
        return await self._run(lambda _stop: self._session.plan_rollback(restore))

    async def restores(self, limit: int = 50, system: str | None = None) -> RestoreList:
        """Recovery operations, newest first: who, when, what, outcome."""
        return await self._run(lambda _stop: self._session.restores(limit, system))

    async def trigger(self, *systems: str, kind: BackupKind | None = None) -> TriggerReport:
        """Ask the running loop to back up these systems now, due or not."""
        return await self._run(lambda _stop: self._session.trigger(systems, kind))

    async def pause(self, length: timedelta, reason: str) -> PauseReport:
        """Let the loop begin nothing for so long; it goes on looking."""
        return await self._run(lambda _stop: self._session.pause(length, reason))

    async def resume(self) -> PauseReport:
        """End the pause."""
        return await self._run(lambda _stop: self._session.resume())

    async def files(
        self,
        system: str | None = None,
        *patterns: str,
        snapshot: str | None = None,
        at: datetime | None = None,
        repository: str | None = None,
    ) -> FileList:
        """What a snapshot holds: the newest good one of ``system`` not after ``at``, or ``snapshot``; of it what ``patterns`` say."""
        from reconciler.app.choice import Wanted
        from reconciler.app.queries.queries import collected_files

        wanted = Wanted(system, snapshot, at, repository=repository)
        return await self._ask(lambda queries: collected_files(queries.files(wanted, patterns)))

    async def diff(self, older: str, newer: str, *, system: str | None = None) -> DiffReport:
        """What differs between two snapshots, named by their ids; with ``system`` also by moments, ``latest`` or ``last-verified``."""
        from reconciler.app.queries.queries import collected_diff

        return await self._ask(lambda queries: collected_diff(queries.diff(queries.meant(older, system), queries.meant(newer, system))))

    async def find(self, pattern: str, system: str | None = None) -> FindReport:
        """Which versions of a file there are, over all snapshots, and how each would be restored."""
        return await self._ask(lambda queries: queries.find(pattern, system))

    async def dump(
        self,
        system: str | None,
        path: str,
        to: BinaryIO,
        *,
        snapshot: str | None = None,
        at: datetime | None = None,
        repository: str | None = None,
    ) -> DumpReport:
        """Write the content of one file into ``to``, each piece checked before it is written."""
        from reconciler.app.choice import Wanted
        from reconciler.app.queries.queries import written

        wanted = Wanted(system, snapshot, at, repository=repository)
        return await self._ask(lambda queries: written(queries.dump(wanted, path), to))

    async def forget(self, *ids: str, reason: str) -> tuple[Result, ...]:
        """Remove snapshots because a person says so."""
        return await self._run(lambda _stop: self._session.forget(ids, reason))

    async def status(self, *systems: str, cached: bool = False) -> Status:
        """How things stand: of everything, or of the named systems alone and what they lie in."""
        return await self._run(lambda _stop: self._session.status(systems, cached=cached))

    async def explain(self, system: str, *, cached: bool = False) -> Explanation:
        """Everything that bears on one system."""
        return await self._run(lambda _stop: self._session.explain(system, cached=cached))

    async def snapshots(self, system: str | None = None, *, cached: bool = False) -> SnapshotList:
        """What the repositories hold, newest first."""
        return await self._run(lambda _stop: self._session.snapshots(system, cached=cached))

    async def snapshot(self, prefix: str, *, cached: bool = False) -> SnapshotDetail:
        """The one snapshot whose id begins so."""
        return await self._run(lambda _stop: self._session.snapshot(prefix, cached=cached))

    async def events(self, limit: int = 50, system: str | None = None) -> tuple[Event, ...]:
        """What happened, newest first."""
        return await self._run(lambda _stop: self._session.events(limit, system))

    async def alerts(self, *, resolved: bool = False, limit: int = 100) -> AlertList:
        """What is wrong now, the worst first; silences, and how deliveries go. ``resolved``: also what is over."""
        return await self._run(lambda _stop: self._session.alerts(resolved=resolved, limit=limit))

    async def acknowledge(self, *ids: str, by: str | None = None, note: str = "") -> tuple[Alert, ...]:
        """Say that a person has seen these alerts: nobody is reminded or called any more, until they get worse."""
        return await self._run(lambda _stop: self._session.acknowledge(ids, by=by, note=note))

    async def init_repository(self, name: str) -> InitReport:
        """Create a declared repository, and its key file when that is missing."""
        return await self._run(lambda _stop: self._session.init_repository(name))

    async def plan_adoption(self, repository: str, realm: str | None = None, renamed: Mapping[str, str] | None = None) -> AdoptionReport:
        """What a repository holds of other realms, and the digest of what `adopt` would take over."""
        return await self._run(lambda _stop: self._session.plan_adoption(repository, realm, renamed))

    async def adopt(
        self, repository: str, realm: str | None = None, renamed: Mapping[str, str] | None = None, *, confirm: str, reason: str
    ) -> AdoptionReport:
        """Take over snapshots of another realm: exactly the plan with this digest."""
        return await self._run(lambda _stop: self._session.adopt(repository, realm, renamed, confirm=confirm, reason=reason))

    async def catalog_rebuild(self) -> RebuildReport:
        """Make the catalog's cache anew from what the repositories hold."""
        return await self._run(lambda _stop: self._session.catalog_rebuild())

    async def recovery_plan(self, disaster: str, systems: Sequence[str] = ()) -> GeneratedPlan:
        """A recovery plan made from the specs, as YAML: of these systems (none means all) and what they depend on. Changes nothing."""
        return await self._run(lambda _stop: self._session.recovery_plan(disaster, systems))

    async def run_recovery(
        self,
        plan: str,
        *,
        disaster: str | None = None,
        at: datetime | None = None,
        resume: bool = False,
        anew: bool = False,
        guide: Guide | None = None,
    ) -> RecoveryReport:
        """Carry a plan out, or go on with a run of it. Without a ``guide`` nobody stands by: what needs a person waits."""
        from reconciler.app.recovery.values import RecoveryRequest

        request = RecoveryRequest(plan, disaster, at, resume, anew)
        return await self._run(lambda stop: self._session.run_recovery(request, guide, stop=stop))

    async def test_recovery(self, plan: str, *, disaster: str | None = None) -> RecoveryReport:
        """Exercise a plan in a sandbox that is cleared away."""
        from reconciler.app.recovery.values import RecoveryRequest

        return await self._run(lambda stop: self._session.test_recovery(RecoveryRequest(plan, disaster), stop=stop))

    async def test_continuity(self) -> ContinuityReport:
        """Exercise every plan, and say how ready every system is."""
        return await self._run(lambda stop: self._session.test_continuity(stop=stop))

    async def recovery_status(self, *, cached: bool = False) -> RecoveryStatus:
        """How plans and systems stand. Changes nothing."""
        return await self._run(lambda _stop: self._session.recovery_status(cached=cached))

    async def recovery_runs(self, limit: int = 50, plan: str | None = None) -> tuple[RecoveryRun, ...]:
        """Runs and tests of plans, newest first. Changes nothing."""
        return await self._run(lambda _stop: self._session.recovery_runs(limit, plan))

    async def _ask(self, question: Callable[[Queries], T]) -> T:
        def answer(_stop: threading.Event) -> T:
            with self._session.queries() as queries:
                return question(queries)

        return await self._run(answer)

    async def _run(self, verb: Callable[[threading.Event], T]) -> T:
        """In a worker thread, one verb at a time. Cancelling stops the verb at its next safe point and waits for that."""
        stop = threading.Event()
        async with self._turn:
            work = asyncio.ensure_future(asyncio.to_thread(verb, stop))
            try:
                return await asyncio.shield(work)
            except asyncio.CancelledError:
                stop.set()
                await asyncio.wait([work])
                if not work.cancelled():
                    work.exception()  # taken note of: the caller asked to stop and does not want it
                raise
