"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Wall clock and monotonic clock of a test."""

    def __init__(self, at: datetime = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)) -> None:
        self._now = at
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, step: timedelta) -> None:
        """Let time pass, on both clocks."""
        self._now += step
        self._monotonic += step.total_seconds()

    def jump(self, step: timedelta) -> None:
        """Set the wall clock, as an administrator does."""
        self._now += step
