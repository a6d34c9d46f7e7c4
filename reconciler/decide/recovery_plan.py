"""A recovery plan made from what is declared: which systems, in which order, asked what, for one disaster. For a person to edit and commit.

Every system comes after those that it depends on; among those that could come at once, the more critical stands first and so begins first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from reconciler.base.units import format_duration
from reconciler.decide.expect import recovery_time
from reconciler.decide.order import recovery_order
from reconciler.decide.recovery import LONG, SHORT, nearest_good
from reconciler.decide.scene import Scene
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.disaster import DisasterType
from reconciler.model.records import is_records

_GENEROUS = 3
"""A timeout of so many times the expected duration: slower than that is hanging."""
PREPARE: Mapping[DisasterType, str] = MappingProxyType(
    {
        DisasterType.HARDWARE_FAILURE: "Provide a working host with room for the systems below, under the name that they declare.",
        DisasterType.SOFTWARE_CORRUPTION: "Stop the software that wrote wrong data, and install a version that is known to be good.",
        DisasterType.DATA_CORRUPTION: "Stop everything that writes. When was the data last right? Run the plan with --at that moment.",
        DisasterType.SECURITY_BREACH: "Isolate the host, replace every credential that it held. Since when was it open? Use --at before.",
        DisasterType.NETWORK_OUTAGE: "Find out which repositories can be reached, and whether waiting is quicker than recovering.",
        DisasterType.NATURAL_DISASTER: "Make sure that people are safe. Provide a host at another site, with the keys of the repositories.",
        DisasterType.HUMAN_ERROR: "Stop whatever repeats the mistake. When was it made? Run the plan with --at before that moment.",
        DisasterType.CYBER_ATTACK: "Isolate the network, rebuild the host from clean media, replace all credentials; use --at before it.",
        DisasterType.POWER_OUTAGE: "Wait for stable power, and check the disks before anything is written to them.",
        DisasterType.SYSTEM_OVERLOAD: "Take the load away: stop what can wait, and keep users out until the plan has ended.",
    }
)
"""What only a person can do before anything is restored."""


def generate(scene: Scene, disaster: str, kind: DisasterType, systems: Sequence[str]) -> dict[str, Any]:
    """The plan as a document, in the words of the specs. What the systems depend on comes with them.

    ``disaster``: a scenario, or the ``kind`` itself. ``systems``: names; empty means all.
    """
    chosen = ordered(scene.desired, systems)
    steps: list[dict[str, Any]] = [{"name": "prepare", "manual": {"instruction": PREPARE[kind]}}]
    last: dict[str, str] = {}
    for system in chosen:
        after = list(dict.fromkeys(last[name] for name in system.depends_on if name in last)) or ["prepare"]
        restore = f"restore-{system.name}"[:63]
        steps.append({"name": restore, "restore": {"system": system.name}, "dependsOn": after, "timeout": _timeout(scene, system)})
        last[system.name] = restore
        if system.drill.assertions:
            check = f"check-{system.name}"[:63]
            steps.append({"name": check, "assert": {"system": system.name}, "dependsOn": [restore], "timeout": format_duration(SHORT)})
            last[system.name] = check
    named = "-".join(systems) if 0 < len(systems) <= 3 else "all" if not systems else f"{systems[0]}-and-more"
    promises = [rto for system in chosen if (rto := system.objectives.under(kind).rto) is not None]
    spec: dict[str, Any] = {"scenarios": [disaster]}
    if promises:
        spec["objectives"] = {"rto": format_duration(max(promises))}
    spec["steps"] = steps
    return {
        "apiVersion": "reconciler/v1",
        "kind": "RecoveryPlan",
        "metadata": {"name": f"{disaster.replace('_', '-')}-{named}"[:63].rstrip("-."), "labels": {"generated": "true"}},
        "spec": spec,
    }


def ordered(desired: Desired, names: Sequence[str]) -> tuple[DesiredSystem, ...]:
    """Those systems with all that they depend on: each after its dependencies, and the most critical that can come next comes next.

    Systems that depend on each other in a circle (their specs have a problem) come last, in the order of their importance.
    """
    return recovery_order(_with_dependencies(desired, names))


def _with_dependencies(desired: Desired, names: Sequence[str]) -> list[DesiredSystem]:
    known = {system.name: system for system in desired.systems if not is_records(system.name)}
    waiting = [name for name in (names or known) if name in known]
    found: dict[str, DesiredSystem] = {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = known[name]
            waiting += [each for each in known[name].depends_on if each in known]
    return list(found.values())


def _timeout(scene: Scene, system: DesiredSystem) -> str:
    """A generous multiple of what is expected, never less than ten minutes; four hours where nothing was measured."""
    snapshot = nearest_good(scene, system)
    if snapshot is None:
        return format_duration(LONG)
    expected = recovery_time(scene, system.name, snapshot.repository, snapshot.files, snapshot.bytes).seconds
    if expected is None:
        return format_duration(LONG)
    minutes = math.ceil(max(expected * _GENEROUS, SHORT) / timedelta(minutes=1))
    return format_duration(timedelta(minutes=minutes))
