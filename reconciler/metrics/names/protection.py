"""Metrics of a system in one of its repositories: what is there, and how the backups into it went."""

from __future__ import annotations

from reconciler.metrics.metric import Subject
from reconciler.metrics.metric import gauge as _gauge

_PAIR = ("system", "repository")
_NOT_ELSEWHERE = "Absent for a system that another host backs up: this agent knows nothing about those runs."
_NOT_YET = "Absent until a backup has succeeded. " + _NOT_ELSEWHERE

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
COPY_DUE = _gauge(
    "copy_due_timestamp_seconds",
    Subject.PROTECTION,
    "By when it must hold something newer: the earliest deadline of what it lacks; in the past: overdue since then.",
    _PAIR,
    "The end of the oldest good snapshot that is newer than all good ones there, plus the lag allowed. Absent where it lacks nothing.",
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
