"""The one table of every metric: name, type, labels, help. The collector, docs/metrics.md and the dashboards follow it.

Rules: base units and the unit last; timestamps, never ages (an age freezes together with the process that exports it); objectives as
metrics beside the observation, so that one alert rule serves every system; no id, path or error text in a label.
A timestamp of 0 means never.
"""

from __future__ import annotations

from typing import Final

from reconciler.metrics.metric import Metric, Subject
from reconciler.metrics.metric import counter as _counter
from reconciler.metrics.metric import gauge as _gauge
from reconciler.metrics.metric import info as _info

_SYSTEM = ("system",)
_PAIR = ("system", "repository")
_PLAN = ("plan",)
_NOT_ELSEWHERE = "Absent for a system that another host backs up: this agent knows nothing about those runs."
_NOT_DRILLED = "Absent until one was made on this host."
_NO_DRILLS = "Absent where no drill is declared and none was made."
_NOT_YET = "Absent until a backup has succeeded. " + _NOT_ELSEWHERE

BUILD = _info("build", Subject.AGENT, "The version that is running.", ("version", "python"))
LOOP_LAST_SUCCESS = _gauge(
    "loop_last_success_timestamp_seconds",
    Subject.AGENT,
    "When the newest complete pass of the loop ended; 0 is never.",
    note="The heartbeat: set at the end of a pass, so a pass that hangs shows as well as a dead process.",
)
LOOP_INTERVAL = _gauge(
    "loop_interval_seconds", Subject.AGENT, "How often the loop is to look, as declared.", note="What the heartbeat is judged against."
)
ACTIONS = _counter(
    "actions",
    Subject.AGENT,
    "Actions that ended, by kind, failed ones included.",
    ("action",),
    note="Counted by the catalog: survives a restart, begins again at 0 when the catalog is rebuilt.",
)
ACTIONS_FAILED = _counter("actions_failed", Subject.AGENT, "Actions that failed, by kind.", ("action",))
PAUSED = _gauge(
    "loop_paused",
    Subject.AGENT,
    "1 while a person has paused the loop, else 0.",
    note="Nothing is begun meanwhile; ages, conditions and alerts go on telling the truth.",
)
PAUSE_END = _gauge("loop_pause_end_timestamp_seconds", Subject.AGENT, "When the pause ends by itself; 0 while the loop is not paused.")

SPEC_SUCCESSFUL = _gauge(
    "spec_last_load_successful",
    Subject.SPECS,
    "1 when the spec tree was free of errors when it was last read, else 0.",
    note="Stays 0 until the tree is repaired; meanwhile a broken object is kept at its last good version.",
)
SPEC_LOADED = _gauge("spec_last_load_timestamp_seconds", Subject.SPECS, "When the spec tree was last read; 0 is never.")
SPEC_PROBLEMS = _gauge("spec_problems", Subject.SPECS, "What is wrong with the spec tree: errors and warnings.", ("severity",))
SPEC_OBJECTS = _gauge("spec_objects", Subject.SPECS, "Objects in force, those included that are kept at their last good version.")
SPEC = _info(
    "spec",
    Subject.SPECS,
    "Where the spec tree stands in git.",
    ("revision", "dirty"),
    note="`revision` is the commit, shortened; empty outside git. `dirty` is true when files differ from it.",
)

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

RTO_PREDICTED = _gauge(
    "rto_predicted_seconds",
    Subject.RECOVERY,
    "How long a recovery of the newest good snapshot will take, by the last drills.",
    ("system", "basis"),
    "`basis` is own, or borrowed where only other systems in the same repository were drilled. Absent while nothing was measured.",
)
RTO_MEASURED = _gauge(
    "rto_measured_seconds", Subject.RECOVERY, "How long the newest drill took that restored a whole snapshot.", _SYSTEM, _NOT_DRILLED
)
DRILL_TARGET = _gauge(
    "drill_interval_target_seconds",
    Subject.RECOVERY,
    "How often a recovery has to be rehearsed, as declared.",
    _SYSTEM,
    "Absent where no drills are declared.",
)
DRILL_LAST = _gauge(
    "drill_last_timestamp_seconds",
    Subject.RECOVERY,
    "When the newest drill began that says something about a snapshot; 0 is never.",
    _SYSTEM,
    "One that was blocked says nothing. " + _NO_DRILLS,
)
DRILL_RESULT = _gauge(
    "drill_last_result",
    Subject.RECOVERY,
    "What that drill found: 1 proven, 0 failed, -1 neither, because there was none or nothing that can fail was asserted.",
    _SYSTEM,
    _NO_DRILLS,
)
DRILL_PROVEN = _gauge(
    "drill_last_proven_timestamp_seconds",
    Subject.RECOVERY,
    "When the newest drill began that proved the recovery; 0 is never.",
    _SYSTEM,
    "Its mark in a repository counts, so a lost catalog forgets none. " + _NO_DRILLS,
)
DRILL_EXPIRY = _gauge(
    "drill_proof_expiry_timestamp_seconds", Subject.RECOVERY, "Until when that proof counts; 0 is no proof.", _SYSTEM, _NO_DRILLS
)
READINESS = _gauge(
    "system_readiness_ratio",
    Subject.RECOVERY,
    "How ready the system is to be recovered, from 0 to 1.",
    _SYSTEM,
    "`reconcile recovery status` says what is missing. 1 is ready; what is untested or expired keeps it below.",
)
PLAN_TESTED = _gauge(
    "recovery_plan_test_timestamp_seconds", Subject.RECOVERY, "When the newest test of the plan began that passed; 0 is never.", _PLAN
)
PLAN_TEST_EXPIRY = _gauge(
    "recovery_plan_test_expiry_timestamp_seconds",
    Subject.RECOVERY,
    "Until when a passed test of the plan counts; 0 is no such test.",
    _PLAN,
    "A plan that has changed since its test has none.",
)
PLAN_TEST_INTERVAL = _gauge(
    "recovery_plan_test_interval_target_seconds",
    Subject.RECOVERY,
    "How often the loop has to test the plan, as declared.",
    _PLAN,
    "Absent where only people do.",
)
PLAN_RESULT = _gauge(
    "recovery_plan_test_last_result",
    Subject.RECOVERY,
    "How the newest test of the plan ended: 1 passed, 0 failed, -1 there was none.",
    _PLAN,
)
PLAN_EXPECTED = _gauge(
    "recovery_plan_expected_seconds",
    Subject.RECOVERY,
    "How long the plan is expected to take in the slowest of its scenarios: its critical path.",
    _PLAN,
    "A step that was never measured counts with its whole timeout.",
)

RECOVERY_POINT = _gauge(
    "recovery_point_timestamp_seconds",
    Subject.PROTECTION,
    "The moment to which the newest good snapshot brings the system back; 0 is never backed up.",
    _PAIR,
    "The begin of the scan, or of a later scan that found nothing changed. Partial and suspect snapshots do not count.",
)
SNAPSHOTS = _gauge("snapshots", Subject.PROTECTION, "Snapshots of the system, of every grade.", _PAIR)
COPY_LAG = _gauge(
    "copy_lag_seconds",
    Subject.PROTECTION,
    "How far the newest good state there lies behind that of the primary repository; 0: it has the same.",
    _PAIR,
    "Between two states, so it grows only while the primary goes on. Absent for the primary, and where one of them has no good state.",
)
VERIFIED = _gauge(
    "verified_timestamp_seconds",
    Subject.PROTECTION,
    "When every byte of a snapshot that is still good was last read and found right; 0 is never.",
    _PAIR,
)
CHECKED = _gauge(
    "checked_timestamp_seconds",
    Subject.PROTECTION,
    "When at least the structure of a snapshot that is still good was last found whole; 0 is never.",
    _PAIR,
)

LAST_SUCCESS = _gauge(
    "backup_last_success_timestamp_seconds",
    Subject.RUNS,
    "When the newest successful backup ended; 0 is never.",
    _PAIR,
    "A run that found nothing changed is a success. " + _NOT_ELSEWHERE,
)
LAST_ATTEMPT = _gauge(
    "backup_last_attempt_timestamp_seconds",
    Subject.RUNS,
    "When the newest backup began, however it ended; 0 is never.",
    _PAIR,
    _NOT_ELSEWHERE,
)
LAST_DURATION = _gauge("backup_last_duration_seconds", Subject.RUNS, "How long the newest successful backup took.", _PAIR, _NOT_YET)
LAST_BYTES = _gauge(
    "backup_last_bytes", Subject.RUNS, "Content of the newest backup that published a snapshot, before deduplication.", _PAIR, _NOT_YET
)
LAST_ADDED_BYTES = _gauge(
    "backup_last_added_bytes",
    Subject.RUNS,
    "What the newest backup that published a snapshot stored anew, compressed and encrypted.",
    _PAIR,
    _NOT_YET,
)
CONSECUTIVE_FAILURES = _gauge(
    "backup_consecutive_failures", Subject.RUNS, "Backups that failed since the newest success.", _PAIR, _NOT_ELSEWHERE
)

IMPACT = _gauge(
    "impact_systems",
    Subject.RECOVERY,
    "Systems by what a disaster would leave of them now: lost, breached, exposed, unknown, met or untouched.",
    ("scenario", "verdict"),
    "Each verdict of each scenario is there, zero included. Worked out from what the repositories held when they were last listed.",
)
IMPACT_VERDICT = _gauge(
    "impact_verdict",
    Subject.RECOVERY,
    "What a disaster would leave of a system now: 4 lost, 3 breached, 2 exposed, 1 unknown.",
    ("scenario", "system"),
    "Absent where every promise is kept, and where nothing of the system is taken. Of more than 5,000 the worst are there.",
)
IMPACT_LEFT_OUT = _gauge(
    "impact_left_out_verdicts",
    Subject.RECOVERY,
    "Verdicts that belong into reconciler_impact_verdict and are too many.",
    ("scenario",),
    "Where it is not 0, absent does not mean well; reconciler_impact_systems counts all of them.",
)

REPOSITORY_UP = _gauge(
    "repository_up", Subject.REPOSITORIES, "1 when the repository could be listed at the last attempt, else 0.", ("repository",)
)
REPOSITORY_LISTED = _gauge(
    "repository_listed_timestamp_seconds", Subject.REPOSITORIES, "When the repository was last listed; 0 is never.", ("repository",)
)
REPOSITORY_ORPHANED = _gauge(
    "repository_orphaned_snapshots",
    Subject.REPOSITORIES,
    "Snapshots of the own realm whose system is declared no longer: kept, never forgotten by themselves.",
    ("repository",),
)
REPOSITORY_FREE = _gauge(
    "repository_free_bytes",
    Subject.REPOSITORIES,
    "Space left where the repository is.",
    ("repository",),
    "Absent where it is not known.",
)

CONDITION = _gauge(
    "condition",
    Subject.CONDITIONS,
    "Condition of a system, a repository, the catalog or a receiver: 1 True, 0 False, -1 Unknown.",
    ("kind", "name", "condition"),
    "`kind` is System, Repository, Catalog or Receiver. Unknown is never good: compare with `== 1`, not with `!= 0`. "
    "True is the bad state of `Suspended` alone.",
)

ALERTS_FIRING = _gauge(
    "alerts_firing",
    Subject.ALERTS,
    "Alerts that fire and that nobody has acknowledged, by severity.",
    ("severity",),
    "Silenced ones and those of suspended systems count, too.",
)
ALERTS_ACKNOWLEDGED = _gauge("alerts_acknowledged", Subject.ALERTS, "Alerts that stand and that a person has acknowledged.", ("severity",))
SILENCES = _gauge("alert_silences", Subject.ALERTS, "Silences in force.")
NOTIFICATIONS = _counter(
    "notifications",
    Subject.ALERTS,
    "Messages that a receiver has taken.",
    ("receiver",),
    "`receiver` is policy/receiver, or policy:dead-man for the sign of life. Begins again at 0 when the catalog is rebuilt.",
)
NOTIFICATIONS_FAILED = _counter("notifications_failed", Subject.ALERTS, "Attempts to tell a receiver that failed.", ("receiver",))
NOTIFICATIONS_DROPPED = _counter(
    "notifications_dropped",
    Subject.ALERTS,
    "Messages that were given up.",
    ("receiver",),
    "Refused for good, a day old, or more than 200 waiting.",
)
NOTIFICATIONS_WAITING = _gauge("notifications_waiting", Subject.ALERTS, "Messages that wait for a receiver.", ("receiver",))

_WHERE = ("role", "name")
_ROLES = (
    "`role` is state, sandbox, repository or source, `name` that of the repository or system, else empty. One sample per file system for "
    "all sources on it."
)
_ADDRESSES = "`role` is repository or receiver, `name` its name."
_NOT_LOOKED = "Absent until the host was looked at."
HOST_LOOKED = _gauge(
    "host_look_timestamp_seconds", Subject.HOST, "When the host was last looked at; 0 is never.", note="Each `observeEvery`."
)
HOST_CHECKS = _gauge(
    "host_checks",
    Subject.HOST,
    "Checks of the host, by state: bad, unknown, warning, good.",
    ("state",),
    note="With hysteresis, as `reconcile health` shows them. " + _NOT_LOOKED,
)
HOST_CORES = _gauge("host_cpu_cores", Subject.HOST, "Cores of the host.", note=_NOT_LOOKED)
HOST_LOAD = _gauge("host_load", Subject.HOST, "Processes that run or wait to run, on average over five minutes.", note=_NOT_LOOKED)
HOST_MEMORY = _gauge("host_memory_bytes", Subject.HOST, "Memory of the host.", note=_NOT_LOOKED)
HOST_MEMORY_AVAILABLE = _gauge("host_memory_available_bytes", Subject.HOST, "Memory that can be had without swapping.", note=_NOT_LOOKED)
FILE_SYSTEM = _gauge("file_system_bytes", Subject.HOST, "Size of the file system.", _WHERE, _ROLES)
FILE_SYSTEM_FREE = _gauge(
    "file_system_free_bytes", Subject.HOST, "Space left on it for this program.", _WHERE, "Absent where it did not answer. " + _ROLES
)
FILE_SYSTEM_INODES = _gauge("file_system_inodes", Subject.HOST, "Inodes of the file system.", _WHERE, "Absent where they are not counted.")
FILE_SYSTEM_INODES_FREE = _gauge("file_system_free_inodes", Subject.HOST, "Inodes left.", _WHERE, "Absent where they are not counted.")
ENDPOINT_UP = _gauge("endpoint_up", Subject.HOST, "1 when the address answered within 3 s, else 0.", _WHERE, _ADDRESSES)
ENDPOINT_TRUSTED = _gauge(
    "endpoint_certificate_trusted",
    Subject.HOST,
    "1 when its certificate is valid for its name now, else 0.",
    _WHERE,
    "Absent without TLS, and where it does not answer. " + _ADDRESSES,
)
ENDPOINT_EXPIRY = _gauge(
    "endpoint_certificate_expiry_timestamp_seconds",
    Subject.HOST,
    "When its certificate ends, trusted or not.",
    _WHERE,
    "Absent without TLS, and where it does not answer. " + _ADDRESSES,
)
RECOVERABLE = _gauge(
    "repository_recoverable",
    Subject.HOST,
    "1 when the key opens the repository and a block of its newest snapshot was read and verified, else 0.",
    ("repository",),
    "A repository that holds no snapshot yet counts as 1.",
)

ALL: Final[tuple[Metric, ...]] = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""Every metric, in the order of this file."""
