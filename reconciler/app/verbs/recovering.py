"""Verbs that bring data back, by themselves or by a recovery plan, and the record of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.act.context import Amount
    from reconciler.app.house import House
    from reconciler.app.recovery.run import RecoveryOutlook
    from reconciler.app.recovery.values import ContinuityReport, GeneratedPlan, Guide, RecoveryReport, RecoveryRequest, RecoveryStatus
    from reconciler.app.reports import RestoreDetail, RestoreList, RestorePlan, RestoreReport, RestoreRequest
    from reconciler.model.recovery import RecoveryRun


class Recovering:
    """Part of a Session."""

    house: House

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

        with self.house.heeding(stop) as heeded:
            return restore.restore(self.house, request, stop=heeded, progress=progress, told=told)

    def continue_restore(
        self, restore: str | None = None, *, stop: threading.Event | None = None, progress: Callable[[Amount], None] | None = None
    ) -> RestoreReport:
        """Do what an interrupted restore in place (None: the only one) has left. Its id, or the beginning of it."""
        from reconciler.app import recoveries

        with self.house.heeding(stop) as heeded:
            return recoveries.go_on(self.house, restore, stop=heeded, progress=progress)

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

        with self.house.heeding(stop) as heeded:
            return recoveries.rollback(self.house, restore, stop=heeded, progress=progress, told=told)

    def restores(self, limit: int = 50, system: str | None = None) -> RestoreList:
        """Recovery operations, newest first."""
        from reconciler.app import recoveries

        return recoveries.restores(self.house, limit, system)

    def restore_detail(self, restore: str) -> RestoreDetail:
        """One of them, by the beginning of its id."""
        from reconciler.app import recoveries

        return recoveries.show(self.house, restore)

    def recovery_plan(self, disaster: str, systems: Sequence[str] = (), *, cached: bool = False) -> GeneratedPlan:
        """A plan for these systems (none means all) and what they depend on, made from the specs. Changes nothing."""
        from reconciler.app.recovery import plans

        return plans.generated(self.house, disaster, systems, cached=cached)

    def recovery_outlook(self, request: RecoveryRequest) -> RecoveryOutlook:
        """What :meth:`run_recovery` would do, and how long it is expected to take. Changes nothing."""
        from reconciler.app.recovery import run

        return run.outlook(self.house, request)

    def run_recovery(self, request: RecoveryRequest, guide: Guide | None = None, *, stop: threading.Event | None = None) -> RecoveryReport:
        """Carry a plan out, or go on with a run of it. Without a ``guide`` nobody stands by: what needs a person waits."""
        from reconciler.app.recovery import run
        from reconciler.app.recovery.values import Unattended

        with self.house.heeding(stop) as heeded:
            return run.run(self.house, request, guide or Unattended(), stop=heeded)

    def test_recovery(self, request: RecoveryRequest, guide: Guide | None = None, *, stop: threading.Event | None = None) -> RecoveryReport:
        """Exercise a plan in a sandbox that is cleared away."""
        from reconciler.app.recovery import rehearsal
        from reconciler.app.recovery.values import Unattended

        with self.house.heeding(stop) as heeded:
            return rehearsal.rehearse(self.house, request, guide or Unattended(), stop=heeded)

    def test_continuity(self, guide: Guide | None = None, *, stop: threading.Event | None = None) -> ContinuityReport:
        """Exercise every plan, and say how ready every system is."""
        from reconciler.app.recovery import rehearsal
        from reconciler.app.recovery.values import Unattended

        with self.house.heeding(stop) as heeded:
            return rehearsal.rehearse_all(self.house, guide or Unattended(), stop=heeded)

    def recovery_status(self, *, cached: bool = False) -> RecoveryStatus:
        """How plans and systems stand. Changes nothing."""
        from reconciler.app.recovery import standing

        return standing.status(self.house, cached=cached)

    def recovery_runs(self, limit: int = 50, plan: str | None = None) -> tuple[RecoveryRun, ...]:
        """Runs and tests of plans, newest first. Changes nothing."""
        from reconciler.app.recovery import standing

        return standing.runs(self.house, limit, plan)

    def recovery_run(self, run: str) -> RecoveryRun:
        """One of them, by the beginning of its id. Changes nothing."""
        from reconciler.app.recovery import standing

        return standing.run_detail(self.house, run)
