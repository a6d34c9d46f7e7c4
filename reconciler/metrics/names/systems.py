"""Metrics of a system as a whole: whose it is, what is promised for it, and what is counted over all of its repositories."""

from __future__ import annotations

from reconciler.metrics.metric import Subject
from reconciler.metrics.metric import gauge as _gauge
from reconciler.metrics.metric import info as _info

_SYSTEM = ("system",)

SYSTEM = _info(
    "system",
    Subject.SYSTEMS,
    "Who a system belongs to and how it is protected.",
    ("system", "tier", "policy", "owner", "host"),
    note="To be joined: `… * on (system) group_left (tier, owner) reconciler_system_info`. "
    "`owner` is empty where none is declared; `host` is this agent where the system names none.",
)
RPO_TARGET = _gauge(
    "rpo_target_seconds", Subject.SYSTEMS, "Declared RPO: how old the recovery point may become.", _SYSTEM, "Absent where none is declared."
)
RTO_TARGET = _gauge(
    "rto_target_seconds", Subject.SYSTEMS, "Declared RTO: how long a recovery may take.", _SYSTEM, "Absent where none is declared."
)
MTD_TARGET = _gauge(
    "mtd_target_seconds", Subject.SYSTEMS, "Declared MTD: the outage that can just be survived.", _SYSTEM, "Absent where none is declared."
)
RPO_BREACH = _gauge(
    "rpo_breach_predicted_timestamp_seconds",
    Subject.SYSTEMS,
    "When the recovery point will be older than the RPO because the next backup cannot end in time; 0 is not predicted.",
    _SYSTEM,
    "From what is planned and how long backups took. In the past while the RPO is broken. Absent without an RPO and for systems of "
    "other hosts.",
)
HELD = _gauge("system_held_snapshots", Subject.SYSTEMS, "Snapshots whose removal a guard holds back until a person decides.", _SYSTEM)
SUSPENDED = _gauge("system_suspended", Subject.SYSTEMS, "1 while the declaration suspends the system, else 0.", _SYSTEM)
COPIES_TARGET = _gauge(
    "copies_target",
    Subject.SYSTEMS,
    "Repositories that have to hold a recent state, as declared.",
    _SYSTEM,
    "Absent where no number is declared.",
)
COPIES_HELD = _gauge(
    "copies_held",
    Subject.SYSTEMS,
    "Repositories that hold a state which is recent enough for a copy.",
    _SYSTEM,
    "Counted where they could be listed: one that is unreachable is not held.",
)
COPIES_OFFSITE_TARGET = _gauge(
    "copies_offsite_target",
    Subject.SYSTEMS,
    "How many of them have to be at another site, as declared.",
    _SYSTEM,
    "Absent where no number is declared.",
)
COPIES_OFFSITE_HELD = _gauge("copies_offsite_held", Subject.SYSTEMS, "How many of them are at another site.", _SYSTEM)
COPY_LAG_TARGET = _gauge(
    "copy_lag_target_seconds",
    Subject.SYSTEMS,
    "How long after the end of a snapshot its copy may take.",
    _SYSTEM,
    "The RPO where no lag is declared; absent where there is neither.",
)
VERIFICATION_TARGET = _gauge(
    "verification_interval_target_seconds",
    Subject.SYSTEMS,
    "How old the last proof of intactness may become, as declared.",
    ("system", "depth"),
    "`depth` is deep (every byte is read) or quick (the structure is). Absent where none is declared.",
)
