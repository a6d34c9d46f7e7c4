"""`reconcile config show`: each system as it is after the merge, in the words of the specs, with the place of each value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.cli.render.as_json import document
from reconciler.cli.render.block import camel, given, words
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.declared.block import Block
from reconciler.model.desired import DesiredSystem

Origins = Sequence[tuple[str, object, str]]
_NOT_DECLARED = {"name", "place", "generation", "last_good"}


def configuration_page(systems: Sequence[DesiredSystem], origins: Origins) -> Page:
    """One block per system; with ``origins`` (of one system) a table of where each value was written."""
    page = Page()
    for system in systems:
        page.blank()
        page.line((system.name, Style.NAME), (f"  {system.place.short}", Style.FAINT))
        if origins:
            page.table(["FIELD", "VALUE", "WRITTEN IN"], [_origin(*row) for row in origins], indent=2)
        else:
            rows: list[tuple[str, Cell]] = [(path, value) for path, value in flat(system)]
            page.pairs(rows, indent=2)
    if not systems:
        page.line("No systems are declared.")
    return page


def configuration_json(systems: Sequence[DesiredSystem], origins: Origins) -> str:
    """The same for programs."""
    written = [{"pointer": pointer, "value": words(value), "origin": origin} for pointer, value, origin in origins]
    return document("configuration", systems=systems, **({"origins": written} if origins else {}))


def flat(system: DesiredSystem) -> list[tuple[str, str]]:
    """``retention.keepWithin`` to ``2d``: every value that is set, by its path in the specs."""
    values = {name: getattr(system, name) for name in system.__struct_fields__ if name not in _NOT_DECLARED}
    return [pair for name, value in values.items() for pair in _leaves(camel(name), value)]


def _leaves(path: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Block):
        value = given(value)
    if isinstance(value, Mapping):
        return [leaf for key, inner in value.items() for leaf in _leaves(f"{path}.{key}", inner)]
    if isinstance(value, tuple) and any(isinstance(item, Block) for item in value):
        return [leaf for number, item in enumerate(value) for leaf in _leaves(f"{path}[{number}]", item)]
    return [] if value is None or value == () else [(path, words(value))]


def _origin(pointer: str, value: object, origin: str) -> list[Cell]:
    return [pointer.strip("/").replace("/", "."), words(value), (origin, Style.FAINT)]
