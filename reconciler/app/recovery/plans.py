"""Plans made from what is declared, as YAML to be committed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from reconciler.app.house import House
from reconciler.app.names import require_systems
from reconciler.app.recovery.values import GeneratedPlan
from reconciler.app.scene import load, look
from reconciler.base.errors import Usage
from reconciler.decide.recovery_plan import generate, ordered
from reconciler.decide.scene import Scene as Decision
from reconciler.model.desired import Desired
from reconciler.model.disaster import DisasterType

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_/-]*|[0-9]+(ms|s|m|h|d)([0-9]+(s|m|h))*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that YAML readers take for something else."""


def generated(house: House, disaster: str, systems: Sequence[str], *, cached: bool = False) -> GeneratedPlan:
    """See :meth:`Session.recovery_plan`."""
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load(house, catalog), refresh=frozenset() if cached else None)
    kind = _type_of(scene.desired, disaster)
    require_systems(scene.desired, systems)
    decision = Decision.of(scene.desired, scene.observed, scene.now)
    document = generate(decision, disaster, kind, systems)
    chosen = ordered(scene.desired, systems)
    unasked = [system.name for system in chosen if not system.drill.assertions]
    notes = [f"nothing is asked of {', '.join(unasked)} after the restore: no assertions are declared in `drill`"] if unasked else []
    hosts = sorted({system.host for system in chosen if system.host is not None})
    if len(hosts) > 1:
        notes.append(f"these systems live on {', '.join(hosts)}: a plan is carried out on one host, so make one for each")
    head = [
        f"# How to come back from {disaster}: made from the systems, their dependencies and objectives as they stand now.",
        "# Put in what only you know (services to start, ports to wait for, people to call), commit it, and test it.",
        *(f"# Note: {note}." for note in notes),
    ]
    text = "\n".join([*head, *_lines(document, 0)]) + "\n"
    return GeneratedPlan(document["metadata"]["name"], text, tuple(system.name for system in chosen), tuple(notes))


def _type_of(desired: Desired, disaster: str) -> DisasterType:
    found = next((each.type for each in desired.scenarios if each.name == disaster), None)
    if found is not None:
        return found
    if disaster in set(DisasterType):
        return DisasterType(disaster)
    own = [each.name for each in desired.scenarios if each.name not in set(DisasterType)]
    known = [*DisasterType, *own]
    raise Usage(f"'{disaster}' is neither a type of disaster nor a scenario that is declared", hint=f"One of {', '.join(known)}.")


def _lines(value: dict[str, Any], depth: int) -> list[str]:
    """Block style, one key a line; small values beside their key."""
    pad, lines = "  " * depth, []
    for key, inner in value.items():
        if isinstance(inner, dict) and depth == 0 and key == "spec":
            lines += [f"{pad}{key}:", *_lines(inner, depth + 1)]
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            lines.append(f"{pad}{key}:")
            for item in inner:
                first, *rest = _lines(item, depth + 2)
                lines += [f"{pad}  - {first.lstrip()}", *rest]
        else:
            lines.append(f"{pad}{key}: {_flow(inner)}")
    return lines


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
