"""Metrics that are read anew at each scrape: what the process is at now, between two passes. A single pass from cron has none of them."""

from __future__ import annotations

from msgspec.structs import replace as _replace

from reconciler.metrics.metric import Metric, Subject
from reconciler.metrics.metric import counter as _counter
from reconciler.metrics.metric import gauge as _gauge

_LANE = ("lane",)
_LANES = "`lane` is objective (what the RPO needs) or upkeep (everything else)."
_SINCE_START = "Since the process began."


def _live(metric: Metric) -> Metric:
    return _replace(metric, live=True)


QUEUED = _live(_gauge("queue_actions", Subject.AGENT, "Actions that wait for a worker.", _LANE, _LANES))
QUEUE_OLDEST = _live(
    _gauge(
        "queue_oldest_timestamp_seconds",
        Subject.AGENT,
        "Since when the action waits that waits longest; 0: none does.",
        _LANE,
        "Objectives have a worker of their own and do not wait for upkeep: where they do wait, `concurrency` is too small.",
    )
)
UNDER_WAY = _live(_gauge("actions_under_way", Subject.AGENT, "Actions that are being carried out.", _LANE, _LANES))
UNDER_WAY_OLDEST = _live(
    _gauge(
        "actions_under_way_oldest_timestamp_seconds",
        Subject.AGENT,
        "When the first of them began that have not ended; 0: there is none.",
        _LANE,
    )
)
OVERDUE = _live(
    _gauge(
        "actions_overdue",
        Subject.AGENT,
        "Actions that should have ended, were asked to, and have not.",
        note="A backup or copy without any progress for half an hour, or whatever takes longer than anything should. "
        "A thread that hangs in the kernel stays until its disk or mount answers.",
    )
)
PASSES = _live(_counter("loop_passes", Subject.AGENT, "Passes that ended, failed ones included.", note=_SINCE_START))
PASSES_FAILED = _live(
    _counter("loop_passes_failed", Subject.AGENT, "Passes that ended in an error; the next one tries again.", note=_SINCE_START)
)
PASS_DURATION = _live(
    _gauge(
        "loop_pass_duration_seconds",
        Subject.AGENT,
        "How long the newest pass took: loading, looking, planning, recording.",
        note="Actions run beside it and are not part of it. Absent until the first one ended.",
    )
)
LOG_LINES = _live(
    _counter(
        "log_messages",
        Subject.AGENT,
        "Lines that the process has logged, by level.",
        ("level",),
        "Those below `--log-level` are not said. " + _SINCE_START,
    )
)
COLLECTED = _live(
    _gauge(
        "collector_duration_seconds",
        Subject.AGENT,
        "How long it took to write the newest status down as metrics.",
        note="Once for each pass that somebody scrapes after. Absent until a status was written.",
    )
)
