"""How long many things took, as counts between bounds: what a histogram is made from, however many they were."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from msgspec import Struct

BOUNDS: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0)
"""Seconds. From a backup that finds nothing changed to a first one of terabytes."""


class Durations(Struct, frozen=True):
    """Of things of one kind."""

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    """How many took up to each bound and longer than the one before; the last ones took longer than any."""
    seconds: float = 0.0
    """All of them together."""

    def and_one(self, seconds: float) -> Durations:
        """A clock that was set back meanwhile makes it 0."""
        took = max(0.0, seconds)
        at = bisect_left(BOUNDS, took)
        return Durations((*self.counts[:at], self.counts[at] + 1, *self.counts[at + 1 :]), self.seconds + took)

    def __add__(self, other: Durations) -> Durations:
        return Durations(tuple(map(sum, zip(self.counts, other.counts, strict=True))), self.seconds + other.seconds)
