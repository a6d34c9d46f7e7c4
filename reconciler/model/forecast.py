"""What a policy will come to, as far as it can be foreseen: snapshots, bytes and ages, for a person who is about to adopt it."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct


class Rates(Struct, frozen=True):
    """How one system behaves: measured from its own past, or assumed."""

    bytes: int
    """What one state takes in a repository."""
    change_per_day: int
    """Bytes stored anew by a day of changes."""
    growth_per_day: int
    seconds: float
    """One backup."""
    assumed: tuple[str, ...] = ()
    """What could not be measured, in words."""


class SystemForecast(Struct, frozen=True):
    """One system at the end of the time."""

    system: str
    repository: str
    """Its primary one."""
    rpo: timedelta | None
    longest_age: timedelta
    """The oldest that the newest good snapshot ever becomes; zero: there never was one."""
    longest_age_at: datetime | None
    snapshots: int
    oldest: datetime | None
    moments: tuple[datetime, ...]
    """Of the snapshots that exist at the end, newest first."""
    backups: int
    removed: int
    held: int
    """Snapshots that a guard holds at the end until a person approves."""
    rates: Rates

    @property
    def at_risk(self) -> bool:
        """Whether the promise is broken at some moment, or never kept."""
        return self.rpo is not None and (self.longest_age_at is None or self.longest_age > self.rpo)


class RepositoryForecast(Struct, frozen=True):
    """One repository over the time."""

    repository: str
    bytes: tuple[tuple[datetime, int], ...]
    """Sampled evenly, the first now."""
    pruned: int
    """Clean-ups; none means that nothing is ever given back."""


class Forecast(Struct, frozen=True):
    """The whole tree."""

    begins: datetime
    ends: datetime
    systems: tuple[SystemForecast, ...]
    repositories: tuple[RepositoryForecast, ...]
