"""Statements over the cache of what repositories hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from sqlalchemy import Connection, RowMapping, delete, insert, select

from reconciler.catalog.codec import failure_from_text, failure_to_text, marks_from_text, marks_to_text
from reconciler.catalog.tables import repositories, snapshots, upsert
from reconciler.model.observed import RepositoryState
from reconciler.model.snapshot import BackupKind, Grade, Snapshot


def read_all(connection: Connection) -> dict[str, RepositoryState]:
    """Every repository as last listed; never ``fresh``."""
    held = defaultdict(list)
    order = (snapshots.c.as_of.desc(), snapshots.c.id)
    for row in connection.execute(select(snapshots).order_by(*order)).mappings():
        held[row["repository"]].append(_snapshot(row))
    return {
        row["name"]: RepositoryState(
            name=row["name"],
            listed_at=row["listed_at"],
            reachable=row["reachable"],
            id=row["id"],
            snapshots=tuple(held[row["name"]]),
            failure=failure_from_text(row["failure"]),
            free_bytes=row["free_bytes"],
        )
        for row in connection.execute(select(repositories)).mappings()
    }


def put(connection: Connection, state: RepositoryState, known: RepositoryState | None) -> RepositoryState:
    """Write what differs from ``known``; what is stored now. An unreachable one keeps what was listed last."""
    stored = _merge(state, known)
    row = {
        "name": stored.name,
        "id": stored.id,
        "listed_at": stored.listed_at,
        "reachable": stored.reachable,
        "failure": failure_to_text(stored.failure),
        "free_bytes": stored.free_bytes,
    }
    connection.execute(upsert(repositories), row)
    before = {snapshot.id: snapshot for snapshot in known.snapshots} if known else {}
    changed = [snapshot for snapshot in stored.snapshots if before.get(snapshot.id) != snapshot]
    gone = before.keys() - {snapshot.id for snapshot in stored.snapshots}
    for doomed in (gone, [snapshot.id for snapshot in changed if snapshot.id in before]):
        for snapshot_id in doomed:
            connection.execute(delete(snapshots).where(snapshots.c.repository == stored.name, snapshots.c.id == snapshot_id))
    if changed:
        connection.execute(insert(snapshots), [_row(stored.name, snapshot) for snapshot in changed])
    return stored


def clear(connection: Connection) -> None:
    connection.execute(delete(snapshots))
    connection.execute(delete(repositories))


def _merge(state: RepositoryState, known: RepositoryState | None) -> RepositoryState:
    if state.reachable or known is None:
        return replace(state, fresh=False)
    return replace(
        known,
        reachable=False,
        failure=state.failure,
        free_bytes=state.free_bytes if state.free_bytes is not None else known.free_bytes,
    )


def _row(repository: str, snapshot: Snapshot) -> dict[str, object]:
    return {
        "repository": repository,
        "id": snapshot.id,
        "realm": snapshot.realm,
        "system": snapshot.system,
        "host": snapshot.host,
        "kind": snapshot.kind,
        "as_of": snapshot.as_of,
        "ended_at": snapshot.ended_at,
        "arrived_at": snapshot.arrived_at,
        "grade": snapshot.grade,
        "files": snapshot.files,
        "bytes": snapshot.bytes,
        "added_bytes": snapshot.added_bytes,
        "parent": snapshot.parent,
        "defects": snapshot.defects,
        "marks": marks_to_text(snapshot.marks),
    }


def _snapshot(row: RowMapping) -> Snapshot:
    return Snapshot(
        id=row["id"],
        repository=row["repository"],
        realm=row["realm"],
        system=row["system"],
        host=row["host"],
        kind=BackupKind(row["kind"]),
        as_of=row["as_of"],
        ended_at=row["ended_at"],
        arrived_at=row["arrived_at"],
        grade=Grade(row["grade"]),
        files=row["files"],
        bytes=row["bytes"],
        added_bytes=row["added_bytes"],
        parent=row["parent"],
        defects=row["defects"],
        marks=marks_from_text(row["marks"]),
    )
