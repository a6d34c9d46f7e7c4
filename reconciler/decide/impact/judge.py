"""From the outcomes of a scenario's incidents to one answer per system: the worst of what may happen to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from reconciler.decide.impact.incidents import Incident, incidents
from reconciler.decide.impact.outcome import Aftermath, Outcome, Side, shown
from reconciler.decide.impact.words import unknowns, why
from reconciler.decide.impact.world import World
from reconciler.model.desired import DesiredScenario, DesiredSystem
from reconciler.model.impact import SystemImpact

_HOUR = timedelta(hours=1)
Struck = tuple[Aftermath, Outcome]
"""One incident with all that it leaves, and what it leaves of the system in question."""


class Judge:
    """Asks one world. ``judged`` counts the outcomes that were looked at."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.judged = 0

    def scenario(self, scenario: DesiredScenario, wanted: Iterable[str] | None = None) -> dict[str, list[Struck]]:
        """By system the incidents of the scenario and what each leaves, the worst first. ``wanted``: only these systems."""
        only = frozenset(wanted) if wanted is not None else None
        found: dict[str, list[Struck]] = {}
        for incident in incidents(self.world, scenario):
            names = self.world.systems if incident.everybody else incident.taken
            aftermath = Aftermath(self.world, incident)
            for name in names if only is None else only.intersection(names):
                self.judged += 1
                found.setdefault(name, []).append((aftermath, aftermath.of(name)))
        for struck in found.values():
            if len(struck) > 1:
                struck.sort(key=lambda pair: badness(pair[1], pair[0].incident))
        return found


def badness(outcome: Outcome, incident: Incident) -> tuple[int, float, str]:
    """Smaller is worse; of two that are alike the one that takes longer, then by name, so that two looks agree."""
    total = shown(outcome).total
    return outcome.verdict.rank, -(total.total_seconds() if total is not None else 0.0), incident.where


def told(world: World, scenario: DesiredScenario, system: DesiredSystem, struck: Struck) -> SystemImpact:
    """As a value for people and programs."""
    aftermath, outcome = struck
    incident, copies = aftermath.incident, aftermath.copies(system.name)
    side, now, impact = shown(outcome), world.scene.now, system.impact
    option = side.option
    down = outcome.taken or bool(outcome.waits)
    recovery = side.total if down else timedelta(0)
    cost = impact.cost_per_hour if impact is not None else None
    return SystemImpact(
        scenario=scenario.name,
        type=scenario.type,
        system=system.name,
        tier=system.tier,
        incident=incident.where,
        verdict=outcome.verdict,
        why=why(outcome, copies, incident, now),
        copies=copies,
        repository=option.repository if option is not None else None,
        snapshot_id=option.snapshot_id if option is not None else None,
        point_at=option.point_at if option is not None else None,
        loss=timedelta(0) if not outcome.taken else max(now - option.point_at, timedelta(0)) if option is not None else None,
        recovery=recovery,
        recovery_from=_source(side) if down else "",
        path=side.path,
        rpo=outcome.promised.rpo,
        rto=outcome.promised.rto,
        mtd=outcome.promised.mtd,
        users=impact.users if impact is not None and down else None,
        cost=round(cost * (recovery / _HOUR), 2) if cost is not None and recovery is not None and down else None,
        unknowns=() if outcome.verdict.well else unknowns(outcome, copies),
    )


def _source(side: Side) -> str:
    if side.measured:
        return "measured along a recovery plan"
    return side.option.source if side.option is not None else ""
