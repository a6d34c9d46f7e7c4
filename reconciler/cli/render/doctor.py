"""The page of the doctor: sections of pairs, plain enough to be pasted into a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Page, Style

if TYPE_CHECKING:
    from reconciler.app.doctor import Diagnosis


def doctor_page(found: Diagnosis) -> Page:
    """`reconcile doctor`."""
    page = Page()
    for section in found.sections:
        page.blank()
        page.line((section.title, Style.STRONG))
        page.pairs(section.rows or (("nothing", ""),), indent=2)
    return page


def doctor_json(found: Diagnosis) -> str:
    """`reconcile doctor -o json`: sections as an object, in their order."""
    return document("doctor", at=found.at, sections={section.title: dict(section.rows) for section in found.sections})
