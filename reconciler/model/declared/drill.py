"""Rehearsed recoveries as they are declared: how often, of which snapshot, what is asked of it, and how much it may take."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from reconciler.model.declared.block import Block, Items
from reconciler.model.declared.policy import Window
from reconciler.model.declared.scalars import Argv, Duration, PathText, Size


def _expression(value: str) -> str:
    try:
        re.compile(value.encode())
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    return value


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_expression)]
Least = Annotated[int, Field(ge=1)]
_OF_PATHS = frozenset({"sha256", "contains", "min_files", "min_bytes"})


class Assertion(Block):
    """Something that is true of what is of use: exactly one of a path, a SQLite database and a command."""

    path: PathText | None = Field(
        None, description="A file or folder that must be there, or a pattern (`*`, `**`). A relative one counts from the spec file."
    )
    sha256: Sha256 | None = Field(None, description="With `path` of one file: the hash of its content.")
    contains: Expression | None = Field(None, description="With `path`: a regular expression that fits some line of some of its files.")
    min_files: Least | None = Field(None, description="With `path`: how many files there must be, those in folders below counted.")
    min_bytes: Size | None = Field(None, description="With `path`: what these files must hold together.")
    sqlite: PathText | None = Field(None, description="A SQLite database that must pass its own `integrity_check`.")
    command: Argv | None = Field(
        None,
        description="argv that must end with 0. The tree is at `$RECONCILER_SANDBOX`; runs only where the host allows it. No shell.",
    )
    timeout: Duration | None = Field(None, description="With `command` or `sqlite`: how long it may take; default 5m.")

    @model_validator(mode="after")
    def _one_kind(self) -> Assertion:
        if sum(value is not None for value in (self.path, self.sqlite, self.command)) != 1:
            raise ValueError("must have exactly one of `path`, `sqlite` and `command`")
        if self.path is None and (extra := _OF_PATHS & self.model_fields_set):
            raise ValueError(f"may have `{to_camel(min(extra))}` only beside `path`")
        if self.path is not None and self.timeout is not None:
            raise ValueError("may have a `timeout` only beside `sqlite` and `command`")
        return self

    @property
    def title(self) -> str:
        """For people."""
        if self.command is not None:
            return f"command {' '.join(self.command)}"
        if self.sqlite is not None:
            return f"sqlite {self.sqlite}"
        asked = {
            "sha256": self.sha256 and self.sha256[:12],
            "contains": self.contains,
            "minFiles": self.min_files,
            "minBytes": self.min_bytes,
        }
        return f"path {self.path}" + "".join(f" {name} {value}" for name, value in asked.items() if value is not None)


class DrillLimits(Block):
    """How much one drill may take. Beyond it is blocked, and says nothing about the snapshot."""

    space: Size | None = Field(None, description="Bytes in the sandbox.")
    time: Duration | None = Field(None, description="From its begin to its end.")
    bandwidth: Annotated[Size, Field(ge=1024)] | None = Field(
        None, description="Bytes per second that are read from the repository. A recovery in earnest is not slowed down."
    )


class Drill(Block):
    """Rehearsed recoveries."""

    every: Duration | None = Field(None, description="How often a recovery is rehearsed.")
    valid_for: Duration | None = Field(None, description="How long a passed drill counts as proof (default: twice `every`).")
    snapshot: Literal["newest", "random", "oldest"] | None = Field(None, description="Which kept one is restored; default newest.")
    assertions: Items[Assertion] = Field((), description="What must be true of the restored tree. Without any, only readability is proven.")
    sandbox: PathText | None = Field(None, description="Folder in which the sandbox is made; default: in the state directory.")
    limits: DrillLimits | None = None
    window: Window | None = Field(None, description="When a drill may begin.")

    def proof_until(self, at: datetime) -> datetime | None:
        """When the proof of a drill that began then expires; None: nothing says how long it counts."""
        valid_for = self.valid_for or (self.every * 2 if self.every is not None else None)
        return at + valid_for if valid_for is not None else None
