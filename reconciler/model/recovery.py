"""What became of recovery plans: runs and tests with their steps, and how ready a system is for a recovery."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field


class RunMode(StrEnum):
    """In earnest, or in a sandbox."""

    RUN = "run"
    TEST = "test"


class StepState(StrEnum):
    """How far a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """In a test: nothing is declared that it could do there."""
    INTERRUPTED = "interrupted"
    """Its process ended while it was running, or somebody asked to stop."""
    COMPENSATED = "compensated"
    """Taken back after the run had failed."""

    @property
    def passed(self) -> bool:
        """Whether what waits for it may begin."""
        return self in {StepState.DONE, StepState.SKIPPED}


class RecoveryOutcome(StrEnum):
    """How a run of a plan ended."""

    RECOVERED = "recovered"
    """Every step of it; of a test: all that can be done in a sandbox."""
    WAITING = "waiting"
    """What is left waits for a person."""
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class StepRecord(Struct, frozen=True):
    """One step of one run, from its intent to its outcome."""

    name: str
    kind: str
    state: StepState = StepState.WAITING
    started_at: datetime | None = None
    """Of the newest attempt."""
    ended_at: datetime | None = None
    attempts: int = 0
    seconds: float = 0.0
    """Of all attempts, without the pauses between them."""
    message: str = ""
    """What was done, or why not."""
    restore: str = ""
    """Id of the restore, for `rollback`."""
    place: str = ""
    """Where a restored system stands; empty: where it came from."""
    files: int = 0
    bytes: int = 0
    compensation: str = ""
    """What became of taking it back."""
    by: str = ""
    """Who said that it is done, where a person did."""
    digest: str = ""
    """Of what the plan says of the step: one that has changed is done again."""
    interruptions: int = 0
    """How often it was under way when its process ended: what it took then is not known."""


class RecoveryRun(Struct, frozen=True):
    """One run or test of a plan, as it is journaled."""

    id: str
    plan: str
    mode: RunMode
    disaster: str
    generation: str
    """Digest of the plan that was carried out."""
    started_at: datetime
    actor: str
    steps: tuple[StepRecord, ...]
    """Those that apply, in the order of the plan."""
    at: datetime | None = None
    """The moment to which systems are brought back; None: the newest."""
    ended_at: datetime | None = None
    outcome: RecoveryOutcome | None = None
    """None: under way."""
    rto_seconds: float | None = None
    """What the plan promised."""
    predicted_seconds: float | None = None
    """Its critical path, before it began."""
    expires_at: datetime | None = None
    """Of a passed test: until when it counts."""
    sandbox: str = ""
    """The folder, while it may still be there."""
    findings: tuple[str, ...] = ()
    """Why it failed, in the order of events; what could not be cleared away."""
    resumed: int = 0
    """How often it was gone on with."""

    @property
    def seconds(self) -> float | None:
        """From its begin to its end, with every pause and interruption."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()

    @property
    def within_rto(self) -> bool | None:
        """None: nothing was promised, or it has not ended."""
        if self.rto_seconds is None or self.seconds is None or self.outcome is not RecoveryOutcome.RECOVERED:
            return None
        return self.seconds <= self.rto_seconds

    @property
    def can_resume(self) -> bool:
        """A test is begun anew: its sandbox is gone."""
        over = {RecoveryOutcome.WAITING, RecoveryOutcome.INTERRUPTED, RecoveryOutcome.FAILED}
        return self.mode is RunMode.RUN and self.outcome in over

    def step(self, name: str) -> StepRecord:
        return next(step for step in self.steps if step.name == name)

    def proves(self, plan_generation: str, now: datetime) -> bool:
        """Whether it is a test of that very plan that passed and counts at this moment."""
        passed = self.mode is RunMode.TEST and self.outcome is RecoveryOutcome.RECOVERED
        return passed and self.generation == plan_generation and self.expires_at is not None and now < self.expires_at


class Timed(Struct, frozen=True):
    """How long a step is expected to take, and how that is known."""

    seconds: float
    source: str
    """measured, predicted or timeout."""
    why: str


class Forecast(Struct, frozen=True):
    """How long a plan will take: its steps one by one, and the longest chain of them."""

    seconds: float
    path: tuple[str, ...]
    """The critical path: the chain of steps that decides, first to last."""
    steps: Mapping[str, Timed] = field(default_factory=dict)
    finishes: Mapping[str, float] = field(default_factory=dict)
    """Seconds from the begin until each step has ended, where none has to wait for a free hand."""


class ReadinessPart(Struct, frozen=True):
    """One part of the score."""

    name: str
    points: int
    most: int
    why: str


class Readiness(Struct, frozen=True):
    """How ready a system is to be recovered, 0 to 100, and why not more."""

    system: str
    parts: tuple[ReadinessPart, ...]
    ready: bool
    """What is untested or expired is not ready, whatever the rest gives."""
    plan: str = ""
    """Its newest tested plan, or the first one that restores it."""

    @property
    def score(self) -> int:
        return sum(part.points for part in self.parts)


class PlanStanding(Struct, frozen=True):
    """How a plan stands: its last test and its last run, as a whole."""

    plan: str
    tested_at: datetime | None
    """The newest test that passed, whether it still counts or not."""
    valid_until: datetime | None
    """Until when that test counts; None: never tested, or the plan has changed since."""
    passed: bool | None
    """Of the newest test that ended; None: never tested."""
    rto_seconds: float | None
    expected_seconds: float | None
    """The longest of its critical paths; None: a plan with problems."""
    every: timedelta | None = None
    """How often the loop has to test it; None: only people do."""
