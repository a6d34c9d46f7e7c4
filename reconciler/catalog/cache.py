"""Statements over the cache of what repositories hold.

Reading 200,000 snapshots takes seconds, a pass of the loop may take 0.3 s: so what was read stays in memory, and is read
again only for a repository whose ``revision`` another process has changed. For the first time in a process there may be a file
of that revision (``listings.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from sys import intern
from typing import Any

from msgspec.structs import replace
from sqlalchemy import BigInteger, Connection, Select, delete, insert, select, type_coerce

from reconciler.base.ids import new_id
from reconciler.catalog.codec import (
    failure_from_text,
    failure_to_text,
    from_microseconds,
    marks_from_text,
    marks_to_text,
    turnover_from_text,
    turnover_to_text,
)
from reconciler.catalog.listings import Listings
from reconciler.catalog.tables import Moment, repositories, snapshots, turnovers, upsert
from reconciler.model.listing import Listing
from reconciler.model.observed import RepositoryState
from reconciler.model.snapshot import BackupKind, Grade, Snapshot

_KINDS = {kind.value: kind for kind in BackupKind}  # three times as fast as calling the enum
_GRADES = {grade.value: grade for grade in Grade}
_RAW = [type_coerce(column, BigInteger) if isinstance(column.type, Moment) else column for column in snapshots.columns]


class RepositoryCache:
    """What one connection has read or written."""

    def __init__(self, kept: Listings) -> None:
        self._kept = kept
        self._known: dict[str, tuple[str, RepositoryState]] = {}  # by name: revision, state
        self._put: dict[str, tuple[tuple[Snapshot, ...], Listing]] = {}  # by name: what was listed last, and as what it is known

    def read(self, connection: Connection) -> dict[str, RepositoryState]:
        """Every repository as last listed; never ``fresh``."""
        found = {}
        for row in connection.execute(select(repositories)).mappings():
            name, revision = row["name"], row["revision"]
            known = self._known.get(name)
            held = known[1].snapshots if known is not None and known[0] == revision else None
            if held is None:
                held = self._held(connection, name, revision, known[1].snapshots if known is not None else ())
            found[name] = (
                revision,
                RepositoryState(
                    name=name,
                    listed_at=row["listed_at"],
                    reachable=row["reachable"],
                    id=row["id"],
                    snapshots=held,
                    failure=failure_from_text(row["failure"]),
                    free_bytes=row["free_bytes"],
                ),
            )
        self._known = found
        return {name: state for name, (_, state) in found.items()}

    def _held(self, connection: Connection, name: str, revision: str, before: tuple[Snapshot, ...]) -> Listing:
        kept = self._kept.read(name, revision) if not before else None
        return kept if kept is not None else Listing.of(tuple(_read_snapshots(connection, name)), before)

    def keep(self) -> None:
        """For the next process, in a form that it reads at once. Between transactions: nobody waits for that."""
        if self._known:
            self._kept.keep({name: (revision, state.snapshots) for name, (revision, state) in list(self._known.items())})

    def put(self, connection: Connection, state: RepositoryState) -> None:
        """Write what differs. An unreachable repository keeps what was listed last.

        It is known in memory at once: were the transaction to fail, the revision would not be found and the memory not be used.
        """
        known = self.read(connection).get(state.name)
        stored = _merge(state, known)
        before = known.snapshots if known is not None else ()
        stored = replace(stored, snapshots=self._listing(state.name, stored.snapshots, before))
        same = known is not None and stored.snapshots == before
        revision = self._known[state.name][0] if same else new_id()
        row = {
            "name": stored.name,
            "id": stored.id,
            "listed_at": stored.listed_at,
            "reachable": stored.reachable,
            "failure": failure_to_text(stored.failure),
            "free_bytes": stored.free_bytes,
            "revision": revision,
        }
        connection.execute(upsert(repositories), row)
        if not same:
            _replace_snapshots(connection, stored.name, before, stored.snapshots)
        self._known[stored.name] = (revision, stored)

    def _listing(self, name: str, listed: tuple[Snapshot, ...], before: tuple[Snapshot, ...]) -> Listing:
        """``listed`` with the groups of ``before``; nothing to work out for who has put the same before."""
        put, known = self._put.get(name, (None, None))
        if known is None or put is not listed or known is not before:
            known = before if isinstance(before, Listing) and listed == before else Listing.of(tuple(listed), before)
            self._put[name] = (listed, known)
        return known


def clear(connection: Connection) -> None:
    connection.execute(delete(turnovers))
    connection.execute(delete(snapshots))
    connection.execute(delete(repositories))


def _merge(state: RepositoryState, known: RepositoryState | None) -> RepositoryState:
    if state.reachable or known is None:
        return replace(state, fresh=False)
    free_bytes = state.free_bytes if state.free_bytes is not None else known.free_bytes
    return replace(known, reachable=False, failure=state.failure, free_bytes=free_bytes)


def _replace_snapshots(connection: Connection, name: str, before: tuple[Snapshot, ...], after: tuple[Snapshot, ...]) -> None:
    old = {snapshot.id: snapshot for snapshot in before}
    changed = [snapshot for snapshot in after if old.get(snapshot.id) != snapshot]
    doomed = (old.keys() - {snapshot.id for snapshot in after}) | {snapshot.id for snapshot in changed if snapshot.id in old}
    for snapshot_id in doomed:
        connection.execute(delete(turnovers).where(turnovers.c.repository == name, turnovers.c.id == snapshot_id))
        connection.execute(delete(snapshots).where(snapshots.c.repository == name, snapshots.c.id == snapshot_id))
    if changed:
        connection.execute(insert(snapshots), [_row(name, snapshot) for snapshot in changed])
    turned = [
        {"repository": name, "id": snapshot.id, "counts": turnover_to_text(snapshot.turnover)}
        for snapshot in changed
        if snapshot.turnover is not None
    ]
    if turned:
        connection.execute(insert(turnovers), turned)


def _read_snapshots(connection: Connection, name: str) -> Iterator[Snapshot]:
    """Newest first, ties by id.

    Rows come from the driver as they are: of 200,000, wrapping each took a third of the time. Words that thousands of rows share, and the
    id of a copy, are kept once: 80 of 280 MB.
    """
    rows = connection.execute(select(turnovers.c.id, turnovers.c.counts).where(turnovers.c.repository == name))
    counts: dict[str, str] = {row.id: row.counts for row in rows}
    query = select(*_RAW).where(snapshots.c.repository == name).order_by(snapshots.c.as_of.desc(), snapshots.c.id)
    shared: dict[str, str] = {}
    one = shared.setdefault
    for (
        _, snapshot_id, realm, system, host, kind, as_of, ended_at, arrived_at, grade, files, size, added, parent, defects, marks,
    ) in _raw(connection, query):  # fmt: skip
        begun, ended = from_microseconds(as_of), from_microseconds(ended_at)
        yield Snapshot(
            intern(snapshot_id),
            name,
            one(realm, realm),
            one(system, system),
            one(host, host),
            _KINDS[kind],
            begun,
            ended,
            ended if arrived_at == ended_at else from_microseconds(arrived_at),
            _GRADES[grade],
            files,
            size,
            added,
            intern(parent) if parent is not None else None,
            defects,
            marks_from_text(marks) if marks else (),
            turnover_from_text(counts[snapshot_id]) if snapshot_id in counts else None,
        )


def _raw(connection: Connection, query: Select[Any]) -> Iterator[tuple[Any, ...]]:
    cursor: Any = connection.execute(query).cursor
    yield from cursor


def _row(repository: str, snapshot: Snapshot) -> dict[str, Any]:
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
