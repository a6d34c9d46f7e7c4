"""Where each effective value of a system comes from: a file and line, or what is built in."""

from __future__ import annotations

from typing import Any

from reconciler.model.declared.envelope import System
from reconciler.spec.errors import NoSuchObject
from reconciler.spec.layers import BUILT_IN, POLICY_BLOCKS, POLICY_LISTS, TIER_BLOCKS, Layer, Side, sides
from reconciler.spec.load import Loaded
from reconciler.spec.node import pointer
from reconciler.spec.resolve import effective


def origins(loaded: Loaded, name: str) -> list[tuple[str, object, str]]:
    """(pointer into the effective spec, value, ``file:line`` or ``built in (…)``) of each value of the System ``name``.

    Raises NoSuchObject. A value of a last good version names the line where its object stood.
    """
    declared = loaded.declared.all.get(("System", name))
    desired = loaded.desired.system(name)
    if declared is None or desired is None or not isinstance(declared.document, System):
        raise NoSuchObject(f"no system '{name}' is declared", specs=loaded.desired.root)
    spec = declared.document.spec
    layers = sides(loaded.declared, spec, declared)
    assert layers is not None
    tier, policy = layers
    rows: list[tuple[str, object, str]] = []
    shown = effective(desired)
    for key, value in shown.items():
        field = _field(key)
        if field in TIER_BLOCKS or field in POLICY_BLOCKS:
            side = tier if field in TIER_BLOCKS else policy
            rows += [(pointer([key, inner]), part, _block_origin(side, key, inner)) for inner, part in value.items()]
        elif field in POLICY_LISTS:
            giver = policy.last_given(field)[1]
            rows.append((pointer([key]), value, _line(giver, "spec", key)))
        elif field in ("name", "previous_name"):
            rows.append((pointer([key]), value, _line(tier.mine, "metadata", key)))
        else:
            rows.append((pointer([key]), value, _line(tier.mine, "spec", key) if field in spec.given() else "built in"))
    return rows


def _field(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def _block_origin(side: Side, block: str, key: str) -> str:
    for layer in side.newest_first():
        given: Any = layer.blocks.get(_field(block))
        if given is not None and _field(key) in given.given():
            return _line(layer, "spec", block, key)
    return "built in"


def _line(layer: Layer | None, *location: str) -> str:
    if layer is None or (layer.declared is not None and layer.declared.place.file == BUILT_IN):
        return "built in"
    if layer.declared is None:
        return layer.title
    found = layer.declared.find(*location)
    old = " (last good version)" if layer.declared.last_good else ""
    return f"{layer.declared.place.file}:{found.key_spot.line}{old}"
