"""What a repository holds of others, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.base.secret import redact
from reconciler.cli.render import when
from reconciler.cli.render.page import Cell, Page, Style

if TYPE_CHECKING:
    from reconciler.app.reports import Adoptable, AdoptionReport


def adoption_page(report: AdoptionReport) -> Page:
    """`reconcile repository adopt`."""
    page = Page()
    page.line((redact(report.repository), Style.NAME), f"  repository {report.id[:12]}")
    if report.declared:
        page.line(f"  {when.count(report.own, 'snapshot')} of this realm ({report.realm}), listed and known again.")
    if report.found:
        page.blank()
        header = ["REALM", "SYSTEM THERE", "HOST", "SNAPSHOTS", "OLDEST", "NEWEST", "BECOMES"]
        page.table(header, [_row(one, report) for one in report.found], right="...r", indent=2)
        page.blank()
    _ending(page, report)
    return page


def _row(one: Adoptable, report: AdoptionReport) -> list[Cell]:
    realm, system = one.source
    becomes: Cell = (one.system, Style.GOOD) if one.system else ("stays foreign" if report.declared else "", Style.FAINT)
    return [realm, system, one.host, f"{one.snapshots:,}", when.moment(one.oldest_at), when.moment(one.newest_at), becomes]


def _ending(page: Page, report: AdoptionReport) -> None:
    if not report.declared:
        page.line("Nobody declares this repository. Declare it (kind Repository, with this url and key), then adopt it by its name.")
    elif report.adopted is not None:
        page.line((f"{when.count(report.adopted, 'snapshot')} adopted.", Style.GOOD), " From now on retention judges them, too.")
    elif not report.digest:
        page.line("There is nothing that could be adopted." if not report.found else "No system here bears these names: --as THERE=HERE.")
    else:
        page.line("Nothing was changed. Who owns them now loses them: their host counts and removes them no longer, this one does.")
        page.line(f"To adopt them: `reconcile repository adopt {report.repository} … --confirm {report.digest} --reason TEXT`")
