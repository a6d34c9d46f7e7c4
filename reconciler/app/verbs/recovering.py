"""Verbs that bring data back, and the record of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.act.context import Amount
    from reconciler.app.house import House
    from reconciler.app.reports import RestoreDetail, RestoreList, RestorePlan, RestoreReport, RestoreRequest


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
