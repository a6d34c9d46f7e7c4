"""One recorded state of a system, as a repository lists it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from reconciler.model.turnover import Turnover

ROLLBACK_WINDOW = timedelta(days=14)
"""For so long a restore in place can be undone: two weekends, for somebody to notice that it was the wrong one."""


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
    OBSERVED = "observed"
    """Seen in the repository of another program, which does not record whether it could read everything. It counts as a recovery point,
    for there is nothing better to go by, and never as verified."""
    SAFETY = "safety"
    """Not a state of the system: what one restore in place was about to touch, for its rollback. Whoever does not know the word takes
    it for suspect, and never for good."""


RECOVERABLE = (Grade.COMPLETE, Grade.OBSERVED)
"""What can be good."""


class MarkKind(StrEnum):
    """What was learned about a snapshot after it was taken."""

    VERIFIED = "verified"
    """Every byte that it needs was read then or later, and was good."""
    CHECKED = "checked"
    """Its structure was whole."""
    SUSPECT = "suspect"
    """It does not fit the history of its system, or did not come back as it was stored."""
    DAMAGED = "damaged"
    DRILLED = "drilled"
    """It was restored into a sandbox and proven to be of use; with the end of the proof."""
    HELD = "held"
    REMOVE = "remove"
    ADOPTED = "adopted"
    """Another realm took it over: whose it is since stands in the note, and in ``realm`` and ``system`` of the snapshot."""
    ACCEPTED = "accepted"
    """A person looked at what made it suspect, and says that it is as it should be."""


class Mark(Struct, frozen=True, gc=False):
    """An immutable remark in the repository beside a snapshot."""

    kind: MarkKind
    at: datetime
    note: str = ""
    until: datetime | None = None
    """Of a hold or a proof: when it ends by itself; None: never."""


_BAD = (MarkKind.DAMAGED, MarkKind.SUSPECT)


def hold_stands(grade: str, counted_at: datetime, until: datetime | None, now: datetime) -> bool:
    """Whether a hold of a snapshot of this grade and time still counts: that of a safety snapshot ends with its rollback window."""
    if until is not None and until <= now:
        return False
    return grade != Grade.SAFETY or now < counted_at + ROLLBACK_WINDOW


class Snapshot(Struct, frozen=True, gc=False):
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
    turnover: Turnover | None = None
    """None: there was nothing to compare it with."""

    @property
    def counted_at(self) -> datetime:
        """The moment that retention files it under: a claimed time cannot be later than its arrival."""
        return min(self.as_of, self.arrived_at)

    @property
    def good(self) -> bool:
        """Complete as far as anybody can know, and nothing bad was learned since."""
        if self.grade not in RECOVERABLE:
            return False
        for mark in self.marks:  # noqa: SIM110 - a generator takes three times as long, here and below, and this is asked very often
            if mark.kind in _BAD:
                return False
        return True

    @property
    def graded(self) -> Grade:
        """Its grade, with what was learned since."""
        return Grade.SUSPECT if self.marked(MarkKind.SUSPECT) is not None else self.grade

    @property
    def safety(self) -> bool:
        """Whether it only serves the rollback of a restore: no recovery point, no attempt, no bucket."""
        return self.grade is Grade.SAFETY

    def held(self, now: datetime) -> bool:
        """Whether it is protected from being forgotten: some hold of it has not ended. That of a safety snapshot ends with its rollback
        window.
        """
        holds = [mark for mark in self.marks if mark.kind is MarkKind.HELD] if self.marks else []
        return any(hold_stands(self.grade, self.counted_at, mark.until, now) for mark in holds)

    def marked(self, kind: MarkKind) -> datetime | None:
        """When it was last marked so, or None."""
        newest = None
        for mark in self.marks:
            if mark.kind is kind and (newest is None or mark.at > newest):
                newest = mark.at
        return newest
