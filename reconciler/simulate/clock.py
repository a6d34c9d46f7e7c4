"""Time that moves when it is told to, and a wall clock that may be wrong about it."""

from __future__ import annotations

from datetime import datetime, timedelta


class VirtualClock:
    """Satisfies :class:`reconciler.base.clock.Clock`. ``true`` is what the world goes by, :meth:`now` what the host believes."""

    def __init__(self, at: datetime) -> None:
        self.true = at
        self.error = timedelta(0)
        self._began = at

    def now(self) -> datetime:
        return self.true + self.error

    def monotonic(self) -> float:
        return (self.true - self._began).total_seconds()
