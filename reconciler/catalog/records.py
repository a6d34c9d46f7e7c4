"""The values that the catalog gives out beside the nouns of model/."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

from msgspec import Struct

from reconciler.model.observed import Failure
from reconciler.model.snapshot import BackupKind


class RunOutcome(StrEnum):
    """How a run ended. A run without an outcome is under way."""

    SUCCEEDED = "succeeded"
    UNCHANGED = "unchanged"
    """Nothing changed: an older snapshot still describes the source."""
    PARTIAL = "partial"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its process is gone; what it achieved is observed afresh, neither success nor failure is assumed."""
    CANCELLED = "cancelled"


class Run(Struct, frozen=True):
    """One action: the intent written before, the outcome written after."""

    id: str
    kind: str
    system: str
    repository: str
    lane: str
    backup_kind: BackupKind | None
    generation: str
    reason: str
    started_at: datetime
    pid: int
    ended_at: datetime | None = None
    outcome: RunOutcome | None = None
    snapshot_id: str | None = None
    as_of: datetime | None = None
    files: int = 0
    bytes: int = 0
    added_bytes: int = 0
    failure: Failure | None = None

    @property
    def duration(self) -> timedelta | None:
        return None if self.ended_at is None else self.ended_at - self.started_at


class RestoreRecord(Struct, frozen=True):
    """One recovery operation, also one that undoes another."""

    id: str
    kind: Literal["restore", "rollback"]
    system: str
    repository: str
    snapshot_id: str
    target: str
    """The folder; empty when it went back to where the files came from."""
    in_place: bool
    policy: str
    """What was to become of entries that are there already."""
    actor: str
    """The user of the operating system, and the way they came, such as ``maria (cli)``."""
    started_at: datetime
    undoes: str | None = None
    """A rollback: the id of the restore that it undoes."""
    safety_id: str | None = None
    """The snapshot of what it was about to touch."""
    ended_at: datetime | None = None
    outcome: RunOutcome | None = None
    """None: under way."""
    files: int = 0
    bytes: int = 0
    deleted: int = 0
    failures: int = 0
    losses: int = 0
    seconds: float = 0.0
    """Spent on writing, reading back and syncing: what the next expectation is made from."""
    failure: Failure | None = None

    @property
    def duration(self) -> timedelta | None:
        return None if self.ended_at is None else self.ended_at - self.started_at


class Claim(Struct, frozen=True):
    """The right to work on one (system, repository, lane), until released or until its process is gone."""

    system: str
    repository: str
    lane: str
    token: str
    at: datetime


class Holder(Struct, frozen=True):
    """Who has what was asked for: a living process."""

    pid: int
    at: datetime
    what: str

    def __str__(self) -> str:
        return f"{self.what} (process {self.pid}, since {self.at:%Y-%m-%d %H:%M:%S} UTC)"


class Document(NamedTuple):
    """A spec document as it last parsed well."""

    kind: str
    name: str
    file: str
    line: int
    text: str
