"""Every promise of a system as target, measurement, prediction and verdict: the same numbers as the conditions, one row for each.

*Detection* is what passes before the loop notices an outage by itself: a repository is looked at every ``observeEvery``, in the pass after
that. MTD counts it, because users wait that long, too; a scenario says how much longer its own disaster stays unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import overload

from msgspec import Struct
from msgspec.structs import replace

from reconciler.base.units import format_duration
from reconciler.decide.objectives import RecoveryPoint, expected_duration, recovery_point
from reconciler.decide.scene import Scene
from reconciler.decide.words import minute
from reconciler.model.desired import DesiredSystem
from reconciler.model.disaster import DisasterType
from reconciler.model.drill import DrillOutcome, RecoveryTime, Rehearsed
from reconciler.model.objective import ObjectiveStatus, Promise, Verdict
from reconciler.model.status import Condition, Truth


class Facts(Struct, frozen=True):
    """What is known of one system when its promises are judged."""

    fresh: Condition | None
    """BackupFresh, which has judged the general RPO already; None: none is promised."""
    recovery: RecoveryTime
    rehearsed: Rehearsed
    begins_at: datetime | None
    """When the next backup may begin; None: none is planned."""
    breach_at: datetime | None
    breach_why: str


class Promises(Sequence[ObjectiveStatus]):
    """What :func:`promised` says of one moment, worked out when somebody reads it.

    Promises are ages by nature: they are other ones in each pass, of each system, and most passes nobody asks for any.
    """

    __slots__ = ("_facts", "_rows", "_scene", "_system")

    def __init__(self, scene: Scene, system: DesiredSystem, facts: Facts) -> None:
        self._scene, self._system, self._facts = scene, system, facts
        self._rows: tuple[ObjectiveStatus, ...] | None = None

    @property
    def rows(self) -> tuple[ObjectiveStatus, ...]:
        """All of them."""
        if self._rows is None:
            self._rows = promised(self._scene, self._system, self._facts)
        return self._rows

    @overload
    def __getitem__(self, which: int) -> ObjectiveStatus: ...
    @overload
    def __getitem__(self, which: slice) -> tuple[ObjectiveStatus, ...]: ...
    def __getitem__(self, which: int | slice) -> ObjectiveStatus | tuple[ObjectiveStatus, ...]:
        return self.rows[which]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[ObjectiveStatus]:
        return iter(self.rows)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Promises):
            return self.rows == other.rows
        return self.rows == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.rows)

    def __repr__(self) -> str:
        return repr(self.rows)


def promised(scene: Scene, system: DesiredSystem, facts: Facts) -> tuple[ObjectiveStatus, ...]:
    """One for each promise that is declared: the general ones, then those for types of disaster."""
    given = system.objectives
    found = [_general_rpo(scene, system, facts, given.rpo)] if given.rpo is not None else []
    found += _lengths(scene, facts, given.rto, given.mtd)
    for word, targets in sorted(given.disasters.items()):
        under, own = given.under(DisasterType(word)), targets.given()
        rows = [_rpo(scene, system, facts, under.rpo)] if under.rpo is not None and "rpo" in own else []
        rows += _lengths(scene, facts, under.rto if "rto" in own else None, under.mtd if "mtd" in own else None)
        found += [replace(row, disaster=word) for row in rows]
    return tuple(found)


def detection(scene: Scene) -> timedelta:
    """How long an outage may last before a pass of the loop sees it."""
    return scene.desired.settings.observe_every + scene.desired.settings.interval


def _lengths(scene: Scene, facts: Facts, rto: timedelta | None, mtd: timedelta | None) -> list[ObjectiveStatus]:
    found = [_length(scene, facts, Promise.RTO, rto, timedelta(0))] if rto is not None else []
    return found + ([_length(scene, facts, Promise.MTD, mtd, detection(scene))] if mtd is not None else [])


def _general_rpo(scene: Scene, system: DesiredSystem, facts: Facts, rpo: timedelta) -> ObjectiveStatus:
    """As BackupFresh and the forecast say, which everybody else goes by."""
    row, fresh = _rpo(scene, system, facts, rpo), facts.fresh
    if fresh is None:
        return replace(row, verdict=Verdict.UNKNOWN, reason="not judged yet")
    if fresh.status is Truth.UNKNOWN:
        return replace(row, verdict=Verdict.UNKNOWN, reason=fresh.message)
    if fresh.status is Truth.FALSE:
        return replace(row, verdict=Verdict.BREACHED, reason=fresh.message)
    foreseen = facts.breach_at is not None or fresh.reason == "AtRisk"
    return replace(row, verdict=Verdict.AT_RISK if foreseen else Verdict.MET, reason=facts.breach_why or fresh.message)


def _rpo(scene: Scene, system: DesiredSystem, facts: Facts, rpo: timedelta) -> ObjectiveStatus:
    """Of the best recovery point in any repository: which of them survives a disaster, another question says."""
    points = [recovery_point(scene.snapshots(system.name, r), scene.history(system.name, r), scene.now) for r in system.repositories]
    best = max((point for point in points if point is not None), key=lambda point: point.at, default=None)
    if best is None:
        unknown = not system.repositories or any(not scene.reachable(name) for name in system.repositories)
        verdict, why = (Verdict.UNKNOWN, "not every repository was listed") if unknown else (Verdict.BREACHED, "there is no good snapshot")
        return ObjectiveStatus(Promise.RPO, rpo, None, None, verdict, why, "")
    age, predicted = scene.now - best.at, None
    if facts.begins_at is not None:
        expected = expected_duration(scene.history(system.name, system.repositories[0]), system.objectives.rpo)
        predicted = max(facts.begins_at, scene.now) + expected - best.at
    unsure = facts.fresh is not None and facts.fresh.status is Truth.UNKNOWN
    numbers = f"the newest good state is {_said(age)} old, RPO {format_duration(rpo)}"
    if age > rpo:
        verdict = Verdict.UNKNOWN if unsure else Verdict.BREACHED
    elif predicted is not None and predicted > rpo:
        verdict, numbers = Verdict.AT_RISK, f"{numbers}; {_said(predicted)} when the next backup ends"
    else:
        verdict = Verdict.MET
    return ObjectiveStatus(Promise.RPO, rpo, age, predicted, verdict, numbers, _evidence(best))


def _length(scene: Scene, facts: Facts, promise: Promise, target: timedelta, before: timedelta) -> ObjectiveStatus:
    """RTO, and MTD: the same with the time before anybody notices."""
    measured, predicted = facts.recovery.measured, facts.recovery.predicted
    current = measured + before if measured is not None else None
    foreseen = predicted + before if predicted is not None else None
    verdict, reason = _judged(scene, facts, (promise, target), current, foreseen)
    reason += f", {format_duration(before)} of it until the loop notices" if before and (current or foreseen) else ""
    said = [f"drill of {minute(facts.recovery.measured_at)}"] if facts.recovery.measured_at is not None else []
    said += [f"predicted {facts.recovery.source}"] if predicted is not None else []
    return ObjectiveStatus(promise, target, current, foreseen, verdict, reason, "; ".join(said))


def _judged(
    scene: Scene, facts: Facts, promised: tuple[Promise, timedelta], current: timedelta | None, foreseen: timedelta | None
) -> tuple[Verdict, str]:
    """What was measured speaks first, then what is foreseen; only a proof that stands makes it met."""
    rehearsed, (promise, target) = facts.rehearsed, promised
    noun, limit = ("a recovery" if promise is Promise.RTO else "an outage"), f"{promise.upper()} {format_duration(target)}"
    failed = rehearsed.last_outcome is DrillOutcome.FAILED
    if failed and (rehearsed.proven_at is None or rehearsed.last_at is None or rehearsed.proven_at < rehearsed.last_at):
        return Verdict.BREACHED, f"the newest drill failed: {noun} within {limit} cannot be counted on"
    if current is not None and current > target:
        return Verdict.BREACHED, f"{noun} was measured to take {_said(current)}, {limit}"
    if foreseen is not None and foreseen > target:
        return Verdict.AT_RISK, f"{noun} is expected to take {_said(foreseen)}, {limit}"
    if current is None and foreseen is None:
        return Verdict.UNKNOWN, f"no drill has measured {noun}, {limit}"
    if current is None:
        assert foreseen is not None
        return Verdict.UNKNOWN, f"{noun} is expected to take {_said(foreseen)}, {limit}, by drills of other systems alone"
    numbers = f"{noun} was measured to take {_said(current)}, {limit}"
    if rehearsed.proven_until is None:
        return Verdict.UNKNOWN, f"{numbers}; that what comes back is of use is not proven"
    if rehearsed.proven_until <= scene.now:
        return Verdict.UNKNOWN, f"{numbers}; that proof expired at {minute(rehearsed.proven_until)}"
    return Verdict.MET, numbers


def _evidence(point: RecoveryPoint) -> str:
    how = f", confirmed at {minute(point.at)}" if point.confirmed else ""
    return f"snapshot {point.snapshot.id[:8]} in {point.snapshot.repository} as of {minute(point.snapshot.as_of)}{how}"


def _said(length: timedelta) -> str:
    return format_duration(max(timedelta(seconds=round(length.total_seconds())), timedelta(seconds=1)), parts=2)
