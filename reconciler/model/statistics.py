"""What the snapshots amount to: counts, sizes, ratios, growth and failures."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class SystemStatistics(Struct, frozen=True):
    """One system in one repository."""

    system: str
    repository: str
    snapshots: int
    good: int
    files: int
    """Of the newest good snapshot, as the size below."""
    bytes: int
    logical_bytes: int
    """Of all snapshots together, each counted whole: what as many full copies would take."""
    added_bytes: int
    """What their runs stored anew, compressed and encrypted. A copy of a snapshot has the number of the run that took it."""
    growth_bytes_per_day: float | None
    """Of the content, over the last 30 days; None: fewer than two snapshots that lie a day apart."""
    added_bytes_per_day: float | None
    """Stored anew, over the same time."""
    backups: int
    """Runs of the last seven days that the log still knows (at most 200)."""
    failed: int
    last_success_at: datetime | None

    @property
    def failure_rate(self) -> float | None:
        """Of those runs; None: there was none."""
        return self.failed / self.backups if self.backups else None


class Stored(Struct, frozen=True):
    """What a repository holds, from its index and the sizes of its objects."""

    bytes: int
    """Of all objects."""
    unique_bytes: int
    """Content, each chunk once, before compression."""
    packed_bytes: int
    """The same, compressed and encrypted."""


class RepositoryStatistics(Struct, frozen=True):
    """One repository, whoever's snapshots it holds."""

    repository: str
    snapshots: int
    systems: int
    logical_bytes: int
    stored: Stored | None
    """None: it was not looked at."""
    free_bytes: int | None

    @property
    def deduplication(self) -> float | None:
        """How many times the content of all snapshots is larger than what is different in it."""
        return self.logical_bytes / self.stored.unique_bytes if self.stored is not None and self.stored.unique_bytes else None

    @property
    def compression(self) -> float | None:
        """How many times the different content is larger than what is stored of it."""
        return self.stored.unique_bytes / self.stored.packed_bytes if self.stored is not None and self.stored.packed_bytes else None


class Statistics(Struct, frozen=True):
    """At one instant."""

    at: datetime
    systems: tuple[SystemStatistics, ...]
    repositories: tuple[RepositoryStatistics, ...]
    unseen: tuple[tuple[str, str], ...] = ()
    """(repository, why) of what could not be looked at; its numbers are those of the last listing."""
