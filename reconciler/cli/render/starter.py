"""What `reconcile init` made, and the three commands to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.render.page import Page, Style
from reconciler.cli.render.results import add_creation

if TYPE_CHECKING:
    from reconciler.app.reports import StarterReport


def starter_page(made: StarterReport) -> Page:
    """The whole screen."""
    page = Page()
    for name in made.files:
        page.line(("wrote    ", Style.GOOD), f"{made.specs}/{name}")
    add_creation(page, made.repository)
    page.blank()
    page.line("Read the files, change what does not fit, and commit them. Then type:")
    for command in made.next:
        page.line("  ", (command, Style.STRONG))
    return page
