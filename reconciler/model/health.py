"""How well host, repositories and backups are at one instant: what was read, and what each check makes of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Room(Struct, frozen=True):
    """One file system, by the places on it that matter to us."""

    places: tuple[str, ...]
    """Such as `state`, `repository main`, `source of orders`."""
    free_bytes: int | None = None
    """For us, without what is kept for root; None: it could not be asked, as ``failure`` says."""
    total_bytes: int = 0
    free_inodes: int | None = None
    """None: this file system does not count them."""
    total_inodes: int = 0
    failure: str = ""


class HostReading(Struct, frozen=True):
    """The host as it is now."""

    cores: int
    load: float
    """Processes that run or wait to run, on average over five minutes."""
    memory_bytes: int
    memory_available_bytes: int
    rooms: tuple[Room, ...]


class HealthState(StrEnum):
    """Worst first. What could not be looked at is never ok."""

    BAD = "bad"
    UNKNOWN = "unknown"
    WARNING = "warning"
    OK = "ok"


class HealthCheck(Struct, frozen=True):
    """One question and its answer."""

    name: str
    """Of a closed set: cpu, memory, space, inodes, catalog, repository, backup age, failure rate."""
    object: str
    state: HealthState
    message: str


class Health(Struct, frozen=True):
    """All of them, the worst first."""

    at: datetime
    agent: str
    checks: tuple[HealthCheck, ...]

    @property
    def well(self) -> bool:
        """Nothing is bad, and nothing is unknown."""
        return all(check.state in (HealthState.OK, HealthState.WARNING) for check in self.checks)
