"""`reconcile report`: evidence over a period, for people who must show that backups and recoveries were what was promised."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from reconciler.base.errors import Usage
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Group, Option
from reconciler.cli.words import Format, Words, command

_FORMATS = frozenset({"html", "markdown", "cached"})


def report(
    words: Words,
    *,
    begins: Annotated[str | None, Option("--from", metavar="MOMENT", help="From when; 30 days before the end when left out.")] = None,
    ends: Annotated[str | None, Option("--to", metavar="MOMENT", help="Until when; now when left out.")] = None,
    systems: Annotated[list[str] | None, Option("--system", metavar="SYSTEM", help="Only this one; may be given again.")] = None,
    cached: Annotated[bool, Option("--cached", help="As the repositories were last seen, without looking at them.")] = False,
) -> ExitCode:
    """Evidence over a period: promises kept, drills, incidents, recoveries, decisions. Exit 8 when the audit log is broken."""
    from reconciler.cli.output import write, write_page
    from reconciler.cli.render import report as rendered

    with words.session(read_only=True) as session:
        now = session.house.clock.now()
        found = session.report(_moment("--from", begins, now), _moment("--to", ends, now), systems or (), cached=cached or words.cached)
    match words.output:
        case Format.JSON:
            write(rendered.report_json(found))
        case Format.HTML:
            from reconciler.cli.render.report_html import report_html

            write(report_html(found))
        case Format.MARKDOWN:
            write(rendered.report_markdown(found))
        case _:
            write_page(rendered.report_page(found))
    return ExitCode.DONE if found.audit.intact else ExitCode.DAMAGE


def _moment(flag: str, text: str | None, now: datetime) -> datetime | None:
    from reconciler.base.moments import EXAMPLES, parse_moment

    if text is None:
        return None
    try:
        return parse_moment(text, now)
    except ValueError as error:
        raise Usage(f"{flag}: {error}", hint=f"A moment is {EXAMPLES}.") from error


def register(root: Group, _groups: Callable[[str], Group]) -> None:
    """Put the command where people look for it."""
    command(root, "report", accepts=_FORMATS)(report)
