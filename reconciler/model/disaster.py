"""The ten types of disaster that objectives, scenarios and recovery plans speak of. What each takes away is said by its scenario."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class DisasterType(StrEnum):
    """The words of the specs."""

    HARDWARE_FAILURE = "hardware_failure"
    SOFTWARE_CORRUPTION = "software_corruption"
    DATA_CORRUPTION = "data_corruption"
    SECURITY_BREACH = "security_breach"
    NETWORK_OUTAGE = "network_outage"
    NATURAL_DISASTER = "natural_disaster"
    HUMAN_ERROR = "human_error"
    CYBER_ATTACK = "cyber_attack"
    POWER_OUTAGE = "power_outage"
    SYSTEM_OVERLOAD = "system_overload"


class Tally(Struct, frozen=True):
    """How many systems get which verdict in one scenario."""

    scenario: str
    verdicts: Mapping[str, int]
    """By the word of the verdict; each of them, zero included."""
    threatened: Mapping[str, str] = {}
    """By system the word of its verdict, where a promise is not kept for certain."""
    left_out: int = 0
    """Systems that belong among them and were too many to be named."""
