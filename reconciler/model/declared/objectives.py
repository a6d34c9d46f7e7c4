"""What is promised: how old, how long, how many copies, how often proven. The blocks of Tier that a System may override."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.model.declared.block import Block
from reconciler.model.declared.scalars import Duration
from reconciler.model.disaster import DisasterType

DisasterWord = Literal[
    "hardware_failure", "software_corruption", "data_corruption", "security_breach", "network_outage",
    "natural_disaster", "human_error", "cyber_attack", "power_outage", "system_overload",
]  # fmt: skip
"""As a type that JSON Schema shows; a test compares it with DisasterType."""
Count = Annotated[int, Field(ge=0, le=100)]


class Targets(Block):
    """Promises; an absent one is not promised."""

    rpo: Duration | None = Field(None, description="Recovery point objective: how old the newest good snapshot may become.")
    rto: Duration | None = Field(None, description="Recovery time objective: how long a recovery may take.")
    mtd: Duration | None = Field(None, description="Maximum tolerable downtime: the outage that the organisation can just survive.")


class Objectives(Targets):
    """The promises themselves, and others for single types of disaster."""

    disasters: dict[DisasterWord, Targets] = Field(
        default_factory=dict,
        description="By type of disaster: what is promised there instead. A promise that is not named stays; `null` takes it back.",
    )

    def under(self, disaster: DisasterType) -> Targets:
        """The promises while this disaster lasts."""
        given = {key: value for key, value in self.given().items() if key in Targets.model_fields}
        general = Targets.model_construct(_fields_set=set(given), **given)
        return general.merged(self.disasters.get(disaster.value))


class Copies(Block):
    """How many repositories hold each snapshot, and how they differ. The source itself does not count."""

    count: Count | None = Field(None, description="Repositories that hold the snapshot.")
    media: Count | None = Field(None, description="Distinct `media` words among them.")
    offsite: Count | None = Field(None, description="Those whose failureDomain.site differs from the system's.")
    immutable: Count | None = Field(None, description="Those that this host's credentials cannot delete (Repository.deletableFrom).")
    lag: Duration | None = Field(None, description="How long after the end of a snapshot its copy may take. Default: the RPO.")


class Verification(Block):
    """How old the last proof of intactness may be."""

    quick: Duration | None = Field(None, description="Structure: every object that the newest snapshot needs is there and decodes.")
    deep: Duration | None = Field(None, description="Content: every byte was read, decrypted and hashed again.")
