"""The envelope around every declared noun, and the union of all kinds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from reconciler.model.declared.alerts import AlertPolicySpec
from reconciler.model.declared.approval import DeletionApprovalSpec
from reconciler.model.declared.block import Block
from reconciler.model.declared.policy import BackupPolicySpec
from reconciler.model.declared.recovery import RecoveryPlanSpec
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


class _Document(Block):
    api_version: Literal["reconciler/v1"]
    metadata: Metadata


class Tier(_Document):
    """A class of importance."""

    kind: Literal["Tier"]
    spec: TierSpec


class System(_Document):
    """What must survive."""

    kind: Literal["System"]
    spec: SystemSpec


class BackupPolicy(_Document):
    """How backups are taken and kept."""

    kind: Literal["BackupPolicy"]
    spec: BackupPolicySpec


class Repository(_Document):
    """Where backups live."""

    kind: Literal["Repository"]
    spec: RepositorySpec


class RecoveryPlan(_Document):
    """How to come back from a disaster."""

    kind: Literal["RecoveryPlan"]
    spec: RecoveryPlanSpec


class DisasterScenario(_Document):
    """What a disaster takes away."""

    kind: Literal["DisasterScenario"]
    spec: DisasterScenarioSpec


class AlertPolicy(_Document):
    """Who is told when something is wrong."""

    kind: Literal["AlertPolicy"]
    spec: AlertPolicySpec


class DeletionApproval(_Document):
    """A person's yes to one held change."""

    kind: Literal["DeletionApproval"]
    spec: DeletionApprovalSpec


class Settings(_Document):
    """How the loop runs."""

    kind: Literal["Settings"]
    spec: SettingsSpec


AnyDocument = Tier | System | BackupPolicy | Repository | DisasterScenario | RecoveryPlan | AlertPolicy | DeletionApproval | Settings
Document = Annotated[AnyDocument, Field(discriminator="kind")]
KINDS: tuple[type[AnyDocument], ...] = (
    Tier, System, BackupPolicy, Repository, DisasterScenario, RecoveryPlan, AlertPolicy, DeletionApproval, Settings,
)  # fmt: skip
