"""Metrics of the agent itself, its loop, and the specs that it follows."""

from __future__ import annotations

from reconciler.metrics.metric import Subject
from reconciler.metrics.metric import counter as _counter
from reconciler.metrics.metric import gauge as _gauge
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
