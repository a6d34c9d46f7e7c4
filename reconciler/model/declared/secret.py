"""Where a secret comes from. The secret itself never stands in a spec."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from reconciler.model.declared.block import Block
from reconciler.model.declared.scalars import Argv, PathText

VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"


class SecretFrom(Block):
    """Exactly one of file, env, command."""

    file: PathText | None = Field(None, description="A file that only its owner can read; relative to this spec file's folder.")
    env: Annotated[str, StringConstraints(pattern=VARIABLE_PATTERN)] | None = Field(None, description="An environment variable.")
    command: Argv | None = Field(None, description="argv whose output is the secret; runs only where the host allows it.")

    @model_validator(mode="after")
    def _one_of(self) -> SecretFrom:
        if sum(value is not None for value in (self.file, self.env, self.command)) != 1:
            raise ValueError("must have exactly one of `file`, `env` and `command`")
        return self

    def __str__(self) -> str:
        """Where it comes from, for people."""
        if self.file is not None:
            return f"the file {self.file}"
        return f"the environment variable {self.env}" if self.env is not None else f"the output of '{(self.command or ('',))[0]}'"
