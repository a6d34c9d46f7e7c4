"""What happened that is worth telling: the newest last, above the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Cell, Page, Style


class Told(Protocol):
    """One event; the same one again only counts up."""

    @property
    def kind(self) -> str: ...
    @property
    def object_kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def last_at(self) -> datetime: ...


def events_page(events: Sequence[Told]) -> Page:
    """The whole screen."""
    page = Page()
    if not events:
        page.line("No events.")
        return page
    ordered = sorted(events, key=lambda event: event.last_at)
    page.table(
        [f"LAST ({when.zone(ordered[-1].last_at)})", "TIMES", "OBJECT", "REASON", "NOTE"], [_row(event) for event in ordered], right=".r"
    )
    return page


def _row(event: Told) -> list[Cell]:
    kind = "" if event.object_kind == "System" else f"{event.object_kind.lower()} "
    reason: Cell = (event.reason, Style.WARN) if event.kind == "Warning" else event.reason
    return [when.moment(event.last_at), f"{event.count:,}", f"{kind}{event.name}", reason, event.note]


def events_json(events: Sequence[Told]) -> str:
    """`reconcile events -o json`, newest first."""
    return document("events", events=sorted(events, key=lambda event: event.last_at, reverse=True))
