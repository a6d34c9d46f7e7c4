"""When the repository that was chosen cannot give a snapshot, or not all of it: what the others that hold it give, and what is said of it.

Only for want of the repository: a full disk, a stop or a conflict is the same whoever is asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from reconciler.app.reports import RestoreReport, RestoreRequest
from reconciler.base.errors import ReconcilerError
from reconciler.base.words import count
from reconciler.model.snapshot import Snapshot
from reconciler.repository import HelperLost, NoSpace, NoSuchPath, RepositoryError, TargetFull, TooManyMatches

_NOT_ITS_FAULT = (NoSuchPath, TargetFull, NoSpace, HelperLost, TooManyMatches)

Attempt = Callable[[Snapshot, RestoreRequest], RestoreReport]
"""From this copy. Raises what a restore raises."""


def first_that_can(
    copies: Sequence[Snapshot], request: RestoreRequest, attempt: Attempt, untouched: Callable[[], bool] = lambda: True
) -> RestoreReport:
    """From the first of ``copies`` that can give the snapshot, and what that one lacks from the next.

    ``untouched``: whether a failed attempt has left nothing that a person must end first. Raises what the last copy raised.
    """
    notes: list[str] = []
    for place, copy in enumerate(copies):
        rest = copies[place + 1 :]
        try:
            report = attempt(copy, request)
        except ReconcilerError as error:
            if not rest or not is_to_blame(error) or not untouched():
                raise
            notes.append(f"repository {copy.repository} cannot give it ({error.message}): {rest[0].repository} was asked instead")
        else:
            report = _completed(report, rest, request, attempt)
            return replace(report, notes=(*notes, *report.notes))
    raise AssertionError("a snapshot is in some repository")


def is_to_blame(error: ReconcilerError) -> bool:
    """Whether another repository may do better."""
    return isinstance(error, RepositoryError) and not isinstance(error, _NOT_ITS_FAULT)


def _completed(report: RestoreReport, rest: Sequence[Snapshot], request: RestoreRequest, attempt: Attempt) -> RestoreReport:
    """With what the damaged copy could not give.

    All of it is asked for again, and what is there already is found to be the same: of a list of entries that is damaged itself, nobody
    knows what is missing. A mirror is not completed: each of its plans is confirmed by itself.
    """
    for copy in rest:
        if not report.damaged or request.on_conflict == "mirror":
            break
        source = report.plan.repository
        if report.checksums is not None:
            os.unlink(report.checksums[0])  # written a moment ago, without what is missing; the next attempt writes it whole
        try:
            more = attempt(copy, request)
        except ReconcilerError as error:
            if not is_to_blame(error):
                raise
            note = f"repository {copy.repository} was asked for what {source} could not give, and cannot give it either: {error.message}"
            report = replace(report, notes=(*report.notes, note))
            continue
        report = _joined(report, more)
    return report


def _joined(first: RestoreReport, more: RestoreReport) -> RestoreReport:
    missing, came = count(len(first.failures), "entry", "entries"), count(more.files, "file")
    note = f"{first.plan.repository} could not give {missing}: {came} came from {more.plan.repository}"
    return replace(
        first,
        files=first.files + more.files,
        bytes=first.bytes + more.bytes,
        folders=max(first.folders, more.folders),
        seconds=first.seconds + more.seconds,
        deleted=first.deleted + more.deleted,
        losses=tuple(dict.fromkeys((*first.losses, *more.losses))),
        failures=more.failures,
        damaged=more.damaged,
        checksums=more.checksums,
        safety=first.safety or more.safety,
        notes=(*first.notes, note, *(n for n in more.notes if n not in first.notes)),
    )
