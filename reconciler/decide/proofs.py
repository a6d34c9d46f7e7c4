"""Proofs of intactness: which one is due. Deep: every byte was read. Quick: the structure was; a deep proof is a quick one, too.

A proof becomes due a little before its period ends, so that the data is read within the period and not after it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.base.units import format_duration
from reconciler.decide.objectives import newest_checked_at, newest_verified_at
from reconciler.decide.scene import Scene, newest_sound
from reconciler.decide.upkeep import is_free, upkeep_action
from reconciler.decide.words import minute
from reconciler.model.desired import DesiredSystem
from reconciler.model.plan import Action, ActionKind

_EARLY = 20
"""Due a twentieth of the period before its end."""


class Proof(Struct, frozen=True):
    """The verification that one repository asks for next."""

    snapshot: str
    """The id of the newest good one, which it is made on."""
    quick: bool
    due_at: datetime
    why: str


def plan_verification(scene: Scene, system: DesiredSystem) -> tuple[Action, ...]:
    """For each repository the proof that is due now, at most one: deep before quick. The newest good snapshot is what it is made on."""
    return tuple(action for repository in system.repositories if (action := _verify(scene, system, repository)) is not None)


def next_proof(scene: Scene, system: DesiredSystem, repository: str) -> Proof | None:
    """The proof that is due now; None: what is declared is fresh, or nothing is declared."""
    snapshots = scene.snapshots(system.name, repository)
    newest = newest_sound(snapshots, scene.now)
    if newest is None:
        return None
    deep, quick = system.verification.deep, system.verification.quick
    read_at = newest_verified_at(snapshots, scene.now)
    if deep is not None and _is_due(read_at, deep, scene.now):
        last = f"last proof at {minute(read_at)}" if read_at is not None else "no proof of intactness yet"
        due_at = read_at + deep if read_at is not None else newest.ended_at
        return Proof(newest.id, False, due_at, f"{last}; every {format_duration(deep)} is declared")
    seen_at = newest_checked_at(snapshots, scene.now)
    if quick is not None and _is_due(seen_at, quick, scene.now):
        last = f"structure last seen whole at {minute(seen_at)}" if seen_at is not None else "structure never looked at"
        due_at = seen_at + quick if seen_at is not None else newest.ended_at
        return Proof(newest.id, True, due_at, f"{last}; every {format_duration(quick)} is declared")
    return None


def _verify(scene: Scene, system: DesiredSystem, repository: str) -> Action | None:
    if not is_free(scene, system, repository):
        return None
    proof = next_proof(scene, system, repository)
    if proof is None:
        return None
    made_on, due_at = (proof.snapshot,), proof.due_at
    return upkeep_action(system, repository, ActionKind.VERIFY, "verify-due", proof.why, made_on, due_at=due_at, quick=proof.quick)


def _is_due(last: datetime | None, period: timedelta, now: datetime) -> bool:
    return last is None or now - last >= period - period / _EARLY
