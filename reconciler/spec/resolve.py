"""From declared objects to what is wanted: references followed, blocks merged, paths made absolute.

A System ends up with: what is built in, then the Tier or BackupPolicy that it names, then its own blocks. One level, key by key.
Nothing is judged here: the checks report what cannot be resolved, and :func:`system` answers None for it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from msgspec import Struct, field
from msgspec.structs import force_setattr
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from reconciler.base.units import format_duration
from reconciler.model.declared.block import Block
from reconciler.model.declared.builtin import DEFAULT_POLICY, TIERS
from reconciler.model.declared.drill import Assertion, Drill
from reconciler.model.declared.envelope import BackupPolicy, DeletionApproval, DisasterScenario, Repository, Settings, System, Tier
from reconciler.model.declared.objectives import Copies, Objectives, Verification
from reconciler.model.declared.policy import BackupPolicySpec, Compression, GuardLimits, Hooks, Retention, Schedule
from reconciler.model.declared.repository import Credentials
from reconciler.model.declared.secret import SecretFrom
from reconciler.model.declared.settings import SettingsSpec
from reconciler.model.declared.system import Source, SystemSpec
from reconciler.model.declared.tier import TierSpec
from reconciler.model.desired import Approval, DesiredRepository, DesiredSystem
from reconciler.spec.declare import Declared, Key

TIER_BLOCKS: dict[str, type[Block]] = {
    "objectives": Objectives, "copies": Copies, "verification": Verification, "drill": Drill,
}  # fmt: skip
POLICY_BLOCKS: dict[str, type[Block]] = {
    "schedule": Schedule, "retention": Retention, "compression": Compression, "guard": GuardLimits, "hooks": Hooks,
}  # fmt: skip
POLICY_LISTS = ("checksums", "repositories")
BUILT_IN = "(built in)"
"""Stands in the place of a file for what nobody declares."""

T = TypeVar("T")
_SAID = TypeVar("_SAID", bound=SecretFrom)


class Shared:
    """What was worked out about objects that thousands of systems share, such as the blocks of a policy, by their identity.

    To compare two blocks takes as long as to merge them. So they are told apart by where they are in memory, and held as long as something
    is remembered about them: nothing else can be there meanwhile. For what depends on these objects alone, which nobody changes.
    A bounded memory; when it is full it begins anew.
    """

    def __init__(self, kept_max: int = 512) -> None:
        self._kept_max = kept_max
        self._known: dict[tuple[int, ...], tuple[tuple[object, ...], object]] = {}

    def recall(self, about: tuple[object, ...], make: Callable[[], T]) -> T:
        """What ``make`` made for the very same objects before, else now."""
        key = tuple(map(id, about))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= self._kept_max:
                self._known.clear()
            known = self._known[key] = (about, make())
        return cast("T", known[1])


_MERGED, _TEXTS = Shared(), Shared()


class Objects(Struct, frozen=True):
    """The declared objects of a tree, current or last good, by kind and name."""

    root: Path
    all: Mapping[Key, Declared]
    by_kind: Mapping[str, tuple[Declared, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        grouped: dict[str, list[Declared]] = {}
        for key in sorted(self.all):
            grouped.setdefault(key[0], []).append(self.all[key])
        force_setattr(self, "by_kind", {kind: tuple(members) for kind, members in grouped.items()})

    def systems(self) -> Iterator[tuple[Declared, System]]:
        for declared in self.by_kind.get("System", ()):
            assert isinstance(declared.document, System)
            yield declared, declared.document

    def repositories(self) -> Iterator[tuple[Declared, Repository]]:
        for declared in self.by_kind.get("Repository", ()):
            assert isinstance(declared.document, Repository)
            yield declared, declared.document

    def policies(self) -> Iterator[tuple[Declared, BackupPolicy]]:
        for declared in self.by_kind.get("BackupPolicy", ()):
            assert isinstance(declared.document, BackupPolicy)
            yield declared, declared.document

    def scenarios(self) -> Iterator[tuple[Declared, DisasterScenario]]:
        for declared in self.by_kind.get("DisasterScenario", ()):
            assert isinstance(declared.document, DisasterScenario)
            yield declared, declared.document

    def tier(self, name: str) -> tuple[Declared | None, TierSpec | None]:
        """The declared Tier of that name, if any."""
        declared = self.all.get(("Tier", name))
        return declared, declared.document.spec if declared and isinstance(declared.document, Tier) else None

    def policy(self, name: str) -> tuple[Declared | None, BackupPolicySpec | None]:
        """The declared BackupPolicy of that name, if any."""
        declared = self.all.get(("BackupPolicy", name))
        return declared, declared.document.spec if declared and isinstance(declared.document, BackupPolicy) else None

    def settings(self) -> tuple[Declared | None, SettingsSpec]:
        """The one Settings object (a current one before a last good one), else the defaults."""
        members = sorted(self.by_kind.get("Settings", ()), key=lambda declared: declared.last_good)
        if not members:
            return None, SettingsSpec()
        assert isinstance(members[0].document, Settings)
        return members[0], members[0].document.spec


class Layer(Struct, frozen=True):
    """One giver of blocks. ``declared`` is None for what is built in; ``title`` names it for people."""

    title: str
    blocks: Mapping[str, Any]
    declared: Declared | None = None


def layers(objects: Objects, spec: SystemSpec, declared: Declared) -> tuple[list[Layer], list[Layer]] | None:
    """The layers of the tier side and of the policy side, earliest first; None when the tier or policy is not known."""
    tier_at, tier = objects.tier(spec.tier)
    policy_at, policy = objects.policy(spec.policy)
    if (tier is None and spec.tier not in TIERS) or (policy is None and spec.policy != "default"):
        return None
    mine = Layer(f"System {declared.key[1]}", spec.given(), declared)
    tier_side = [Layer(f"built in (tier {spec.tier})", TIERS[spec.tier].given())] if spec.tier in TIERS else []
    if tier is not None:
        tier_side.append(Layer(f"Tier {spec.tier}", tier.given(), tier_at))
    policy_side = [Layer("built in (policy default)", DEFAULT_POLICY.given())]
    if policy is not None:
        policy_side.append(Layer(f"BackupPolicy {spec.policy}", policy.given(), policy_at))
    return [*tier_side, mine], [*policy_side, mine]


def merge_block(side: list[Layer], name: str, model: type[Block]) -> Any:
    """The block ``name`` as the layers give it. A compression level belongs to its algorithm, so a new algorithm drops it.

    Thousands of systems that share a policy and say nothing of their own get the very same block, merged once.
    """
    given = tuple(layer.blocks[name] for layer in side if layer.blocks.get(name) is not None)
    if side and side[-1].blocks.get(name) is not None:
        return _merged(given, model)
    return _MERGED.recall((model, *given), lambda: _merged(given, model))


def _merged(blocks: Iterable[Any], model: type[Block]) -> Block:
    merged = model.model_construct()
    for later in blocks:
        if isinstance(later, Compression) and later.algorithm not in (None, merged.given().get("algorithm")) and later.level is None:
            merged = model.model_construct()
        merged = merged.merged(later)
    return merged


def last_given(side: list[Layer], name: str) -> tuple[Any, Layer | None]:
    """The newest layer's value of a key that is replaced as a whole."""
    for layer in reversed(side):
        if layer.blocks.get(name) is not None:
            return layer.blocks[name], layer
    return (), None


def system(objects: Objects, declared: Declared, document: System) -> DesiredSystem | None:
    """One system as it is to be protected; None while a reference of it leads nowhere."""
    spec, metadata = document.spec, document.metadata
    sides = layers(objects, spec, declared)
    if sides is None:
        return None
    tier_side, policy_side = sides
    repositories, _ = last_given(policy_side, "repositories")
    if not repositories or any(("Repository", name) not in objects.all for name in repositories):
        return None
    checksums, _ = last_given(policy_side, "checksums")
    folder = folder_of(objects.root, declared)
    values: dict[str, Any] = {
        "name": metadata.name,
        "tier": spec.tier,
        "policy": spec.policy,
        "sources": tuple(_source(source, folder) for source in spec.sources),
        "repositories": repositories,
        "checksums": checksums,
        "owner": spec.owner,
        "host": spec.host,
        "previous_name": metadata.previous_name,
        "labels": dict(metadata.labels),
        "depends_on": spec.depends_on,
        "failure_domain": dict(spec.failure_domain),
        "impact": spec.impact,
        "suspend": spec.suspend,
    }
    values |= {name: merge_block(tier_side, name, model) for name, model in TIER_BLOCKS.items()}
    values["drill"] = _drill(values["drill"], folder)
    values |= {name: merge_block(policy_side, name, model) for name, model in POLICY_BLOCKS.items()}
    stores = [repository(objects, objects.all["Repository", name]) for name in repositories]
    generation = digest_of({**values, "stores": [(store.url, store.key) for store in stores]})
    return DesiredSystem(**values, place=declared.place, generation=generation, last_good=declared.last_good)


def repository(objects: Objects, declared: Declared) -> DesiredRepository:
    """One repository with an absolute path."""
    assert isinstance(declared.document, Repository)
    spec, folder = declared.document.spec, folder_of(objects.root, declared)
    return DesiredRepository(
        name=declared.key[1],
        url=absolute(folder, spec.url),
        key=_reference(spec.key, folder),
        place=declared.place,
        failure_domain=dict(spec.failure_domain),
        media=spec.media,
        deletable_from=spec.deletable_from,
        maintenance=spec.maintenance,
        limits=spec.limits,
        last_good=declared.last_good,
        endpoint=spec.endpoint,
        region=spec.region,
        object_lock=spec.object_lock,
        credentials=_credentials(spec.credentials, folder),
        format=spec.format,
        contains=spec.contains,
    )


def approval(declared: Declared) -> Approval:
    """One approval as the guard reads it."""
    assert isinstance(declared.document, DeletionApproval)
    spec = declared.document.spec
    return Approval(
        declared.key[1], spec.change, spec.system, spec.repository, frozenset(spec.snapshots), spec.reason, spec.expires, declared.place
    )


def _source(source: Source, folder: str) -> Source:
    kind = "path" if source.path is not None else "sqlite"
    return source if source.place is None else source.model_copy(update={kind: absolute(folder, source.place)})


def _reference(said: _SAID, folder: str) -> _SAID:
    return said if said.file is None else said.model_copy(update={"file": absolute(folder, said.file)})


def _credentials(said: Credentials, folder: str) -> Credentials:
    references = {"access": said.access, "secret": said.secret, "token": said.token, "identity": said.identity}
    moved: dict[str, Any] = {name: _reference(each, folder) for name, each in references.items() if each is not None}
    if said.known_hosts is not None:
        moved["known_hosts"] = absolute(folder, said.known_hosts)
    return said.model_copy(update=moved) if moved else said


def _drill(drill: Drill, folder: str) -> Drill:
    """Its paths, also those of a tier, count from the folder of the system's own file."""
    if drill.sandbox is None and not drill.assertions:
        return drill
    given = drill.given()
    if drill.sandbox is not None:
        given["sandbox"] = absolute(folder, drill.sandbox)
    if drill.assertions:
        given["assertions"] = tuple(assertion(each, folder) for each in drill.assertions)
    return drill.model_construct(_fields_set=set(given), **given)


def assertion(asked: Assertion, folder: str) -> Assertion:
    """With the path of what is looked at absolute."""
    kind = "path" if asked.path is not None else "sqlite"
    place = getattr(asked, kind)
    return asked if place is None else asked.model_copy(update={kind: absolute(folder, place)})


def folder_of(root: Path, declared: Declared) -> str:
    """The folder that relative paths of this object count from."""
    return os.path.dirname(os.path.join(str(root), declared.place.file))


def absolute(folder: str, path: str) -> str:
    """``path`` from ``folder``, by its words alone: no link is followed and nothing needs to exist. An address stays as it is."""
    if "://" in path:
        return path
    joined = os.path.normpath(os.path.join(folder, path))
    return joined[1:] if joined.startswith("//") else joined


def normal(value: Any) -> Any:
    """A value in a form that JSON writes always the same way; absent and null are the same.

    As pydantic would dump it, without building a serializer per block for the few that a tree holds (a test compares the two).
    """
    if isinstance(value, BaseModel):
        given = type(value).model_fields.items()
        return {field.alias or _alias(key): normal(inner) for key, field in given if (inner := getattr(value, key)) is not None}
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): normal(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [normal(inner) for inner in value]
    return value


_alias = functools.cache(to_camel)


def digest_of(values: Any) -> str:
    """16 hex digits that change when the meaning changes, and not when white space or the order of keys does."""
    return hashlib.sha256(_text(values).encode()).hexdigest()[:16]


_encoded = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


def _text(value: Any) -> str:
    """JSON of the normal form, in which every value has one text. That of a block which thousands of systems share is made once."""
    if isinstance(value, Block):
        return _TEXTS.recall((value,), lambda: _encoded(normal(value)))
    if isinstance(value, Mapping):
        given = {str(key): inner for key, inner in value.items() if inner is not None}
        return f"{{{','.join(f'{_encoded(key)}:{_text(given[key])}' for key in sorted(given))}}}"
    return _encoded(normal(value))


def effective(desired: DesiredSystem) -> dict[str, Any]:
    """The effective spec of a system, as plain values under their YAML names."""
    named = {
        name: getattr(desired, name) for name in desired.__struct_fields__ if name not in {"place", "generation", "last_good", "labels"}
    }
    shown: dict[str, Any] = normal(named)
    renamed = {"depends_on": "dependsOn", "failure_domain": "failureDomain", "previous_name": "previousName"}
    return {renamed.get(key, key): value for key, value in shown.items() if value not in ({}, [])}
