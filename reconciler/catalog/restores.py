"""Statements over recovery operations: who brought what back, when, and what came of it.

A row is written before the first byte and completed after the last. One whose process is gone reads as interrupted; nothing has to
notice that and write it down.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from reconciler.catalog import tables
from reconciler.catalog.codec import failure_from_text, failure_to_text
from reconciler.catalog.process import Process, alive, me
from reconciler.catalog.records import RestoreRecord, RunOutcome

KEPT = 10_000


def begin(connection: Connection, record: RestoreRecord) -> None:
    """The intent. The id of an interrupted one again: it is continued by this process."""
    process = me()
    again = {"pid": process.pid, "start": process.start, "ended_at": None, "outcome": None, "failure": None}
    mine = tables.restores.c.id == record.id
    if connection.execute(update(tables.restores).where(mine).values(again)).rowcount == 0:
        connection.execute(insert(tables.restores), {**_row(record), "pid": process.pid, "start": process.start})


def end(connection: Connection, record: RestoreRecord) -> None:
    """The outcome: everything of ``record`` but who began it and when."""
    connection.execute(update(tables.restores).where(tables.restores.c.id == record.id).values(_row(record)))
    oldest = select(tables.restores.c.started_at).order_by(tables.restores.c.started_at.desc()).offset(KEPT).limit(1)
    until = connection.execute(oldest).scalar()
    if until is not None:
        connection.execute(delete(tables.restores).where(tables.restores.c.ended_at.is_not(None), tables.restores.c.started_at <= until))


def newest(connection: Connection, limit: int, system: str | None) -> tuple[RestoreRecord, ...]:
    query = select(tables.restores).order_by(tables.restores.c.started_at.desc(), tables.restores.c.id).limit(limit)
    if system is not None:
        query = query.where(tables.restores.c.system == system)
    return tuple(_record(row) for row in connection.execute(query).mappings())


def _row(record: RestoreRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "kind": record.kind,
        "system": record.system,
        "repository": record.repository,
        "snapshot_id": record.snapshot_id,
        "target": record.target,
        "in_place": record.in_place,
        "policy": record.policy,
        "actor": record.actor,
        "undoes": record.undoes,
        "safety_id": record.safety_id,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "outcome": record.outcome,
        "files": record.files,
        "bytes": record.bytes,
        "deleted": record.deleted,
        "failures": record.failures,
        "losses": record.losses,
        "seconds": record.seconds,
        "failure": failure_to_text(record.failure),
    }


def _record(row: RowMapping) -> RestoreRecord:
    found = RestoreRecord(
        id=row["id"],
        kind=row["kind"],
        system=row["system"],
        repository=row["repository"],
        snapshot_id=row["snapshot_id"],
        target=row["target"],
        in_place=row["in_place"],
        policy=row["policy"],
        actor=row["actor"],
        undoes=row["undoes"],
        safety_id=row["safety_id"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        outcome=RunOutcome(row["outcome"]) if row["outcome"] else None,
        files=row["files"],
        bytes=row["bytes"],
        deleted=row["deleted"],
        failures=row["failures"],
        losses=row["losses"],
        seconds=row["seconds"],
        failure=failure_from_text(row["failure"]),
    )
    if found.outcome is None and not alive(Process(row["pid"], row["start"])):
        return replace(found, outcome=RunOutcome.INTERRUPTED)
    return found


def measured(connection: Connection, system: str, repository: str, since: datetime) -> tuple[RestoreRecord, ...]:
    """Whole restores begun after ``since``, newest first: of this system, or else from this repository."""
    whole = (tables.restores.c.outcome == RunOutcome.SUCCEEDED, tables.restores.c.started_at >= since)
    for same in (tables.restores.c.system == system, tables.restores.c.repository == repository):
        query = select(tables.restores).where(*whole, same).order_by(tables.restores.c.started_at.desc()).limit(5)
        found = tuple(_record(row) for row in connection.execute(query).mappings())
        if found:
            return found
    return ()
