"""How a system stands, in a word or two: what the screen, the page and `status --check` have to agree on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.status import Condition, ConditionType, Status, SystemStatus, Truth

OBJECTIVES = (
    ConditionType.BACKUP_FRESH,
    ConditionType.RECOVERY_PROVEN,
    ConditionType.COPIES_SATISFIED,
    ConditionType.VERIFIED,
)
"""What `status --check` looks at: the promises; Unknown counts as broken."""

_OF_VERIFIED = {"Never": "not verified yet", "Overdue": "verification overdue", "Failed": "verification failed"}
"""Reasons that say too little without their condition."""


class Grade(StrEnum):
    """Worst first."""

    BAD = "bad"
    UNSURE = "unsure"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Standing:
    """``never backed up``, bad."""

    words: str
    grade: Grade


def breaches(status: Status) -> tuple[Condition, ...]:
    """Every objective that is broken or Unknown."""
    return tuple(c for s in status.systems for c in s.conditions if c.type in OBJECTIVES and c.status is not Truth.TRUE)


def standing(system: SystemStatus) -> Standing:
    """Never seen is unsure, never good."""
    if system.suspended:
        return Standing("suspended", Grade.UNSURE)
    ready = system.condition(ConditionType.READY)
    if ready is None:
        return Standing("unknown", Grade.UNSURE)
    if ready.status is Truth.UNKNOWN:
        return Standing(_words(ready.reason), Grade.UNSURE)
    return Standing("ready", Grade.GOOD) if ready.status is Truth.TRUE else Standing(_words(ready.reason), Grade.BAD)


def _words(reason: str) -> str:
    """``NeverBackedUp`` as ``never backed up``."""
    if reason in _OF_VERIFIED:
        return _OF_VERIFIED[reason]
    return "".join(f" {c.lower()}" if c.isupper() else c for c in reason).strip() or "not ready"
