"""A world in which sources change now and then and things go wrong: repositories away or slow, sources missing or half readable."""

from __future__ import annotations

import zlib
from collections import defaultdict
from datetime import datetime, timedelta

from reconciler.model.desired import DesiredSystem
from reconciler.model.observed import Failure
from reconciler.model.plan import Action, ActionKind
from reconciler.model.snapshot import BackupKind
from reconciler.simulate import Reading, World

AWAY = Failure("repository-unreachable", "the disk is away")
MISSING = Failure("source-missing", "the source is away")
CHANGES_EVERY = timedelta(hours=7)
"""So some readings find nothing new."""

Span = tuple[datetime, datetime]


class BrokenWorld(World):
    """Spans are put in by the schedule; everything else follows from the seed and the hour, not from what was asked before."""

    def __init__(self, seed: int, seconds_max: float) -> None:
        self._seed = seed
        self._seconds_max = seconds_max
        self.outages: dict[str, list[Span]] = defaultdict(list)
        self.slow: dict[str, list[tuple[Span, float]]] = defaultdict(list)
        self.missing: dict[str, list[Span]] = defaultdict(list)
        self.unreadable: dict[str, list[Span]] = defaultdict(list)

    def unreachable(self, repository: str, at: datetime) -> Failure | None:
        return AWAY if _in_any(self.outages[repository], at) else None

    def broke(self, action: Action, began: datetime, at: datetime) -> Failure | None:
        met = any(begin <= at and began < end for begin, end in self.outages[action.repository])
        return AWAY if met else None

    def seconds(self, action: Action, at: datetime) -> float:
        chance = self._chance(action.system, action.kind, at)
        factor = max((factor for span, factor in self.slow[action.repository] if _in_any([span], at)), default=1.0)
        heavy = action.kind is ActionKind.BACKUP and action.backup_kind is BackupKind.FULL
        return self._seconds_max * (0.2 + (0.8 if heavy else 0.3) * chance) * factor

    def read(self, system: DesiredSystem, kind: BackupKind, at: datetime, before: datetime | None) -> Reading:
        if _in_any(self.missing[system.name], at):
            return Reading(failure=MISSING)
        offset = zlib.crc32(f"{self._seed} {system.name}".encode()) % 25000
        version = int((at.timestamp() + offset) // CHANGES_EVERY.total_seconds())
        return Reading(version, partial=_in_any(self.unreadable[system.name], at), bytes=1000, added_bytes=10)

    def _chance(self, *what: object) -> float:
        return zlib.crc32(repr((self._seed, *map(str, what))).encode()) / 2**32


def _in_any(spans: list[Span], at: datetime) -> bool:
    return any(begin <= at < end for begin, end in spans)
