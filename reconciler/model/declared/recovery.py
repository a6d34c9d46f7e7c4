"""Recovery plans as they are declared: steps in a graph, for the disasters that they are meant for.

A step does one thing. What it does in a test stands beside what it does in earnest: a restore goes into the sandbox by itself, a command
or a wait does nothing there unless `test` says what. A step that does not apply to a disaster is passed through: what depends on it then
depends on what it depends on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from reconciler.model.declared.block import Block, Items, UniqueItems
from reconciler.model.declared.drill import Assertion
from reconciler.model.declared.policy import Window
from reconciler.model.declared.scalars import Argv, Duration, Name, PathText, Text

VALID_FOR = timedelta(days=90)
"""So long a passed test counts where nothing else is declared."""
KINDS = ("restore", "command", "wait", "manual", "assert_")


def _url(value: str) -> str:
    scheme, found, rest = value.partition("://")
    host = rest.partition("/")[0]
    if not found or scheme not in {"http", "https"} or not host or "@" in host or any(c.isspace() or not c.isprintable() for c in value):
        raise ValueError("must be an http or https address without credentials")
    return value


Url = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_url)]
Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9:])?$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Times = Annotated[int, Field(ge=1, le=100)]


class RestoreStep(Block):
    """Brings a system back: from the newest good snapshot in a repository that can be reached."""

    system: Name
    to: PathText | None = Field(None, description="Into this folder; default: to where its files came from, undoable by `rollback`.")
    paths: Items[Text] = Field((), description="Only these files, folders or patterns.")
    on_conflict: Literal["refuse", "keep", "overwrite"] | None = Field(
        None, description="What becomes of entries that are there and differ; default overwrite."
    )


class WaitStep(Block):
    """Until something answers: exactly one of a port and a URL."""

    port: Port | None = Field(None, description="A TCP port that accepts a connection.")
    host: Host | None = Field(None, description="With `port`: whose; default 127.0.0.1. Others only where the agent allows them.")
    url: Url | None = Field(None, description="An address that answers with `status`. No redirect is followed.")
    status: Annotated[int, Field(ge=100, le=599)] | None = Field(None, description="With `url`: this one alone; default any of 200 to 299.")

    @model_validator(mode="after")
    def _one_kind(self) -> WaitStep:
        if (self.port is None) == (self.url is None):
            raise ValueError("must have exactly one of `port` and `url`")
        if self.port is None and self.host is not None:
            raise ValueError("may have a `host` only beside `port`")
        if self.url is None and self.status is not None:
            raise ValueError("may have a `status` only beside `url`")
        return self


class ManualStep(Block):
    """What only a person can do."""

    instruction: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    confirm: Text | None = Field(None, description="A word that must be typed to say that it is done; default `yes`.")


class AssertStep(Block):
    """Asks what was restored whether it is of use."""

    system: Name = Field(description="A system that an earlier step restores.")
    assertions: Items[Assertion] = Field((), description="What must be true; default: the assertions of its drill.")


class Retry(Block):
    """How often a step is tried before it has failed."""

    attempts: Times = Field(description="In all.")
    wait: Duration | None = Field(None, description="Between two of them; default 10s.")


class Compensation(Block):
    """What takes a step back when the run fails: exactly one of a command and the rollback of a restore in place."""

    command: Argv | None = None
    rollback: Literal[True] | None = Field(None, description="With `restore` in place: what was there before comes back.")
    timeout: Duration | None = Field(None, description="How long it may take; default: as long as the step.")

    @model_validator(mode="after")
    def _one_kind(self) -> Compensation:
        if (self.command is None) == (self.rollback is None):
            raise ValueError("must have exactly one of `command` and `rollback`")
        return self


class InTest(Block):
    """What a command or a wait does in a test: the same, or another command or wait."""

    same: Literal[True] | None = Field(None, description="As in earnest: for what disturbs nobody.")
    command: Argv | None = Field(None, description="argv; the restored trees stand at `$RECONCILER_SANDBOX/SYSTEM`.")
    wait: WaitStep | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> InTest:
        if sum(value is not None for value in (self.same, self.command, self.wait)) != 1:
            raise ValueError("must have exactly one of `same`, `command` and `wait`")
        return self


class Step(Block):
    """One step: exactly one of restore, command, wait, manual and assert."""

    name: Name
    restore: RestoreStep | None = None
    command: Argv | None = Field(None, description="argv that must end with 0; runs only where the host allows it. No shell.")
    wait: WaitStep | None = None
    manual: ManualStep | None = None
    assert_: AssertStep | None = Field(None, alias="assert")
    depends_on: UniqueItems[Name] = Field((), description="Steps that must have ended well before it begins.")
    applies_to: UniqueItems[Name] = Field((), description="Scenarios of the plan; default: all of them.")
    timeout: Duration | None = Field(None, description="How long one attempt may take; default 4h for a restore or a person, else 10m.")
    retry: Retry | None = None
    idempotent: bool | None = Field(
        None, description="With `command`: may be done twice, so an interrupted one is tried again without asking. Others may anyway."
    )
    compensate: Compensation | None = None
    test: InTest | None = None

    @model_validator(mode="after")
    def _fits(self) -> Step:
        if sum(getattr(self, kind) is not None for kind in KINDS) != 1:
            raise ValueError("must have exactly one of `restore`, `command`, `wait`, `manual` and `assert`")
        if self.idempotent is not None and self.command is None:
            raise ValueError("may have `idempotent` only beside `command`")
        if self.test is not None and self.command is None and self.wait is None:
            raise ValueError("may have a `test` only beside `command` and `wait`")
        if self.retry is not None and self.manual is not None:
            raise ValueError("may not have a `retry` beside `manual`")
        undone = self.compensate is not None and self.compensate.rollback
        if undone and (self.restore is None or self.restore.to is not None):
            raise ValueError("may have a `rollback` only beside a `restore` without `to`")
        return self

    @property
    def kind(self) -> str:
        """restore, command, wait, manual or assert."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None).rstrip("_")


class CleanUp(Block):
    """A command that runs when the plan has ended, however it did."""

    command: Argv
    timeout: Duration | None = Field(None, description="How long it may take; default 10m.")


class PlanObjectives(Block):
    """What the plan promises."""

    rto: Duration | None = Field(None, description="How long all of it may take; default: no promise beside those of its systems.")


class PlanTest(Block):
    """The loop exercises the plan in a sandbox by itself."""

    every: Duration = Field(description="How often.")
    window: Window | None = Field(None, description="When a test may begin.")


class RecoveryPlanSpec(Block):
    """How to come back from a disaster."""

    scenarios: UniqueItems[Name] = Field(min_length=1, description="Types of disaster, or DisasterScenarios, that it is meant for.")
    objectives: PlanObjectives | None = None
    valid_for: Duration | None = Field(None, description="How long a passed test counts; default 90d, at least twice `test.every`.")
    test: PlanTest | None = Field(None, description="How often the loop tests the plan; default: only people do.")
    parallel: Annotated[int, Field(ge=1, le=32)] | None = Field(None, description="Steps at a time; default 4.")
    steps: Items[Step] = Field(min_length=1, max_length=500)
    clean_up: Items[CleanUp] = Field((), description="After a run and after a test, whatever became of it.")

    @model_validator(mode="after")
    def _lasts(self) -> RecoveryPlanSpec:
        if self.test is not None and self.valid_for is not None and self.valid_for < self.test.every:
            raise ValueError("must let a test count (`validFor`) at least until the next one is due (`test.every`)")
        return self

    @property
    def counts_for(self) -> timedelta:
        """How long a passed test is a proof."""
        return self.valid_for or max(VALID_FOR, self.test.every * 2 if self.test is not None else VALID_FOR)
