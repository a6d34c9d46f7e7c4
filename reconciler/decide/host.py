"""What a reading of the host says, by the thresholds of the specs: one finding per question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from reconciler.base.units import format_duration, format_size
from reconciler.decide.hysteresis import Finding
from reconciler.model.declared.health import HealthSettings, Thresholds
from reconciler.model.health import CheckName, HealthCheck, HealthState, HostReading, Probe, Reached, Role, Room, Use

USES_SHOWN = 2
HOST = "host"
_Judge = Callable[[float], HealthState]
"""The state when every limit is stricter by this part of itself."""


def of_host(host: HostReading, limits: HealthSettings, now: datetime) -> tuple[Finding, ...]:
    """Everything, in the order in which it is shown."""
    return (
        *_of_machine(host, limits),
        *(finding for room in host.rooms for finding in _of_room(room, limits)),
        *(finding for reached in host.reached for finding in _of_address(reached, limits, now)),
        *(_of_probe(probe) for probe in host.probes),
        *_of_recovery_space(host, limits.margin),
    )


def _of_machine(host: HostReading, limits: HealthSettings) -> Iterator[Finding]:
    """A busy host is slow, not broken: its load is never bad."""
    per_core = host.load / host.cores

    def busy(stricter: float) -> HealthState:
        return HealthState.WARNING if per_core > limits.cpu.warning * (1 - stricter) else HealthState.GOOD

    load = f"{host.load:.1f} processes run or wait, on average over 5m, for {host.cores} cores"
    yield _finding(CheckName.CPU, HOST, load, busy, limits.margin, value=per_core)
    free, total = host.memory_available_bytes, host.memory_bytes
    message = f"{format_size(free)} of {format_size(total)} available"
    yield _finding(CheckName.MEMORY, HOST, message, _left(free, total, limits.memory), limits.margin, value=_share(free, total))


def _of_room(room: Room, limits: HealthSettings) -> Iterator[Finding]:
    """A file system that only holds sources is never bad: nothing is written there, and one for reading only is full by nature."""
    where, subject = _where(room.uses), _subject(room.uses)
    if room.free_bytes is None:
        yield _unknown(CheckName.SPACE, where, room.failure, subject)
        return
    only_read = all(use.role is Role.SOURCE for use in room.uses)
    message = f"{format_size(room.free_bytes)} of {format_size(room.total_bytes)} free"
    judge = _left(room.free_bytes, room.total_bytes, limits.space, only_read=only_read)
    share = _share(room.free_bytes, room.total_bytes)
    yield _finding(CheckName.SPACE, where, message, judge, limits.margin, subject=subject, value=share)
    if room.free_inodes is not None:
        message = f"{room.free_inodes:,} of {room.total_inodes:,} free"
        judge = _left(room.free_inodes, room.total_inodes, limits.inodes, only_read=only_read)
        share = _share(room.free_inodes, room.total_inodes)
        yield _finding(CheckName.INODES, where, message, judge, limits.margin, subject=subject, value=share)


def _of_address(reached: Reached, limits: HealthSettings, now: datetime) -> Iterator[Finding]:
    """Whether it answers; and its certificate, which is bad when it is not trusted, whatever it says of its own end."""
    where, subject = _where(reached.uses), _subject(reached.uses)
    to = f"{reached.address} " if reached.address else ""
    if reached.seconds is None:
        yield _plain(CheckName.NETWORK, where, HealthState.BAD, f"{to}{reached.failure}", subject)
        return
    message = f"{to}answers within {1000 * reached.seconds:.0f} ms"
    yield _plain(CheckName.NETWORK, where, HealthState.GOOD, message, subject, value=reached.seconds)
    if not reached.secured:
        return
    until = reached.certificate_until
    left = until - now if until is not None else None
    days = left / timedelta(days=1) if left is not None else None
    valid = _validity(left)
    if reached.certificate_failure:
        message = f"it is not trusted: {reached.certificate_failure}{f'; {valid}' if valid else ''}"
        yield _plain(CheckName.CERTIFICATE, where, HealthState.BAD, message, subject, value=days)
        return

    def runs_out(stricter: float) -> HealthState:
        if left is None:
            return HealthState.UNKNOWN
        more = 1 + stricter
        bad, warning = left < limits.certificate.bad * more, left < limits.certificate.warning * more
        return HealthState.BAD if bad else HealthState.WARNING if warning else HealthState.GOOD

    yield _finding(
        CheckName.CERTIFICATE, where, valid or "it does not say until when", runs_out, limits.margin, subject=subject, value=days
    )


def _of_probe(probe: Probe) -> Finding:
    """None that could be restored is bad; a repository without any snapshot is new."""
    where = f"repository {probe.repository}"
    if probe.failure:
        return _plain(CheckName.RECOVERY, where, HealthState.BAD, probe.failure, where)
    found = f"the newest snapshot, of {probe.system}, can be read" if probe.snapshot_id else "its key fits; it holds no snapshot yet"
    return _plain(CheckName.RECOVERY, where, HealthState.GOOD, f"{found}: {1000 * probe.seconds:.0f} ms", where, value=probe.seconds)


def _of_recovery_space(host: HostReading, margin: float) -> Iterator[Finding]:
    """Where drills restore, the largest system should fit. A warning: a person may restore elsewhere."""
    room = next((room for room in host.rooms if any(use.role is Role.SANDBOX for use in room.uses)), None)
    if room is None or room.free_bytes is None or host.largest is None:
        return
    free, needed = room.free_bytes, host.largest.bytes

    def fits(stricter: float) -> HealthState:
        return HealthState.GOOD if free >= needed * (1 + stricter) else HealthState.WARNING

    message = f"{format_size(free)} free where drills restore; {host.largest.system}, the largest system, takes {format_size(needed)}"
    yield _finding(CheckName.RECOVERY_SPACE, HOST, message, fits, margin)


def _left(free: int, total: int, limits: Thresholds, *, only_read: bool = False) -> _Judge:
    """A total of 0 says nothing: some virtual file systems have none."""

    def judge(stricter: float) -> HealthState:
        more = 1 + stricter

        def low(share: float, below: int | None) -> bool:
            return free < share * more * total and (below is None or free < below * more)

        if total and low(limits.bad.share, limits.bad.below) and not only_read:
            return HealthState.BAD
        return HealthState.WARNING if total and low(limits.warning.share, limits.warning.below) else HealthState.GOOD

    return judge


def _finding(
    name: CheckName, where: str, message: str, judge: _Judge, margin: float, *, subject: str = "", value: float | None = None
) -> Finding:
    return Finding(HealthCheck(name, where, judge(0), message, subject or where, value), judge(margin))


def _plain(name: CheckName, where: str, state: HealthState, message: str, subject: str, value: float | None = None) -> Finding:
    return Finding(HealthCheck(name, where, state, message, subject, value), state)


def _unknown(name: CheckName, where: str, why: str, subject: str) -> Finding:
    return _plain(name, where, HealthState.UNKNOWN, why, subject)


def _share(free: int, total: int) -> float | None:
    return free / total if total else None


def _validity(left: timedelta | None) -> str:
    if left is None:
        return ""
    if left < timedelta(0):
        return f"it ran out {format_duration(-left, parts=1)} ago"
    return f"it is valid for {format_duration(left, parts=1)}"


def _subject(uses: tuple[Use, ...]) -> str:
    """By its most important use: that one stays when others come and go."""
    return f"{uses[0].role} {uses[0].name}".strip()


def _where(uses: tuple[Use, ...]) -> str:
    """A host may have hundreds of sources on one file system."""
    more = len(uses) - USES_SHOWN
    return ", ".join(map(str, uses[:USES_SHOWN])) + (f" and {more} more" if more > 0 else "")
