"""A restore: which snapshot and why, then what is in the target now and what is not."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Cell, Page, Style

if TYPE_CHECKING:
    from reconciler.app.reports import RestorePlan, RestoreReport

LINES_SHOWN = 10


def restore_plan_page(plan: RestorePlan, now: datetime) -> Page:
    """Before anything is written; with --dry-run the whole answer."""
    page, snapshot = Page(), plan.snapshot
    size = f"{when.count(snapshot.files, 'file')}, {format_size(snapshot.bytes)}"
    rows: list[tuple[str, Cell]] = [
        ("Restore", (f"{snapshot.system} as of {when.exact(snapshot.as_of)} ({when.ago(snapshot.as_of, now)})", Style.STRONG)),
        ("from", f"snapshot {when.short(snapshot.id)} in {plan.repository}, {snapshot.grade}, {size}"),
        ("because", plan.why),
        ("into", plan.target),
    ]
    if plan.paths:
        rows.append(("only", ", ".join(plan.paths)))
    if plan.target_holds:
        rows.append(
            ("note", (f"the target holds {when.count(plan.target_holds, 'entry', 'entries')}; none of them is replaced", Style.WARN))
        )
    rows += [("note", (note, Style.WARN)) for note in plan.notes]
    page.pairs(rows)
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
    page.blank()
    page.line(*_sentence(report), hang=2)
    return page


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
    if not report.whole:
        return (
            ("Restored in part", Style.BAD),
            f": {amount}; {when.count(len(report.failures), 'file')} not restored, see above.",
        )
    if not report.files and not report.folders:
        return (("Nothing matched", Style.WARN), ": no such path in this snapshot.")
    return (("Restored", Style.GOOD), f": {amount}, each file checked against its recorded hash.")
