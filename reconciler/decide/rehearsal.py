"""Drills and recovery times as numbers, for the status: what :mod:`reconciler.decide.proven` says in words, without the verdict."""

from __future__ import annotations

from datetime import timedelta

from reconciler.decide.drills import standing_proof, telling_drill
from reconciler.decide.expect import recovery_time
from reconciler.decide.objectives import recovery_point
from reconciler.decide.scene import Scene
from reconciler.model.desired import DesiredSystem
from reconciler.model.drill import DrillOutcome, RecoveryTime, Rehearsed


def rehearsed(scene: Scene, system: DesiredSystem) -> Rehearsed:
    """What the catalog and the marks in the repositories remember. A proof that is newer than the newest drill known here speaks last."""
    last, proof = telling_drill(scene, system.name), standing_proof(scene, system)
    last_at, outcome = (last.started_at, last.outcome) if last is not None else (None, None)
    if proof is not None and (last_at is None or proof.at > last_at):
        last_at, outcome = proof.at, DrillOutcome.PROVEN
    return Rehearsed(
        every=system.drill.every,
        last_at=last_at,
        last_outcome=outcome,
        proven_at=proof.at if proof is not None else None,
        proven_until=proof.until if proof is not None else None,
    )


def recovery(scene: Scene, system: DesiredSystem) -> RecoveryTime:
    """Foreseen and measured, by the drills of this system, else foreseen alone by those of others."""
    measured = next((drill for drill in scene.drills(system.name) if drill.measured), None)
    found = RecoveryTime(
        measured=timedelta(seconds=measured.recovery_seconds) if measured is not None else None,
        measured_at=measured.started_at if measured is not None else None,
    )
    for name in system.repositories:
        point = recovery_point(scene.snapshots(system.name, name), scene.history(system.name, name), scene.now)
        if point is not None and scene.reachable(name):
            expected = recovery_time(scene, system.name, name, point.snapshot.files, point.snapshot.bytes)
            return RecoveryTime(expected.seconds, expected.borrowed, expected.source, found.measured, found.measured_at)
    return found
