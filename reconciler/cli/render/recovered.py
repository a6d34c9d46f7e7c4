"""A bare machine: what a repository holds, and where the pieces of a host that is gone are now."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.page import Page, Style
from reconciler.cli.render.restored import LINES_SHOWN

if TYPE_CHECKING:
    from reconciler.app.recover import Inside, Recovered
    from reconciler.app.reports import RestoreReport


def inside_page(found: Inside, now: datetime) -> Page:
    """`reconcile restore --repository URL --key FILE`."""
    page = Page()
    rows = []
    for each in found.systems:
        good = each.newest_good
        size = f"{when.count(good.files, 'file')}, {format_size(good.bytes)}" if good is not None else ""
        newest = when.exact(good.as_of) if good is not None else ("none", Style.BAD)
        age = when.ago(good.as_of, now) if good is not None else ""
        kind = "specs and record" if each.records else ""
        rows.append(((each.system, Style.NAME), each.host, f"{each.snapshots:,}", newest, age, size, each.realm, kind))
    page.table(["SYSTEM", "HOST", "SNAPSHOTS", "NEWEST GOOD", "", "SIZE", "REALM", ""], rows)
    for problem in found.problems:
        page.line(("damaged  ", Style.BAD), problem, hang=9)
    page.blank()
    page.line(f"{when.count(len(found.systems), 'system')} in repository {found.id} at {found.url}.")
    page.line("Next: SYSTEM --target DIR restores one, --all --target DIR all; --specs-to DIR and --state-to DIR what the host knew.")
    return page


def recovered_page(done: Recovered) -> Page:
    """`--specs-to` and `--state-to`."""
    page = Page()
    if done.snapshot is not None:
        page.line((f"Records of {done.snapshot.host} as of {when.exact(done.snapshot.as_of)}", Style.STRONG))
    page.line(("because  ", Style.FAINT), done.why, hang=9)
    if done.specs is not None:
        stood = f"they stood at {done.stood_at}, and relative paths in them counted from there"
        page.line(("specs    ", Style.FAINT), f"{done.specs}; {stood}", hang=9)
    if done.declarations:
        page.line(("specs    ", Style.FAINT), f"{', '.join(done.declarations)}: to be read by people, not a tree of specs", hang=9)
    if done.state is not None:
        page.line(("record   ", Style.FAINT), f"{done.state}: runs, events and audit log until then", hang=9)
    if done.specs is not None:
        state = f" --state {shlex.quote(done.state)}" if done.state is not None else ""
        page.blank()
        page.line(f"Next: reconcile --specs {shlex.quote(done.specs)}{state} --dry-run")
    return page


def all_page(reports: Sequence[RestoreReport]) -> Page:
    """`--all`: a line per system, and below it what did not come back."""
    page = Page()
    for report in reports:
        amount = f"{when.count(report.files, 'file')}, {format_size(report.bytes)}; {report.plan.why}"
        page.line((report.plan.snapshot.system, Style.NAME), f"  {amount}", hang=2)
        for path, why in report.failures[:LINES_SHOWN]:
            page.line(("  not restored  ", Style.BAD), f"/{path.lstrip('/')}: {why}", hang=16)
        if report.losses:
            page.line(("  not set  ", Style.WARN), f"{when.count(len(report.losses), 'attribute')} (-o json shows them)", hang=11)
    page.blank()
    failed = sum(len(report.failures) for report in reports)
    end = f"{when.count(failed, 'file')} not restored, see above" if failed else "each file checked against its recorded hash"
    page.line(f"{when.count(len(reports), 'system')} into {reports[0].plan.target}; {end}.")
    return page
