"""How the end of a backup changes what is remembered of a system: plain arithmetic, the same for the catalog and for a simulation."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from reconciler.catalog.records import RunOutcome
from reconciler.model.observed import Failure, RunHistory

DURATIONS_KEPT = 10


class Ending(Struct, frozen=True):
    """What came of it."""

    outcome: RunOutcome
    at: datetime
    snapshot_id: str | None = None
    as_of: datetime | None = None
    files: int = 0
    bytes: int = 0
    added_bytes: int = 0
    failure: Failure | None = None


def after(history: RunHistory, ending: Ending, started_at: datetime, generation: str) -> RunHistory:
    """The history once a backup has ended. An interrupted or cancelled run says nothing about the system: only the attempt stays."""
    duration = ending.at - started_at
    match ending.outcome:
        case RunOutcome.SUCCEEDED | RunOutcome.UNCHANGED:
            history = replace(
                history,
                last_success_at=ending.at,
                last_duration=duration,
                durations=(duration, *history.durations)[:DURATIONS_KEPT],
                consecutive_failures=0,
            )
            if ending.outcome is RunOutcome.SUCCEEDED:
                return replace(history, last_bytes=ending.bytes, last_added_bytes=ending.added_bytes)
            if ending.snapshot_id is not None and ending.as_of is not None:
                return replace(history, confirmed=(ending.snapshot_id, ending.as_of))
            return history
        case RunOutcome.PARTIAL:
            return replace(
                history,
                last_partial_at=started_at,
                last_bytes=ending.bytes,
                last_added_bytes=ending.added_bytes,
                consecutive_failures=0,
            )
        case RunOutcome.FAILED:
            return replace(
                history,
                consecutive_failures=history.consecutive_failures + 1,
                failed_generation=generation,
                last_failure=ending.failure,
                last_failure_at=ending.at,
            )
        case RunOutcome.INTERRUPTED | RunOutcome.CANCELLED:
            return history
