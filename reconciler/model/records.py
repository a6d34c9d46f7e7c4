"""The one system that nobody declares: what a host itself knows. Its specs, and its record of runs, events and audit lines.

Each agent keeps records of its own, so the name carries the host. Another host's records are known by their name: they are neither orphans
nor ours to let go.
"""

from __future__ import annotations

import hashlib
import re

PREFIX = "reconciler."
_NAME_MAX = 63


def records_system(host: str) -> str:
    """Its name: `reconciler.shop1`. A host whose name is no name of the specs is told from others by some digits."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", host.lower()).strip("-._")
    if plain == host and len(PREFIX + plain) <= _NAME_MAX:
        return PREFIX + plain
    digits = hashlib.sha256(host.encode("utf-8", "surrogateescape")).hexdigest()[:6]
    return PREFIX + f"{plain[: _NAME_MAX - len(PREFIX) - 7]}-{digits}".strip("-")


def is_records(system: str) -> bool:
    """Whether a system of this name holds the records of some host."""
    return system.startswith(PREFIX)
