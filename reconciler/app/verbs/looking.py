"""Verbs that look: what is declared, what is there, what happened. None of them changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta
    from pathlib import Path

    from reconciler.app.doctor import Diagnosis
    from reconciler.app.house import House
    from reconciler.app.loop_view import LoopView
    from reconciler.app.past import Past
    from reconciler.app.planned import PlanReport
    from reconciler.app.queries.queries import Queries
    from reconciler.app.reports import Explanation, SnapshotDetail, SnapshotList
    from reconciler.app.simulate import SimulationReport
    from reconciler.catalog.audit import Verdict
    from reconciler.catalog.records import Run
    from reconciler.decide.backups import Request
    from reconciler.model.event import Event
    from reconciler.model.health import Health
    from reconciler.model.impact import Impact, ScenarioOutlook
    from reconciler.model.report import Report
    from reconciler.model.statistics import Statistics
    from reconciler.model.status import Status
    from reconciler.model.uncovered import Uncovered
    from reconciler.spec import Loaded


class Looking:
    """Part of a Session."""

    house: House

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

    def status(self, systems: Sequence[str] = (), *, cached: bool = False) -> Status:
        """How things stand: of everything, or of ``systems`` alone and what they lie in."""
        from reconciler.app import view

        return view.status(self.house, systems, cached=cached)

    def statistics(self, system: str | None = None, *, cached: bool = False) -> Statistics:
        """Counts, sizes, ratios, growth and failures. ``cached``: without looking at the repositories, so without what they store."""
        from reconciler.app import statistics

        return statistics.statistics(self.house, system, cached=cached)

    def health(self, *, cached: bool = False) -> Health:
        """Of host, memory, repositories and backups. ``cached``: repositories as they were last seen."""
        from reconciler.app import health

        return health.health(self.house, cached=cached)

    def history(self, *, check: str | None = None, system: str | None = None, since: timedelta | None = None) -> Past:
        """What was seen of the host, of backups and alerts; of all, one check or one system. ``since``: default 7d. Raises NotFound."""
        from reconciler.app import past

        return past.past(self.house, check=check, system=system, since=since or past.SINCE)

    def doctor(self) -> Diagnosis:
        """One page for a report of a defect, without secrets."""
        from reconciler.app import doctor

        return doctor.doctor(self.house)

    def loop(self) -> LoopView:
        """Who runs the loop, what it is at, and whether it is dead, standing still or only busy."""
        from reconciler.app.loop_view import loop_view

        return loop_view(self.house)

    def impact(self, scenario: str | None = None, system: str | None = None, *, cached: bool = False, remedies: bool = True) -> Impact:
        """What each disaster does to each system: what survives, what is lost, how long it takes, what would mend it. Raises NotFound.

        ``scenario``, ``system``: only this one. ``cached``: as the repositories were last seen. ``remedies``: also what would mend each
        bad end, which takes five times as long.
        """
        from reconciler.app import impact

        return impact.impact(self.house, scenario, system, cached=cached, remedies=remedies)

    def simulate(self, *, days: int = 365, policy: Path | None = None, seed: int = 0, cached: bool = False) -> SimulationReport:
        """What the specs come to on a virtual clock, and with the objects of the file ``policy`` in them. Raises Usage when it is in error.

        ``seed``: another draw of how long backups take. ``cached``: from the repositories as they were last seen. Changes nothing.
        """
        from reconciler.app import simulate

        return simulate.simulate(self.house, days=days, seed=seed, policy=policy, cached=cached)

    def scenarios(self) -> tuple[ScenarioOutlook, ...]:
        """The disasters that are reckoned with, and what each takes in this tree."""
        from reconciler.app import impact

        return impact.scenarios(self.house)

    def verify_audit(self, head: str | None = None) -> Verdict:
        """Whether the audit log is as it was written. ``head``: the newest hash of an earlier check. Raises AuditError."""
        from reconciler.app.memory import AUDIT
        from reconciler.catalog import audit

        return audit.verify(self.house.memory.state / AUDIT, head)

    def report(
        self,
        begins: datetime | None = None,
        ends: datetime | None = None,
        systems: Sequence[str] = (),
        *,
        cached: bool = False,
    ) -> Report:
        """Evidence from ``begins`` (None: 30 days before the end) until ``ends`` (None: now), of ``systems`` or of all. Changes nothing.

        Raises Usage for a period that is empty or not over yet. A broken audit log raises nothing: :attr:`Report.audit` says so.
        """
        from reconciler.app import evidence

        return evidence.report(self.house, begins, ends, systems, cached=cached)

    def write_metrics(self, status: Status, file: Path) -> None:
        """As node_exporter's textfile collector reads them. Raises TextfileUnwritable."""
        from reconciler.metrics import textfile

        textfile.write(status, file)

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

    def uncovered(self, roots: Sequence[str] = ()) -> tuple[Uncovered, ...]:
        """Data below these folders (none: the usual ones), and running databases, that no system of this host covers."""
        from reconciler.app import coverage

        return coverage.uncovered(self.house, roots)
