"""The ten types of disaster that objectives, scenarios and recovery plans speak of. What each takes away is said by its scenario."""

from __future__ import annotations

from enum import StrEnum


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
