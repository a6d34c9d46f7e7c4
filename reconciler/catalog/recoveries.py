"""Runs and tests of recovery plans in the catalog: the whole record is written anew at each intent and each outcome of a step.

A run whose process is gone was interrupted: its record says which steps were under way, and it can be gone on with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from reconciler.catalog.codec import from_microseconds, to_microseconds
from reconciler.model.recovery import RecoveryOutcome, RecoveryRun, RunMode, StepRecord, StepState

if TYPE_CHECKING:
    from reconciler.catalog.store import Store

KEPT = 200  # of each plan and mode, the newest; those that can be resumed stay beyond
OBSERVED = 5
"""So many of each plan and mode the decision sees."""
_MOMENTS = ("at", "expires_at")
_COLUMNS = ("id", "plan", "mode", "started_at", "ended_at", "outcome")


class Recoveries:
    """What :attr:`Catalog.recoveries` gives out. Each call is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, run: RecoveryRun) -> None:
        """The intent of a new run, or of going on with one: this process does it from now on."""
        from reconciler.catalog import tables
        from reconciler.catalog.process import me

        process = me()
        with self._store.writing() as connection:
            connection.execute(tables.upsert(tables.recoveries), {**_row(run), "pid": process.pid, "start": process.start})

    def put(self, run: RecoveryRun) -> None:
        """How far it is now."""
        from sqlalchemy import delete, select, update

        from reconciler.catalog import tables

        kept = tables.recoveries
        with self._store.writing(fenced=False) as connection:
            connection.execute(update(kept).where(kept.c.id == run.id).values(_row(run)))
            if run.ended_at is not None:
                here = (kept.c.plan == run.plan, kept.c.mode == run.mode.value)
                oldest = select(kept.c.started_at).where(*here).order_by(kept.c.started_at.desc()).offset(KEPT).limit(1)
                until = connection.execute(oldest).scalar()
                if until is not None:
                    over = kept.c.outcome.in_([RecoveryOutcome.RECOVERED.value, RecoveryOutcome.FAILED.value])
                    connection.execute(delete(kept).where(*here, over, kept.c.started_at <= until))

    def newest(self, limit: int, plan: str | None = None, mode: RunMode | None = None) -> tuple[RecoveryRun, ...]:
        """Newest first; one whose process is gone is ``interrupted``."""
        from sqlalchemy import select

        from reconciler.catalog import tables

        kept = tables.recoveries
        query = select(kept).order_by(kept.c.started_at.desc(), kept.c.id).limit(limit)
        if plan is not None:
            query = query.where(kept.c.plan == plan)
        if mode is not None:
            query = query.where(kept.c.mode == mode.value)
        with self._store.reading() as connection:
            return tuple(_run(row) for row in connection.execute(query).mappings())

    def recent(self) -> tuple[RecoveryRun, ...]:
        """For the decision: the newest of each plan and mode."""
        from sqlalchemy import func, select

        from reconciler.catalog import tables

        kept = tables.recoveries
        place = func.row_number().over(partition_by=(kept.c.plan, kept.c.mode), order_by=kept.c.started_at.desc())
        numbered = select(kept, place.label("place")).subquery()
        query = select(numbered).where(numbered.c.place <= OBSERVED).order_by(numbered.c.started_at.desc(), numbered.c.id)
        with self._store.reading() as connection:
            return tuple(_run(row) for row in connection.execute(query).mappings())

    def leftovers(self) -> tuple[RecoveryRun, ...]:
        """Tests whose sandbox may still be there although their process is gone, or has not cleared it away."""
        from sqlalchemy import or_, select

        from reconciler.catalog import tables
        from reconciler.catalog.process import Process, alive

        kept = tables.recoveries
        stays = kept.c.document.contains('"sandbox":"/', autoescape=True)
        with self._store.reading() as connection:
            query = select(kept).where(kept.c.mode == RunMode.TEST.value, or_(kept.c.ended_at.is_(None), stays))
            rows = connection.execute(query).mappings().all()
        return tuple(_run(row) for row in rows if row["ended_at"] is not None or not alive(Process(row["pid"], row["start"])))


class NoRecoveries(Recoveries):
    """No plan was ever carried out."""

    def __init__(self) -> None:
        """There is no store."""

    def recent(self) -> tuple[RecoveryRun, ...]:
        return ()

    def newest(self, limit: int, plan: str | None = None, mode: RunMode | None = None) -> tuple[RecoveryRun, ...]:
        return ()

    def leftovers(self) -> tuple[RecoveryRun, ...]:
        return ()


def _row(run: RecoveryRun) -> dict[str, object]:
    document = msgspec.to_builtins(run, builtin_types=(datetime,))
    for name in _COLUMNS:
        del document[name]
    for name in _MOMENTS:
        document[name] = _micro(document[name])
    for step in document["steps"]:
        step["started_at"], step["ended_at"] = _micro(step["started_at"]), _micro(step["ended_at"])
    return {
        "id": run.id,
        "plan": run.plan,
        "mode": run.mode.value,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "outcome": run.outcome.value if run.outcome is not None else None,
        "document": json.dumps(document, ensure_ascii=False, separators=(",", ":")),
    }


def _run(row: Mapping[Any, Any]) -> RecoveryRun:
    from reconciler.catalog.process import Process, alive

    document = json.loads(row["document"])
    for name in _MOMENTS:
        document[name] = _moment(document[name])
    document["findings"] = tuple(document["findings"])
    document["steps"] = tuple(_step(step) for step in document["steps"])
    columns = {name: row[name] for name in _COLUMNS}
    columns["mode"] = RunMode(row["mode"])
    columns["outcome"] = RecoveryOutcome(row["outcome"]) if row["outcome"] else None
    run = RecoveryRun(**columns, **document)
    if run.outcome is None and not alive(Process(row["pid"], row["start"])):
        return interrupted(run)
    return run


def interrupted(run: RecoveryRun) -> RecoveryRun:
    """As it stands when its process is gone: what was under way is nobody's any more."""
    steps = (replace(step, state=StepState.INTERRUPTED) if step.state is StepState.RUNNING else step for step in run.steps)
    return replace(run, outcome=RecoveryOutcome.INTERRUPTED, steps=tuple(steps))


def _step(document: dict[str, Any]) -> StepRecord:
    moments = {name: _moment(document[name]) for name in ("started_at", "ended_at")}
    return StepRecord(**{**document, **moments, "state": StepState(document["state"])})


def _micro(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)


def _moment(kept: int | None) -> datetime | None:
    return None if kept is None else from_microseconds(kept)
