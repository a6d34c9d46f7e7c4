"""What exists without being declared: four tiers, the policy `default` and ten disasters. The numbers of the tiers were asked for by the
user (DESIGN 10).

Built without validation, which would cost every command the validators of nine blocks; a test shows that all of it is valid.
"""

from __future__ import annotations

from datetime import timedelta

from reconciler.model.declared.objectives import Objectives, Verification
from reconciler.model.declared.policy import BackupPolicySpec, Compression, GuardLimits, Retention, Schedule, Trigger
from reconciler.model.declared.scenario import ANY, DisasterScenarioSpec, Takes
from reconciler.model.declared.tier import TierSpec
from reconciler.model.disaster import DisasterType

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def _tier(rto: int, rpo: int, mtd: int, quick: int, deep: int) -> TierSpec:
    return TierSpec.model_construct(
        objectives=Objectives.model_construct(rto=rto * _MINUTE, rpo=rpo * _MINUTE, mtd=mtd * _HOUR),
        verification=Verification.model_construct(quick=quick * _DAY, deep=deep * _DAY),
    )


TIERS: dict[str, TierSpec] = {
    "critical": _tier(rto=60, rpo=15, mtd=4, quick=1, deep=30),
    "high": _tier(rto=240, rpo=60, mtd=12, quick=1, deep=30),
    "medium": _tier(rto=1440, rpo=240, mtd=72, quick=7, deep=90),
    "low": _tier(rto=4320, rpo=1440, mtd=168, quick=7, deep=90),
}

DEFAULT_POLICY = BackupPolicySpec.model_construct(
    schedule=Schedule.model_construct(
        full=Trigger.model_construct(every=7 * _DAY),
        differential=Trigger.model_construct(every=7 * _DAY),
        incremental=Trigger.model_construct(every=_DAY),
        catch_up="once",
    ),
    retention=Retention.model_construct(keep_within=2 * _DAY, daily=14, weekly=8, monthly=12, minimum=3),
    compression=Compression.model_construct(algorithm="zstd", level=2),
    checksums=("sha256",),
    guard=GuardLimits.model_construct(max_forget_percent=30, max_forget_count=50, anomalies=True),
)


def _scenario(
    kind: DisasterType, description: str, takes: Takes, *, unnoticed: timedelta | None = None, temporary: bool | None = None
) -> DisasterScenarioSpec:
    return DisasterScenarioSpec.model_construct(
        type=kind.value, description=description, takes=takes, detection_latency=unnoticed, temporary=temporary
    )


def _places(**places: str) -> Takes:
    return Takes.model_construct(failure_domain={key: (value,) for key, value in places.items()})


_OWN_DATA = Takes.model_construct(sources=True)

_ALL = (
    _scenario(DisasterType.HARDWARE_FAILURE, "a host or a device dies with everything on it", _places(host=ANY, device=ANY)),
    _scenario(DisasterType.SOFTWARE_CORRUPTION, "a program writes wrong data, and nobody sees it at once", _OWN_DATA, unnoticed=_DAY),
    _scenario(
        DisasterType.DATA_CORRUPTION,
        "data rot unseen: only what was read and verified whole is trusted",
        Takes.model_construct(sources=True, unverified=True),
    ),
    _scenario(
        DisasterType.SECURITY_BREACH, "an intruder was inside, unnoticed: what is younger is not trusted", _OWN_DATA, unnoticed=10 * _DAY
    ),
    _scenario(DisasterType.NETWORK_OUTAGE, "no site reaches another one", Takes.model_construct(reach="offsite"), temporary=True),
    _scenario(DisasterType.NATURAL_DISASTER, "a whole site is gone", _places(site=ANY)),
    _scenario(DisasterType.HUMAN_ERROR, "somebody deletes or overwrites the data", _OWN_DATA),
    _scenario(
        DisasterType.CYBER_ATTACK,
        "an attacker has a host, encrypts its data and deletes every copy that its credentials can delete",
        Takes.model_construct(credentials=(ANY,)),
        unnoticed=_DAY,
    ),
    _scenario(DisasterType.POWER_OUTAGE, "a site is without power", _places(site=ANY), temporary=True),
    _scenario(DisasterType.SYSTEM_OVERLOAD, "a host can do nothing beside its load", _places(host=ANY), temporary=True),
)
SCENARIOS: dict[DisasterType, DisasterScenarioSpec] = {DisasterType(spec.type): spec for spec in _ALL}
"""What each type takes when the specs say nothing else. The latencies are assumptions, to be replaced by what an organisation knows: a day
until somebody looks at wrong data or at an encrypted disk, ten days until an intruder is found.
"""
