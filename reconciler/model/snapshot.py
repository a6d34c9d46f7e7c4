"""One recorded state of a system, as a repository lists it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BackupKind(StrEnum):
    """How a snapshot was read. Each snapshot is whole: restoring one never needs another."""

    FULL = "full"
    DIFFERENTIAL = "differential"
    INCREMENTAL = "incremental"


class Grade(StrEnum):
    """Only a complete snapshot meets an objective or fills a bucket of retention."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    SUSPECT = "suspect"


class MarkKind(StrEnum):
    """What was learned about a snapshot after it was taken."""

    VERIFIED = "verified"
    """Every byte that it needs was read then or later, and was good."""
    CHECKED = "checked"
    """Its structure was whole."""
    SUSPECT = "suspect"
    DAMAGED = "damaged"
    HELD = "held"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Mark:
    """An immutable remark in the repository beside a snapshot."""

    kind: MarkKind
    at: datetime
    note: str = ""


_BAD = (MarkKind.DAMAGED, MarkKind.SUSPECT)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot in one repository. The same snapshot copied elsewhere has the same id there."""

    id: str
    repository: str
    realm: str
    system: str
    host: str
    kind: BackupKind
    as_of: datetime
    """When the scan began: age and RPO count from here."""
    ended_at: datetime
    arrived_at: datetime
    """When the store received it, by the store's clock; retention trusts the earlier of the two."""
    grade: Grade
    files: int
    bytes: int
    """Content of the whole snapshot, before deduplication."""
    added_bytes: int
    """Stored anew by this run, after compression and encryption."""
    parent: str | None = None
    defects: int = 0
    marks: tuple[Mark, ...] = ()

    @property
    def counted_at(self) -> datetime:
        """The moment that retention files it under: a claimed time cannot be later than its arrival."""
        return min(self.as_of, self.arrived_at)

    @property
    def good(self) -> bool:
        """Complete, and nothing bad was learned since."""
        if self.grade is not Grade.COMPLETE:
            return False
        return not self.marks or not any(mark.kind in _BAD for mark in self.marks)  # most have none, and this is asked very often

    def marked(self, kind: MarkKind) -> datetime | None:
        """When it was last marked so, or None."""
        return max((mark.at for mark in self.marks if mark.kind is kind), default=None) if self.marks else None
