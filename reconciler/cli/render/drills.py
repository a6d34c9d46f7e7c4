"""Drills: a table, and one of them in full."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.drill import Asserted, Control, DrillOutcome, DrillRecord

if TYPE_CHECKING:
    from reconciler.app.drills import DrillList

_STYLES = {
    DrillOutcome.PROVEN: Style.GOOD,
    DrillOutcome.RESTORED: Style.WARN,
    DrillOutcome.FAILED: Style.BAD,
    DrillOutcome.BLOCKED: Style.WARN,
}


def drills_page(found: DrillList) -> Page:
    """Oldest first, as the table of restores: the newest stands above the prompt."""
    page = Page()
    if not found.drills:
        page.line("No drills.")
        return page
    zone = when.zone(found.drills[0].started_at)
    header = ["ID", "SYSTEM", f"BEGAN ({zone})", "SNAPSHOT", "OUTCOME", "COUNTS UNTIL", "TOOK", "FILES", "SIZE", "BY"]
    page.table(header, [_row(record) for record in reversed(found.drills)], right="......rrr")
    return page


def drill_page(record: DrillRecord) -> Page:
    """`reconcile drill show`."""
    page = Page()
    page.line((f"Drill {record.id}", Style.STRONG))
    rows: list[tuple[str, Cell]] = [
        ("system", record.system),
        ("snapshot", f"{when.short(record.snapshot_id)} in {record.repository}, {record.pick}"),
        ("began", f"{when.exact(record.started_at)} by {record.actor}, reconciler {record.version}"),
        ("outcome", _outcome(record)),
    ]
    rows += [("until", when.exact(record.expires_at))] if record.expires_at is not None else []
    rows += [("finding", (finding, Style.BAD)) for finding in record.findings]
    rows += [("restored", f"{when.count(record.files, 'file')}, {format_size(record.bytes)}")] if record.files else []
    rows += [("took", _times(record))] if record.measured else []
    rows += [("assertion", _asserted(each)) for each in record.asserted]
    rows += [("control", _control(each)) for each in record.controls]
    rows += [("sandbox", (record.sandbox, Style.WARN))] if record.sandbox else []
    page.pairs(rows)
    return page


def _row(record: DrillRecord) -> list[Cell]:
    return [
        when.short(record.id),
        record.system,
        when.moment(record.started_at),
        f"{when.short(record.snapshot_id)} in {record.repository}",
        _outcome(record),
        when.moment(record.expires_at) if record.expires_at is not None else "-",
        _span(record.recovery_seconds) if record.measured else "-",
        f"{record.files:,}",
        format_size(record.bytes),
        record.actor,
    ]


def _outcome(record: DrillRecord) -> Cell:
    return "under way" if record.outcome is None else (record.outcome.value, _STYLES[record.outcome])


def _times(record: DrillRecord) -> str:
    parts = f"{record.prepare_seconds:.2f}s to begin, {record.restore_seconds:.2f}s to restore, {record.assert_seconds:.2f}s to ask"
    predicted = f"; {_span(record.predicted_seconds)} were predicted" if record.predicted_seconds is not None else ""
    return f"{_span(record.recovery_seconds)}: {parts}{predicted}"


def _asserted(each: Asserted) -> Cell:
    if not each.passed:
        return (f"{each.title}: {each.why}", Style.BAD)
    if each.toothless:
        return (f"{each.title}: toothless, an empty tree satisfies it, too", Style.WARN)
    return (f"{each.title}: holds", Style.GOOD)


def _control(each: Control) -> Cell:
    if each.rejected is None:
        return f"{each.name}: nothing in the snapshot can be damaged that way"
    if each.rejected:
        return f"{each.name}: noticed, on {each.path}"
    return (f"{each.name}: not noticed, on {each.path}", Style.BAD)


def _span(seconds: float) -> str:
    return when.span(timedelta(seconds=seconds))
