"""Upkeep that failed rests before it is tried again: a verification that cannot write its mark would read everything once per tick.

Backups rest by the plan (``decide/backoff.py``), from what the catalog remembers of them; this is for the other kinds, and forgets with
its process.
"""

from __future__ import annotations

import threading

from reconciler.base.clock import Clock
from reconciler.model.plan import Action, ActionKind

FIRST_SECONDS = 30.0
LONGEST_SECONDS = 3600.0


class Rest:
    """Shared by the thread that plans and the threads that act."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[tuple[ActionKind, str, str], tuple[float, float]] = {}
        """(monotonic moment, seconds rested) by kind, system and repository."""

    def ended(self, action: Action, *, failed: bool) -> None:
        """Remember how it ended: each failure in a row doubles the rest."""
        key = (action.kind, action.system, action.repository)
        with self._lock:
            _, before = self._until.pop(key, (0.0, 0.0))
            if failed:
                seconds = min(max(FIRST_SECONDS, 2 * before), LONGEST_SECONDS)
                self._until[key] = (self._clock.monotonic() + seconds, seconds)

    def over(self, action: Action) -> bool:
        """Whether the action may be tried now."""
        if action.kind is ActionKind.BACKUP:
            return True
        with self._lock:
            until, _ = self._until.get((action.kind, action.system, action.repository), (0.0, 0.0))
        return self._clock.monotonic() >= until
