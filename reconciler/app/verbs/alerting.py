"""Verbs about alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from reconciler.app.alerts import AlertList, SilenceReport, Trial
    from reconciler.app.house import House
    from reconciler.model.alerts import Alert, AlertSeverity


class Alerting:
    """Part of a Session."""

    house: House

    def alerts(self, *, resolved: bool = False, limit: int = 100) -> AlertList:
        """What stands, the worst first; ``resolved``: also what is over."""
        from reconciler.app import alerts

        return alerts.listed(self.house, resolved=resolved, limit=limit)

    def alert(self, prefix: str) -> Alert:
        """The one whose id begins so, with its whole life and who was told."""
        from reconciler.app import alerts

        return alerts.show(self.house, prefix)

    def acknowledge(self, ids: Sequence[str], *, by: str | None = None, note: str = "") -> tuple[Alert, ...]:
        """Say that a person has seen these: reminders and escalation end. ``by``: None is the user of the operating system."""
        from reconciler.app import alerts

        return alerts.acknowledge(self.house, ids, by, note)

    def resolve_alerts(self, ids: Sequence[str], *, by: str | None = None, note: str = "") -> tuple[Alert, ...]:
        """Say that these are over. Where the condition disagrees, the next pass lets it fire again."""
        from reconciler.app import alerts

        return alerts.resolve(self.house, ids, by, note)

    def silence(self, length: timedelta, reason: str, *, kind: str = "", name: str = "", condition: str = "") -> SilenceReport:
        """Let nobody be told about these for so long. An empty word fits everything; a name may end with ``*``."""
        from reconciler.app import alerts

        return alerts.silence(self.house, kind, name, condition, length, reason)

    def end_silence(self, prefix: str) -> SilenceReport:
        """End a silence before its time."""
        from reconciler.app import alerts

        return alerts.end_silence(self.house, prefix)

    def test_receivers(self, names: Sequence[str] = (), severity: AlertSeverity | None = None) -> tuple[Trial, ...]:
        """Send a message to each of these receivers, or to all, and say what each answered."""
        from reconciler.app import alerts
        from reconciler.model.alerts import AlertSeverity

        return alerts.test_receivers(self.house, names, severity or AlertSeverity.LOW)
