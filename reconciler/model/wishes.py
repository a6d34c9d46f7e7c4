"""What people want of the loop beside the specs: a backup now (a *wish*), or that it begins nothing for a while (a *pause*).

Both stand in the catalog, so they survive a restart, and both end by themselves.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.model.snapshot import BackupKind

WISH_STANDS = timedelta(days=1)
"""A wish that could not be fulfilled for so long is no longer what the person meant."""
PAUSE_MAX = timedelta(days=30)
"""Longer is a decision, and decisions stand in the specs: ``suspend``."""


class Wish(Struct, frozen=True):
    """A backup of one system that the running loop is to take, due or not. A backup that begins later and satisfies it ends it."""

    system: str
    kind: BackupKind
    at: datetime
    by: str
    """Who asked, such as ``maria (cli)``."""

    def stands(self, now: datetime) -> bool:
        """Whether it is still to be fulfilled. One from the future (a clock that was set back) is: trying is the safer error."""
        return now - self.at < WISH_STANDS


class Pause(Struct, frozen=True):
    """The loop looks and tells as ever, and begins nothing."""

    until: datetime
    reason: str
    by: str
    at: datetime

    def stands(self, now: datetime) -> bool:
        """Whether it is in force. Never longer than the longest pause from now: a clock that was set back must not stretch it."""
        return now < self.until <= now + PAUSE_MAX
