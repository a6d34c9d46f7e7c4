"""What is wanted: the declared nouns after references, merge and relative paths are resolved. Made by spec/, read by decide/."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies, Objectives, Verification
from reconciler.model.declared.policy import Compression, GuardLimits, Hooks, Retention, Schedule
from reconciler.model.declared.repository import Contained, Credentials, Key, Limits, Maintenance, ObjectLock
from reconciler.model.declared.scenario import Takes
from reconciler.model.declared.settings import SettingsSpec
from reconciler.model.declared.system import Impact, Source, Suspend
from reconciler.model.disaster import DisasterType
from reconciler.model.problem import Place, Problem

if TYPE_CHECKING:
    from reconciler.model.declared.alerts import AlertPolicySpec
    from reconciler.model.declared.recovery import RecoveryPlanSpec


class DesiredSystem(Struct, frozen=True):
    """One system as it is to be protected. Paths of sources are absolute."""

    name: str
    tier: str
    policy: str
    sources: tuple[Source, ...]
    repositories: tuple[str, ...]
    """Names; the first is primary. Empty only in a tree that has problems."""
    objectives: Objectives
    copies: Copies
    verification: Verification
    drill: Drill
    schedule: Schedule
    retention: Retention
    compression: Compression
    checksums: tuple[str, ...]
    guard: GuardLimits
    place: Place
    generation: str
    """Digest of the normalised effective spec: changes when the meaning changes, not when white space does."""
    owner: str | None = None
    host: str | None = None
    previous_name: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    failure_domain: dict[str, str] = field(default_factory=dict)
    impact: Impact | None = None
    suspend: Suspend | None = None
    hooks: Hooks = field(default_factory=Hooks)
    last_good: bool = False
    """True: its file is broken or missing now, this is the version that last parsed."""

    def runs_on(self, agent: str) -> bool:
        """Whether this agent reads the sources; others only observe."""
        return self.host is None or self.host == agent


class DesiredRepository(Struct, frozen=True):
    """One repository. ``url`` is an absolute path (or a URL with a scheme)."""

    name: str
    url: str
    key: Key
    place: Place
    failure_domain: dict[str, str] = field(default_factory=dict)
    media: str | None = None
    deletable_from: tuple[str, ...] | None = None
    maintenance: Maintenance = field(default_factory=Maintenance)
    limits: Limits = field(default_factory=Limits)
    last_good: bool = False
    endpoint: str | None = None
    region: str | None = None
    object_lock: ObjectLock | None = None
    credentials: Credentials = field(default_factory=Credentials)
    """Paths of files are absolute."""
    format: str = "reconciler"
    contains: tuple[Contained, ...] = ()

    @property
    def observed_only(self) -> bool:
        """Whether it belongs to another program: it is looked at and restored from, and never written to."""
        return self.format != "reconciler"

    @property
    def is_remote(self) -> bool:
        """Reached over a network."""
        return "://" in self.url


class Approval(Struct, frozen=True):
    """A person's yes to one held change. ``change`` seals system, repository, retention and snapshots."""

    name: str
    change: str
    system: str
    repository: str
    snapshots: frozenset[str]
    reason: str
    expires: datetime
    place: Place


class DesiredAlertPolicy(Struct, frozen=True):
    """Who is told what. Paths in it are absolute."""

    name: str
    spec: AlertPolicySpec
    place: Place
    last_good: bool = False


class DesiredRecoveryPlan(Struct, frozen=True):
    """How to come back from a disaster. Paths in it are absolute."""

    name: str
    spec: RecoveryPlanSpec
    place: Place
    generation: str
    """Digest of what it says: a test proves the plan that it was made of, and no other."""
    last_good: bool = False

    @property
    def systems(self) -> tuple[str, ...]:
        """Those that it brings back, in the order of its steps."""
        return tuple(dict.fromkeys(step.restore.system for step in self.spec.steps if step.restore is not None))


class DesiredScenario(Struct, frozen=True):
    """A disaster that is reckoned with: what is built in for its type, and what the specs say of it."""

    name: str
    type: DisasterType
    description: str
    takes: Takes
    detection_latency: timedelta
    """Zero: it is noticed at once."""
    temporary: bool
    place: Place | None = None
    """None: nobody declares it, it is built in."""
    last_good: bool = False


class Revision(Struct, frozen=True):
    """Where a spec tree stands in git."""

    commit: str
    """In full, as git writes it."""
    dirty: bool
    """Whether files of the tree differ from that commit, new ones included."""

    @property
    def short(self) -> str:
        return self.commit[:12]

    def __str__(self) -> str:
        return f"{self.short}{' with uncommitted changes' if self.dirty else ''}"


class Desired(Struct, frozen=True):
    """The whole tree at one instant."""

    root: str
    digest: str
    """SHA-256 over the names and contents of the files that were read."""
    settings: SettingsSpec
    systems: tuple[DesiredSystem, ...]
    """Sorted by name."""
    repositories: tuple[DesiredRepository, ...]
    approvals: tuple[Approval, ...] = ()
    """Sorted by name; only those that stand in the tree now: a yes of an earlier tree may have been taken back."""
    alert_policies: tuple[DesiredAlertPolicy, ...] = ()
    """Sorted by name."""
    recovery_plans: tuple[DesiredRecoveryPlan, ...] = ()
    """Sorted by name."""
    scenarios: tuple[DesiredScenario, ...] = ()
    """The ten types in their order, then those that the specs add, sorted by name."""
    problems: tuple[Problem, ...] = ()
    clean: bool = True
    """True: the whole tree parsed; only then absence of an object means that it was removed."""
    revision: Revision | None = None
    """None: not in git, or not known."""

    @property
    def realm(self) -> str:
        return self.settings.realm

    def system(self, name: str) -> DesiredSystem | None:
        return next((system for system in self.systems if system.name == name), None)

    def recovery_plan(self, name: str) -> DesiredRecoveryPlan | None:
        return next((plan for plan in self.recovery_plans if plan.name == name), None)

    def repository(self, name: str) -> DesiredRepository | None:
        return next((repository for repository in self.repositories if repository.name == name), None)
