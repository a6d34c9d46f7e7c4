"""What validation can say beyond the specs where the sources are visible: a database in use behind a `path`."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.app.house import House
from reconciler.model.problem import Problem, Severity
from reconciler.observe.sources import observe_sources
from reconciler.spec import Loaded


def with_visible(house: House, loaded: Loaded) -> Loaded:
    """``loaded`` with a warning for each source of this host that had better be read in another way."""
    here = [system for system in loaded.desired.systems if system.runs_on(house.agent)]
    seen = observe_sources(here, allowed=house.allow_commands)
    found: list[Problem] = []
    for system in here:
        for index, state in enumerate(seen[system.name]):
            at = ("spec", "sources", index, "path")
            for text in state.warnings:
                declared = loaded.declared.all[("System", system.name)]
                found.append(declared.problem("live-database", at, text, severity=Severity.WARNING))
    return replace(loaded, problems=(*loaded.problems, *found)) if found else loaded
