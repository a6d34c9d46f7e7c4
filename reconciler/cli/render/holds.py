"""Which snapshots a person protects or accepts, until when and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.cli.render import when
from reconciler.cli.render.page import Cell, Page
from reconciler.model.snapshot import Mark, MarkKind, Snapshot

if TYPE_CHECKING:
    from reconciler.app.reports import AcceptReport, HoldReport


def holds_page(report: HoldReport, now: datetime) -> Page:
    """`reconcile hold` and `reconcile release`: a line for each snapshot in each repository, with its longest hold."""
    page = Page()
    if not report.snapshots:
        page.line("No snapshot is held.")
        return page
    page.table(["SNAPSHOT", "SYSTEM", "AS OF", "REPOSITORY", "HELD UNTIL", "WHY"], [_row(one, now) for one in report.snapshots])
    return page


def accepted_page(report: AcceptReport) -> Page:
    """`reconcile accept`."""
    page = Page()
    rows: list[list[Cell]] = []
    for one in report.snapshots:
        said = max((mark for mark in one.marks if mark.kind is MarkKind.ACCEPTED), key=lambda mark: mark.at)
        rows.append([when.short(one.id), one.system, when.moment(one.as_of), one.repository, said.note])
    page.table(["ACCEPTED", "SYSTEM", "AS OF", "REPOSITORY", "WHY"], rows)
    if report.left:
        page.line(f"{when.count(report.left, 'snapshot')} of {report.system} {'is' if report.left == 1 else 'are'} suspect still.")
    return page


def _row(snapshot: Snapshot, now: datetime) -> list[Cell]:
    until, why = "not held", ""
    if snapshot.held(now):
        longest = _longest([mark for mark in snapshot.marks if mark.kind is MarkKind.HELD])
        until, why = "without end" if longest.until is None else when.moment(longest.until), longest.note
    return [when.short(snapshot.id), snapshot.system, when.moment(snapshot.as_of), snapshot.repository, until, why]


def _longest(holds: Sequence[Mark]) -> Mark:
    endless = [mark for mark in holds if mark.until is None]
    return endless[-1] if endless else max(holds, key=lambda mark: (mark.until or mark.at, mark.at))
