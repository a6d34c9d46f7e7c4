"""Statements over runs: the intent before, the outcome after, and the history that the decision reads.

``runs`` is a log for people and is cut at ``RUNS_KEPT``; ``histories`` and ``counters`` are kept beside it in the same
transaction, so cutting the log never changes what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from reconciler.base.ids import new_id
from reconciler.catalog import endings, tables, wishes
from reconciler.catalog.codec import durations_from_text, durations_to_text, failure_from_text, failure_to_text
from reconciler.catalog.history import Ending, after
from reconciler.catalog.process import Process, alive, me
from reconciler.catalog.records import Run, RunOutcome
from reconciler.catalog.tables import upsert
from reconciler.model.observed import RunHistory
from reconciler.model.plan import ActionKind
from reconciler.model.snapshot import BackupKind

RUNS_KEPT = 200  # per system and repository: two days of a run every 15 minutes

_MICROSECOND = timedelta(microseconds=1)
_WELL = (RunOutcome.SUCCEEDED, RunOutcome.UNCHANGED)


class Intent(Struct, frozen=True):
    """What is about to be done."""

    kind: str
    system: str
    repository: str
    lane: str
    backup_kind: str | None
    generation: str
    reason: str
    at: datetime


def begin(connection: Connection, intent: Intent) -> str:
    process, run_id = me(), new_id()
    row = {
        "id": run_id,
        "sequence": connection.execute(select(func.coalesce(func.max(tables.runs.c.sequence), 0) + 1)).scalar_one(),
        "kind": intent.kind,
        "system": intent.system,
        "repository": intent.repository,
        "lane": intent.lane,
        "backup_kind": intent.backup_kind,
        "generation": intent.generation,
        "reason": intent.reason,
        "started_at": intent.at,
        "pid": process.pid,
        "start": process.start,
        "files": 0,
        "bytes": 0,
        "added_bytes": 0,
    }
    connection.execute(insert(tables.runs), row)
    if intent.kind == ActionKind.BACKUP:
        kind = BackupKind(intent.backup_kind) if intent.backup_kind else None
        _change(connection, intent.system, intent.repository, lambda h: replace(h, last_attempt_at=intent.at, last_attempt_kind=kind))
    return run_id


def end(connection: Connection, run_id: str, ending: Ending) -> None:
    """Write the outcome; the first one stands, so ending twice is harmless."""
    values = {
        "ended_at": ending.at,
        "outcome": ending.outcome,
        "snapshot_id": ending.snapshot_id,
        "as_of": ending.as_of,
        "files": ending.files,
        "bytes": ending.bytes,
        "added_bytes": ending.added_bytes,
        "failure": failure_to_text(ending.failure),
    }
    mine = (tables.runs.c.id == run_id, tables.runs.c.ended_at.is_(None))
    if connection.execute(update(tables.runs).where(*mine).values(values)).rowcount == 0:
        return
    run = connection.execute(select(tables.runs).where(tables.runs.c.id == run_id)).mappings().one()
    _count(connection, run["kind"], failed=ending.outcome is RunOutcome.FAILED)
    if ending.outcome is not RunOutcome.INTERRUPTED:  # that is when it was noticed, not when it ended
        well_at = ending.at if ending.outcome in _WELL else None
        endings.add(connection, run["kind"], run["repository"], seconds=(ending.at - run["started_at"]).total_seconds(), well_at=well_at)
    if run["kind"] == ActionKind.BACKUP:
        started_at, generation = run["started_at"], run["generation"]
        if ending.outcome not in (RunOutcome.CANCELLED, RunOutcome.INTERRUPTED):
            kind = BackupKind(run["backup_kind"]) if run["backup_kind"] else BackupKind.INCREMENTAL
            wishes.fulfil(connection, run["system"], kind, started_at)
        _change(connection, run["system"], run["repository"], lambda h: after(h, ending, started_at, generation))
    _cut(connection, run["system"], run["repository"])


def mark_interrupted(connection: Connection, at: datetime) -> tuple[Run, ...]:
    """Give every run whose process is gone the outcome ``interrupted``; those runs."""
    rows = connection.execute(select(tables.runs).where(tables.runs.c.ended_at.is_(None))).mappings().all()
    gone = [row for row in rows if not alive(Process(row["pid"], row["start"]))]
    for row in gone:
        end(connection, row["id"], Ending(RunOutcome.INTERRUPTED, at))
    return tuple(replace(_run(row), ended_at=at, outcome=RunOutcome.INTERRUPTED) for row in gone)


def newest(connection: Connection, limit: int, system: str | None) -> tuple[Run, ...]:
    query = select(tables.runs).order_by(tables.runs.c.started_at.desc(), tables.runs.c.sequence.desc()).limit(limit)
    if system is not None:
        query = query.where(tables.runs.c.system == system)
    return tuple(_run(row) for row in connection.execute(query).mappings())


def pruned(connection: Connection) -> dict[str, datetime]:
    """By repository: when the last clean-up ended well."""
    ended = func.max(tables.runs.c.ended_at).label("ended_at")
    good = tables.runs.c.outcome.in_(_WELL)
    query = select(tables.runs.c.repository, ended).where(tables.runs.c.kind == ActionKind.PRUNE, good).group_by(tables.runs.c.repository)
    return {row["repository"]: row["ended_at"] for row in connection.execute(query).mappings()}


class HistoryCache:
    """The histories as one connection has read them: each pass needs all, few have changed since the last."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], RunHistory] = {}
        self._revision = 0

    def read(self, connection: Connection) -> Mapping[tuple[str, str], RunHistory]:
        """The same object again while none of them is another."""
        newer = select(tables.histories).where(tables.histories.c.revision > self._revision).order_by(tables.histories.c.revision)
        rows = connection.execute(newer).mappings().all()
        if rows:
            self._known = self._known | {(row["system"], row["repository"]): _history(row) for row in rows}
            self._revision = rows[-1]["revision"]
        return self._known


def counters(connection: Connection) -> tuple[dict[str, int], dict[str, int]]:
    rows = connection.execute(select(tables.counters).order_by(tables.counters.c.kind)).all()
    return {row.kind: row.ended for row in rows}, {row.kind: row.failed for row in rows}


def _change(connection: Connection, system: str, repository: str, change: Callable[[RunHistory], RunHistory]) -> None:
    here = (tables.histories.c.system == system, tables.histories.c.repository == repository)
    row = connection.execute(select(tables.histories).where(*here)).mappings().first()
    history = change(_history(row) if row is not None else RunHistory())
    revision = (connection.execute(select(func.max(tables.histories.c.revision))).scalar() or 0) + 1
    key = {"system": system, "repository": repository, "revision": revision}
    connection.execute(upsert(tables.histories), {**key, **_history_row(history)})


def _count(connection: Connection, kind: str, *, failed: bool) -> None:
    counters = tables.counters
    changes = {"ended": counters.c.ended + 1, "failed": counters.c.failed + int(failed)}
    connection.execute(upsert(counters, changes=changes), {"kind": kind, "ended": 1, "failed": int(failed)})


def _cut(connection: Connection, system: str, repository: str) -> None:
    here = (tables.runs.c.system == system, tables.runs.c.repository == repository)
    oldest = select(tables.runs.c.started_at).where(*here).order_by(tables.runs.c.started_at.desc()).offset(RUNS_KEPT).limit(1)
    until = connection.execute(oldest).scalar()
    if until is not None:
        ended = tables.runs.c.ended_at.is_not(None)
        connection.execute(delete(tables.runs).where(*here, ended, tables.runs.c.started_at <= until))


def _history_row(history: RunHistory) -> dict[str, Any]:
    confirmed = history.confirmed or (None, None)
    return {
        "last_attempt_at": history.last_attempt_at,
        "last_attempt_kind": history.last_attempt_kind,
        "last_success_at": history.last_success_at,
        "last_partial_at": history.last_partial_at,
        "last_duration": None if history.last_duration is None else history.last_duration // _MICROSECOND,
        "last_added_bytes": history.last_added_bytes,
        "last_bytes": history.last_bytes,
        "durations": durations_to_text(history.durations),
        "consecutive_failures": history.consecutive_failures,
        "failed_generation": history.failed_generation,
        "last_failure": failure_to_text(history.last_failure),
        "last_failure_at": history.last_failure_at,
        "confirmed_id": confirmed[0],
        "confirmed_as_of": confirmed[1],
    }


def _history(row: RowMapping) -> RunHistory:
    return RunHistory(
        last_attempt_at=row["last_attempt_at"],
        last_attempt_kind=BackupKind(row["last_attempt_kind"]) if row["last_attempt_kind"] else None,
        last_success_at=row["last_success_at"],
        last_partial_at=row["last_partial_at"],
        last_duration=None if row["last_duration"] is None else timedelta(microseconds=row["last_duration"]),
        last_added_bytes=row["last_added_bytes"],
        last_bytes=row["last_bytes"],
        durations=durations_from_text(row["durations"]),
        consecutive_failures=row["consecutive_failures"],
        failed_generation=row["failed_generation"],
        last_failure=failure_from_text(row["last_failure"]),
        last_failure_at=row["last_failure_at"],
        confirmed=(row["confirmed_id"], row["confirmed_as_of"]) if row["confirmed_id"] else None,
    )


def _run(row: RowMapping) -> Run:
    return Run(
        id=row["id"],
        kind=row["kind"],
        system=row["system"],
        repository=row["repository"],
        lane=row["lane"],
        backup_kind=BackupKind(row["backup_kind"]) if row["backup_kind"] else None,
        generation=row["generation"],
        reason=row["reason"],
        started_at=row["started_at"],
        pid=row["pid"],
        ended_at=row["ended_at"],
        outcome=RunOutcome(row["outcome"]) if row["outcome"] else None,
        snapshot_id=row["snapshot_id"],
        as_of=row["as_of"],
        files=row["files"],
        bytes=row["bytes"],
        added_bytes=row["added_bytes"],
        failure=failure_from_text(row["failure"]),
    )
