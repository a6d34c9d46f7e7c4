"""What is to be done next. Each plan replaces what is queued: an action that is no longer wanted is never begun.

Single flight: of one (system, repository, lane) at most one action is under way. Who waits grows in priority, a point a minute, so
a busy day cannot starve anything. A repository may have a limit: so many *slots* for everything, and one more for the objective lane,
as the loop has one more worker for it. An objective takes the kept slot first, so it is never in the way of upkeep without need.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from msgspec import Struct

from reconciler.model.plan import Action, Lane
from reconciler.model.pulse import LanePulse

Key = tuple[str, str, Lane]

AGEING_SECONDS = 60.0  # a point of priority for each


class _Slot(Struct, frozen=True):
    """Of an action that is under way."""

    began: float
    kept: bool
    """Whether it is the one that its repository keeps for the objective lane."""


class Queue:
    """Shared by the loop, which offers, and the workers, who take."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queued: dict[Key, tuple[Action, float]] = {}
        self._under_way: dict[Key, _Slot] = {}
        self._limits: Mapping[str, int] = {}
        self._closed = False

    def offer(self, actions: Iterable[Action], now: float, limits: Mapping[str, int] | None = None) -> None:
        """Replace what is queued. ``now``: monotonic seconds. What waited before keeps its age; what is under way is not queued again.

        Of several actions with one key the most urgent is queued: the next plan brings the others again. ``limits``: actions at a time by
        repository; one that is not named has none.
        """
        with self._changed:
            wanted: dict[Key, tuple[Action, float]] = {}
            for action in actions:
                known = wanted.get(action.key)
                if action.key in self._under_way or (known is not None and known[0].priority >= action.priority):
                    continue
                old = self._queued.get(action.key)
                wanted[action.key] = (action, old[1] if old is not None else now)
            self._queued, self._limits = wanted, limits or {}
            self._changed.notify_all()

    def take(self, lanes: Collection[Lane], now: float, *, wait_seconds: float) -> Action | None:
        """The most urgent action of these lanes, now under way; None when there is none for so long, or the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or any(self._may_begin(key, lanes) for key in self._queued), wait_seconds)
            found = [(self._rank(entry, now), entry[0]) for key, entry in self._queued.items() if self._may_begin(key, lanes)]
            if self._closed or not found:
                return None
            action = max(found, key=lambda ranked: ranked[0])[1]
            del self._queued[action.key]
            self._under_way[action.key] = _Slot(now, self._keeps_free(action.key))
            return action

    def done(self, action: Action) -> None:
        """The action has ended, however."""
        with self._changed:
            self._under_way.pop(action.key, None)
            self._changed.notify_all()  # a slot of its repository is free

    def under_way(self) -> frozenset[tuple[str, str, str]]:
        """(system, repository, lane)."""
        with self._changed:
            return frozenset((key[0], key[1], key[2].value) for key in self._under_way)

    def lanes(self, now: float) -> tuple[LanePulse, ...]:
        """What waits and what is under way. ``now``: monotonic seconds."""
        with self._changed:
            waits = {lane: [now - since for key, (_, since) in self._queued.items() if key[2] is lane] for lane in Lane}
            takes = {lane: [now - slot.began for key, slot in self._under_way.items() if key[2] is lane] for lane in Lane}
        return tuple(
            LanePulse(lane.value, len(waits[lane]), _longest(waits[lane]), len(takes[lane]), _longest(takes[lane])) for lane in Lane
        )

    def __len__(self) -> int:
        with self._changed:
            return len(self._queued)

    def close(self) -> None:
        """Nobody gets anything any more."""
        with self._changed:
            self._closed = True
            self._queued.clear()
            self._changed.notify_all()

    def _may_begin(self, key: Key, lanes: Collection[Lane]) -> bool:
        if key[2] not in lanes:
            return False
        limit = self._limits.get(key[1])
        if limit is None or self._keeps_free(key):
            return True
        return sum(not slot.kept for other, slot in self._under_way.items() if other[1] == key[1]) < limit

    def _keeps_free(self, key: Key) -> bool:
        """Whether it can have the kept slot of its repository."""
        return key[2] is Lane.OBJECTIVE and not any(slot.kept for other, slot in self._under_way.items() if other[1] == key[1])

    @staticmethod
    def _rank(entry: tuple[Action, float], now: float) -> tuple[float, float]:
        """Greater goes first: priority with age; of equals, who waited longer."""
        action, since = entry
        return (action.priority + (now - since) // AGEING_SECONDS, -since)


def _longest(seconds: list[float]) -> timedelta:
    """0 where there are none."""
    return timedelta(seconds=max(seconds, default=0.0))
