"""A disaster as it is declared: of which type it is, what it takes away, and how long it goes unnoticed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from reconciler.model.declared.block import Block, UniqueItems, as_many
from reconciler.model.declared.objectives import DisasterWord
from reconciler.model.declared.scalars import Duration, Name, Text

ANY = "*"
"""Any one of them, one at a time: for each system its own."""
_WORDS: dict[str, Any] = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string", "minLength": 1}}]}
Names = Annotated[UniqueItems[Text], BeforeValidator(as_many), WithJsonSchema(_WORDS)]
"""One word or a list of them."""


class Takes(Block):
    """What is gone, or out of reach, while the disaster lasts. Each key adds to what the others take."""

    failure_domain: dict[Name, Names] | None = Field(
        None,
        description=(
            "Places that fail: `{site: office}`; those that are named fail together. `'*'`: any one of them, for each system its own. "
            "`host` is the host of a system."
        ),
    )
    sources: bool | None = Field(None, description="The data of the system itself, wherever it is; each system by itself.")
    credentials: Names | None = Field(
        None,
        description=(
            "Hosts whose credentials are in wrong hands: their systems, and every repository that they could delete. `'*'`: any one host."
        ),
    )
    reach: Literal["offsite"] | None = Field(None, description="offsite: repositories at another site than the system cannot be reached.")
    unverified: bool | None = Field(None, description="Snapshots newer than the last one of which every byte was verified.")


class DisasterScenarioSpec(Block):
    """A type of disaster and what this one takes. What is not said is as built in for the type."""

    type: DisasterWord = Field(description="Which promises hold while it lasts (objectives.disasters), and what is built in.")
    description: Text | None = Field(None, description="What happens, for people.")
    takes: Takes | None = None
    detection_latency: Duration | None = Field(
        None, description="How long it goes unnoticed: snapshots that are younger hold what it has done already."
    )
    temporary: bool | None = Field(None, description="What it takes comes back by itself: nothing is lost for good.")
