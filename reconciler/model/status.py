"""How things stand, published after each pass: the one value that metrics, CLI and page are projections of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field

from reconciler.model.alerts import AlertsStatus
from reconciler.model.declared.objectives import Verification
from reconciler.model.desired import Revision
from reconciler.model.disaster import Tally
from reconciler.model.drill import RecoveryTime, Rehearsed
from reconciler.model.durations import Durations
from reconciler.model.health import Health
from reconciler.model.objective import ObjectiveStatus
from reconciler.model.observed import Failure, RunHistory
from reconciler.model.recovery import PlanStanding, Readiness
from reconciler.model.stock import Stock
from reconciler.model.wishes import Pause


class Truth(StrEnum):
    """Never seen means Unknown, and Unknown is never green."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionType(StrEnum):
    """Adjectives and participles; an objective that nobody declared has no condition."""

    SPEC_ACCEPTED = "SpecAccepted"
    REPOSITORY_REACHABLE = "RepositoryReachable"
    REPOSITORY_CURRENT = "RepositoryCurrent"
    """False: it went back in time."""
    BACKUP_FRESH = "BackupFresh"
    RECOVERY_PROVEN = "RecoveryProven"
    COPIES_SATISFIED = "CopiesSatisfied"
    RETENTION_SATISFIED = "RetentionSatisfied"
    VERIFIED = "Verified"
    PLAUSIBLE = "Plausible"
    """False: a snapshot does not fit the history of the system, and nobody has accepted it yet."""
    SUSPENDED = "Suspended"
    READY = "Ready"
    CATALOG_INTACT = "CatalogIntact"
    ALERTS_DELIVERED = "AlertsDelivered"
    """Of a receiver of alerts. False: attempt after attempt fails."""


class Condition(Struct, frozen=True):
    """One statement about one object. ``kind`` is System, Repository, Catalog or Receiver."""

    kind: str
    name: str
    type: ConditionType
    status: Truth
    reason: str
    """CamelCase, of a closed set."""
    message: str
    since: datetime | None = None
    """When the status last flipped; filled in from the catalog."""


class ProtectionStatus(Struct, frozen=True):
    """One system in one repository."""

    repository: str
    snapshots: int
    newest_good_id: str | None
    recovery_point_at: datetime | None
    """``as_of`` of the newest good snapshot, or of a later scan that confirmed it; None: never."""
    newest_verified_at: datetime | None
    history: RunHistory
    newest_checked_at: datetime | None = None
    """When at least the structure was last seen whole."""
    trails: timedelta | None = None
    """How far its newest good state lies behind that of the primary repository; None: this is the primary, or one of them has none."""
    copy_due_at: datetime | None = None
    """By when it must hold something newer; in the past: overdue since then. None: it lacks nothing, or is the one to follow."""


class Digit(Struct, frozen=True):
    """One number of the rule 3-2-1-1-0, with what it was counted from."""

    what: str
    """copies, media, offsite, immutable or errors."""
    rule: int
    """What the rule asks for: at least so many; of errors, none."""
    found: int
    """For certain. The data itself is one of the copies."""
    unknown: int
    """How many more there may be: what could not be seen, or is not declared."""
    met: Truth
    evidence: tuple[str, ...] = ()
    """A sentence for each thing that was looked at."""


class Copied(Struct, frozen=True):
    """How many repositories of a system hold a state that is recent enough. Only those that could be listed are counted."""

    declared: int = 0
    """0: no number is promised; the same below."""
    held: int = 0
    offsite_declared: int = 0
    offsite_held: int = 0
    lag: timedelta | None = None
    """How long after the end of a snapshot its copy may take; None: nothing says how long."""
    digits: tuple[Digit, ...] = ()
    """The rule 3-2-1-1-0 in its order, whether or not it was promised."""


class SystemStatus(Struct, frozen=True):
    """One system."""

    name: str
    tier: str
    policy: str
    owner: str
    host: str
    here: bool
    """Whether this agent acts on it; otherwise it is shown as "on HOST", never as failed."""
    rpo: timedelta | None
    rto: timedelta | None
    protection: tuple[ProtectionStatus, ...]
    """The primary repository first."""
    conditions: tuple[Condition, ...]
    next_due_at: datetime | None = None
    next_due_why: str = ""
    suspended: bool = False
    rpo_breach_at: datetime | None = None
    """When the recovery point grows older than the RPO, because the next backup cannot end in time; None: not predicted."""
    rpo_breach_why: str = ""
    held: int = 0
    """Snapshots whose removal a guard holds back."""
    mtd: timedelta | None = None
    verification: Verification = field(default_factory=Verification)
    """How old the proofs of intactness may become."""
    rehearsed: Rehearsed = field(default_factory=Rehearsed)
    recovery: RecoveryTime = field(default_factory=RecoveryTime)
    copied: Copied = field(default_factory=Copied)
    objectives: Sequence[ObjectiveStatus] = ()
    """One for each promise that is declared, those for types of disaster last."""
    readiness: Readiness | None = None
    """How ready it is to be recovered; None: it holds the records of a host."""

    def condition(self, wanted: ConditionType) -> Condition | None:
        return next((c for c in self.conditions if c.type is wanted), None)


class RepositoryStatus(Struct, frozen=True):
    """One repository."""

    name: str
    reachable: bool
    listed_at: datetime | None
    snapshots: int
    foreign: int
    orphaned: int
    free_bytes: int | None
    conditions: tuple[Condition, ...]
    failure: Failure | None = None
    last: Mapping[str, datetime] = field(default_factory=dict)
    """By action kind: when one last ended well there, as this agent knows."""
    prune_every: timedelta | None = None
    """How often this agent is to clean up there; None: never."""
    stock: Stock | None = None
    """What it takes; None: not counted yet, or never for it is another program's."""


class LoopStatus(Struct, frozen=True):
    """The loop itself."""

    started_at: datetime | None = None
    last_success_at: datetime | None = None
    """End of the newest complete pass."""
    passes: int = 0
    interval: timedelta = timedelta(seconds=30)
    actions: Mapping[str, int] = field(default_factory=dict)
    """By action kind, since the catalog began."""
    failed: Mapping[str, int] = field(default_factory=dict)
    durations: Mapping[str, Durations] = field(default_factory=dict)
    """By action kind: of those that ended, interrupted ones not included."""
    epoch: int = 0
    """Of the lease that was taken last: greater with each process that has run the loop; 0: none ever did."""
    pause: Pause | None = None
    """In force: nothing is begun until it ends; every condition goes on telling the truth."""


class Planned(Struct, frozen=True):
    """What the newest plan holds, counted."""

    actions: Mapping[str, int] = field(default_factory=dict)
    """By action kind; also what waits for the end of a pause."""
    held: Mapping[str, int] = field(default_factory=dict)
    """Changes by the guard that holds them."""
    gaps: int = 0
    """Objectives that only a person can close."""


class SpecStatus(Struct, frozen=True):
    """The spec tree."""

    digest: str
    clean: bool
    errors: int
    warnings: int
    loaded_at: datetime | None
    objects: int
    revision: Revision | None = None


class Status(Struct, frozen=True):
    """Everything, at one instant."""

    at: datetime
    agent: str
    realm: str
    systems: tuple[SystemStatus, ...]
    repositories: tuple[RepositoryStatus, ...]
    spec: SpecStatus
    loop: LoopStatus
    conditions: tuple[Condition, ...] = ()
    """Of no system and no repository: of the program's own memory, and of the receivers of alerts."""
    alerts: AlertsStatus = field(default_factory=AlertsStatus)
    impact: tuple[Tally, ...] = ()
    """What disasters would do, counted; empty: not worked out."""
    recovery_plans: tuple[PlanStanding, ...] = ()
    planned: Planned = field(default_factory=Planned)
    health: Health | None = None
    """Of the host, as the loop last looked at it; None: this process has not, or does not."""
