"""Repositories as declared and as found; and the catalog made anew from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.base.secret import redact
from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.desired import Desired, DesiredRepository
from reconciler.model.status import RepositoryStatus, Status

if TYPE_CHECKING:
    from reconciler.app.reports import RebuildReport


def repositories_page(desired: Desired, status: Status) -> Page:
    """`reconcile repository list`."""
    page = Page()
    found = {repository.name: repository for repository in status.repositories}
    if not desired.repositories:
        page.line("No repositories are declared.")
    header = ["REPOSITORY", "STATE", "SNAPSHOTS", "FREE", "LISTED", "SITE", "URL"]
    page.table(header, [_row(declared, found.get(declared.name), status) for declared in desired.repositories], right="..rrr")
    for repository in status.repositories:
        if repository.failure is not None:
            page.blank()
            page.line((f"error[{repository.failure.code}]", Style.BAD), f": {repository.failure.message}", hang=2)
            if repository.failure.hint:
                page.line(("  hint: ", Style.FAINT), repository.failure.hint, hang=8)
    return page


def repositories_json(desired: Desired, status: Status) -> str:
    """The same for programs. Where a key comes from stands in it, never a key."""
    found = {repository.name: repository for repository in status.repositories}
    entries = [
        {"name": r.name, "url": redact(r.url), "failure_domain": dict(r.failure_domain), "media": r.media, "status": found.get(r.name)}
        for r in desired.repositories
    ]
    return document("repositories", repositories=entries)


def _row(declared: DesiredRepository, found: RepositoryStatus | None, status: Status) -> list[Cell]:
    state: Cell = ("never seen", Style.WARN)
    if found is not None:
        state = ("reachable", Style.GOOD) if found.reachable else ("not reachable", Style.BAD)
    return [
        (declared.name, Style.NAME),
        state,
        f"{found.snapshots:,}" if found else "",
        format_size(found.free_bytes) if found and found.free_bytes is not None else "",
        when.ago(found.listed_at, status.at) if found else "",
        declared.failure_domain.get("site", ""),
        redact(declared.url),
    ]


def rebuild_page(made: RebuildReport) -> Page:
    """`reconcile catalog rebuild`."""
    page = Page()
    if made.recovered:
        page.line(("note  ", Style.WARN), made.recovered, hang=6)
    for name, number in sorted(made.repositories.items()):
        page.line((name, Style.NAME), f"  {when.count(number, 'snapshot')} found")
    for name, why in sorted(made.failures.items()):
        page.line((name, Style.NAME), "  ", (f"not read: {why}", Style.BAD), hang=2)
    page.blank()
    left = f"; {when.count(len(made.failures), 'repository', 'repositories')} left out" if made.failures else ""
    page.line((f"The catalog is made anew from {when.count(len(made.repositories), 'repository', 'repositories')}{left}.", Style.STRONG))
    return page
