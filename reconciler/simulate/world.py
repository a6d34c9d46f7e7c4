"""How the world behaves, and who is told what happens in it. Both are subclassed: by a forecast, and by a test that breaks things."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.catalog.records import RunOutcome
from reconciler.model.declared.policy import Retention
from reconciler.model.desired import DesiredSystem
from reconciler.model.drill import DrillRecord
from reconciler.model.observed import Failure, RunHistory
from reconciler.model.plan import Action, ActionKind, Plan
from reconciler.model.snapshot import BackupKind, Snapshot

UPKEEP_SECONDS = 60.0
"""What an action other than a backup takes unless the world says otherwise. It holds up nothing that the RPO needs."""


class Reading(Struct, frozen=True):
    """What reading the sources once would give."""

    version: int = 0
    """Equal versions: nothing changed in between."""
    partial: bool = False
    """Some files could not be read."""
    failure: Failure | None = None
    bytes: int = 0
    added_bytes: int = 0
    """Stored anew when it is published."""


class World:
    """A peaceful one: everything can be reached, each reading finds a change, a backup takes a minute."""

    def unreachable(self, repository: str, at: datetime) -> Failure | None:
        """Why the repository cannot be used at this moment, or None."""
        return None

    def broke(self, action: Action, began: datetime, at: datetime) -> Failure | None:
        """Why an action that began then and would end now comes to nothing, or None."""
        return self.unreachable(action.repository, at)

    def seconds(self, action: Action, at: datetime) -> float:
        """How long the action will take when it begins now."""
        return UPKEEP_SECONDS

    def read(self, system: DesiredSystem, kind: BackupKind, at: datetime, before: datetime | None) -> Reading:
        """The sources as they are now. ``before``: as of when the newest snapshot there is; None: there is none."""
        return Reading(version=int(at.timestamp()))


class Witness:
    """Told of everything that really happened, in the order of true time. Does nothing by itself."""

    def planned(self, plan: Plan, at: datetime) -> None:
        """A plan was made. ``at``: true time, also below."""

    def backed_up(self, action: Action, outcome: RunOutcome, began: datetime, at: datetime, snapshot: Snapshot | None) -> None:
        """A backup ended. ``began``: the moment as of which it read; ``snapshot``: what it published or confirmed."""

    def stored(self, repository: str, system: str, added_bytes: int, at: datetime) -> None:
        """A repository received so much."""

    def forgot(self, action: Action, gone: Sequence[Snapshot], at: datetime) -> None:
        """Snapshots were removed, as they were before."""

    def ended(self, action: Action, failure: Failure | None, at: datetime) -> None:
        """An action of any kind ended."""


class Memory(Struct):
    """What the catalog would remember. A lost catalog is a new one of these."""

    histories: dict[tuple[str, str], RunHistory] = field(default_factory=dict)
    accepted: dict[str, Retention] = field(default_factory=dict)
    pruned: dict[str, datetime] = field(default_factory=dict)
    listed: dict[str, datetime] = field(default_factory=dict)
    """By repository: when it was last listed, by the clock of the host."""
    drills: list[DrillRecord] = field(default_factory=list)
    """Newest last."""
    failures: dict[str, Failure] = field(default_factory=dict)
    """By repository: why it could not be listed the last time."""

    seen_at: tuple[datetime, datetime] | None = None
    """The last look: true time, and what the host took it for."""
    unsettled: datetime | None = None

    def begin(self, action: Action, at: datetime) -> None:
        """The intent of a run."""
        if action.kind is ActionKind.BACKUP:
            known = self.histories.get((action.system, action.repository), RunHistory())
            begun = replace(known, last_attempt_at=at, last_attempt_kind=action.backup_kind)
            self.histories[action.system, action.repository] = begun


class Pace(Struct, frozen=True):
    """How the simulation moves."""

    look_every: timedelta = timedelta(hours=12)
    """How often upkeep is looked at when nothing happens."""
    concurrency: int = 2
    agent: str = "simulated"
