"""What exists without being declared: four tiers and the policy `default`. The numbers were asked for by the user (DESIGN 10).

Built without validation, which would cost every command the validators of nine blocks; a test shows that all of it is valid.
"""

from __future__ import annotations

from datetime import timedelta

from reconciler.model.declared.objectives import Objectives, Verification
from reconciler.model.declared.policy import BackupPolicySpec, Compression, GuardLimits, Retention, Schedule, Trigger
from reconciler.model.declared.tier import TierSpec

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
