"""Metrics of a repository as a whole."""

from __future__ import annotations

from reconciler.metrics.metric import Subject
from reconciler.metrics.metric import gauge as _gauge

_COUNTED = "Absent until they were counted, and for a repository of another program."

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
REPOSITORY_USED = _gauge(
    "repository_used_bytes",
    Subject.REPOSITORIES,
    "What the repository takes where it lies: everybody's objects, damaged and needless ones included.",
    ("repository",),
    _COUNTED,
)
REPOSITORY_OBJECTS = _gauge("repository_objects", Subject.REPOSITORIES, "Objects of the repository.", ("repository",), _COUNTED)
REPOSITORY_COUNTED = _gauge(
    "repository_counted_timestamp_seconds",
    Subject.REPOSITORIES,
    "When they were counted.",
    ("repository",),
    "Each `observeEvery`; of more than 1,000 objects behind a network, each hour. Less often where it takes long: a hundredth of the time.",
)
REPOSITORY_LAST = _gauge(
    "repository_last_action_timestamp_seconds",
    Subject.REPOSITORIES,
    "When an action of each kind last ended well there.",
    ("repository", "action"),
    "A clean-up is called prune. Absent where this agent has not yet carried out any of the kind.",
)
PRUNE_TARGET = _gauge(
    "repository_prune_interval_target_seconds",
    Subject.REPOSITORIES,
    "How often the repository is to be cleaned up, as declared.",
    ("repository",),
    "Absent where no clean-up is declared, or where this agent has no system there and leaves it to others.",
)
