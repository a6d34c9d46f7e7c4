"""What the verbs give back: frozen values that the command line prints and the Python API returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.act.context import Result
from reconciler.catalog.records import Run
from reconciler.model.blast import BlastRadius
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.observed import Observed
from reconciler.model.plan import Action, Gap, Held, Plan, Waiting
from reconciler.model.problem import Problem, Severity
from reconciler.model.snapshot import Snapshot
from reconciler.model.status import Status, SystemStatus


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What would be done now."""

    plan: Plan
    desired: Desired
    observed: Observed
    problems: tuple[Problem, ...]
    blast: BlastRadius | None = None
    """What the edit since another revision changes; None when nobody asked."""

    @property
    def broken(self) -> bool:
        """Whether some spec is in error; what could be trusted is in the plan all the same."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)


@dataclass(frozen=True, slots=True)
class InitReport:
    """A repository that was made, or found."""

    name: str
    url: str
    id: str
    created: bool
    created_key: bool
    key_file: str | None
    warning: str = ""
    """What a person must do now: keep a second copy of the key."""


@dataclass(frozen=True, slots=True)
class PassReport:
    """What one pass planned, did, and left."""

    plan: Plan
    """As decided, before anything was done."""
    results: tuple[Result, ...]
    status: Status
    """Afterwards."""
    problems: tuple[Problem, ...]
    gaps: tuple[Gap, ...] = ()
    """Still open afterwards."""
    held: tuple[Held, ...] = ()
    created: tuple[InitReport, ...] = ()
    interrupted: tuple[Run, ...] = ()
    """Runs of a process that died, found at the start of this pass."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeepVerdict:
    """Whether retention keeps a snapshot, and why."""

    snapshot: Snapshot
    keep: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that bears on one system: what is wanted, where each value comes from, what is there, what comes next and why."""

    system: DesiredSystem
    status: SystemStatus
    actions: tuple[Action, ...]
    held: tuple[Held, ...]
    gaps: tuple[Gap, ...]
    waiting: tuple[Waiting, ...]
    verdicts: Mapping[str, Sequence[KeepVerdict]]
    """By repository, newest snapshot first."""
    runs: tuple[Run, ...]
    """The last ones, newest first."""
    origins: tuple[tuple[str, object, str], ...] = ()
    """(pointer, value, where it was written)."""


@dataclass(frozen=True, slots=True)
class SnapshotDetail:
    """One snapshot with all the repositories that hold it."""

    snapshot: Snapshot
    repositories: tuple[str, ...]
    verdict: KeepVerdict | None = None
    copies: tuple[Snapshot, ...] = ()
    """The same one as each repository holds it, with the marks made there."""


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What to bring back, and where to."""

    target: str
    system: str | None = None
    snapshot: str | None = None
    """An id or the beginning of one; any grade, because it is named."""
    at: datetime | None = None
    """The newest good snapshot not after this moment; None: the newest one."""
    paths: tuple[str, ...] = ()
    """Files, folders or patterns as they were on the source; empty: everything."""
    repository: str | None = None
    """Read from this one; None: the primary first."""


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore would do, and why this snapshot."""

    snapshot: Snapshot
    repository: str
    why: str
    target: str
    paths: tuple[str, ...]
    target_holds: int
    """Entries that are in the target already; none of them is ever replaced."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a restore brought back."""

    plan: RestorePlan
    files: int
    bytes: int
    folders: int
    seconds: float
    losses: tuple[tuple[str, str, str], ...] = ()
    """(path, what, why): metadata that could not be set."""
    failures: tuple[tuple[str, str], ...] = ()
    """(path, why): files that are not in the target, or not as they were."""
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        return not self.failures


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """The catalog's cache, made anew from the repositories."""

    repositories: Mapping[str, int]
    """Snapshots found, by repository."""
    failures: Mapping[str, str] = field(default_factory=dict)
    recovered: str | None = None


@dataclass(frozen=True, slots=True)
class StarterReport:
    """The specs that `reconcile init` wrote."""

    specs: str
    files: tuple[str, ...]
    realm: str
    repository: InitReport
    next: tuple[str, ...]
    """The commands to type now."""


@dataclass(frozen=True, slots=True)
class SnapshotList:
    """Snapshots of repositories, with what could not be seen."""

    snapshots: tuple[Snapshot, ...]
    realm: str
    failures: Mapping[str, str] = field(default_factory=dict)
    """Repositories that could not be listed now; theirs are shown as the catalog remembers them."""
