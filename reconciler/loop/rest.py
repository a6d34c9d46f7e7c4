"""Upkeep that failed rests before it is tried again: a verification that cannot write its mark would read everything once per tick.

How long, ``decide/backoff.py`` says, as for backups, whose failures the catalog remembers. This forgets with its process, and when the
declaration changes: whoever mends it must not wait for the punishment of the broken one.
"""

from __future__ import annotations

import threading

from reconciler.base.clock import Clock
from reconciler.decide.backoff import upkeep_wait
from reconciler.model.plan import Action, ActionKind

_Key = tuple[ActionKind, str, str, str]


class Rest:
    """Shared by the thread that plans and the threads that act."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: dict[_Key, tuple[int, float]] = {}
        """(failures in a row, monotonic seconds of the last) by kind, system, repository and generation of the declaration."""

    def ended(self, action: Action, *, failed: bool) -> None:
        """Remember how it ended: each failure in a row doubles the rest."""
        with self._lock:
            before, _ = self._failed.pop(_key(action), (0, 0.0))
            if failed:
                self._failed[_key(action)] = (before + 1, self._clock.monotonic())

    def over(self, action: Action) -> bool:
        """Whether the action may be tried now."""
        if action.kind is ActionKind.BACKUP or not self._failed:
            return True
        with self._lock:
            failures, at = self._failed.get(_key(action), (0, 0.0))
        return self._clock.monotonic() - at >= upkeep_wait(failures).total_seconds()


def _key(action: Action) -> _Key:
    return (action.kind, action.system, action.repository, action.generation)
