"""The newest look at the host as samples. Few: one per file system for all sources on it, and no path in any label."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.metrics import names
from reconciler.metrics.metric import Sample
from reconciler.model.health import Health, HealthState, HostReading, Reached, Role, Room


def of_host(health: Health | None) -> Iterator[Sample]:
    """Nothing but "never" before the first look."""
    yield names.HOST_LOOKED, (), health.at.timestamp() if health is not None else 0
    if health is None or health.reading is None:
        return
    for state in HealthState:
        yield names.HOST_CHECKS, (state.value,), sum(check.state is state for check in health.checks)
    yield from _of_reading(health.reading)


def _of_reading(host: HostReading) -> Iterator[Sample]:
    yield names.HOST_CORES, (), host.cores
    yield names.HOST_LOAD, (), host.load
    yield names.HOST_MEMORY, (), host.memory_bytes
    yield names.HOST_MEMORY_AVAILABLE, (), host.memory_available_bytes
    for room in host.rooms:
        yield from _of_room(room)
    for reached in host.reached:
        yield from _of_address(reached)
    for probe in host.probes:
        yield names.RECOVERABLE, (probe.repository,), not probe.failure


def _of_room(room: Room) -> Iterator[Sample]:
    if room.free_bytes is None:
        return
    sources = [use for use in room.uses if use.role is Role.SOURCE]
    for use in (*(use for use in room.uses if use.role is not Role.SOURCE), *sources[:1]):
        where = (use.role.value, use.name)
        yield names.FILE_SYSTEM, where, room.total_bytes
        yield names.FILE_SYSTEM_FREE, where, room.free_bytes
        if room.free_inodes is not None:
            yield names.FILE_SYSTEM_INODES, where, room.total_inodes
            yield names.FILE_SYSTEM_INODES_FREE, where, room.free_inodes


def _of_address(reached: Reached) -> Iterator[Sample]:
    for use in reached.uses:
        where = (use.role.value, use.name)
        yield names.ENDPOINT_UP, where, reached.seconds is not None
        if reached.secured and reached.seconds is not None:
            yield names.ENDPOINT_TRUSTED, where, not reached.certificate_failure
            if reached.certificate_until is not None:
                yield names.ENDPOINT_EXPIRY, where, reached.certificate_until.timestamp()
