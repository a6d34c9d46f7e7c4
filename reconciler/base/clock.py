"""The only module that reads a clock (tests/test_layers.py checks it).

Everything else receives ``now`` as a value, or a :class:`Clock` where it must wait. Wall-clock times are aware UTC;
durations are measured on the monotonic clock, because wall clocks jump.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where time comes from; a test passes its own."""

    def now(self) -> datetime:
        """The wall clock, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean something."""
        ...


class SystemClock:
    """The clocks of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def local_offset(moment: datetime) -> datetime:
    """``moment`` in the time zone of this machine, for people to read."""
    return moment.astimezone()


def parse_local(text: str) -> datetime:
    """ISO 8601 to aware UTC; a naive time is meant in the zone of this machine. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC)  # astimezone() of a naive value assumes local time
