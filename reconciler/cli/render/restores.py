"""Recovery operations: a table, and one of them in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.page import Cell, Page, Style

if TYPE_CHECKING:
    from reconciler.app.reports import Recovery, RestoreDetail, RestoreList

_STYLES = {"succeeded": Style.GOOD, "partial": Style.WARN, "interrupted": Style.BAD, "failed": Style.BAD, "cancelled": Style.WARN}


def restores_page(found: RestoreList) -> Page:
    """Oldest first, as the table of snapshots: the newest stands above the prompt."""
    page = Page()
    if not found.restores:
        page.line("No restores.")
        return page
    zone = when.zone(found.restores[0].started_at)
    header = ["ID", "SYSTEM", f"BEGAN ({zone})", "WHAT", "INTO", "OUTCOME", "TOOK", "FILES", "SIZE", "BY"]
    page.table(header, [_row(record, found) for record in reversed(found.restores)], right="......rrr")
    for name in found.interrupted:
        page.blank()
        page.line(("interrupted  ", Style.BAD), *_ways(name), hang=13)
    return page


def restore_page(found: RestoreDetail) -> Page:
    """`reconcile restores show`."""
    record, page = found.record, Page()
    page.line((f"{record.kind.capitalize()} {record.id}", Style.STRONG))
    outcome = _outcome(record)
    rows: list[tuple[str, Cell]] = [
        ("system", record.system),
        ("snapshot", f"{when.short(record.snapshot_id)} in {record.repository}"),
        ("into", "in place" if record.in_place else record.target),
        ("policy", record.policy),
        ("began", f"{when.exact(record.started_at)} by {record.actor}"),
        ("outcome", _styled(outcome, outcome)),
    ]
    rows += [("took", when.span(record.duration))] if record.duration is not None else []
    rows += [("only", ", ".join(found.paths))] if found.paths else []
    rows += [("written", f"{when.count(record.files, 'file')}, {format_size(record.bytes)}; {record.deleted:,} removed")]
    if record.failures or record.losses:
        rows.append(("missing", (f"{record.failures:,} not restored, {record.losses:,} without some metadata", Style.WARN)))
    rows += [("steps", f"{found.steps:,} planned, {found.told:,} entries told as done")] if found.steps else []
    rows += [("safety", f"snapshot {when.short(found.safety)} of what was there before")] if found.safety else []
    rows += [("undoes", when.short(record.undoes))] if record.undoes else []
    rows += [("undone", f"by rollback {when.short(found.undone_by)}")] if found.undone_by else []
    rows += [("failure", (record.failure.message, Style.BAD))] if record.failure is not None else []
    page.pairs(rows)
    if found.interrupted:
        page.line(*_ways(record.id))
    return page


def _row(record: Recovery, found: RestoreList) -> list[Cell]:
    outcome = _outcome(record)
    what = f"{record.kind} of {when.short(record.undoes)}" if record.undoes else f"snapshot {when.short(record.snapshot_id)}"
    shown = f"{outcome}, undone" if record.id in found.undone else outcome
    return [
        when.short(record.id),
        record.system,
        when.moment(record.started_at),
        what,
        "in place" if record.in_place else record.target,
        _styled(shown, outcome),
        when.span(record.duration) if record.duration is not None else "-",
        f"{record.files:,}",
        format_size(record.bytes),
        record.actor,
    ]


def _outcome(record: Recovery) -> str:
    return record.outcome.value if record.outcome is not None else "under way"


def _styled(text: str, outcome: str) -> Cell:
    return (text, _STYLES[outcome]) if outcome in _STYLES else text


def _ways(name: str) -> tuple[Cell, ...]:
    short = when.short(name)
    return (f"`reconcile restore --continue {short}` ends it, `reconcile rollback {short}` undoes it.",)
