"""From what was read of the host, the conditions and the runs to checks with a state and a reason."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.base.units import format_size
from reconciler.model.health import HealthCheck, HealthState, HostReading, Room
from reconciler.model.statistics import SystemStatistics
from reconciler.model.status import Condition, ConditionType, Status, Truth

LOAD_PER_CORE_WARNING = 2.0
MEMORY_WARNING, MEMORY_BAD = 0.10, 0.03
ROOM_WARNING, ROOM_BAD = 0.10, 0.03
SOURCE = "source "
"""What the places of a Room that are only read begin with; the others are the state and repositories."""
"""Shares that are left, of space and of inodes."""
FAILURES_WARNING, FAILURES_BAD = 0.10, 0.50
FAILURES_BAD_MIN = 3
"""One failure of one backup is no rate."""
PLACES_SHOWN = 2

_STATES = {Truth.TRUE: HealthState.OK, Truth.FALSE: HealthState.BAD, Truth.UNKNOWN: HealthState.UNKNOWN}
_OF_CONDITIONS = {
    ConditionType.CATALOG_INTACT: "catalog",
    ConditionType.REPOSITORY_REACHABLE: "repository",
    ConditionType.BACKUP_FRESH: "backup age",
}
_RANKS = {state: rank for rank, state in enumerate(HealthState)}


def judge_health(host: HostReading, status: Status, systems: Iterable[SystemStatistics]) -> tuple[HealthCheck, ...]:
    """Every check, the worst first, else in the order host, memory of the program, repositories, systems."""
    own = {system.name for system in status.systems if system.here and not system.suspended}
    checks = [
        *of_host(host),
        *_of_conditions(status.conditions),
        *_of_conditions(c for repository in status.repositories for c in repository.conditions),
        *_of_conditions(c for system in status.systems if system.name in own for c in system.conditions),
        *of_runs(row for row in systems if row.system in own),
    ]
    return tuple(sorted(checks, key=lambda check: _RANKS[check.state]))


def of_host(host: HostReading) -> tuple[HealthCheck, ...]:
    """CPU, memory, and the room of each file system. A busy host is slow, not broken: its load is never bad."""
    busy = host.load > LOAD_PER_CORE_WARNING * host.cores
    load = f"{host.load:.1f} processes run or wait, on average over 5m, for {host.cores} cores"
    checks = [
        HealthCheck("cpu", "host", HealthState.WARNING if busy else HealthState.OK, load),
        HealthCheck(
            "memory",
            "host",
            _left(host.memory_available_bytes, host.memory_bytes, MEMORY_WARNING, MEMORY_BAD),
            f"{format_size(host.memory_available_bytes)} of {format_size(host.memory_bytes)} available",
        ),
    ]
    for room in host.rooms:
        checks += _of_room(room)
    return tuple(checks)


def of_runs(systems: Iterable[SystemStatistics]) -> tuple[HealthCheck, ...]:
    """The failure rate of each system in each repository; none where nothing ran."""
    return tuple(_of_runs(row) for row in systems if row.backups)


def _of_room(room: Room) -> list[HealthCheck]:
    """A file system that only holds sources is never bad: nothing is written there, and one for reading only is full by nature."""
    where = _where(room.places)
    if room.free_bytes is None:
        return [HealthCheck("space", where, HealthState.UNKNOWN, room.failure)]
    space = f"{format_size(room.free_bytes)} of {format_size(room.total_bytes)} free"
    bad = ROOM_BAD if any(not place.startswith(SOURCE) for place in room.places) else 0.0
    checks = [HealthCheck("space", where, _left(room.free_bytes, room.total_bytes, ROOM_WARNING, bad), space)]
    if room.free_inodes is not None:
        inodes = f"{room.free_inodes:,} of {room.total_inodes:,} free"
        checks.append(HealthCheck("inodes", where, _left(room.free_inodes, room.total_inodes, ROOM_WARNING, bad), inodes))
    return checks


def _where(places: tuple[str, ...]) -> str:
    """A host may have hundreds of sources on one file system."""
    more = len(places) - PLACES_SHOWN
    return ", ".join(places[:PLACES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _of_conditions(conditions: Iterable[Condition]) -> list[HealthCheck]:
    return [HealthCheck(_OF_CONDITIONS[c.type], c.name, _STATES[c.status], c.message) for c in conditions if c.type in _OF_CONDITIONS]


def _of_runs(row: SystemStatistics) -> HealthCheck:
    rate = row.failed / row.backups
    bad = rate >= FAILURES_BAD and row.failed >= FAILURES_BAD_MIN
    state = HealthState.BAD if bad else HealthState.WARNING if rate >= FAILURES_WARNING else HealthState.OK
    return HealthCheck("failure rate", f"{row.system} in {row.repository}", state, f"{row.failed} of {row.backups} backups failed in 7d")


def _left(free: int, total: int, warning: float, bad: float) -> HealthState:
    """A total of 0 says nothing: some virtual file systems have none."""
    if not total:
        return HealthState.OK
    share = free / total
    return HealthState.BAD if share < bad else HealthState.WARNING if share < warning else HealthState.OK
