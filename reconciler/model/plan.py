"""What is to be done and why: a pure function of (desired, observed, now), printed by --dry-run and carried out otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from reconciler.model.desired import Revision
from reconciler.model.problem import Place
from reconciler.model.snapshot import BackupKind
from reconciler.model.wishes import Pause


class ActionKind(StrEnum):
    """Every kind of side effect the loop can have."""

    BACKUP = "backup"
    COPY = "copy"
    """Bring snapshots from one repository into another."""
    VERIFY = "verify"
    SUSPECT = "suspect"
    """Mark snapshots that do not fit the history of their system: they meet no objective until a person accepts them."""
    DRILL = "drill"
    """Restore a snapshot into a sandbox and ask whether it is of use."""
    TEST = "test"
    """Exercise a recovery plan in a sandbox: of no system and no repository, so both are empty; `plan` names it."""
    MARK = "mark"
    """Mark snapshots in the repository as to be removed: the first phase of forget."""
    UNMARK = "unmark"
    """Take such a mark back: retention asks for the snapshot again."""
    FORGET = "forget"
    """Remove snapshots that were marked at least a day ago."""
    PRUNE = "prune"
    """Remove from a repository what no snapshot needs: of no system, so `system` is empty."""


REMOVING: Final = frozenset({ActionKind.MARK, ActionKind.FORGET, ActionKind.PRUNE})
"""What takes something away, or says that it will be."""


class Lane(StrEnum):
    """What the RPO needs never waits for upkeep."""

    OBJECTIVE = "objective"
    UPKEEP = "upkeep"


class Estimate(Struct, frozen=True):
    """What an action is expected to take, by what the same took before. What was never measured is null."""

    seconds: float | None
    bytes: int | None
    """Stored anew by a backup or copy, read by a verification; a mark moves none, and what a clean-up frees is known when it has looked."""
    source: str
    """Where the numbers come from, or why there are none, for people."""


class Action(Struct, frozen=True):
    """One thing to do. It carries the facts it was decided on; act/ reads them again and refuses when they differ."""

    kind: ActionKind
    system: str
    repository: str
    lane: Lane
    reason: str
    """A word of a closed set: never-backed-up, rpo-due, schedule-due, requested, retention, verify-due, anomaly, copy-due, drill-due,
    test-due, prune-due, index-crowded."""
    why: str
    """The sentence with the numbers."""
    priority: int
    """Higher goes first: 100 asked for by a person, 80 RPO at risk, 50 due, 45 an overdue copy, 20 to 44 one
    whose deadline comes nearer, 10 upkeep."""
    generation: str = ""
    place: Place | None = None
    due_at: datetime | None = None
    backup_kind: BackupKind | None = None
    snapshots: tuple[str, ...] = ()
    """For verify, suspect, mark, unmark and forget: sorted ids. For copy: newest first. For drill: the one to restore, then perhaps an
    older one on which the assertions are tried, too."""
    suspects: tuple[str, ...] = ()
    """For backup: sorted ids of snapshots that do not fit the history, whether marked yet or not: it is not compared with them."""
    quick: bool = False
    """For verify: look at the structure only, not at every byte."""
    pick: str = ""
    """For drill: how the snapshot was chosen: newest, random, oldest or named."""
    expected_seconds: float | None = None
    """For drill: how long the recovery was predicted to take."""
    plan: str = ""
    """For test: the recovery plan. They share one lane, so they come one after the other."""
    origin: str = ""
    """For copy: the repository to read from; another one that holds a snapshot serves when this one cannot give it."""
    confirm: str = ""
    """For prune: the digest of the plan that a person agreed to."""
    approvals: tuple[str, ...] = ()
    """For mark and forget: names of the DeletionApprovals without which a guard would hold it."""
    retention_digest: str = ""
    """For mark and forget: the effective retention that decided it."""
    estimate: Estimate | None = None
    """Filled in when the plan is complete."""

    @property
    def key(self) -> tuple[str, str, Lane]:
        """Single flight: at most one action of a key is under way."""
        return (self.system, self.repository, self.lane)

    @property
    def subject(self) -> tuple[str, str]:
        """(kind, name) of the declared object that it is about."""
        if self.plan:
            return "RecoveryPlan", self.plan
        return ("System", self.system) if self.system else ("Repository", self.repository)

    @property
    def pace_kind(self) -> str:
        """What takes equally long, in a word: reading every byte is another thing than a look at the structure."""
        return "check" if self.kind is ActionKind.VERIFY and self.quick else self.kind.value


GUARDS: Final = ("observation", "clock", "floor", "tightening", "verification", "tree", "rollback", "suspect")
"""What may hold a removal back; also those that never do are counted."""


class Held(Struct, frozen=True):
    """A change that a guard stopped: that one change and nothing else."""

    system: str
    repository: str
    guard: str
    """observation, clock, floor, tightening, verification, tree, rollback, suspect: one of GUARDS."""
    snapshots: tuple[str, ...]
    total: int
    """Snapshots of that system there."""
    why: str
    digest: str
    """Identifies this held change: system, repository, effective retention, sorted snapshot ids."""
    place: Place | None = None


class Gap(Struct, frozen=True):
    """An objective that is not met and that the loop cannot close: what a person must do."""

    system: str
    repository: str
    code: str
    why: str
    person: str
    """The sentence that begins with what to do."""
    place: Place | None = None


class Waiting(Struct, frozen=True):
    """Nothing to do yet: the next due moment of one system in its primary repository, with the reason."""

    system: str
    repository: str
    backup_kind: BackupKind
    due_at: datetime
    why: str


class Plan(Struct, frozen=True):
    """Stable in order: the same inputs give the same plan, line for line."""

    at: datetime
    spec_digest: str
    clean: bool
    complete: bool
    """False: some repository could not be observed; the plan knows nothing about it."""
    observed_at: Mapping[str, datetime | None]
    actions: tuple[Action, ...] = ()
    held: tuple[Held, ...] = ()
    gaps: tuple[Gap, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    orphans: Mapping[str, int] = field(default_factory=dict)
    """Snapshots of the own realm whose system is no longer declared, by system name: kept, listed, never forgotten."""
    foreign: int = 0
    revision: Revision | None = None
    """Of the specs."""
    pause: Pause | None = None
    """In force: the plan says what would be done, and nothing of it is begun."""

    @property
    def to_begin(self) -> tuple[Action, ...]:
        """What may be begun now."""
        return () if self.pause is not None else self.actions

    def count(self, kind: ActionKind) -> int:
        return sum(action.kind is kind for action in self.actions)

    @property
    def to_forget(self) -> int:
        """Snapshots that this plan removes now."""
        return sum(len(a.snapshots) for a in self.actions if a.kind is ActionKind.FORGET)
