"""Whether the wall clock went its own way: deletions wait for a pass in which it did not."""

from __future__ import annotations

from datetime import timedelta

from reconciler.base.clock import Clock

JUMP_MIN = timedelta(minutes=1)  # NTP slews and short suspends stay below


class JumpWatch:
    """Compares the wall clock with the monotonic one from look to look. A suspended machine shows as a jump, too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall = clock.now()
        self._monotonic = clock.monotonic()

    def look(self) -> timedelta | None:
        """How far the wall clock moved against the monotonic one since the last look; None when not by more than a minute."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        moved = (wall - self._wall) - timedelta(seconds=monotonic - self._monotonic)
        self._wall, self._monotonic = wall, monotonic
        return moved if abs(moved) > JUMP_MIN else None
