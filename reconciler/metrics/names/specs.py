"""Metrics of the specs that the agent follows."""

from __future__ import annotations

from reconciler.metrics.metric import Subject
from reconciler.metrics.metric import gauge as _gauge
from reconciler.metrics.metric import info as _info

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
