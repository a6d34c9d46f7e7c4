"""Metrics of conditions, of the alerts about them, and of the messages about those."""

from __future__ import annotations

from reconciler.metrics.metric import Subject
from reconciler.metrics.metric import counter as _counter
from reconciler.metrics.metric import gauge as _gauge

CONDITION = _gauge(
    "condition",
    Subject.CONDITIONS,
    "Condition of a system, a repository, the catalog or a receiver: 1 True, 0 False, -1 Unknown.",
    ("kind", "name", "condition"),
    "`kind` is System, Repository, Catalog or Receiver. Unknown is never good: compare with `== 1`, not with `!= 0`. "
    "True is the bad state of `Suspended` alone.",
)

UNWELL_SINCE = _gauge(
    "condition_unwell_since_timestamp_seconds",
    Subject.CONDITIONS,
    "Since when a condition is not well: False or Unknown, or True of `Suspended`.",
    ("kind", "name", "condition"),
    "Absent where it is well, and for `Ready`, which sums the others up. Kept by the catalog: a restart changes nothing.",
)

ALERTS_FIRING = _gauge(
    "alerts_firing",
    Subject.ALERTS,
    "Alerts that fire and that nobody has acknowledged, by severity.",
    ("severity",),
    "Silenced ones and those of suspended systems count, too.",
)
ALERTS_ACKNOWLEDGED = _gauge("alerts_acknowledged", Subject.ALERTS, "Alerts that stand and that a person has acknowledged.", ("severity",))
ALERTS_OLDEST = _gauge(
    "alerts_oldest_timestamp_seconds",
    Subject.ALERTS,
    "When the first of the alerts began that nobody has acknowledged, by severity; 0: there is none.",
    ("severity",),
)
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
