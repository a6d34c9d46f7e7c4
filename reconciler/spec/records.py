"""The built-in system: resolved like any other one, from what Settings.records says, as if somebody had declared it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping, Sequence
from typing import cast

from msgspec.structs import replace

from reconciler.model.declared.envelope import Metadata, System
from reconciler.model.declared.system import Source, SystemSpec
from reconciler.model.problem import Place
from reconciler.model.records import records_system
from reconciler.spec import resolve
from reconciler.spec.declare import Declared, Key
from reconciler.spec.layers import BUILT_IN
from reconciler.spec.load import Loaded
from reconciler.spec.objects import Objects


def with_records(loaded: Loaded, host: str, sources: Sequence[Source]) -> Loaded:
    """``loaded`` with the system that holds this host's records: in the first repository of every policy in use here.

    Without any system of this host, or where Settings.records names no repository, there is none.
    """
    desired, wanted = loaded.desired, loaded.desired.settings.records
    here = [system for system in desired.systems if system.runs_on(host) and system.repositories]
    used = tuple(dict.fromkeys(system.repositories[0] for system in here))
    repositories = used if wanted.repositories is None else wanted.repositories
    if not here or not repositories or not sources:
        return loaded
    spec = SystemSpec.model_construct(
        tier=wanted.tier, policy=wanted.policy, repositories=repositories, host=host, sources=tuple(sources), suspend=wanted.suspend
    )
    metadata = Metadata.model_construct(name=records_system(host))
    document = System.model_construct(api_version="reconciler/v1", kind="System", metadata=metadata, spec=spec)
    declared = Declared(document, {}, Place(BUILT_IN, 0, 0))
    others = cast("MutableMapping[Key, Declared]", loaded.declared.all)  # nobody writes into them, and many may not even be read
    objects = Objects(loaded.declared.root, ChainMap({declared.key: declared}, others))
    stores = {repository.name: repository for repository in desired.repositories}
    made = resolve.system(objects, stores, declared, document)
    if made is None:  # a tier, policy or repository that does not exist: the check of references says so
        return loaded
    systems = sorted([*desired.systems, replace(made, last_good=False)], key=lambda system: system.name)
    return replace(loaded, desired=replace(desired, systems=tuple(systems)), declared=objects)
