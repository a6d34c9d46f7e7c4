"""The envelope around every declared noun, and the kinds that most trees have; kinds.py knows them all."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from reconciler.model.declared.approval import DeletionApprovalSpec
from reconciler.model.declared.block import Block
from reconciler.model.declared.policy import BackupPolicySpec
from reconciler.model.declared.repository import RepositorySpec
from reconciler.model.declared.scalars import Name
from reconciler.model.declared.scenario import DisasterScenarioSpec
from reconciler.model.declared.settings import SettingsSpec
from reconciler.model.declared.system import SystemSpec
from reconciler.model.declared.tier import TierSpec

API_VERSION = "reconciler/v1"
LABEL_KEY_PATTERN = r"^[a-z0-9A-Z]([a-z0-9A-Z._/-]{0,61}[a-z0-9A-Z])?$"
LabelKey = Annotated[str, StringConstraints(pattern=LABEL_KEY_PATTERN)]
LabelValue = Annotated[str, StringConstraints(max_length=200)]


class Metadata(Block):
    """Who this object is."""

    name: Name
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    annotations: dict[LabelKey, str] = Field(default_factory=dict)
    previous_name: Name | None = Field(None, description="The name before a rename: history carries over.")


class Envelope(Block):
    """What each kind has around its own words."""

    api_version: Literal["reconciler/v1"]
    metadata: Metadata


class Tier(Envelope):
    """A class of importance."""

    kind: Literal["Tier"]
    spec: TierSpec


class System(Envelope):
    """What must survive."""

    kind: Literal["System"]
    spec: SystemSpec


class BackupPolicy(Envelope):
    """How backups are taken and kept."""

    kind: Literal["BackupPolicy"]
    spec: BackupPolicySpec


class Repository(Envelope):
    """Where backups live."""

    kind: Literal["Repository"]
    spec: RepositorySpec


class DisasterScenario(Envelope):
    """What a disaster takes away."""

    kind: Literal["DisasterScenario"]
    spec: DisasterScenarioSpec


class DeletionApproval(Envelope):
    """A person's yes to one held change."""

    kind: Literal["DeletionApproval"]
    spec: DeletionApprovalSpec


class Settings(Envelope):
    """How the loop runs."""

    kind: Literal["Settings"]
    spec: SettingsSpec
