"""Every recovery operation leaves its traces: a row in the catalog, and lines in the audit log before and after.

A restore is what is needed on the worst day: one that cannot write its traces still restores, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.act.backup import user_name
from reconciler.app.house import House
from reconciler.app.restoring.apply import Applied
from reconciler.app.restoring.journal import Header
from reconciler.base.errors import Cancelled, ReconcilerError, StateError
from reconciler.catalog.errors import AuditError, CatalogError
from reconciler.catalog.records import RestoreRecord, RunOutcome
from reconciler.model.observed import Failure


def in_place_record(header: Header, began: datetime) -> RestoreRecord:
    """Of a restore in place, as its journal began."""
    return RestoreRecord(
        id=header.id,
        kind="rollback" if header.kind == "rollback" else "restore",
        system=header.system,
        repository=header.repository,
        snapshot_id=header.snapshot,
        target="",
        in_place=True,
        policy=header.policy,
        actor=header.actor,
        started_at=began,
        undoes=header.undoes,
    )


class Traces(Struct):
    """Of one operation. ``notes``: traces that could not be left."""

    house: House
    record: RestoreRecord
    notes: list[str] = field(default_factory=list)

    def begin(self, **facts: object) -> None:
        self._leave("catalog", lambda: self.house.memory.writing().begin_restore(self.record))
        self._audit("intent", **facts)

    def saved(self, safety: str) -> None:
        """Its safety snapshot is in the repository."""
        self.record = replace(self.record, safety_id=safety)

    def end(self, applied: Applied) -> RunOutcome:
        """It came to its end, whole or in part."""
        outcome = RunOutcome.PARTIAL if applied.failures else RunOutcome.SUCCEEDED
        self.record = replace(
            self.record,
            files=applied.files,
            bytes=applied.size,
            deleted=applied.deleted,
            failures=len(applied.failures),
            losses=len(applied.losses),
            seconds=round(applied.seconds, 3),
        )
        self._end(outcome, None)
        return outcome

    def failed(self, error: ReconcilerError) -> None:
        self._end(RunOutcome.CANCELLED if isinstance(error, Cancelled) else RunOutcome.FAILED, Failure.of(error))

    def _end(self, outcome: RunOutcome, failure: Failure | None) -> None:
        self.record = replace(self.record, ended_at=self.house.clock.now(), outcome=outcome, failure=failure)
        self._leave("catalog", lambda: self.house.memory.writing().end_restore(self.record))
        self._audit("complete", outcome=outcome.value, code=failure.code if failure is not None else None, safety=self.record.safety_id)

    def _audit(self, stage: str, **facts: object) -> None:
        record = self.record
        where = f"{record.system}@{record.repository}"
        plain = {"restore": record.id, "snapshot": record.snapshot_id, "target": record.target or "in place", "actor": record.actor}
        self._leave("audit log", lambda: self.house.memory.audit().append(stage, record.kind, where, **plain, **facts))  # type: ignore[arg-type]

    def _leave(self, where: str, write: Callable[[], None]) -> None:
        try:
            write()
        except (StateError, CatalogError, AuditError) as error:
            note = f"this {self.record.kind} is not in the {where}: {error.message}"
            if note not in self.notes:
                self.notes.append(note)


def who() -> str:
    """The user of the operating system, for the list of recoveries."""
    with suppress(OSError):  # a number without a name
        return user_name() or "unknown"
    return "unknown"
