"""All disasters on all systems: the front door of the room."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from reconciler.decide.impact.incidents import Incident, fate, incidents
from reconciler.decide.impact.judge import Judge, told
from reconciler.decide.impact.plans import plan_times
from reconciler.decide.impact.remedies import Remedies
from reconciler.decide.impact.single import single_points
from reconciler.decide.impact.words import takes
from reconciler.decide.impact.world import World
from reconciler.decide.scene import Scene
from reconciler.decide.words import counted
from reconciler.model.desired import Desired, DesiredScenario
from reconciler.model.impact import Impact, ScenarioOutlook, Survival, SystemImpact
from reconciler.model.observed import Observed


def impact(
    desired: Desired,
    observed: Observed,
    now: datetime,
    *,
    scenarios: Collection[str] | None = None,
    systems: Collection[str] | None = None,
    mend: bool = True,
) -> Impact:
    """What each scenario does to each system. ``scenarios``, ``systems``: only these. ``mend``: also what would mend each bad end."""
    scene = Scene.of(desired, observed, now)
    world = World(scene, plan_times(scene))
    judge = Judge(world)
    wanted = [s for s in desired.scenarios if scenarios is None or s.name in scenarios]
    cells = _mended(world, judge, wanted, systems) if mend else _judged(world, judge, wanted, systems)
    return Impact(now, tuple(outlook(world, s) for s in wanted), tuple(cells), single_points(world))


def _judged(world: World, judge: Judge, scenarios: Sequence[DesiredScenario], systems: Collection[str] | None) -> Iterator[SystemImpact]:
    """Scenario by scenario; in each in the order of a recovery."""
    for scenario in scenarios:
        struck = judge.scenario(scenario, systems)
        for name in sorted(struck, key=world.order.__getitem__):
            yield told(world, scenario, world.systems[name], struck[name][0])


def _mended(world: World, judge: Judge, scenarios: Sequence[DesiredScenario], systems: Collection[str] | None) -> Iterator[SystemImpact]:
    """The same, with what would mend each bad end. That is looked for system by system, because the scenarios share most of it."""
    every = [(scenario, judge.scenario(scenario, systems)) for scenario in scenarios]
    mends, found = Remedies(world), list[list[SystemImpact]]([] for _ in scenarios)
    for name in world.order:
        for (scenario, struck), row in zip(every, found, strict=True):
            if name in struck:
                cell = told(world, scenario, world.systems[name], struck[name][0])
                row.append(cell if cell.verdict.well else replace(cell, remedies=mends.of(world.systems[name], struck[name])))
    return itertools.chain.from_iterable(found)


def outlooks(desired: Desired, observed: Observed, now: datetime) -> tuple[ScenarioOutlook, ...]:
    """The scenarios, with what each takes in this tree."""
    world = World(Scene.of(desired, observed, now))
    return tuple(outlook(world, scenario) for scenario in desired.scenarios)


def outlook(world: World, scenario: DesiredScenario) -> ScenarioOutlook:
    """One of them."""
    found = incidents(world, scenario)
    worst = max(found, key=lambda i: (len(i.taken), i.where), default=None)
    return ScenarioOutlook(
        name=scenario.name,
        type=scenario.type,
        description=scenario.description,
        takes=takes(scenario),
        detection_latency=scenario.detection_latency,
        temporary=scenario.temporary,
        declared=scenario.place.short if scenario.place is not None else "",
        incidents=len(found),
        systems=len(frozenset[str]().union(*(i.taken for i in found))),
        worst=_worst(world, worst) if worst is not None else "",
    )


def _worst(world: World, incident: Incident) -> str:
    names: Sequence[str] = [r.name for r in world.repositories.values() if fate(r, incident, world.writers(r.name))[0] is Survival.TAKEN]
    parts = [counted(len(incident.taken), "system")] if incident.taken else []
    parts += [f"{'repository' if len(names) == 1 else 'repositories'} {', '.join(names)}"] if names else []
    return f"{incident.where}: {', '.join(parts) or 'no system and no repository'}"
