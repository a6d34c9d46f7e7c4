"""`reconcile health`: the host, the program's memory, repositories and backups at one instant. Reads only."""

from __future__ import annotations

from reconciler.app import statistics, view
from reconciler.app.house import House
from reconciler.app.scene import load
from reconciler.decide.health import judge_health
from reconciler.model.desired import Desired
from reconciler.model.health import Health
from reconciler.observe.host import read_host


def health(house: House, *, cached: bool) -> Health:
    """``cached``: repositories as they were last seen. The host is always looked at."""
    with house.memory.reading() as catalog:
        desired = load(house, catalog).desired
    status = view.status(house, cached=cached)
    systems = statistics.statistics(house, None, cached=True).systems
    return Health(status.at, house.agent, judge_health(read_host(_places(house, desired)), status, systems))


def _places(house: House, desired: Desired) -> dict[str, str]:
    """What it is, and its path: our memory, repositories on disks, sources that this host reads."""
    places = {"state": str(house.memory.state)}
    places |= {f"repository {r.name}": r.url for r in desired.repositories if not r.is_remote}
    for system in desired.systems:
        if system.runs_on(house.agent):
            paths = [path for source in system.sources if (path := source.path or source.sqlite) is not None]
            places |= {f"source of {system.name}" if len(paths) == 1 else f"source {path} of {system.name}": path for path in paths}
    return places
