"""Every kind by its name. The model of one is loaded when it is asked for: a tree rarely has all of them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from reconciler.model.declared import envelope

if TYPE_CHECKING:
    from reconciler.model.declared.envelope import BackupPolicy, DeletionApproval, DisasterScenario, Repository, Settings, System, Tier
    from reconciler.model.declared.rare import AlertPolicy, RecoveryPlan

    AnyDocument = Tier | System | BackupPolicy | Repository | DisasterScenario | RecoveryPlan | AlertPolicy | DeletionApproval | Settings

KINDS = (
    "Tier", "System", "BackupPolicy", "Repository", "DisasterScenario", "RecoveryPlan", "AlertPolicy", "DeletionApproval", "Settings",
)  # fmt: skip


def model_of(kind: str) -> type[AnyDocument]:
    """The model of one of :data:`KINDS`."""
    home = envelope if hasattr(envelope, kind) else import_module("reconciler.model.declared.rare")
    found: type[AnyDocument] = getattr(home, kind)
    return found
