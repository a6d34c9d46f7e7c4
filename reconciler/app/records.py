"""What a host itself knows, protected like any other system: its specs as they stand, the catalog at one moment, the audit log."""

from __future__ import annotations

import os
from typing import cast

from reconciler.app.house import House
from reconciler.app.memory import AUDIT, CATALOG
from reconciler.model.declared.system import Source, Tolerate
from reconciler.spec import Cache, Loaded
from reconciler.spec import with_records as add_system

_SPECS = ("*", "!*/", ".git/", "!*.[yY][aA][mM][lL]", "!*.[yY][mM][lL]", "!.reconcilerignore", "!..*")
"""Excludes everything but what the loader reads (and the hidden links of a mounted configuration): a key that somebody left beside the
specs is no spec."""


def with_records(house: House, loaded: Loaded, cache: Cache | None = None) -> Loaded:
    """``loaded`` and the built-in system of this host; the same object again for the same ones, where there is a ``cache``."""
    found = sources(house)
    if cache is None:
        return add_system(loaded, house.agent, found)
    if cache.beside is None or cache.beside[0] is not loaded or cache.beside[1] != found:
        cache.beside = (loaded, found, add_system(loaded, house.agent, found))
    return cast("Loaded", cache.beside[2])


def sources(house: House) -> tuple[Source, ...]:
    """What is there of it: before the first run there are only specs."""
    state = os.path.realpath(house.memory.state)
    catalog, audit = os.path.join(state, CATALOG), os.path.join(state, AUDIT)
    found = [Source.model_construct(path=os.path.realpath(house.specs), exclude=_SPECS)]
    if os.path.isfile(catalog):
        found.append(Source.model_construct(sqlite=catalog))
    if os.path.isfile(audit):
        found.append(Source.model_construct(path=audit, tolerate=Tolerate.model_construct(changing=("*",))))  # only ever added to
    return tuple(found)
