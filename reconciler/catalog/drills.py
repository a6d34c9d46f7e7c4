"""Drills in the catalog: the intent before the sandbox is made, the proof after it is cleared away.

Beside the columns that are asked for stands the record as JSON. One whose process is gone was interrupted: :meth:`Drills.interrupted`
tells which sandbox may still be there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.base.ids import new_id
from reconciler.catalog.codec import from_microseconds, to_microseconds
from reconciler.model.drill import Asserted, Control, DrillOutcome, DrillRecord

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reconciler.catalog.store import Store

KEPT = 100  # per system and repository: two years of weekly ones
OBSERVED = 8
"""So many of each system and repository the decision sees: five measured ones, and some that failed among them."""
_MOMENTS = ("as_of", "expires_at")
_REVISION = "drills.revision"


class DrillCache:
    """The recent ones as one connection has read them, until another revision of them is written: each pass asks for all."""

    def __init__(self) -> None:
        self.revision: str | None = None
        self.recent: tuple[DrillRecord, ...] = ()


class Drills:
    """What :attr:`Catalog.drills` gives out. Each call is one transaction."""

    def __init__(self, store: Store, known: DrillCache) -> None:
        self._store = store
        self._known = known

    def begin(self, record: DrillRecord) -> None:
        """The intent."""
        from sqlalchemy import insert

        from reconciler.catalog import tables
        from reconciler.catalog.process import me

        process = me()
        with self._store.writing() as connection:
            row = {**_row(record), "pid": process.pid, "start": process.start}
            connection.execute(insert(tables.drills), row)
            _written(connection)

    def end(self, record: DrillRecord) -> None:
        """The proof, or why there is none."""
        with self._store.writing(fenced=False) as connection:
            _end(connection, record)

    def recent(self) -> tuple[DrillRecord, ...]:
        """The newest of each system and repository, newest first: what a decision looks at."""
        from sqlalchemy import func, select

        from reconciler.catalog import tables
        from reconciler.catalog.documents import get_value

        drills = tables.drills
        place = func.row_number().over(partition_by=(drills.c.system, drills.c.repository), order_by=drills.c.started_at.desc())
        numbered = select(drills, place.label("place")).subquery()
        query = select(numbered).where(numbered.c.place <= OBSERVED).order_by(numbered.c.started_at.desc(), numbered.c.id)
        with self._store.reading() as connection:
            revision = get_value(connection, _REVISION)
            if revision is None or revision != self._known.revision:
                self._known.recent = tuple(_record(row) for row in connection.execute(query).mappings())
                self._known.revision = revision
            return self._known.recent

    def newest(self, limit: int, system: str | None = None) -> tuple[DrillRecord, ...]:
        """Newest first."""
        from sqlalchemy import select

        from reconciler.catalog import tables

        query = select(tables.drills).order_by(tables.drills.c.started_at.desc(), tables.drills.c.id).limit(limit)
        if system is not None:
            query = query.where(tables.drills.c.system == system)
        with self._store.reading() as connection:
            return tuple(_record(row) for row in connection.execute(query).mappings())

    def leftovers(self) -> tuple[DrillRecord, ...]:
        """Those whose sandbox may still be there: without an end and their process gone, or ended and not cleared away."""
        from sqlalchemy import or_, select

        from reconciler.catalog import tables
        from reconciler.catalog.process import Process, alive

        with self._store.reading() as connection:
            stays = tables.drills.c.document.contains('"sandbox":"/', autoescape=True)
            rows = connection.execute(select(tables.drills).where(or_(tables.drills.c.ended_at.is_(None), stays))).mappings().all()
        return tuple(_record(row) for row in rows if row["ended_at"] is not None or not alive(Process(row["pid"], row["start"])))


def _written(connection: Connection) -> None:
    from reconciler.catalog.documents import put_value

    put_value(connection, _REVISION, new_id())


def _end(connection: Connection, record: DrillRecord) -> None:
    from sqlalchemy import delete, select, update

    from reconciler.catalog import tables

    drills = tables.drills
    connection.execute(update(drills).where(drills.c.id == record.id).values(_row(record)))
    here = (drills.c.system == record.system, drills.c.repository == record.repository)
    oldest = select(drills.c.started_at).where(*here).order_by(drills.c.started_at.desc()).offset(KEPT).limit(1)
    until = connection.execute(oldest).scalar()
    if until is not None:
        connection.execute(delete(drills).where(*here, drills.c.ended_at.is_not(None), drills.c.started_at <= until))
    _written(connection)


def _row(record: DrillRecord) -> dict[str, object]:
    document = msgspec.to_builtins(record, builtin_types=(datetime,))
    for name in ("id", "system", "repository", "started_at", "ended_at", "outcome"):
        del document[name]
    for name in _MOMENTS:
        document[name] = None if document[name] is None else to_microseconds(document[name])
    return {
        "id": record.id,
        "system": record.system,
        "repository": record.repository,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "outcome": record.outcome.value if record.outcome is not None else None,
        "document": json.dumps(document, ensure_ascii=False, separators=(",", ":")),
    }


def _record(row: Mapping[Any, Any]) -> DrillRecord:
    document = json.loads(row["document"])
    for name in _MOMENTS:
        document[name] = None if document[name] is None else from_microseconds(document[name])
    document["findings"] = tuple(document["findings"])
    document["asserted"] = tuple(Asserted(**each) for each in document["asserted"])
    document["controls"] = tuple(Control(**each) for each in document["controls"])
    return DrillRecord(
        id=row["id"],
        system=row["system"],
        repository=row["repository"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        outcome=DrillOutcome(row["outcome"]) if row["outcome"] else None,
        **document,
    )
