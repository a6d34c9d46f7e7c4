"""What must survive: a system with its sources."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from reconciler.model.declared.block import Block, Items, UniqueItems
from reconciler.model.declared.objectives import Copies, Drill, Objectives, Verification
from reconciler.model.declared.policy import PolicyBlocks
from reconciler.model.declared.scalars import Moment, Name, PathText

Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
FailureDomain = dict[Name, Text]
"""Named places that can fail as one: `site: office, device: nas1`."""


class Tolerate(Block):
    """Defects that leave a snapshot complete; each is still listed."""

    changing: Items[Pattern] = Field((), description="Files that may change while they are read (logs).")
    unreadable: Items[Pattern] = Field((), description="Files that may be unreadable.")


class Source(Block):
    """One thing to read."""

    path: PathText = Field(description="A file or folder. A relative path counts from the folder of this spec file.")
    exclude: Items[Pattern] = Field((), description="Patterns with .gitignore semantics, from `path` down.")
    one_file_system: bool = Field(False, description="Do not descend into what is mounted below `path`.")
    tolerate: Tolerate | None = None


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
