"""How actions of each kind in each repository ended: how long they took, and when one last went well. One row each, however many runs.

Kept beside ``runs``, which is cut: what is counted here only grows, as a counter must.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.model.durations import BOUNDS, Durations

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reconciler.catalog.store import Store


class Endings(Struct, frozen=True):
    """Of everything."""

    durations: Mapping[str, Durations] = field(default_factory=dict)
    """By kind of action."""
    well: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    """By repository and kind: when one last ended well."""


class EndingBook:
    """A door to the store for this one thing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self) -> Endings:
        """As of now."""
        from sqlalchemy import select

        from reconciler.catalog.tables import endings

        with self._store.reading() as connection:
            rows = connection.execute(select(endings)).all()
        durations: dict[str, Durations] = {}
        well: dict[str, dict[str, datetime]] = {}
        for row in rows:
            durations[row.kind] = durations.get(row.kind, Durations()) + _durations(row.counts, row.seconds)
            if row.well_at is not None:
                well.setdefault(row.repository, {})[row.kind] = row.well_at
        return Endings(durations, well)


class NoEndings(EndingBook):
    """Nothing was ever done."""

    def __init__(self) -> None:
        """There is no store."""

    def read(self) -> Endings:
        return Endings()


def add(connection: Connection, kind: str, repository: str, *, seconds: float, well_at: datetime | None) -> None:
    """One more. ``well_at``: when it ended, if it ended well."""
    from sqlalchemy import select

    from reconciler.catalog.tables import endings, upsert

    here = (endings.c.kind == kind, endings.c.repository == repository)
    known = connection.execute(select(endings).where(*here)).first()
    took = (_durations(known.counts, known.seconds) if known is not None else Durations()).and_one(seconds)
    row = {
        "kind": kind,
        "repository": repository,
        "well_at": well_at or (known.well_at if known is not None else None),
        "counts": json.dumps(took.counts),
        "seconds": took.seconds,
    }
    connection.execute(upsert(endings), row)


def _durations(counts: str, seconds: float) -> Durations:
    """What a version with other bounds has counted cannot be read between these: it begins anew, as a counter may."""
    found = tuple(json.loads(counts))
    return Durations(found, seconds) if len(found) == len(BOUNDS) + 1 else Durations()
