"""What a person says yes to: one change that a guard holds, named in full, for a short time."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from reconciler.model.declared.block import Block, UniqueItems
from reconciler.model.declared.scalars import Moment, Name, Text

SNAPSHOTS_MAX = 20_000
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
SnapshotId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class DeletionApprovalSpec(Block):
    """A held change as the plan prints it. Nobody writes one by hand: `change` seals all the rest but reason and end."""

    change: Digest = Field(description="Digest over system, repository, its effective retention and the snapshots.")
    system: Name
    repository: Name
    snapshots: Annotated[UniqueItems[SnapshotId], Field(min_length=1, max_length=SNAPSHOTS_MAX)] = Field(
        description="What may go: these and no others."
    )
    reason: Text = Field(description="Why; it stands in the audit log.")
    expires: Moment = Field(description="At most 14 days ahead; before that the approval does not count yet.")
