"""Who gives a System its blocks: what is built in, then the Tier or BackupPolicy that it names, then the System itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from reconciler.model.declared.block import Block
from reconciler.model.declared.builtin import DEFAULT_POLICY, TIERS
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies, Objectives, Verification
from reconciler.model.declared.policy import BackupPolicySpec, Compression, GuardLimits, Hooks, Retention, Schedule
from reconciler.model.declared.system import SystemSpec
from reconciler.model.declared.tier import TierSpec
from reconciler.spec.declare import Declared
from reconciler.spec.objects import Objects
from reconciler.spec.shared import Shared

TIER_BLOCKS: dict[str, type[Block]] = {
    "objectives": Objectives, "copies": Copies, "verification": Verification, "drill": Drill,
}  # fmt: skip
POLICY_BLOCKS: dict[str, type[Block]] = {
    "schedule": Schedule, "retention": Retention, "compression": Compression, "guard": GuardLimits, "hooks": Hooks,
}  # fmt: skip
POLICY_LISTS = ("checksums", "repositories")
BUILT_IN = "(built in)"
"""Stands in the place of a file for what nobody declares."""
_SHARED = Shared()


class Layer(Struct, frozen=True):
    """One giver of blocks. ``declared`` is None for what is built in; ``title`` names it for people."""

    title: str
    blocks: Mapping[str, Any]
    declared: Declared | None = None


class Below(Struct, frozen=True):
    """The layers below the System itself, earliest first. Thousands of systems have them in common, and so what they give."""

    layers: tuple[Layer, ...]
    merged: Mapping[str, Any]
    """By name of the block."""


class Side(Struct, frozen=True):
    """All layers that give a System the blocks of a Tier, or those of a BackupPolicy."""

    below: Below
    mine: Layer

    def newest_first(self) -> tuple[Layer, ...]:
        """The layers, that of the System first."""
        return (self.mine, *reversed(self.below.layers))

    def block(self, name: str) -> Any:
        """The block as the layers give it. Systems that say nothing of their own get the very same one, merged once."""
        own, merged = self.mine.blocks.get(name), self.below.merged[name]
        return merged if own is None else _on_top(merged, own)

    def last_given(self, name: str) -> tuple[Any, Layer | None]:
        """The newest layer's value of a key that is replaced as a whole."""
        for layer in self.newest_first():
            if layer.blocks.get(name) is not None:
                return layer.blocks[name], layer
        return (), None


def sides(objects: Objects, spec: SystemSpec, declared: Declared) -> tuple[Side, Side] | None:
    """That of the Tier and that of the BackupPolicy; None when one of them is not known."""
    tier_at, tier = objects.tier(spec.tier)
    policy_at, policy = objects.policy(spec.policy)
    if (tier is None and spec.tier not in TIERS) or (policy is None and spec.policy != "default"):
        return None
    mine = Layer(f"System {declared.key[1]}", spec.given(), declared)
    of_tier = _SHARED.recall((TIERS.get(spec.tier), tier_at), lambda: _below_tier(spec.tier, tier, tier_at))
    of_policy = _SHARED.recall((DEFAULT_POLICY, policy_at), lambda: _below_policy(spec.policy, policy, policy_at))
    return Side(of_tier, mine), Side(of_policy, mine)


def _below_tier(name: str, tier: TierSpec | None, declared: Declared | None) -> Below:
    layers = [Layer(f"built in (tier {name})", TIERS[name].given())] if name in TIERS else []
    if tier is not None:
        layers.append(Layer(f"Tier {name}", tier.given(), declared))
    return _merged(layers, TIER_BLOCKS)


def _below_policy(name: str, policy: BackupPolicySpec | None, declared: Declared | None) -> Below:
    layers = [Layer("built in (policy default)", DEFAULT_POLICY.given())]
    if policy is not None:
        layers.append(Layer(f"BackupPolicy {name}", policy.given(), declared))
    return _merged(layers, POLICY_BLOCKS)


def _merged(layers: list[Layer], models: Mapping[str, type[Block]]) -> Below:
    merged: dict[str, Block] = {name: model.model_construct() for name, model in models.items()}
    for name in models:
        for layer in layers:
            if layer.blocks.get(name) is not None:
                merged[name] = _on_top(merged[name], layer.blocks[name])
    return Below(tuple(layers), merged)


def _on_top(earlier: Block, later: Block) -> Block:
    """Key by key. A compression level belongs to its algorithm, so a new algorithm drops it."""
    if isinstance(later, Compression) and later.algorithm not in (None, earlier.given().get("algorithm")) and later.level is None:
        return type(earlier).model_construct().merged(later)
    return earlier.merged(later)
