"""Making the catalog's cache anew from what the repositories hold. The record of what happened is not touched."""

from __future__ import annotations

from reconciler.app.choice import failures
from reconciler.app.house import House
from reconciler.app.reports import RebuildReport
from reconciler.app.scene import load, look, remember_repositories, remember_specs
from reconciler.catalog import heads


def rebuild(house: House) -> RebuildReport:
    """List every declared repository as if it were seen for the first time. Another one at its place is accepted, too, and one that went
    back in time.
    """
    catalog = house.memory.writing()
    loaded = load(house, catalog)
    remember_specs(house, catalog, loaded)
    house.memory.audit().append("note", "rebuild", "catalog", actor="cli")
    catalog.clear_cache()
    for repository in loaded.desired.repositories:
        heads.write(catalog, repository.name, heads.Heads())
    scene = look(house, catalog, loaded)
    remember_repositories(catalog, scene)
    states = scene.observed.repositories
    return RebuildReport(
        repositories={name: len(state.snapshots) for name, state in states.items() if state.reachable},
        failures=failures(states),
        recovered=catalog.recovered,
    )
