"""From a scenario to the incidents in it, and from an incident to what becomes of a repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from msgspec import Struct

from reconciler.base.units import format_duration
from reconciler.decide.copies import shielded
from reconciler.decide.impact.world import World
from reconciler.model.declared.scenario import ANY
from reconciler.model.desired import DesiredRepository, DesiredScenario, DesiredSystem
from reconciler.model.impact import Survival

HOST = "host"
_OF_MACHINES = ("host", "device")
"""A place on the network is not on them unless somebody says so."""
Spot = tuple[str, str | None]
"""Key and value of a failure domain; None: nobody named it."""
Fate = tuple[Survival, str]
"""What becomes of it, and why."""
SURVIVES: Fate = (Survival.SURVIVES, "")


class Incident(Struct, frozen=True):
    """One thing that happens."""

    scenario: DesiredScenario
    where: str
    places: tuple[Spot, ...]
    """That fail, all together."""
    hosts: tuple[str | None, ...]
    """Whose credentials are in wrong hands."""
    taken: frozenset[str]
    """Systems whose own data is gone or out of reach."""
    everybody: bool
    """Every system is asked how it stands; otherwise those that are taken."""


def spot_of(system: DesiredSystem, key: str) -> str | None:
    """Where a system is; its `host` is a place, too."""
    return system.failure_domain.get(key) or (system.host if key == HOST else None)


def incidents(world: World, scenario: DesiredScenario) -> tuple[Incident, ...]:
    """What may happen in it, one at a time. Named places and hosts fail together, in each of them."""
    takes = scenario.takes
    domains, credentials = takes.failure_domain or {}, takes.credentials or ()
    named = [(key, value) for key, values in domains.items() for value in values if value != ANY]
    hosts = [host for host in credentials if host != ANY]
    base = _Base(world, scenario, tuple(named), tuple(hosts))
    found = list(base.each_place([key for key, values in domains.items() if ANY in values]))
    found += base.each_host() if ANY in credentials else ()
    if takes.sources:
        found += base.each_system() if not (named or hosts) else (base.made("all data", taken=world.systems, everybody=True),)
    elif named or hosts or not found:
        found.append(base.made(base.words or "everywhere", everybody=True))
    return tuple(found)


class _Base:
    """What is in every incident of a scenario, and the incidents that are made of it."""

    def __init__(self, world: World, scenario: DesiredScenario, places: tuple[Spot, ...], hosts: tuple[str, ...]) -> None:
        self._systems, self._scenario, self._places, self._hosts = world.systems, scenario, places, hosts
        self._at = _by_place(world.systems.values(), {*(key for key, _ in places), HOST, *(scenario.takes.failure_domain or {})})
        at = [(key, value) for key, value in places if value is not None] + [(HOST, host) for host in hosts]
        self._taken = frozenset(name for spot in at for name in self._at.get(spot, ()))
        self.words = ", ".join([*(f"{key} {value}" for key, value in places), *(f"the credentials of {host}" for host in hosts)])

    def made(
        self, where: str, *, places: tuple[Spot, ...] = (), hosts: tuple[str | None, ...] = (), taken: Iterable[str] = (), everybody: bool
    ) -> Incident:
        whole = self._taken.union(taken)
        return Incident(self._scenario, where, (*self._places, *places), (*self._hosts, *hosts), whole, everybody)

    def each_place(self, keys: list[str]) -> Iterator[Incident]:
        """A system that is at none of them fails by itself: nobody says what fails with it."""
        if not keys:
            return
        for (key, value), members in self._at.items():
            if key in keys:
                yield self.made(f"{key} {value}", places=((key, value),), taken=members, everybody=False)
        for system in self._systems.values():
            if all(spot_of(system, key) is None for key in keys):
                where = f"the {keys[0]} of {system.name}, which is not declared"
                yield self.made(where, places=((keys[0], None),), taken=(system.name,), everybody=False)

    def each_host(self) -> Iterator[Incident]:
        for (key, host), members in self._at.items():
            if key == HOST:
                yield self.made(f"{HOST} {host}", hosts=(host,), taken=members, everybody=False)
        for system in self._systems.values():
            if spot_of(system, HOST) is None:
                where = f"the host of {system.name}, which is not declared"
                yield self.made(where, hosts=(None,), taken=(system.name,), everybody=False)

    def each_system(self) -> Iterator[Incident]:
        return (self.made(f"the data of {name}", taken=(name,), everybody=False) for name in self._systems)


def _by_place(systems: Iterable[DesiredSystem], keys: Iterable[str]) -> Mapping[tuple[str, str], list[str]]:
    wanted, found = sorted(keys), dict[tuple[str, str], list[str]]()
    for system in systems:
        for key in wanted:
            value = spot_of(system, key)
            if value is not None:
                found.setdefault((key, value), []).append(system.name)
    return found


def fate(repository: DesiredRepository, incident: Incident, hosts: frozenset[str | None]) -> Fate:
    """What becomes of a repository, whoever asks. ``hosts``: those that write into it."""
    fates = [_at(repository, key, value) for key, value in incident.places]
    fates += [_under(repository, host, hosts, incident.scenario.detection_latency) for host in incident.hosts]
    return worst(fates)


def reached(repository: DesiredRepository, system: DesiredSystem, incident: Incident) -> Fate:
    """Whether the system's own site can reach it."""
    if incident.scenario.takes.reach is None:
        return SURVIVES
    here, there = system.failure_domain.get("site"), repository.failure_domain.get("site")
    if here is None or there is None:
        who = "it" if there is None else "the system"
        return Survival.UNKNOWN, f"nobody says at which site {who} is"
    return SURVIVES if here == there else (Survival.TAKEN, f"it is out of reach, at site {there}")


def worst(fates: Iterable[Fate]) -> Fate:
    """Taken by one thing is taken."""
    found = list(fates)
    taken = next((each for each in found if each[0] is Survival.TAKEN), None)
    return taken or next((each for each in found if each[0] is Survival.UNKNOWN), SURVIVES)


def _at(repository: DesiredRepository, key: str, value: str | None) -> Fate:
    there = repository.failure_domain.get(key)
    if there is None:
        elsewhere = repository.is_remote and key in _OF_MACHINES
        if elsewhere or (key == HOST and "device" in repository.failure_domain):
            return SURVIVES
        return Survival.UNKNOWN, f"nobody says at which {key} it is"
    if value is None:
        return Survival.UNKNOWN, f"nobody says at which {key} the system is"
    return (Survival.TAKEN, f"it is at {key} {value}") if there == value else SURVIVES


def _under(repository: DesiredRepository, host: str | None, hosts: frozenset[str | None], unnoticed: timedelta) -> Fate:
    if repository.deletable_from is None:
        deletes = host in hosts or None in hosts
        lock = repository.object_lock
        if deletes and lock is not None and shielded(repository, host):
            late = (
                f"{host or 'any host'} could wait until its lock of {format_duration(lock.retain)} is over, and nobody would notice before"
            )
            return SURVIVES if lock.retain > unnoticed else (Survival.TAKEN, late)
        return (Survival.TAKEN, f"{host or 'any host'} writes to it and could delete it") if deletes else SURVIVES
    if host is None:
        return (Survival.UNKNOWN, "the system names no host, and some could delete it") if repository.deletable_from else SURVIVES
    return SURVIVES if shielded(repository, host) else (Survival.TAKEN, f"the credentials of {host} could delete it")
