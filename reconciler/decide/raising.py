"""From conditions to what is raised: what is False now, how bad that is, and what cannot be known.

How bad follows from the tier of the system: a stale backup of a critical system is critical, a stale proof of it one step less. A condition
that is Unknown raises nothing and ends nothing: the alert that fires because of it goes on firing. What nobody could see for a day is a
finding of its own, and raised as low.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.decide.moment import Horizon, Moment
from reconciler.decide.words import counted
from reconciler.model.alerts import AlertKey, AlertSeverity, Raised, worst
from reconciler.model.desired import Desired
from reconciler.model.status import Condition, ConditionType, RepositoryStatus, SpecStatus, Status, SystemStatus, Truth

UNKNOWN_MAX = timedelta(days=1)
SPECS = "Specs"
_WORDS = {severity.value: severity for severity in AlertSeverity}
_BY_RPO = ((15, AlertSeverity.CRITICAL), (60, AlertSeverity.HIGH), (240, AlertSeverity.MEDIUM))
"""Minutes, as the built-in tiers promise: for tiers of other names."""
_SUMS = frozenset({ConditionType.READY, ConditionType.SUSPENDED})
"""Tell nothing that another condition does not tell, or no trouble at all."""
_AS_TIER = frozenset({ConditionType.BACKUP_FRESH})
_FIXED = {
    ConditionType.SPEC_ACCEPTED: AlertSeverity.MEDIUM,
    ConditionType.RETENTION_SATISFIED: AlertSeverity.MEDIUM,
    ConditionType.CATALOG_INTACT: AlertSeverity.MEDIUM,
    ConditionType.REPOSITORY_CURRENT: AlertSeverity.CRITICAL,
    ConditionType.ALERTS_DELIVERED: AlertSeverity.HIGH,
    ConditionType.PLAUSIBLE: AlertSeverity.CRITICAL,
}
_DAMAGE = frozenset({"Failed"})
_Severity = Callable[[Condition], AlertSeverity]
_UNSEEN = frozenset({"NotObserved", "NeverSeen", "ClockSuspect"})
"""Unknown for want of looking. Other things are Unknown by nature: not drilled yet, still learning, known on another host."""


class Found(Struct, frozen=True):
    """What the conditions and checks of one pass say."""

    raised: tuple[Raised, ...]
    unclear: frozenset[AlertKey] = frozenset()
    """Not known in this pass: an alert of this key stands as it is."""


NOTHING_FOUND = Found(())


def together(*parts: Found) -> Found:
    """All that they say."""
    return Found(tuple(one for part in parts for one in part.raised), frozenset(key for part in parts for key in part.unclear))


def of_status(desired: Desired, status: Status, now: datetime) -> Found:
    """Everything that the published conditions give. Systems of other hosts are their own agent's business."""
    labels = {system.name: dict(system.labels) for system in desired.systems}
    users = _worst_users(status.systems)
    return together(
        *(_of_system(system, labels.get(system.name, {}), now) for system in status.systems if system.here),
        *(_of_repository(repository, users.get(repository.name, AlertSeverity.LOW), now) for repository in status.repositories),
        _of_conditions(status.conditions, lambda condition: _FIXED.get(condition.type, AlertSeverity.MEDIUM), {}, now),
        Found(tuple(_of_specs(status.spec))),
    )


class Raising:
    """:func:`of_status`, worked out again only when a condition is another or a moment has come that it looks at."""

    def __init__(self) -> None:
        self._key: object = None
        self._at: datetime | None = None
        self._until: datetime | None = None
        self._found = NOTHING_FOUND

    def of(self, desired: Desired, status: Status, now: datetime) -> Found:
        key = (
            desired.systems,
            [(system.conditions, system.suspended) for system in status.systems],
            [(repository.name, repository.conditions) for repository in status.repositories],
            status.conditions,
            status.spec.errors,
        )
        held = self._at is not None and self._at <= now and (self._until is None or now < self._until)
        if not held or self._key != key:
            horizon = Horizon(now)
            self._found = of_status(desired, status, Moment.of(horizon))
            self._key, self._at, self._until = key, now, horizon.until
        return self._found


def severity_of(system: SystemStatus) -> AlertSeverity:
    """How bad it is when this system loses its protection: its tier, and for tiers of another name what its RPO says."""
    if system.tier in _WORDS:
        return _WORDS[system.tier]
    if system.rpo is None:
        return AlertSeverity.MEDIUM
    return next((severity for minutes, severity in _BY_RPO if system.rpo <= timedelta(minutes=minutes)), AlertSeverity.LOW)


def _of_system(system: SystemStatus, labels: Mapping[str, str], now: datetime) -> Found:
    tier = severity_of(system)

    def severity(condition: Condition) -> AlertSeverity:
        if condition.type in _FIXED:
            return _FIXED[condition.type]
        if condition.reason in _DAMAGE:
            return worst((tier, AlertSeverity.HIGH))
        return tier if condition.type in _AS_TIER else _less(tier)

    known = {**labels, "tier": system.tier, "owner": system.owner, "host": system.host}
    quiet = "the system is suspended" if system.suspended else ""
    return _of_conditions(system.conditions, severity, known, now, quiet)


def _worst_users(systems: Iterable[SystemStatus]) -> dict[str, AlertSeverity]:
    """By repository the worst system whose first repository it is; one less where it only holds copies."""
    found: dict[str, AlertSeverity] = {}
    for system in systems:
        if system.here and system.protection:
            own = severity_of(system)
            first = system.protection[0].repository
            for each in system.protection:
                severity = own if each.repository == first else _less(own)
                known = found.get(each.repository)
                if known is None or severity.worse_than(known):
                    found[each.repository] = severity
    return found


def _of_repository(repository: RepositoryStatus, users: AlertSeverity, now: datetime) -> Found:
    """As bad as the worst of its users."""
    return _of_conditions(repository.conditions, lambda condition: _FIXED.get(condition.type, users), {}, now)


def _of_conditions(
    conditions: Iterable[Condition], severity: _Severity, labels: Mapping[str, str], now: datetime, quiet: str = ""
) -> Found:
    raised, unclear = [], set()
    for condition in conditions:
        if condition.type in _SUMS or condition.status is Truth.TRUE:
            continue
        bad = severity(condition)
        if condition.status is Truth.UNKNOWN:
            unclear.add((condition.kind, condition.name, condition.type.value))
            if condition.reason not in _UNSEEN or condition.since is None or now - condition.since < UNKNOWN_MAX:
                continue
            bad = AlertSeverity.LOW
        raised.append(_raised(condition, bad, labels, quiet))
    return Found(tuple(raised), frozenset(unclear))


def _raised(condition: Condition, severity: AlertSeverity, labels: Mapping[str, str], quiet: str) -> Raised:
    return Raised(
        object_kind=condition.kind,
        object_name=condition.name,
        condition=condition.type.value,
        severity=severity,
        summary=f"{condition.name}: {condition.message}",
        detail=_advice(condition),
        reason=condition.reason,
        labels=labels,
        quiet=quiet,
    )


_ADVICE = {
    ConditionType.BACKUP_FRESH: "`reconcile explain {name}` says what stands in the way.",
    ConditionType.REPOSITORY_REACHABLE: "Is its disk mounted, and may this user read and write there?",
    ConditionType.REPOSITORY_CURRENT: "Find out who put it back to an earlier state; until then nothing is removed from it.",
    ConditionType.COPIES_SATISFIED: "`reconcile explain {name}` shows which copy is missing.",
    ConditionType.RETENTION_SATISFIED: "`reconcile --dry-run` prints what is held, and the approval that would let it go.",
    ConditionType.VERIFIED: "`reconcile verify {name} --deep` reads it anew.",
    ConditionType.PLAUSIBLE: "`reconcile diff` shows what changed; if that was meant: `reconcile accept {name} --reason TEXT`.",
    ConditionType.RECOVERY_PROVEN: "`reconcile explain {name}` shows the last rehearsal.",
    ConditionType.SPEC_ACCEPTED: "`reconcile validate` shows the fault.",
    ConditionType.ALERTS_DELIVERED: "`reconcile alerts test` tries it and shows what it answers.",
    ConditionType.CATALOG_INTACT: "`reconcile events` shows what was done about it.",
}


def _advice(condition: Condition) -> str:
    if condition.kind == "RecoveryPlan":
        return f"`reconcile recovery runs {condition.name}` lists its tests; `reconcile recovery test {condition.name}` makes one."
    return _ADVICE.get(condition.type, "`reconcile status` shows it.").format(name=condition.name)


def _of_specs(spec: SpecStatus) -> Iterable[Raised]:
    if spec.errors:
        summary = f"the specs have {counted(spec.errors, 'error')}: what is broken stands as it was when it was last good"
        detail = "`reconcile validate` shows all of them."
        yield Raised(SPECS, "specs", ConditionType.SPEC_ACCEPTED.value, AlertSeverity.MEDIUM, summary, detail, "Invalid")


_SEVERITIES = tuple(AlertSeverity)


def _less(severity: AlertSeverity) -> AlertSeverity:
    return _SEVERITIES[min(severity.rank + 1, len(_SEVERITIES) - 1)]
