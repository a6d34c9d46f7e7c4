"""One promise against reality, with the numbers that say so: for the status, the report and whoever asks by program."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from msgspec import Struct


class Promise(StrEnum):
    """What is promised of every system that declares it."""

    RPO = "rpo"
    RTO = "rto"
    MTD = "mtd"


class Verdict(StrEnum):
    """What is not known is never called met."""

    MET = "met"
    AT_RISK = "at risk"
    """Kept today, but foreseen to be broken."""
    BREACHED = "breached"
    UNKNOWN = "unknown"


class ObjectiveStatus(Struct, frozen=True):
    """How one promise stands. RPO: ages of the newest state that can be had back. RTO and MTD: lengths of a recovery, of an outage."""

    objective: Promise
    target: timedelta
    current: timedelta | None
    """As measured; None: never."""
    predicted: timedelta | None
    """RPO: the age at the end of the next backup. RTO and MTD: for the newest snapshot as large as it is now. None: nothing to go by."""
    verdict: Verdict
    reason: str
    """One sentence with the numbers."""
    evidence: str
    """Where the numbers come from; empty: there is none."""
    disaster: str = ""
    """The type of disaster that this promise is declared for; empty: the general one."""
