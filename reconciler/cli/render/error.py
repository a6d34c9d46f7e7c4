"""An error as guidance: what happened to which thing, what belongs to it, what to look at first."""

from __future__ import annotations

from reconciler.base.errors import ReconcilerError
from reconciler.base.secret import redact
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Page, Style


def error_page(error: ReconcilerError) -> Page:
    """For standard error."""
    page = Page()
    page.line((f"error[{error.code}]", Style.BAD), f": {redact(error.message)}", hang=2)
    for key, value in error.context.items():
        page.line((f"  {key} = ", Style.FAINT), redact(str(value)))
    if error.hint:
        page.line(("  hint: ", Style.FAINT), redact(error.hint), hang=8)
    return page


def error_json(error: ReconcilerError) -> str:
    """The same for programs, on standard error."""
    return document("error", error=error.as_dict())
