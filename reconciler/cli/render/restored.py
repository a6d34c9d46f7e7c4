"""A restore: which snapshot and why, then what is in the target now and what is not."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.snapshot import ROLLBACK_WINDOW

if TYPE_CHECKING:
    from reconciler.app.reports import Outlook, RestorePlan, RestoreReport

LINES_SHOWN = 10


def restore_plan_page(plan: RestorePlan, now: datetime) -> Page:
    """Before anything is written; with --dry-run the whole answer."""
    page, snapshot = Page(), plan.snapshot
    size = f"{when.count(snapshot.files, 'file')}, {format_size(snapshot.bytes)}"
    wanted: list[tuple[str, Cell]] = [("wanted", f"not after {when.exact(plan.at)}")] if plan.at is not None else []
    rows: list[tuple[str, Cell]] = [
        ("Restore", (f"{snapshot.system} as of {when.exact(snapshot.as_of)} ({when.ago(snapshot.as_of, now)})", Style.STRONG)),
        *wanted,
        ("from", f"snapshot {when.short(snapshot.id)} in {plan.repository}, {snapshot.grade}, {size}"),
        ("because", plan.why),
        ("into", "where the files came from" if plan.in_place else plan.target),
    ]
    if plan.paths:
        rows.append(("only", ", ".join(plan.paths)))
    if plan.changed_since is not None:
        rows.append(("only", f"what changed since snapshot {when.short(plan.changed_since)}"))
    if plan.outlook is not None:
        rows += _outlook_rows(plan.outlook, plan.on_conflict)
    rows += [("note", (note, Style.WARN)) for note in plan.notes]
    page.pairs(rows)
    if plan.outlook is not None:
        _add_entries(page, plan.outlook)
    return page


def restored_page(report: RestoreReport) -> Page:
    """Afterwards."""
    page = Page()
    for path, why in report.failures[:LINES_SHOWN]:
        page.line(("not restored  ", Style.BAD), f"/{path.lstrip('/')}: {why}", hang=14)
    _more(page, len(report.failures))
    for (what, why), paths in _by_cause(report.losses).items():
        examples = paths[0] if len(paths) == 1 else f"{when.count(len(paths), 'entry', 'entries')}, first {paths[0]}"
        page.line(("not set  ", Style.WARN), f"{what} of {examples}: {why}", hang=9)
    for note in report.notes:
        page.line(("note  ", Style.WARN), note, hang=6)
    if report.checksums is not None:
        file, lines = report.checksums
        page.line(f"list  {when.count(lines, 'line')} in {file}: `sha256sum -c` reads it", hang=6)
    page.blank()
    page.line(*_sentence(report), hang=2)
    if report.safety is not None:
        name = when.short(report.id)
        page.line(f"  What was there before is kept for {when.span(ROLLBACK_WINDOW)}: `reconcile rollback {name}` brings it back.", hang=2)
    return page


def _outlook_rows(outlook: Outlook, policy: str) -> list[tuple[str, Cell]]:
    changes = [(outlook.create, "new"), (outlook.replace, "replaced"), (outlook.delete, "removed"), (outlook.metadata, "folders set")]
    stays = [(outlook.same, "the same already"), (outlook.kept - outlook.conflict_count, "kept as they are")]
    shown = ", ".join(f"{number:,} {word}" for number, word in (*changes, *stays) if number > 0)
    files = f" ({when.count(outlook.files, 'file')}, {format_size(outlook.bytes)} to write)" if outlook.files else ""
    rows: list[tuple[str, Cell]] = [("entries", f"{shown or 'nothing to do'}{files}")]
    if outlook.conflict_count:
        text = f"{when.count(outlook.conflict_count, 'entry', 'entries')} there and different: --on-conflict {policy} does nothing at all"
        rows.append(("conflict", (text, Style.BAD)))
    for room in outlook.rooms:
        inodes = f", {room.needed_inodes:,} of {room.free_inodes:,} inodes" if room.free_inodes is not None else ""
        text = f"{format_size(room.needed_bytes)} of {format_size(room.free_bytes)} free on {room.place}{inodes}"
        rows.append(("room", text if room.fits else (f"{text}: it does not fit", Style.BAD)))
    if outlook.files:
        took = f"about {when.span(outlook.expected)}, {outlook.expected_from}" if outlook.expected is not None else outlook.expected_from
        rows.append(("time", took))
    rows.append(("digest", outlook.digest))
    return rows


def _add_entries(page: Page, outlook: Outlook) -> None:
    """What there is to lose, by name."""
    groups: list[tuple[str, Style, list[str], int]] = [
        ("conflict", Style.BAD, [f"/{each.path}: {each.why}" for each in outlook.conflicts], outlook.conflict_count),
        ("remove", Style.BAD, [f"/{path}" for path in outlook.removals], outlook.delete),
        ("replace", Style.WARN, [f"/{each.path}: {each.why}" for each in outlook.replacements], outlook.replace),
        ("not there", Style.WARN, [f"/{path}: {why}" for path, why in outlook.unread], len(outlook.unread)),
    ]
    for word, style, lines, total in groups:
        for line in lines[:LINES_SHOWN]:
            page.line((f"{word:<11}", style), line, hang=11)
        if lines:
            _more(page, total)


def restore_plan_json(plan: RestorePlan) -> str:
    """`reconcile restore --dry-run -o json`."""
    return document("restore-plan", plan=plan)


def restored_json(report: RestoreReport) -> str:
    """`reconcile restore -o json`."""
    return document("restore", whole=report.whole, report=report)


def _more(page: Page, total: int) -> None:
    if total > LINES_SHOWN:
        page.line(f"and {total - LINES_SHOWN:,} more (-o json shows all)")


def _by_cause(losses: tuple[tuple[str, str, str], ...]) -> dict[tuple[str, str], list[str]]:
    causes: dict[tuple[str, str], list[str]] = {}
    for path, what, why in losses:
        causes.setdefault((what, why), []).append(path)
    return causes


def _sentence(report: RestoreReport) -> tuple[Cell, ...]:
    rate = f", {format_size(report.bytes / report.seconds)}/s" if report.seconds >= 0.5 else ""
    what = f"{when.count(report.files, 'file')} in {when.count(report.folders, 'folder')}"
    amount = f"{what}, {format_size(report.bytes)} in {report.seconds:.1f}s{rate}"
    more = [(report.deleted, "removed"), (report.same, "the same already"), (report.kept, "kept as they were")]
    amount += "".join(f", {number:,} {word}" for number, word in more if number)
    verb = "Rolled back" if report.undoes is not None else "Restored"
    if not report.whole:
        damage = f" ({report.damaged:,} because of damage in the repository)" if report.damaged else ""
        missing = when.count(len(report.failures), "entry", "entries")
        return ((f"{verb} in part", Style.BAD), f": {amount}; {missing} not restored{damage}, see above.")
    if not report.files and not report.folders and not report.deleted and not report.losses:
        return (("Nothing to do", Style.GOOD), f": everything is as the snapshot has it, {when.count(report.same, 'entry', 'entries')}.")
    if report.losses:
        lost = when.count(len(report.losses), "detail")
        return ((verb, Style.WARN), f": {amount}, each file checked against its recorded hash; {lost} not set, see above.")
    return ((verb, Style.GOOD), f": {amount}, each file checked against its recorded hash.")
