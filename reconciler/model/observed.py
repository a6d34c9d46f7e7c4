"""What was seen at one instant: repositories, the history of runs, sources, the clock. Made by observe/, read by decide/."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.base.errors import ReconcilerError
from reconciler.model.declared.policy import Retention
from reconciler.model.drill import DrillRecord
from reconciler.model.snapshot import BackupKind, Snapshot
from reconciler.model.wishes import Pause, Wish

if TYPE_CHECKING:
    from reconciler.model.recovery import RecoveryRun


class Failure(Struct, frozen=True):
    """Why something could not be seen or done: the code and sentence of the error."""

    code: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: ReconcilerError) -> Failure:
        """The error as a value."""
        return cls(code=error.code, message=error.message, hint=error.hint)


class Head(Struct, frozen=True):
    """The newest snapshot of one writer in one repository."""

    sequence: int
    snapshot: str
    leaving: bool
    """Whether it was marked for removal, or removed on purpose: then nobody misses it."""


class RepositoryState(Struct, frozen=True):
    """One repository as last listed."""

    name: str
    listed_at: datetime | None
    """When; None: never seen. A failed attempt keeps the time of the last good listing."""
    reachable: bool
    fresh: bool = False
    """Listed completely in this very pass: only then anything may be deleted."""
    id: str | None = None
    snapshots: tuple[Snapshot, ...] = ()
    """Own realm and foreign ones alike, newest ``as_of`` first."""
    failure: Failure | None = None
    free_bytes: int | None = None
    small_indexes: int | None = None
    """Index objects that a clean-up would merge; None: not counted in this look."""
    heads: Mapping[str, Head] = field(default_factory=dict)
    """By writer; only of a listing of this very pass."""
    lost: tuple[str, ...] = ()
    """Newest snapshots of writers that were there and vanished: the repository went back in time."""

    def of(self, realm: str, *systems: str | None) -> tuple[Snapshot, ...]:
        """The snapshots of one system of one realm (its previous name counts), newest first."""
        return tuple(s for s in self.snapshots if s.realm == realm and s.system in systems)

    @property
    def usable(self) -> bool:
        """Whether what is known of it may be acted on: it answers, and was listed at some time."""
        return self.reachable and self.listed_at is not None


class RunHistory(Struct, frozen=True):
    """What the catalog remembers of the backups of one system into one repository."""

    last_attempt_at: datetime | None = None
    last_attempt_kind: BackupKind | None = None
    last_success_at: datetime | None = None
    """End of the newest run that met its purpose (published complete, or confirmed)."""
    last_partial_at: datetime | None = None
    """Start of the newest run that ended partial: the schedule paces the next try."""
    last_duration: timedelta | None = None
    last_added_bytes: int | None = None
    last_bytes: int | None = None
    durations: tuple[timedelta, ...] = ()
    """Of the last ten successful ones, newest first."""
    consecutive_failures: int = 0
    failed_generation: str | None = None
    """The spec generation under which the newest failure happened."""
    last_failure: Failure | None = None
    last_failure_at: datetime | None = None
    confirmed: tuple[str, datetime] | None = None
    """(snapshot id, as_of): a later scan found nothing changed, so that snapshot describes the source as of then."""


class Pace(Struct, frozen=True):
    """How long one action took that ended well."""

    seconds: float
    bytes: int
    """Read or stored; 0: not counted."""
    snapshots: int


class SourceState(Struct, frozen=True):
    """One declared source on this host."""

    path: str
    exists: bool
    readable: bool
    empty: bool
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()
    """Sentences about what lives there and had better be read in another way."""


class Observed(Struct, frozen=True):
    """Everything that the decision may know about the world."""

    at: datetime
    agent: str
    repositories: Mapping[str, RepositoryState]
    runs: Mapping[tuple[str, str], RunHistory] = field(default_factory=dict)
    """By (system, repository)."""
    sources: Mapping[str, tuple[SourceState, ...]] = field(default_factory=dict)
    """By system; only of systems that this agent runs."""
    accepted_retention: Mapping[str, Retention] = field(default_factory=dict)
    """By system: the retention under which a plan was last carried out; tightening is judged against it."""
    clock_jump: timedelta | None = None
    """How far the wall clock moved against the monotonic one since the last pass, when that was more than a minute."""
    clock_unsettled: datetime | None = None
    """Since when, by the clock itself, it is not believed where something is removed; None: it is."""
    pruned: Mapping[str, datetime] = field(default_factory=dict)
    """By repository: when the last clean-up of this agent ended well."""
    busy: frozenset[tuple[str, str, str]] = frozenset()
    """(system, repository, lane) that are being worked on right now."""
    wishes: tuple[Wish, ...] = ()
    """Backups that people asked the loop for, oldest first; some may be too old."""
    drills: tuple[DrillRecord, ...] = ()
    """Of each system and repository the newest ones, newest first."""
    recoveries: tuple[RecoveryRun, ...] = ()
    """Of each recovery plan the newest runs and tests, newest first."""
    pause: Pause | None = None
    """As last declared; it may have ended by itself."""
    paces: Mapping[tuple[str, str], tuple[Pace, ...]] = field(default_factory=dict)
    """By (kind of action, repository), newest first; backups go by their own history."""
