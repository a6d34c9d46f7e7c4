"""When a person's yes covers what a guard would hold.

A :class:`DeletionApproval` names its snapshots, so it covers any subset of them and nothing beside: what the same retention lets go
later was not looked at. Its digest seals the retention, too: under an even tighter one the yes no longer stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta

from reconciler.decide.retention import digest as retention_digest
from reconciler.decide.scene import Scene
from reconciler.decide.words import minute
from reconciler.model.desired import Approval, DesiredSystem

LIFE_MAX = timedelta(days=14)
"""A yes that is older than this was given to another world."""


def change_digest(system: DesiredSystem, repository: str, ids: Iterable[str]) -> str:
    """Identifies one held change: system, repository, effective retention, sorted snapshot ids."""
    facts = [system.name, repository, retention_digest(system.retention), sorted(ids)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def approved(scene: Scene, system: DesiredSystem, repository: str) -> dict[str, str]:
    """By snapshot: the name of the approval that lets it go there now."""
    given = _given(scene, system, repository)
    return {snapshot: one.name for one in given if not _flaw(scene, system, one) for snapshot in one.snapshots}


def flaws(scene: Scene, system: DesiredSystem, repository: str) -> tuple[str, ...]:
    """A sentence for each approval of this system there that does not count."""
    return tuple(f"{one.name} {flaw}" for one in _given(scene, system, repository) if (flaw := _flaw(scene, system, one)))


def _given(scene: Scene, system: DesiredSystem, repository: str) -> list[Approval]:
    return [one for one in scene.desired.approvals if (one.system, one.repository) == (system.name, repository)]


def _flaw(scene: Scene, system: DesiredSystem, approval: Approval) -> str:
    if approval.expires <= scene.now:
        return f"expired at {minute(approval.expires)}"
    if approval.expires > scene.now + LIFE_MAX:
        return f"counts only in the {LIFE_MAX.days} days before it expires at {minute(approval.expires)}"
    if approval.change != change_digest(system, approval.repository, approval.snapshots):
        return "was given for another retention, or edited since"
    return ""
