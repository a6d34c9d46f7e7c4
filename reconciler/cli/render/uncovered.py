"""Data of this host that no system covers."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Cell, Page
from reconciler.model.uncovered import Uncovered

_KINDS = {"folder": "folder", "files": "files in it", "postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite"}


def uncovered_page(found: Sequence[Uncovered]) -> Page:
    """`reconcile status --uncovered`."""
    page = Page()
    if not found:
        page.line("Everything that holds data there is covered by a system.")
        return page
    rows = [
        [each.path, _KINDS[each.kind], _amount(each, f"{each.files:,}"), _amount(each, format_size(each.bytes)), each.process]
        for each in found
    ]
    page.table(["NOT COVERED", "WHAT", "FILES", "SIZE", "OPENED BY"], rows, right="..rr.")
    page.blank()
    page.line(f"{when.count(len(found), 'place')} that no system of this host covers. Declare what must survive.", hang=2)
    return page


def uncovered_json(found: Sequence[Uncovered]) -> str:
    return document("uncovered", uncovered=found)


def _row(each: Uncovered) -> list[Cell]:
    return [each.path, _KINDS[each.kind], _amount(each, f"{each.files:,}"), _amount(each, format_size(each.bytes)), each.process]


def _amount(each: Uncovered, text: str) -> str:
    return text if each.counted else f"> {text}"
