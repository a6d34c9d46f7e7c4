"""Metrics of the agent itself, its loop, and what that does."""

from __future__ import annotations

from reconciler.metrics.metric import Subject
from reconciler.metrics.metric import counter as _counter
from reconciler.metrics.metric import gauge as _gauge
from reconciler.metrics.metric import histogram as _histogram
from reconciler.metrics.metric import info as _info

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
LOOP_STARTED = _gauge(
    "loop_start_timestamp_seconds",
    Subject.AGENT,
    "When the process began to run the loop; 0 is never.",
    note="Changes that come one after the other are a process that dies and is started again. Passes from cron change nothing here.",
)
LEASE_EPOCH = _gauge(
    "lease_epoch",
    Subject.AGENT,
    "The number of the lease under which the loop of this state directory runs.",
    note="Greater with each process that took it: whoever has a smaller one may begin nothing more.",
)
PLAN_ACTIONS = _gauge(
    "plan_actions",
    Subject.AGENT,
    "What the newest plan wants to have done, by kind.",
    ("action",),
    note="Under way included, and what waits for a worker, for the end of a pause, or for the time between two attempts.",
)
PLAN_HELD = _gauge(
    "plan_held_changes",
    Subject.AGENT,
    "Removals that a guard holds back, by guard.",
    ("guard",),
    note="`guard` is one of eight words. reconciler_system_held_snapshots says whose snapshots they are.",
)
PLAN_GAPS = _gauge(
    "plan_gaps",
    Subject.AGENT,
    "Objectives that are not met and that the loop cannot close.",
    note="`reconcile --dry-run` says for each what a person must do.",
)
ACTIONS = _counter(
    "actions",
    Subject.AGENT,
    "Actions that ended, by kind, failed ones included.",
    ("action",),
    note="Counted by the catalog: survives a restart, begins again at 0 when the catalog is rebuilt.",
)
ACTIONS_FAILED = _counter("actions_failed", Subject.AGENT, "Actions that failed, by kind.", ("action",))
ACTION_DURATION = _histogram(
    "action_duration_seconds",
    Subject.AGENT,
    "How long actions took, by kind, failed ones included.",
    ("action",),
    note="Ten buckets, from a second to twelve hours and beyond. Those that ended with their process are not counted. "
    "As lasting as reconciler_actions_total.",
)
PAUSED = _gauge(
    "loop_paused",
    Subject.AGENT,
    "1 while a person has paused the loop, else 0.",
    note="Nothing is begun meanwhile; ages, conditions and alerts go on telling the truth.",
)
PAUSE_END = _gauge("loop_pause_end_timestamp_seconds", Subject.AGENT, "When the pause ends by itself; 0 while the loop is not paused.")
