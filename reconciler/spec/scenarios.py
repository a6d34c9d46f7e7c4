"""The disasters that are reckoned with: the ten types, what the specs say instead of them, and what they add."""

from __future__ import annotations

from datetime import timedelta

from reconciler.model.declared.builtin import SCENARIOS
from reconciler.model.declared.scenario import DisasterScenarioSpec, Takes
from reconciler.model.desired import DesiredScenario
from reconciler.model.disaster import DisasterType
from reconciler.model.problem import Place
from reconciler.spec.objects import Objects


def scenarios(objects: Objects) -> tuple[DesiredScenario, ...]:
    """The ten types in their order (one that is declared under the name of its type stands in its place), then the others by name."""
    found = {kind.value: _scenario(kind.value, spec) for kind, spec in SCENARIOS.items()}
    for declared, document in objects.scenarios():
        found[declared.key[1]] = _scenario(declared.key[1], document.spec, declared.place, last_good=declared.last_good)
    return tuple(found.values())


def merged_takes(spec: DisasterScenarioSpec) -> Takes:
    """What is built in for the type, with the keys that ``spec`` sets: a value replaces, ``null`` removes."""
    built_in = SCENARIOS[DisasterType(spec.type)].takes
    assert built_in is not None
    return built_in.merged(spec.takes)


def _scenario(name: str, spec: DisasterScenarioSpec, place: Place | None = None, *, last_good: bool = False) -> DesiredScenario:
    kind = DisasterType(spec.type)
    whole = SCENARIOS[kind].merged(spec)
    return DesiredScenario(
        name=name,
        type=kind,
        description=whole.description or "",
        takes=merged_takes(spec),
        detection_latency=whole.detection_latency or timedelta(0),
        temporary=bool(whole.temporary),
        place=place,
        last_good=last_good,
    )
