"""What the verbs give back: frozen values that the command line prints and the Python API returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.base.errors import Usage
from reconciler.catalog.records import RestoreRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from reconciler.act.context import Result
    from reconciler.catalog.records import Holder, Run
    from reconciler.model.desired import DesiredSystem
    from reconciler.model.plan import Action, Gap, Held, Plan, Waiting
    from reconciler.model.problem import Problem
    from reconciler.model.snapshot import Snapshot
    from reconciler.model.status import Status, SystemStatus
    from reconciler.model.wishes import Pause, Wish


class InitReport(Struct, frozen=True):
    """A repository that was made, or found."""

    name: str
    url: str
    id: str
    created: bool
    created_key: bool
    key_file: str | None
    warning: str = ""
    """What a person must do now: keep a second copy of the key."""


class PassReport(Struct, frozen=True):
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


class HoldReport(Struct, frozen=True):
    """Snapshots as they stand after a hold was set or ended, or all that are held; one entry for each repository."""

    snapshots: tuple[Snapshot, ...]
    failures: Mapping[str, str] = field(default_factory=dict)
    """Repositories that could not be seen, and why."""


class AcceptReport(Struct, frozen=True):
    """Snapshots that a person accepted, as they stand now; one entry for each repository."""

    system: str
    snapshots: tuple[Snapshot, ...]
    left: int
    """Of the system that are suspect still."""


class TriggerReport(Struct, frozen=True):
    """What the running loop was asked for."""

    wishes: tuple[Wish, ...]
    loop: Holder
    interval: timedelta
    """Within which it begins, unless it is paused."""
    pause: Pause | None = None


class PauseReport(Struct, frozen=True):
    """A pause that was declared, or that was ended; None: there was none to end."""

    pause: Pause | None
    loop: Holder | None
    """Who heeds it; None: no loop runs now."""


class KeepVerdict(Struct, frozen=True):
    """Whether retention keeps a snapshot, and why."""

    snapshot: Snapshot
    keep: bool
    reasons: tuple[str, ...]


class Explanation(Struct, frozen=True):
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


class SnapshotDetail(Struct, frozen=True):
    """One snapshot with all the repositories that hold it."""

    snapshot: Snapshot
    repositories: tuple[str, ...]
    verdict: KeepVerdict | None = None
    copies: tuple[Snapshot, ...] = ()
    """The same one as each repository holds it, with the marks made there."""


Recovery = RestoreRecord
"""A recovery operation, as the catalog keeps it."""
ON_CONFLICT = ("refuse", "keep", "overwrite", "mirror")


class RestoreRequest(Struct, frozen=True):
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
    in_place: bool = False
    """Back to where the files came from; then there is no target."""
    on_conflict: str = "refuse"
    """refuse, keep, overwrite or mirror: what becomes of entries that are there already and differ."""
    changed_since: str | None = None
    """Only what differs from this snapshot (the beginning of its id, or `last-full`)."""
    confirm: str | None = None
    """The digest of the plan, without which nothing is mirrored."""
    checksums: str | None = None
    """A file that gets the SHA-256 of everything that is there afterwards, as `sha256sum -c` reads it."""

    verified: bool = False
    """Only a snapshot of which every byte was read and found good."""
    last: frozenset[str] = frozenset()
    """Repositories that are read only where no other can give it."""

    def checked(self) -> RestoreRequest:
        """Itself, when its words go together. Raises Usage."""
        if self.in_place and self.target:
            raise Usage("--target and --in-place exclude each other")
        if not self.in_place and not self.target:
            raise Usage("neither --target nor --in-place is given", hint="--target DIR restores into a folder.")
        if self.on_conflict not in ON_CONFLICT:
            raise Usage(f"'{self.on_conflict}' is no way to treat a conflict", hint=f"One of {', '.join(ON_CONFLICT)}.")
        if self.confirm is not None and self.on_conflict != "mirror":
            raise Usage("--confirm goes with --on-conflict mirror only")
        return self


class Conflict(Struct, frozen=True):
    """An entry that is there already and differs, and in what."""

    path: str
    why: str


class Outlook(Struct, frozen=True):
    """What a restore will do to what is there. The lists hold a thousand entries at most, the counts and the digest all."""

    create: int
    replace: int
    metadata: int
    """Folders that are there and get the recorded mode, owner and times."""
    delete: int
    same: int
    """Left alone: they are as the snapshot has them."""
    kept: int
    """Left alone: they differ, and are to be kept."""
    files: int
    bytes: int
    """To be written."""
    replaced_bytes: int
    deleted_bytes: int
    conflicts: tuple[Conflict, ...]
    conflict_count: int
    replacements: tuple[Conflict, ...]
    removals: tuple[str, ...]
    unread: tuple[tuple[str, str], ...]
    """(path, why): files that the snapshot does not hold the content of."""
    rooms: tuple[Room, ...]
    expected: timedelta | None
    """None: no restore was measured yet."""
    expected_from: str
    digest: str

    @property
    def refused(self) -> bool:
        """Whether it would not begin: something is in conflict, or it does not fit."""
        return bool(self.conflict_count) or not all(room.fits for room in self.rooms)


class Room(Struct, frozen=True):
    """One file system that is written to, at the worst moment."""

    place: str
    """A folder on it."""
    needed_bytes: int
    free_bytes: int
    needed_inodes: int
    free_inodes: int | None
    """None: this file system has no fixed number of them."""

    @property
    def fits(self) -> bool:
        return self.needed_bytes <= self.free_bytes and (self.free_inodes is None or self.needed_inodes <= self.free_inodes)


class RestorePlan(Struct, frozen=True):
    """What a restore would do, and why this snapshot."""

    snapshot: Snapshot
    repository: str
    why: str
    target: str
    paths: tuple[str, ...]
    target_holds: int
    """Entries that are in the target already."""
    notes: tuple[str, ...] = ()
    in_place: bool = False
    on_conflict: str = "refuse"
    changed_since: str | None = None
    """The id of the snapshot of which only the differences are brought back."""
    outlook: Outlook | None = None
    """None: not compared with what is there."""
    at: datetime | None = None
    """The moment that was asked for."""


class RestoreReport(Struct, frozen=True):
    """What a restore brought back."""

    plan: RestorePlan
    files: int
    bytes: int
    folders: int
    seconds: float
    losses: tuple[tuple[str, str, str], ...] = ()
    """(path, what, why): metadata that could not be set."""
    failures: tuple[tuple[str, str], ...] = ()
    """(path, why): entries that are not there, or not as they were, or not gone."""
    notes: tuple[str, ...] = ()
    id: str = ""
    """Names it in `reconcile restores`; in place, also for `--continue` and `rollback`."""
    deleted: int = 0
    same: int = 0
    """Left alone, because they are as the snapshot has them."""
    kept: int = 0
    """Left alone, because they were to be kept."""
    damaged: int = 0
    """Of the failures: those for which the repository is to blame."""
    safety: str | None = None
    """In place: the snapshot of what was there before."""
    undoes: str | None = None
    checksums: tuple[str, int] | None = None
    """(file, lines): the SHA-256 list that was written."""

    @property
    def whole(self) -> bool:
        return not self.failures


class RestoreList(Struct, frozen=True):
    """Recovery operations, newest first, with those that wait for a person to end them."""

    restores: tuple[RestoreRecord, ...]
    interrupted: tuple[str, ...] = ()
    """Ids of restores in place that have changed something and did not end."""
    undone: Mapping[str, str] = field(default_factory=dict)
    """By id: the rollback that undid it."""


class RestoreDetail(Struct, frozen=True):
    """One recovery operation, with what its journal says."""

    record: RestoreRecord
    interrupted: bool = False
    undone_by: str | None = None
    steps: int = 0
    """Of a restore in place: entries that it was about to write or remove, a created folder counting as one."""
    told: int = 0
    """Entries that were told as done."""
    safety: str | None = None
    paths: tuple[str, ...] = ()
    digest: str = ""


class RebuildReport(Struct, frozen=True):
    """The catalog's cache, made anew from the repositories."""

    repositories: Mapping[str, int]
    """Snapshots found, by repository."""
    failures: Mapping[str, str] = field(default_factory=dict)
    recovered: str | None = None


class Adoptable(Struct, frozen=True):
    """The snapshots of one system of another realm in a repository."""

    source: tuple[str, str]
    """(realm, system) as they are now."""
    system: str | None
    """The declared system that gets them; None: they stay foreign."""
    snapshots: int
    newest_at: datetime
    oldest_at: datetime
    host: str


class AdoptionReport(Struct, frozen=True):
    """What a repository holds of others, and what becomes of it."""

    repository: str
    id: str
    realm: str
    """The own one."""
    own: int
    """Snapshots that are of the own realm already."""
    found: tuple[Adoptable, ...]
    digest: str
    """Of what would be adopted; empty: nothing would be."""
    adopted: int | None = None
    """Snapshots that are adopted now; None: it was only looked at."""
    declared: bool = True
    """False: a URL that no spec names."""


class StarterReport(Struct, frozen=True):
    """The specs that `reconcile init` wrote."""

    specs: str
    files: tuple[str, ...]
    realm: str
    repository: InitReport
    next: tuple[str, ...]
    """The commands to type now."""


class SnapshotList(Struct, frozen=True):
    """Snapshots of repositories, with what could not be seen."""

    snapshots: tuple[Snapshot, ...]
    realm: str
    failures: Mapping[str, str] = field(default_factory=dict)
    """Repositories that could not be listed now; theirs are shown as the catalog remembers them."""
