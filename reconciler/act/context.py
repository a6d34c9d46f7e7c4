"""What every action needs, and what it gives back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from reconciler.base.clock import Clock
from reconciler.base.errors import Fate
from reconciler.catalog.records import Holder, RunOutcome
from reconciler.model.desired import Desired, DesiredRepository
from reconciler.model.observed import Failure, Observed
from reconciler.model.plan import Action
from reconciler.model.snapshot import BackupKind

if TYPE_CHECKING:
    from reconciler.catalog.audit import Audit
    from reconciler.catalog.catalog import Catalog
    from reconciler.repository import Affected, Repository
    from reconciler.tree.entry import Defect

Opener = Callable[[DesiredRepository], "Repository"]
"""Opens a repository with its key. Raises ReconcilerError. The caller closes it."""


Patience = Callable[[Holder], bool]
"""Asked when another process works on the same thing: waits a little and says whether to ask again."""


def no_beat() -> None:
    """Nobody listens for a sign of life."""


def no_patience(_holder: Holder) -> bool:
    """The loop comes by again anyway."""
    return False


class Amount(Struct, frozen=True):
    """How far it is."""

    files: int
    bytes: int
    stored_bytes: int = 0
    total_files: int | None = None
    """As far as anybody can know before the end."""


class Watcher(Protocol):
    """Hears how far an action is; called often, from the thread of the action.

    One with an attribute ``wants_total`` that is false does not need to know how many files a first backup will have: that saves a scan.
    """

    def __call__(self, action: Action, amount: Amount, /) -> None: ...


def _nobody(action: Action, _context: Context) -> Done:
    raise AssertionError(f"nobody was given who can test recovery plan {action.plan}")


class Context(Struct, frozen=True):
    """One pass, as its actions see it."""

    desired: Desired
    observed: Observed
    opener: Opener
    catalog: Catalog
    audit: Audit
    clock: Clock
    actor: str
    """Who asked: loop or cli."""
    writer: str
    """Random id of this state directory: one writer is one line of snapshots."""
    skip: frozenset[tuple[int, int]] = frozenset()
    """(st_dev, st_ino) of folders that no backup enters: repositories and the state directory."""
    allow_commands: tuple[Path, ...] = ()
    """Directories whose programs the specs may name; empty: none runs."""
    copies: Path = Path("copies")
    """Where frozen copies of databases stand while they are stored: as secret as the databases."""
    sandboxes: Path = Path("drills")
    """Where drills restore to, unless the specs name another place: as secret as the sources."""
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Watcher | None = None
    beat: Callable[[], None] = no_beat
    """To be called by what may work for long and has no progress to tell: a command within its own time, a look at many files."""
    patience: Patience = no_patience
    exercise: Callable[[Action, Context], Done] = _nobody
    """Carries out a test of a recovery plan."""
    lease: int | None = None
    """The loop's fencing token: a loop that lost its lease starts nothing more."""


class Done(Struct, frozen=True):
    """What a runner reports."""

    outcome: RunOutcome
    message: str
    snapshot_id: str | None = None
    backup_kind: BackupKind | None = None
    """As recorded: without a usable base an incremental becomes a full."""
    as_of: datetime | None = None
    files: int = 0
    bytes: int = 0
    added_bytes: int = 0
    defects: tuple[Defect, ...] = ()
    affected: tuple[Affected, ...] = ()
    """Of a verification that found damage: snapshots that cannot be restored whole, with their files."""
    advice: str = ""
    """For a partial snapshot: the `tolerate` block that would cover its defects, ready to paste."""


class Result(Struct, frozen=True):
    """How one action ended."""

    action: Action
    run_id: str
    done: Done
    seconds: float
    failure: Failure | None = None
    fate: Fate | None = None
    """Set when it failed: what kind of ending that is."""

    @property
    def outcome(self) -> RunOutcome:
        return self.done.outcome

    @property
    def message(self) -> str:
        return self.failure.message if self.failure is not None else self.done.message
