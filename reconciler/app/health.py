"""`reconcile health`: the host, the program's memory, repositories and backups at one instant. Reads only."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.app import statistics, view
from reconciler.app.endpoints import endpoints
from reconciler.app.house import House
from reconciler.app.scene import NOTHING as NO_LISTING
from reconciler.app.scene import load, look
from reconciler.decide.health import judge_health, judge_host, largest_system
from reconciler.model.desired import Desired
from reconciler.model.health import Health, HostReading, Role, Use
from reconciler.model.observed import Observed
from reconciler.notify.web import connect
from reconciler.observe.host import read_host
from reconciler.observe.network import reach
from reconciler.observe.recovery import probe

SANDBOXES = "drills"


def health(house: House, *, cached: bool) -> Health:
    """``cached``: repositories as they were last seen, and nothing on the network is asked. The host is always looked at."""
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load(house, catalog), refresh=NO_LISTING)
        known = catalog.looks.memory()
    status = view.status(house, cached=cached)
    reading = measure(house, scene.desired, scene.observed, asks=not cached)
    limits = scene.desired.settings.health
    checks, _ = judge_host(reading, limits, known, status.at)
    systems = statistics.statistics(house, None, cached=True).systems
    return Health(status.at, house.agent, judge_health(checks, status, systems, limits), reading)


def measure(house: House, desired: Desired, observed: Observed, *, asks: bool) -> HostReading:
    """The host now. ``asks``: also whether addresses answer and repositories can be read, which takes seconds when they do not."""
    reading = read_host(_places(house, desired))
    if asks:
        reading = replace(
            reading,
            reached=reach(endpoints(house, desired), house.clock, to_receiver=connect),
            probes=probe([r for r in desired.repositories if not r.observed_only], house.open_repository, house.clock),
        )
    return replace(reading, largest=largest_system(desired.realm, observed))


def _places(house: House, desired: Desired) -> dict[Use, str]:
    """What for, and the path: our memory, where drills restore, repositories on disks, sources that this host reads."""
    places = {Use(Role.STATE): str(house.memory.state), Use(Role.SANDBOX): str(house.memory.state / SANDBOXES)}
    places |= {Use(Role.REPOSITORY, r.name): r.url for r in desired.repositories if not r.is_remote}
    for system in desired.systems:
        if system.runs_on(house.agent):
            paths = [path for source in system.sources if (path := source.path or source.sqlite) is not None]
            places |= {Use(Role.SOURCE, system.name, path if len(paths) > 1 else ""): path for path in paths}
    return places
