"""Evidence over a period: what was promised, what was kept, what went wrong and what was brought back, for people who must show it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.model.alerts import AlertSeverity
from reconciler.model.drill import DrillOutcome
from reconciler.model.objective import ObjectiveStatus
from reconciler.model.recovery import RecoveryOutcome, RunMode
from reconciler.model.status import Copied

Span = tuple[datetime, datetime]
"""From the first moment until before the second; never empty."""


class Target(Struct, frozen=True):
    """The RPO over one part of the period."""

    begins: datetime
    ends: datetime
    rpo: timedelta | None
    """None: none was promised."""
    recorded: bool
    """False: nothing records what was declared then, so what is declared today is taken for it."""


class Compliance(Struct, frozen=True):
    """How long a good state was there that was no older than the RPO. The first four lengths are the whole period."""

    inside: timedelta
    outside: timedelta
    """Also while nothing is on record."""
    suspended: timedelta
    """A person had suspended the system or paused the loop."""
    unpromised: timedelta
    """No RPO was declared."""
    share: float | None
    """Inside, of inside and outside, from 0 to 1; None: nothing was promised at any moment."""
    misses: int
    """Uninterrupted times outside."""
    longest: tuple[Span, ...]
    """The longest of them, longest first."""
    targets: tuple[Target, ...]
    backups: int
    """Good states that became available in the period, also those that found nothing changed."""


class DrillCounts(Struct, frozen=True):
    """Drills that began in the period."""

    proven: int = 0
    restored: int = 0
    failed: int = 0
    blocked: int = 0


class SystemEvidence(Struct, frozen=True):
    """One system."""

    name: str
    tier: str
    owner: str
    host: str
    compliance: Compliance
    drills: DrillCounts
    proven_at: datetime | None
    """The newest drill that proved a recovery, also before the period."""
    proven_until: datetime | None
    verified_at: datetime | None
    """The oldest of the newest proofs of content in each of its repositories that holds snapshots; None: some has none."""
    verify_every: timedelta | None
    """As declared; None: not declared."""
    copied: Copied
    """At the time of the report."""
    objectives: tuple[ObjectiveStatus, ...]
    """At the time of the report."""


class Incident(Struct, frozen=True):
    """One alert that fired at some moment of the period."""

    object_kind: str
    object_name: str
    condition: str
    severity: AlertSeverity
    summary: str
    began_at: datetime
    ended_at: datetime | None
    """None: it still fires."""
    times: int
    acknowledged_by: str
    acknowledged_at: datetime | None
    resolved_by: str
    """Empty: by the condition itself, or not yet."""


class Rehearsal(Struct, frozen=True):
    """One drill."""

    id: str
    system: str
    repository: str
    snapshot_id: str
    began_at: datetime
    outcome: DrillOutcome | None
    seconds: float
    """What a recovery took; 0: not measured."""
    expires_at: datetime | None
    finding: str


class Recovery(Struct, frozen=True):
    """One restore or rollback."""

    id: str
    kind: str
    system: str
    snapshot_id: str
    target: str
    """Empty: in place."""
    actor: str
    began_at: datetime
    ended_at: datetime | None
    outcome: str
    """Empty: under way."""
    files: int
    bytes: int


class PlanRun(Struct, frozen=True):
    """One run or test of a recovery plan."""

    id: str
    plan: str
    mode: RunMode
    disaster: str
    actor: str
    began_at: datetime
    ended_at: datetime | None
    outcome: RecoveryOutcome | None
    """None: under way."""
    steps: int
    passed: int
    """Steps that were done, or of which a test has nothing to do."""
    rto: timedelta | None
    """What the plan promised."""
    within_rto: bool | None
    """None: nothing was promised, or it did not recover."""
    finding: str


class Deed(Struct, frozen=True):
    """Something that a person decided, as the audit log tells it."""

    at: datetime
    verb: str
    object: str
    actor: str
    reason: str
    approvals: tuple[str, ...] = ()
    """Names of the DeletionApprovals that let it happen."""
    snapshots: int = 0
    outcome: str = ""


class SpecEdit(Struct, frozen=True):
    """The specs were seen to say something else of systems than before."""

    at: datetime
    revision: str
    """Of git; empty: not known."""
    changed: tuple[str, ...]
    """Systems, sorted; of each what became of its promises, in words."""
    removed: tuple[str, ...]


class AuditEvidence(Struct, frozen=True):
    """Whether the log that most of this comes from is as it was written."""

    intact: bool
    lines: int
    head: str
    fault: str
    """Empty: none. With one, nothing after the last good line was taken as evidence."""
    since: datetime | None
    """The first line; None: there is none."""


class Report(Struct, frozen=True):
    """The whole document."""

    at: datetime
    begins: datetime
    ends: datetime
    agent: str
    realm: str
    version: str
    """Of the program."""
    audit: AuditEvidence
    notes: tuple[str, ...]
    """What a reader must know before believing the rest, worst first."""
    systems: tuple[SystemEvidence, ...]
    drills: tuple[Rehearsal, ...]
    incidents: tuple[Incident, ...]
    recoveries: tuple[Recovery, ...]
    plans: tuple[PlanRun, ...]
    deeds: tuple[Deed, ...]
    edits: tuple[SpecEdit, ...]
    controls: Mapping[str, tuple[str, ...]]
    """By section of the report: the controls that an auditor may look for it under. A help, not a certification."""
