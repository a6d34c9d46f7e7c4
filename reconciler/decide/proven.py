"""The statement RecoveryProven: what the drills of a system say at this moment."""

from __future__ import annotations

from reconciler.base.units import format_duration
from reconciler.decide.drills import last_drill, standing_proof, telling_drill
from reconciler.decide.scene import Scene
from reconciler.decide.words import minute
from reconciler.model.desired import DesiredSystem
from reconciler.model.drill import DrillOutcome
from reconciler.model.status import Truth


def proven(scene: Scene, system: DesiredSystem) -> tuple[Truth, str, str]:
    """RecoveryProven: the newest drill speaks, unless it could not be made; a proof speaks until it expires."""
    last, proof = telling_drill(scene, system.name) or last_drill(scene, system.name), standing_proof(scene, system)
    rto = system.objectives.rto
    if last is not None and last.outcome is DrillOutcome.FAILED and (proof is None or proof.at <= last.started_at):
        why = "; ".join(last.findings[:1]) or "what came back is not what it should be"
        return Truth.FALSE, "DrillFailed", f"the drill of snapshot {last.snapshot_id[:8]} at {minute(last.started_at)} failed: {why}"
    if proof is not None and proof.until <= scene.now:
        return Truth.FALSE, "Expired", f"last proven at {minute(proof.at)}; that expired at {minute(proof.until)}"
    if proof is None and last is None:
        return Truth.UNKNOWN, "NeverDrilled", "no drill is on record"
    if proof is None and last is not None:
        if last.outcome is DrillOutcome.RESTORED:
            return Truth.FALSE, "NotOfUse", "what came back is whole; no assertion that can fail says that it is of use"
        return Truth.UNKNOWN, "DrillBlocked", f"no drill came to its end: {'; '.join(last.findings[:1])}"
    assert proof is not None
    timed = next((d for d in scene.drills(system.name) if d.outcome is DrillOutcome.PROVEN), None)
    if rto is not None and timed is not None and timed.recovery_seconds > rto.total_seconds():
        return Truth.FALSE, "SlowerThanRto", f"{proof.why}, RTO {format_duration(rto)}"
    return Truth.TRUE, "Proven", f"at {minute(proof.at)} {proof.why}; that counts until {minute(proof.until)}"
