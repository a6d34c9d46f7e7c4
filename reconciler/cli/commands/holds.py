"""Commands by which a person speaks of single snapshots: hold, release, accept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from reconciler.base.errors import Usage
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command


def hold(
    words: Words,
    *,
    ids: Annotated[list[str] | None, Argument(metavar="ID", help="Snapshots, or beginnings of ids; none: list what is held.")] = None,
    until: Annotated[str | None, Option("--until", metavar="MOMENT", help="When the hold ends: 2027-01-31, or for so long: 90d.")] = None,
    reason: Annotated[
        str | None, Option("--reason", metavar="TEXT", help="Why; it stands beside the snapshot and in the audit log.")
    ] = None,
    cached: Annotated[bool, Option("--cached", help="List as the repositories were last seen, without looking at them.")] = False,
) -> ExitCode:
    """Protect snapshots from being forgotten, until a moment and for a reason; without ID list what is held."""
    from reconciler.base.clock import SystemClock
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.holds import holds_page

    if not ids:
        if until is not None or reason is not None:
            raise Usage("--until and --reason need the snapshots that are to be held")
        with words.session(read_only=True) as session:
            report = session.holds(cached=cached or words.cached)
    else:
        if until is None or reason is None:
            raise Usage("a hold needs --until and --reason", hint="What nobody remembers the reason for is never let go again.")
        with words.session() as session:
            report = session.hold(ids, _end(until, SystemClock().now()), reason)
    words.answer(lambda: holds_page(report, SystemClock().now()), lambda: document("holds", holds=report))
    return ExitCode.FAILED if report.failures else ExitCode.DONE


def release(
    words: Words,
    *,
    ids: Annotated[list[str], Argument(metavar="ID", help="Snapshots, or the beginnings of their ids.")],
    reason: Annotated[str, Option("--reason", metavar="TEXT", help="Why; it stands in the audit log.")],
) -> ExitCode:
    """End every hold on snapshots. What retention then lets go is marked, and removed a day later."""
    from reconciler.base.clock import SystemClock
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.holds import holds_page

    with words.session() as session:
        report = session.release(ids, reason)
    words.answer(lambda: holds_page(report, SystemClock().now()), lambda: document("holds", holds=report))
    return ExitCode.DONE


def accept(
    words: Words,
    *,
    system: Annotated[str, Argument(metavar="SYSTEM", help="The system whose suspect snapshots are as they should be.")],
    reason: Annotated[str, Option("--reason", metavar="TEXT", help="Why; it stands beside the snapshot and in the audit log.")],
    snapshot: Annotated[list[str] | None, Option("--snapshot", metavar="ID", help="Only this one; may be given again. None: all.")] = None,
) -> ExitCode:
    """Say that what made snapshots suspect was meant: they are good again, and older ones are no longer kept because of them."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.holds import accepted_page

    with words.session() as session:
        report = session.accept(system, reason, snapshot or ())
    words.answer(lambda: accepted_page(report), lambda: document("accept", accepted=report))
    return ExitCode.DONE


def _end(text: str, now: datetime) -> datetime:
    from reconciler.base.moments import parse_moment
    from reconciler.base.units import parse_duration

    try:
        return now + parse_duration(text)
    except (ValueError, OverflowError):
        pass  # no duration: then a moment
    try:
        return parse_moment(text, now)
    except ValueError:
        raise Usage(f"--until '{text}' is neither a moment nor a duration", hint="Such as 2027-01-31, 2027-01-31T18:00 or 90d.") from None


def register(root: Group, _groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    command(root, "hold", accepts=frozenset({"cached"}))(hold)
    command(root, "release")(release)
    command(root, "accept")(accept)
