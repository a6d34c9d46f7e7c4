"""Python's search for cycles, and a memory that stays.

What a loop knows of 200,000 snapshots is a million values without a cycle. The collector would walk all of them again and again: a fifth
of the first pass, and half a second at a moment that nobody chooses, such as that of a scrape. So what the first pass builds is set aside
from that search, and looked through rarely.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

LOOKED_THROUGH_SECONDS = 6 * 3600.0
"""So often all that was set aside is searched for cycles all the same: what these hold must not stay for good."""
SWEPT_EVERY = 20
"""So many passes later what came since is searched. A pass over nothing leaves thirty kilobytes in cycles, most of them of statements to
the catalog; the collector, which such a process calls rarely, let them come to forty megabytes."""


class Lasting:
    """Of one process."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._unswept = 0
        self._unsearched = False
        """Whether what is set aside may still hold cycles of the first pass: nobody waits for what these take when a loop starts."""

    @contextmanager
    def kept(self, now: float) -> Iterator[None]:
        """Around whatever builds the memory up, and each time that it is renewed. ``now``: seconds of a monotonic clock.

        The first time, and then rarely, nothing is collected meanwhile, and then what is there is set aside. It is searched once
        before that; the first time some passes later.
        """
        if self._at is not None and now - self._at < LOOKED_THROUGH_SECONDS:
            try:
                yield
            finally:
                self._sweep()
            return
        self._unsearched, self._at, self._unswept = self._at is None, now, 0
        was_on = gc.isenabled()
        gc.disable()
        gc.unfreeze()
        try:
            yield
        finally:
            if not self._unsearched:
                gc.collect()
            gc.freeze()
            if was_on:
                gc.enable()

    def _sweep(self) -> None:
        self._unswept += 1
        if self._unswept < SWEPT_EVERY:
            return
        self._unswept = 0
        if self._unsearched:
            gc.unfreeze()
        gc.collect()
        if self._unsearched:
            gc.freeze()
        self._unsearched = False
