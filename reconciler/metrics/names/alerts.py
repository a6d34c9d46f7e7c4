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
