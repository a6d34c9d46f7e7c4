"""Metrics of a repository as a whole."""

from __future__ import annotations

from reconciler.metrics.metric import Subject
from reconciler.metrics.metric import gauge as _gauge

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
