"""From where a system could be recovered in a disaster: what a test of a recovery plan may use, if it is to show anything."""

from __future__ import annotations

from msgspec import Struct

from reconciler.decide.impact.incidents import Incident, fate, incidents, reached, worst
from reconciler.decide.impact.world import World
from reconciler.decide.scene import Scene
from reconciler.model.desired import DesiredScenario, DesiredSystem
from reconciler.model.impact import Survival


class Left(Struct, frozen=True):
    """What the worst incident of a scenario leaves of one system."""

    repositories: frozenset[str]
    """Those that hold something of it and are not taken for certain."""
    why: str = ""
    """Names what takes the others; empty: nothing is taken."""


def left_in(scene: Scene, disaster: str, system: DesiredSystem) -> Left:
    """``disaster``: a scenario, or a type of disaster: then every scenario of the type. One that strikes the system nowhere leaves all."""
    world = World(scene)
    holding = [name for name in world.repositories if scene.snapshots(system.name, name)]
    everything = Left(frozenset(holding))
    found = [
        _after(world, incident, system, holding)
        for scenario in _scenarios(scene, disaster)
        for incident in incidents(world, scenario)
        if system.name in incident.taken or incident.everybody
    ]
    return min(found, key=lambda left: len(left.repositories), default=everything)


def _scenarios(scene: Scene, disaster: str) -> list[DesiredScenario]:
    named = [each for each in scene.desired.scenarios if each.name == disaster]
    return named or [each for each in scene.desired.scenarios if each.type.value == disaster]


def _after(world: World, incident: Incident, system: DesiredSystem, holding: list[str]) -> Left:
    taken: dict[str, str] = {}
    for name in holding:
        repository = world.repositories[name]
        survival, why = worst((fate(repository, incident, world.writers(name)), reached(repository, system, incident)))
        if survival is Survival.TAKEN:
            taken[name] = why
    told = "; ".join(f"{name}: {why}" for name, why in taken.items())
    return Left(frozenset(holding) - taken.keys(), f"{incident.scenario.name}, {incident.where}, takes {told}" if taken else "")
