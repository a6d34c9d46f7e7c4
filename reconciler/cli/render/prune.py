"""The plan of a clean-up: how many packs for which reason, what comes free, and the digest that names it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.page import Page, Style

if TYPE_CHECKING:
    from reconciler.app.clean import CleanUpReport

_WORDS = {
    "used": "stay: snapshots need them",
    "fresh": "stay: too young, a backup may be about to name them",
    "held": "stay: they are held",
    "doubted": "stay: damage was found in them, and something of them is needed",
    "unused": "go: no snapshot needs them",
    "orphan": "go: left behind by killed runs",
    "condemned": "go: an earlier clean-up did not come to its end",
    "sparse": "are written again without what nobody needs",
    "small": "are merged",
    "missing": "are named, but not there and not needed: the name goes",
}


def prune_page(reports: Sequence[CleanUpReport]) -> Page:
    """`reconcile prune --dry-run`."""
    page = Page()
    for report in reports:
        page.line((report.repository, Style.NAME))
        if report.plan is not None:
            _add_plan(page, report)
        elif report.failure is not None:
            page.line((f"  error[{report.failure.code}]", Style.BAD), f": {report.failure.message}", hang=4)
            page.line(("  hint: ", Style.FAINT), report.failure.hint, hang=8)
        page.blank()
    return page


def _add_plan(page: Page, report: CleanUpReport) -> None:
    plan = report.plan
    assert plan is not None
    if report.lost:
        page.line(("  It went back in time: ", Style.BAD), report.lost, hang=4)
        page.line("  `reconcile prune` refuses it: what goes by this plan may be all that is left of what is lost.", hang=4)
        page.line(("  To clean it up all the same: ", Style.WARN), f"reconcile prune {report.repository} --accept-loss", hang=4)
    for fate, words in _WORDS.items():
        packs = [pack for pack in plan.packs if pack.fate == fate]
        if packs:
            size = sum(pack.size for pack in packs)
            page.line(f"  {when.count(len(packs), 'pack')}, {format_size(size)}: ", (f"{fate}", Style.STRONG), f"; {words}", hang=4)
    if plan.indexes:
        page.line(f"  {when.count(len(plan.indexes), 'index object')} replaced", hang=4)
    if plan.expired:
        page.line(f"  {when.count(len(plan.expired), 'pending root')} given up", hang=4)
    if plan.empty:
        page.line("  ", ("Nothing to remove", Style.GOOD), f" of {format_size(plan.total_bytes)}")
        return
    page.line(
        "  ", (f"{format_size(plan.freed_bytes)} of {format_size(plan.total_bytes)} come free", Style.STRONG), f"; plan {plan.digest}"
    )
    if plan.needs_confirmation:
        agree = f"reconcile prune {report.repository} --confirm {plan.digest}"
        page.line(("  More than half: ", Style.WARN), f"to agree to it, {agree}", hang=4)
