"""From what was read of the host, the conditions and the runs to checks with a state and a reason, and to what is raised."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from reconciler.decide.host import HOST, of_host
from reconciler.decide.hysteresis import Memory, settle
from reconciler.decide.raising import Found
from reconciler.model.alerts import AlertSeverity, Raised
from reconciler.model.declared.health import HealthSettings, Rate
from reconciler.model.health import CheckKey, CheckName, HealthCheck, HealthState, HostReading, Largest
from reconciler.model.listing import Listing
from reconciler.model.observed import Observed
from reconciler.model.snapshot import Snapshot
from reconciler.model.statistics import SystemStatistics
from reconciler.model.status import Condition, ConditionType, Status, Truth

FAILURES_BAD_MIN = 3
"""One failure of one backup is no rate."""

OBJECT_KIND = "Host"
TOLD_ELSEWHERE = frozenset({CheckName.NETWORK})
"""A repository or receiver that cannot be reached has a condition, and an alert because of it: one trouble, one alert."""
_STATES = {Truth.TRUE: HealthState.GOOD, Truth.FALSE: HealthState.BAD, Truth.UNKNOWN: HealthState.UNKNOWN}
_OF_CONDITIONS = {
    ConditionType.CATALOG_INTACT: CheckName.CATALOG,
    ConditionType.REPOSITORY_REACHABLE: CheckName.REPOSITORY,
    ConditionType.BACKUP_FRESH: CheckName.BACKUP_AGE,
}
_BAD = {CheckName.RECOVERY: AlertSeverity.CRITICAL}
"""The others are high."""
_WARNING = {CheckName.CPU: AlertSeverity.LOW}
"""The others are medium."""
_ADVICE = {
    CheckName.CPU: "`top` shows what runs; backups take longer meanwhile.",
    CheckName.MEMORY: "`ps aux --sort -rss` shows who holds it.",
    CheckName.SPACE: "Make room before backups fail: `reconcile stats` shows what grows, `reconcile prune` frees what is forgotten.",
    CheckName.INODES: "Many small files use them up: `du --inodes` finds where.",
    CheckName.CERTIFICATE: "Have it renewed, or trust whoever issued it.",
    CheckName.RECOVERY: "Nothing could be restored from there now: `reconcile check` of this repository says what is wrong.",
    CheckName.RECOVERY_SPACE: "A drill of this system would not fit; a recovery needs room elsewhere.",
}


def judge_host(host: HostReading, limits: HealthSettings, known: Memory, now: datetime) -> tuple[tuple[HealthCheck, ...], Memory]:
    """The checks of the host in the light of what was ``known`` of them, and what is to be known at the next look."""
    return settle(of_host(host, limits, now), known, limits.looks)


def largest_system(realm: str, observed: Observed) -> Largest | None:
    """By the newest good snapshot of each system of ours; of each group the first good one, not all of them."""
    newest: dict[str, Snapshot] = {}
    for state in observed.repositories.values():
        for (owner, system, is_safety), group in Listing.of(state.snapshots).groups.items():
            found = next((snapshot for snapshot in group if snapshot.good), None) if owner == realm and not is_safety else None
            known = newest.get(system)
            if found is not None and (known is None or found.counted_at > known.counted_at):
                newest[system] = found
    largest = max(newest.values(), key=lambda snapshot: (snapshot.bytes, snapshot.system), default=None)
    return Largest(largest.system, largest.bytes) if largest is not None else None


def judge_health(
    of_the_host: Iterable[HealthCheck], status: Status, systems: Iterable[SystemStatistics], limits: HealthSettings
) -> tuple[HealthCheck, ...]:
    """Every check, the worst first, else in the order host, memory of the program, repositories, systems."""
    own = {system.name for system in status.systems if system.here and not system.suspended}
    checks = [
        *of_the_host,
        *_of_conditions(status.conditions),
        *_of_conditions(c for repository in status.repositories for c in repository.conditions),
        *_of_conditions(c for system in status.systems if system.name in own for c in system.conditions),
        *of_runs((row for row in systems if row.system in own), limits.failures),
    ]
    return tuple(sorted(checks, key=lambda check: check.state.rank))


def of_runs(systems: Iterable[SystemStatistics], limits: Rate) -> tuple[HealthCheck, ...]:
    """The failure rate of each system in each repository; none where nothing ran."""
    return tuple(_of_runs(row, limits) for row in systems if row.backups)


def raised(checks: Iterable[HealthCheck], agent: str, silent: Collection[str] = ()) -> Found:
    """What the checks of the host raise: one per check and subject. Systems and repositories have conditions for that.

    ``silent``: names of repositories that cannot be used. Their conditions say so, and that nothing can be restored from there follows.
    """
    follows = {f"repository {name}" for name in silent}
    of_checks = tuple(check for check in checks if check.name not in TOLD_ELSEWHERE)
    judged = [check for check in of_checks if check.name is not CheckName.RECOVERY or check.key[1] not in follows]
    unclear = [check for check in of_checks if check.state is HealthState.UNKNOWN or check not in judged]
    return Found(
        tuple(_raised(check, agent) for check in judged if check.state in (HealthState.BAD, HealthState.WARNING)),
        frozenset(alert_key(check.key, agent) for check in unclear),
    )


def alert_key(key: CheckKey, agent: str) -> tuple[str, str, str]:
    """Of the alert that such a check raises."""
    name, subject = key
    return (OBJECT_KIND, agent if subject == HOST else subject, name)


def _raised(check: HealthCheck, agent: str) -> Raised:
    kind, name, condition = alert_key(check.key, agent)
    bad = check.state is HealthState.BAD
    severity = _BAD.get(check.name, AlertSeverity.HIGH) if bad else _WARNING.get(check.name, AlertSeverity.MEDIUM)
    summary = f"{check.name} of {agent if check.object == HOST else check.object}: {check.message}"
    return Raised(kind, name, condition, severity, summary, _ADVICE[check.name], check.state.value.capitalize(), {"host": agent})


def _of_conditions(conditions: Iterable[Condition]) -> list[HealthCheck]:
    return [HealthCheck(_OF_CONDITIONS[c.type], c.name, _STATES[c.status], c.message) for c in conditions if c.type in _OF_CONDITIONS]


def _of_runs(row: SystemStatistics, limits: Rate) -> HealthCheck:
    rate = row.failed / row.backups
    bad = rate >= limits.bad and row.failed >= FAILURES_BAD_MIN
    state = HealthState.BAD if bad else HealthState.WARNING if rate >= limits.warning else HealthState.GOOD
    message = f"{row.failed} of {row.backups} backups failed in 7d"
    return HealthCheck(CheckName.FAILURE_RATE, f"{row.system} in {row.repository}", state, message, value=rate)
