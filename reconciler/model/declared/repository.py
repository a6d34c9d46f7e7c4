"""Where backups live."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from reconciler.model.declared.block import Block, Items
from reconciler.model.declared.policy import Window
from reconciler.model.declared.scalars import Duration, PathText, Text
from reconciler.model.declared.secret import VARIABLE_PATTERN
from reconciler.model.declared.system import FailureDomain


class Key(Block):
    """Where the key of the repository comes from: exactly one of file, env, command. The key itself never stands in a spec."""

    file: PathText | None = Field(None, description="A file that only its owner can read; relative to this spec file's folder.")
    env: Annotated[str, StringConstraints(pattern=VARIABLE_PATTERN)] | None = Field(None, description="An environment variable.")
    command: Annotated[Items[Text], Field(min_length=1)] | None = Field(
        None, description="argv whose output is the key; runs only where the host allows it."
    )
    kind: Literal["raw", "passphrase"] = Field("raw", description="raw: 32 random bytes as 64 hex digits; passphrase: words.")

    @model_validator(mode="after")
    def _one_of(self) -> Key:
        if sum(value is not None for value in (self.file, self.env, self.command)) != 1:
            raise ValueError("must have exactly one of `file`, `env` and `command`")
        return self


class Prune(Block):
    """Removing from the repository what no snapshot needs any more."""

    every: Duration = Field(description="How often; the first time this long after the oldest snapshot.")


class Maintenance(Block):
    """The care for the repository as a whole."""

    prune: Prune | None = Field(None, description="Without it nothing is removed unless somebody says `reconcile prune`.")
    window: Window | None = Field(None, description="When it may begin.")


class Limits(Block):
    """How much may be asked of the place where it is."""

    concurrency: Annotated[int, Field(ge=1, le=64)] | None = Field(
        None,
        description="Actions of this agent in it at a time; one more for what the RPO needs. Default: as many as the loop has at a time.",
    )


class RepositorySpec(Block):
    """An encrypted store and the place where it can be lost."""

    url: PathText = Field(description="A path. A relative one counts from the folder of this spec file.")
    key: Key
    failure_domain: FailureDomain = Field(default_factory=dict)
    media: Text | None = Field(None, description="What it is made of, in one word: disk, object, tape.")
    deletable_from: Items[Text] | None = Field(
        None, description="Hosts whose credentials could delete it; default: every host that writes to it."
    )
    maintenance: Maintenance = Field(default_factory=Maintenance.model_construct)
    limits: Limits = Field(default_factory=Limits.model_construct)
