"""`reconcile audit verify`: whether the log of what was done is as it was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from reconciler.base.errors import Usage
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Group, Option
from reconciler.cli.words import Words, command

if TYPE_CHECKING:
    from reconciler.cli.render.page import Page


def verify(
    words: Words,
    *,
    head: Annotated[str | None, Option("--head", metavar="HASH", help="The newest hash of an earlier check; it must be there.")] = None,
) -> ExitCode:
    """Check that every line of the audit log follows from the one before. Exit 8 when one does not."""
    from reconciler.cli.render.as_json import document

    if head is not None and (len(head) != 64 or set(head) - set("0123456789abcdef")):
        raise Usage(f"'{head}' is not the hash of a line", hint="64 hex digits, as `reconcile audit verify` prints them.")
    with words.session(read_only=True) as session:
        found = session.verify_audit(head)
    words.answer(lambda: _page(found.lines, found.head, found.fault), lambda: document("audit", intact=found.fault is None, audit=found))
    return ExitCode.DONE if found.fault is None else ExitCode.DAMAGE


def _page(number: int, head: str, fault: str | None) -> Page:
    from reconciler.cli.render import when
    from reconciler.cli.render.page import Page, Style

    page = Page()
    lines = when.count(number, "line")
    if fault is not None:
        page.line(("damaged  ", Style.BAD), f"after {lines} that are as they were written: {fault}", hang=9)
        return page
    page.line(("intact  ", Style.GOOD), f"{lines}, each following from the one before", hang=8)
    page.line(("newest  ", Style.FAINT), head, hang=8)
    page.line(
        ("Keep this hash elsewhere: `reconcile audit verify --head HASH` proves later that nothing was cut off the end.", Style.FAINT),
        hang=2,
    )
    return page


def register(_root: Group, groups: Callable[[str], Group]) -> None:
    """Put the command where people look for it."""
    command(groups("audit"), "verify")(verify)
