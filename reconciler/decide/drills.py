"""Rehearsed recoveries: which one is due, of which snapshot, what they have proven and until when.

A proof becomes due a little before its period ends. A drill that failed or could not be made is tried again sooner than a passed one, but
not at once: it costs as much as a recovery. Whoever mends its declaration does not wait for that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.base.units import format_duration
from reconciler.decide.calendar import window_opens
from reconciler.decide.expect import recovery_time
from reconciler.decide.scene import Scene, from_future, sound
from reconciler.decide.upkeep import is_free, upkeep_action
from reconciler.decide.words import minute
from reconciler.model.desired import DesiredSystem
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.listing import marked
from reconciler.model.plan import Action, ActionKind
from reconciler.model.snapshot import MarkKind, Snapshot

NEWEST, RANDOM, OLDEST = "newest", "random", "oldest"
EARLY = 20  # due a twentieth of the period before its end
RETRY_SHARE = 4
RETRY_MAX = timedelta(days=1)


class Proof(Struct, frozen=True):
    """That a recovery is known to work."""

    at: datetime
    until: datetime
    why: str


def plan_drills(scene: Scene, system: DesiredSystem) -> tuple[Action, ...]:
    """The drill that is due now, at most one: out of the first repository that answers and holds a good snapshot."""
    if system.drill.every is None:
        return ()
    repository = next((name for name in scene.kept(system) if scene.reachable(name) and _good(scene, system, name)), None)
    if repository is None or not is_free(scene, system, repository):
        return ()
    good = _good(scene, system, repository)
    due_at, why = _due(scene, system, system.drill.every, good[0])
    window = system.drill.window
    if due_at > scene.now or (window is not None and window_opens(window, scene.now) > scene.now):
        return ()
    pick = system.drill.snapshot or NEWEST
    return (drill_action(scene, system, repository, choose(scene, system, good, pick), pick, "drill-due", why, due_at),)


def drill_action(
    scene: Scene, system: DesiredSystem, repository: str, chosen: Snapshot, pick: str, reason: str, why: str, due_at: datetime | None = None
) -> Action:
    """The action, with an older snapshot for the assertions to be tried on, and what a recovery is expected to take."""
    older = next((s.id for s in _good(scene, system, repository) if s.counted_at < chosen.counted_at), None)
    ids = (chosen.id,) if older is None else (chosen.id, older)
    time = recovery_time(scene, system.name, repository, chosen.files, chosen.bytes).seconds
    expected = time.total_seconds() if time is not None else None
    return upkeep_action(system, repository, ActionKind.DRILL, reason, why, ids, due_at=due_at, pick=pick, expected_seconds=expected)


def choose(scene: Scene, system: DesiredSystem, good: Sequence[Snapshot], pick: str) -> Snapshot:
    """``good``: newest first. Random means by a hash that every drill changes: two looks at one world agree."""
    if pick == OLDEST:
        return good[-1]
    if pick == RANDOM:
        last = next((d.id for d in scene.drills(system.name)), "")
        digest = hashlib.sha256(f"{scene.desired.realm}\0{system.name}\0{last}".encode()).digest()
        return good[int.from_bytes(digest[:8]) % len(good)]
    return good[0]


def last_drill(scene: Scene, system: str) -> DrillRecord | None:
    """The newest that came to some end."""
    return next((d for d in scene.drills(system) if d.outcome is not None), None)


def telling_drill(scene: Scene, system: str) -> DrillRecord | None:
    """The newest that says something about a snapshot: one that is under way or was blocked says nothing."""
    return next((d for d in scene.drills(system) if d.outcome not in {None, DrillOutcome.BLOCKED}), None)


def standing_proof(scene: Scene, system: DesiredSystem) -> Proof | None:
    """The newest proof, expired or not: as the catalog remembers it, or as a mark in a repository does, where that was lost."""
    proofs = [
        Proof(d.started_at, d.expires_at, f"snapshot {d.snapshot_id[:8]} out of {d.repository} was back and of use in {_seconds(d)}")
        for d in scene.drills(system.name)
        if d.outcome is DrillOutcome.PROVEN and d.expires_at is not None
    ]
    proofs += [
        Proof(mark.at, mark.until, f"snapshot {s.id[:8]} out of {name} was proven by a drill")
        for name in system.repositories
        for s in marked(scene.snapshots(system.name, name), MarkKind.DRILLED)
        for mark in s.marks
        if mark.kind is MarkKind.DRILLED and mark.until is not None and not from_future(mark.at, scene.now)
    ]
    return max(proofs, key=lambda proof: proof.until, default=None)


def _good(scene: Scene, system: DesiredSystem, repository: str) -> Sequence[Snapshot]:
    return sound(scene.snapshots(system.name, repository), scene.now)


def _due(scene: Scene, system: DesiredSystem, every: timedelta, newest: Snapshot) -> tuple[datetime, str]:
    last, declared = last_drill(scene, system.name), f"every {format_duration(every)} is declared"
    proof = standing_proof(scene, system)
    if last is None:
        if proof is not None:
            return proof.at + every - every / EARLY, f"last proven at {minute(proof.at)}; {declared}"
        return newest.ended_at, f"never rehearsed; {declared}"
    if last.measured:
        return last.started_at + every - every / EARLY, f"last rehearsed at {minute(last.started_at)}; {declared}"
    word = "failed" if last.outcome is DrillOutcome.FAILED else "could not be made"
    if last.generation != system.generation:
        return last.started_at, f"the last drill {word} at {minute(last.started_at)}, and the declaration has changed since"
    wait = min(every / RETRY_SHARE, RETRY_MAX)
    return last.started_at + wait, f"the last drill {word} at {minute(last.started_at)}; tried again after {format_duration(wait)}"


def _seconds(drill: DrillRecord) -> str:
    return format_duration(timedelta(seconds=max(1.0, drill.recovery_seconds)), parts=2)
