"""What must survive: a system with its sources."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from reconciler.model.declared.block import Block, Items, UniqueItems
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies, Objectives, Verification
from reconciler.model.declared.policy import PolicyBlocks
from reconciler.model.declared.scalars import FILE_NAME_PATTERN, Argv, Duration, Moment, Name, PathText, Size, Text

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
FailureDomain = dict[Name, Text]
"""Named places that can fail as one: `site: office, device: nas1`."""


def _file_name(value: str) -> str:
    if "/" in value or "\0" in value or value in {".", ".."}:
        raise ValueError("must be the name of a file, without any folder")
    return value


FileName = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_file_name)]
_OF_PATHS = frozenset({"exclude", "exclude_caches", "exclude_if_present", "exclude_larger_than", "one_file_system", "tolerate"})


class Tolerate(Block):
    """Defects that leave a snapshot complete; each is still listed."""

    changing: Items[Pattern] = Field((), description="Files that may change while they are read (logs).")
    unreadable: Items[Pattern] = Field((), description="Files that may be unreadable.")


class Source(Block):
    """One thing to read: exactly one of a path, a SQLite database and the output of a command."""

    path: PathText | None = Field(None, description="A file or folder. A relative path counts from the folder of this spec file.")
    sqlite: PathText | None = Field(
        None, description="A SQLite database that may be in use: copied by its own online backup, and checked before it is stored."
    )
    command: Argv | None = Field(
        None, description="argv whose output is stored as `name`, such as a dump; runs only where the host allows it. No shell."
    )
    name: Annotated[str, StringConstraints(pattern=FILE_NAME_PATTERN)] | None = Field(
        None, description="With `command`: the name of the output in the snapshot, `.streams/<system>/<name>`."
    )
    timeout: Duration | None = Field(None, description="With `command` or `sqlite`: how long it may take; default 1h.")
    exclude: Items[Pattern] = Field((), description="Patterns with .gitignore semantics, from `path` down.")
    exclude_caches: bool = Field(False, description="Of folders with a valid CACHEDIR.TAG keep only that; not of `path` itself.")
    exclude_if_present: UniqueItems[FileName] = Field(
        (), description="Of folders below `path` that hold a file of such a name, `.nobackup` for example, keep only that file."
    )
    exclude_larger_than: Size | None = Field(
        None, description="Leave out files below `path` that are larger, by their size, not by their blocks."
    )
    one_file_system: bool = Field(False, description="Do not descend into what is mounted below `path`.")
    tolerate: Tolerate | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Source:
        if sum(value is not None for value in (self.path, self.sqlite, self.command)) != 1:
            raise ValueError("must have exactly one of `path`, `sqlite` and `command`")
        if (self.command is None) != (self.name is None):
            raise ValueError("must have a `name` beside `command`" if self.name is None else "may have a `name` only beside `command`")
        if self.path is None and (extra := _OF_PATHS & self.model_fields_set):
            raise ValueError(f"may have `{to_camel(min(extra))}` only beside `path`")
        if self.path is not None and self.timeout is not None:
            raise ValueError("may have a `timeout` only beside `sqlite` and `command`")
        return self

    @property
    def place(self) -> str | None:
        """Where it is on this machine; None: it is the output of a command."""
        return self.path if self.path is not None else self.sqlite

    @property
    def title(self) -> str:
        """For people."""
        if self.command is not None:
            return f"{self.name} (output of {self.command[0]})"
        return self.path if self.path is not None else f"{self.sqlite} (SQLite)"


class Impact(Block):
    """What an outage costs; read by impact analysis."""

    cost_per_hour: Annotated[float, Field(ge=0)] | None = None
    users: Annotated[int, Field(ge=0)] | None = None
    note: Text | None = None


class Suspend(Block):
    """Freezes actions, never observation. It always says why and ends by itself."""

    reason: Text
    until: Moment


class SystemSpec(PolicyBlocks):
    """What must survive, how well, and where it is."""

    tier: Name = Field(description="A Tier; built in: critical, high, medium, low.")
    policy: Name = Field("default", description="A BackupPolicy; built in: default.")
    owner: Text | None = Field(None, description="Who is asked when it burns.")
    host: Text | None = Field(None, description="The agent that reads the sources; none: every agent acts on it.")
    sources: Items[Source] = Field(min_length=1)
    depends_on: UniqueItems[Name] = Field((), description="Systems that must be recovered first.")
    failure_domain: FailureDomain = Field(default_factory=dict)
    impact: Impact | None = None
    objectives: Objectives | None = None
    copies: Copies | None = None
    verification: Verification | None = None
    drill: Drill | None = None
    suspend: Suspend | None = None
