"""How long each kind of action took lately in each repository: what the plan's estimates go by. Cut at ten."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec.structs import astuple

from reconciler.model.observed import Pace

if TYPE_CHECKING:
    from reconciler.catalog.store import Store

KEPT = 10


class PaceBook:
    """A door to the store for this one thing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, kind: str, repository: str, pace: Pace) -> None:
        """The newest. ``kind``: of action, in words that tell apart what takes differently long."""
        from sqlalchemy import select

        from reconciler.catalog.tables import paces, upsert

        with self._store.writing() as connection:
            known = connection.execute(select(paces.c.measured).where(paces.c.kind == kind, paces.c.repository == repository)).scalar()
            measured = [astuple(pace), *(json.loads(known) if known is not None else ())][:KEPT]
            connection.execute(upsert(paces), {"kind": kind, "repository": repository, "measured": json.dumps(measured)})

    def read(self) -> dict[tuple[str, str], tuple[Pace, ...]]:
        """By (kind, repository), newest first."""
        from sqlalchemy import select

        from reconciler.catalog.tables import paces

        with self._store.reading() as connection:
            rows = connection.execute(select(paces)).all()
        return {(row.kind, row.repository): tuple(Pace(*each) for each in json.loads(row.measured)) for row in rows}
