"""Single points of failure: one repository, key, site, device or host whose loss takes more than one system or the last copy of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.decide.impact.incidents import HOST, spot_of
from reconciler.decide.impact.world import World
from reconciler.model.declared.repository import Key
from reconciler.model.impact import SinglePoint

Point = tuple[str, str]
"""Kind and name."""


def single_points(world: World) -> tuple[SinglePoint, ...]:
    """The worst first: by systems of which nothing is left, then last copies, then systems.

    A repository that was not listed may hold a copy: nothing is called the last one beside it.
    """
    holders = {name: _holders(world, name) for name in world.systems}
    at = _repositories_at(world)
    sources, leaning = _sources_at(world), _leaning(holders, at)
    found = []
    for point in sorted({*sources, *leaning}):
        own = sources.get(point, frozenset())
        last = frozenset(name for name in leaning.get(point, ()) if holders[name] <= at[point])
        gone = tuple(sorted(name for name in own if name in last or not holders[name]))
        if last or len(own) > 1:
            found.append(SinglePoint(*point, tuple(sorted(own)), tuple(sorted(last)), gone))
    return tuple(sorted(found, key=lambda p: (-len(p.gone), -len(p.last_copies), -len(p.systems), p.kind, p.name)))


def _holders(world: World, system: str) -> frozenset[str]:
    """Repositories that hold a state of it that could be had back, or may."""
    names = world.repositories_of(world.systems[system])
    return frozenset(n for n in names if not world.observed(n) or world.point(system, n) is not None)


def _repositories_at(world: World) -> Mapping[Point, frozenset[str]]:
    """Which repositories go with each point."""
    found: dict[Point, set[str]] = {}
    for repository in world.repositories.values():
        key = _of_key(repository.key)
        for point in (("repository", repository.name), *repository.failure_domain.items(), *([("key", key)] if key else [])):
            found.setdefault(point, set()).add(repository.name)
    return {point: frozenset(names) for point, names in found.items()}


def _sources_at(world: World) -> Mapping[Point, frozenset[str]]:
    found: dict[Point, set[str]] = {}
    for system in world.systems.values():
        for key in {HOST, *system.failure_domain}:
            value = spot_of(system, key)
            if value is not None:
                found.setdefault((key, value), set()).add(system.name)
    return {point: frozenset(names) for point, names in found.items()}


def _leaning(holders: Mapping[str, frozenset[str]], at: Mapping[Point, frozenset[str]]) -> Mapping[Point, set[str]]:
    """By point: systems of which some copy is there."""
    points: dict[str, list[Point]] = {}
    for point, names in at.items():
        for name in names:
            points.setdefault(name, []).append(point)
    found: dict[Point, set[str]] = {}
    for system, names in holders.items():
        for point in _all(points, names):
            found.setdefault(point, set()).add(system)
    return found


def _all(points: Mapping[str, list[Point]], names: Iterable[str]) -> Iterator[Point]:
    return (point for name in names for point in points.get(name, ()))


def _of_key(key: Key) -> str:
    """Where the key comes from; without it every byte is noise."""
    if key.file is not None:
        return key.file
    return f"${key.env}" if key.env is not None else " ".join(key.command or ())
