"""From declared objects to what is wanted: references followed, blocks merged, paths made absolute.

A System ends up with: what is built in, then the Tier or BackupPolicy that it names, then its own blocks. One level, key by key.
Nothing is judged here: the checks report what cannot be resolved, and :func:`system` answers None for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from reconciler.model.declared.drill import Assertion, Drill
from reconciler.model.declared.envelope import DeletionApproval, Repository, System
from reconciler.model.declared.repository import Credentials
from reconciler.model.declared.secret import SecretFrom
from reconciler.model.declared.system import Source
from reconciler.model.desired import Approval, DesiredRepository, DesiredSystem
from reconciler.spec.declare import Declared
from reconciler.spec.digest import digest_of, normal
from reconciler.spec.layers import POLICY_BLOCKS, TIER_BLOCKS, sides
from reconciler.spec.objects import Objects

_SAID = TypeVar("_SAID", bound=SecretFrom)


def system(objects: Objects, stores: Mapping[str, DesiredRepository], declared: Declared, document: System) -> DesiredSystem | None:
    """One system as it is to be protected; None while a reference of it leads nowhere. ``stores``: the repositories, by name."""
    spec, metadata = document.spec, document.metadata
    layers = sides(objects, spec, declared)
    if layers is None:
        return None
    tier, policy = layers
    repositories, _ = policy.last_given("repositories")
    if not repositories or any(name not in stores for name in repositories):
        return None
    checksums, _ = policy.last_given("checksums")
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
    values |= {name: tier.block(name) for name in TIER_BLOCKS}
    values["drill"] = _drill(values["drill"], folder)
    values |= {name: policy.block(name) for name in POLICY_BLOCKS}
    used = [stores[name] for name in repositories]
    generation = digest_of({**values, "stores": [(store.url, store.key) for store in used]})
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
    place = source.place
    if place is None or (there := absolute(folder, place)) == place:
        return source  # a copy for each of thousands takes as long as their merge
    return source.model_copy(update={"path" if source.path is not None else "sqlite": there})


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


def effective(desired: DesiredSystem) -> dict[str, Any]:
    """The effective spec of a system, as plain values under their YAML names."""
    named = {
        name: getattr(desired, name) for name in desired.__struct_fields__ if name not in {"place", "generation", "last_good", "labels"}
    }
    shown: dict[str, Any] = normal(named)
    renamed = {"depends_on": "dependsOn", "failure_domain": "failureDomain", "previous_name": "previousName"}
    return {renamed.get(key, key): value for key, value in shown.items() if value not in ({}, [])}
