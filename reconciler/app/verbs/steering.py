"""Verbs that tell the loop, or a guard, what a person wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from reconciler.app.house import House
    from reconciler.app.reports import AcceptReport, HoldReport, PauseReport, TriggerReport
    from reconciler.model.snapshot import BackupKind


class Steering:
    """Part of a Session."""

    house: House

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

    def accept(self, system: str, reason: str, ids: Sequence[str] = ()) -> AcceptReport:
        """Say that what made snapshots of this system suspect was meant: all, or those of ``ids``. They are good again, everywhere."""
        from reconciler.app import accept

        return accept.accept(self.house, system, reason, ids)

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
