"""How a system stands, in a word or two: what the screen, the page and `status --check` have to agree on."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from reconciler.base.words import count
from reconciler.model.health import HealthState
from reconciler.model.status import Condition, ConditionType, Digit, RepositoryStatus, Status, SystemStatus, Truth

OBJECTIVES = (
    ConditionType.BACKUP_FRESH,
    ConditionType.RECOVERY_PROVEN,
    ConditionType.COPIES_SATISFIED,
    ConditionType.VERIFIED,
)
"""What `status --check` looks at: the promises; Unknown counts as broken."""

_OF_VERIFIED = {"Never": "not verified yet", "Overdue": "verification overdue", "Failed": "verification failed"}
"""Reasons that say too little without their condition."""


class Standing(Struct, frozen=True):
    """``never backed up``, bad."""

    words: str
    state: HealthState


def breaches(status: Status) -> tuple[Condition, ...]:
    """Every objective that is broken or Unknown."""
    return tuple(c for s in status.systems for c in s.conditions if c.type in OBJECTIVES and c.status is not Truth.TRUE)


def unwell(condition: Condition) -> bool:
    """Whether a person should read it."""
    if condition.type is ConditionType.READY:
        return False  # the summary of the others
    if condition.type is ConditionType.SUSPENDED:
        return condition.status is Truth.TRUE
    return condition.status is not Truth.TRUE


def verdict(status: Status) -> Standing:
    """All of it in one sentence."""
    broken = {c.name for c in breaches(status)}
    total = len(status.systems)
    if not total:
        return Standing("Nothing is protected: the specs declare no system.", HealthState.WARNING)
    troubled = [r.name for r in status.repositories if not r.reachable]
    if not broken and troubled:
        names = ", ".join(troubled)
        return Standing(f"Within every objective as last seen, but not protected further: {names} cannot be used.", HealthState.WARNING)
    if not broken:
        return Standing(f"{total} of {count(total, 'system')} protected as declared.", HealthState.GOOD)
    return Standing(f"{len(broken)} of {count(total, 'system')} not protected as declared: {', '.join(sorted(broken))}.", HealthState.BAD)


def standing(system: SystemStatus) -> Standing:
    """Never seen is unknown, never good."""
    if system.suspended:
        return Standing("suspended", HealthState.WARNING)
    ready = system.condition(ConditionType.READY)
    if ready is None:
        return Standing("unknown", HealthState.UNKNOWN)
    if ready.status is Truth.UNKNOWN:
        return Standing(_words(ready.reason), HealthState.UNKNOWN)
    return Standing("ready", HealthState.GOOD) if ready.status is Truth.TRUE else Standing(_words(ready.reason), HealthState.BAD)


def repository_standing(repository: RepositoryStatus) -> Standing:
    """Whether it can be used; what else is wrong with it stands in its conditions."""
    if not repository.reachable:
        return Standing("not reachable", HealthState.BAD)
    return Standing("reachable", HealthState.GOOD) if repository.listed_at else Standing("never listed", HealthState.UNKNOWN)


def rule_in_short(digits: Sequence[Digit]) -> str:
    """``3-2-1-1-0``; a number that what is not known could change from broken to kept is a question mark."""
    return "-".join("?" if digit.met is Truth.UNKNOWN else str(digit.found) for digit in digits)


def _words(reason: str) -> str:
    """``NeverBackedUp`` as ``never backed up``."""
    if reason in _OF_VERIFIED:
        return _OF_VERIFIED[reason]
    return "".join(f" {c.lower()}" if c.isupper() else c for c in reason).strip() or "not ready"
