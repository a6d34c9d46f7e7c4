"""What goes into the verbs of recovery plans, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from threading import Event
from typing import Protocol

from msgspec import Struct, field

from reconciler.model.declared.recovery import Step
from reconciler.model.recovery import Forecast, PlanStanding, Readiness, RecoveryRun, StepRecord


class Answer(StrEnum):
    """What a person says about a step."""

    DONE = "done"
    AGAIN = "again"
    """Of one that was interrupted: do it once more."""
    LATER = "later"
    """Not now: the run goes on with what does not wait for it, and can be resumed."""
    FAILED = "failed"


class Guide(Protocol):
    """Who stands by. Asked from the threads of steps, one at a time."""

    def asked(self, step: Step, instruction: str, stop: Event, /) -> tuple[Answer, str]:
        """Whether a manual step is done (DONE, LATER, FAILED), and who says so. Returns LATER soon after ``stop`` is set."""
        ...

    def interrupted(self, step: Step, record: StepRecord, stop: Event, /) -> Answer:
        """A command that was running when its process ended, and that may not be done twice: DONE, AGAIN or LATER."""
        ...

    def told(self, run: RecoveryRun, step: StepRecord, /) -> None:
        """A step has begun or ended. Must not raise."""
        ...


class Unattended(Struct, frozen=True):
    """Nobody stands by: what needs a person waits, unless it was said beforehand."""

    done: frozenset[str] = frozenset()
    """Steps that a person has done, or found done."""
    again: frozenset[str] = frozenset()
    """Interrupted commands that may be done once more."""
    by: str = ""

    def asked(self, step: Step, _instruction: str, _stop: Event, /) -> tuple[Answer, str]:
        return (Answer.DONE if step.name in self.done else Answer.LATER), self.by

    def interrupted(self, step: Step, _record: StepRecord, _stop: Event, /) -> Answer:
        if step.name in self.done:
            return Answer.DONE
        return Answer.AGAIN if step.name in self.again else Answer.LATER

    def told(self, _run: RecoveryRun, _step: StepRecord, /) -> None:
        """Nobody listens."""


class RecoveryRequest(Struct, frozen=True):
    """Which plan, for what."""

    plan: str
    disaster: str | None = None
    """None: the only scenario of the plan; of a test: all steps, whatever they apply to."""
    at: datetime | None = None
    """Bring systems back to the newest good snapshot not after this moment; None: the newest."""
    resume: bool = False
    """Go on with the newest run that did not end."""
    anew: bool = False
    """Begin although an earlier run has not ended."""


class GeneratedPlan(Struct, frozen=True):
    """A plan made from what is declared."""

    name: str
    text: str
    """YAML, ready to be committed."""
    systems: tuple[str, ...]
    """In the order in which they come back."""
    notes: tuple[str, ...] = ()


class RecoveryReport(Struct, frozen=True):
    """How a run or a test ended."""

    run: RecoveryRun
    forecast: Forecast
    """As of its begin."""


class PlanStatus(Struct, frozen=True):
    """How one plan stands."""

    standing: PlanStanding
    systems: tuple[str, ...]
    forecasts: Mapping[str, Forecast]
    """By scenario."""
    newest: RecoveryRun | None
    """The newest run in earnest."""


class RecoveryStatus(Struct, frozen=True):
    """Every plan, and how ready every system is."""

    at: datetime
    plans: tuple[PlanStatus, ...]
    readiness: tuple[Readiness, ...]
    """The least ready first."""


class ContinuityReport(Struct, frozen=True):
    """Every plan, tested now."""

    tests: tuple[RecoveryReport, ...]
    status: RecoveryStatus
    failures: Mapping[str, str] = field(default_factory=dict)
    """Plans that could not even be begun, and why."""
