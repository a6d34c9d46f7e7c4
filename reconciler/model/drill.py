"""A rehearsed recovery: what was restored, what was asked of it, how long it took, what it proves until when; and what all of them say."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct


class DrillOutcome(StrEnum):
    """What a drill has shown."""

    PROVEN = "proven"
    """Whole, equal to its manifest, and some assertion that can fail found it of use."""
    RESTORED = "restored"
    """Whole and equal to its manifest; no assertion that can fail says that it is of use."""
    FAILED = "failed"
    """What came back is not what it should be: the snapshot counts as suspect from then on."""
    BLOCKED = "blocked"
    """It could not be made or ended, and says nothing about the snapshot."""


class Asserted(Struct, frozen=True):
    """What became of one assertion."""

    title: str
    passed: bool
    why: str
    """What was found, in a sentence."""
    toothless: bool = False
    """It passed on an empty tree, too: it does not count."""
    on_older: bool | None = None
    """Whether it passed on an older snapshot; None: there was none to be tried."""
    seconds: float = 0.0


class Control(Struct, frozen=True):
    """One damage that the comparison was shown, on a copy, to prove that it can fail."""

    name: str
    """missing, truncated, flipped, swapped."""
    rejected: bool | None
    """None: nothing in the snapshot can be damaged that way."""
    path: str = ""


class DrillRecord(Struct, frozen=True):
    """One drill, from its intent to its proof."""

    id: str
    system: str
    repository: str
    snapshot_id: str
    pick: str
    """newest, random, oldest, or named by a person."""
    started_at: datetime
    actor: str
    repository_id: str = ""
    version: str = ""
    """Of the program."""
    generation: str = ""
    """Of the declaration that it was made under."""
    as_of: datetime | None = None
    """Of the snapshot."""
    sandbox: str = ""
    """The folder, while it may still be there."""
    ended_at: datetime | None = None
    outcome: DrillOutcome | None = None
    """None: under way."""
    expires_at: datetime | None = None
    """Until when it counts as proof."""
    files: int = 0
    bytes: int = 0
    prepare_seconds: float = 0.0
    """Until the first byte was written."""
    restore_seconds: float = 0.0
    assert_seconds: float = 0.0
    predicted_seconds: float | None = None
    """What was expected beforehand."""
    findings: tuple[str, ...] = ()
    """Why it failed or was blocked, worst first."""
    asserted: tuple[Asserted, ...] = ()
    controls: tuple[Control, ...] = ()

    @property
    def fixed_seconds(self) -> float:
        """What a recovery takes beside the writing."""
        return self.prepare_seconds + self.assert_seconds

    @property
    def recovery_seconds(self) -> float:
        """The measured RTO: from the decision to data of which it is known that it is of use. Controls and comparison do not count."""
        return self.fixed_seconds + self.restore_seconds

    @property
    def measured(self) -> bool:
        """Whether its times say something: it came to its end."""
        return self.outcome in {DrillOutcome.PROVEN, DrillOutcome.RESTORED}

    @property
    def toothless(self) -> tuple[str, ...]:
        return tuple(each.title for each in self.asserted if each.toothless)

    def proves(self, now: datetime) -> bool:
        """Whether it is proof at this moment."""
        return self.outcome is DrillOutcome.PROVEN and self.expires_at is not None and now < self.expires_at


class Rehearsed(Struct, frozen=True):
    """The drills of one system; each moment is that at which the drill began."""

    every: timedelta | None = None
    """As declared; None: nobody asked for drills."""
    last_at: datetime | None = None
    """The newest drill that says something about a snapshot; None: there is none. One that was blocked says nothing."""
    last_outcome: DrillOutcome | None = None
    """Of that one. A proof that another agent left in the repository counts, too."""
    proven_at: datetime | None = None
    """The newest drill that proved the recovery, whether or not its proof still stands."""
    proven_until: datetime | None = None


class RecoveryTime(Struct, frozen=True):
    """How long a recovery of one system takes."""

    predicted: timedelta | None = None
    """For its newest good snapshot as it is now, out of the first repository that answers; None: nothing to go by."""
    borrowed: bool = False
    """Predicted from drills of other systems in the same repository."""
    source: str = ""
    """Where the prediction comes from, for people."""
    measured: timedelta | None = None
    """What the newest drill took that restored a whole snapshot."""
    measured_at: datetime | None = None
