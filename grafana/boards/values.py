"""How values look: thresholds, words instead of numbers, columns of tables, dashed objectives, links from a value to another board."""

from __future__ import annotations

from typing import Any, NamedTuple

Json = dict[str, Any]

GOOD, WARN, BAD, QUIET, NONE = "green", "orange", "red", "text", "transparent"
SHAKY, VAGUE = "yellow", "blue"


class Column(NamedTuple):
    """Of a table: ``field`` is a label, or ``Value #A`` for the query of that name."""

    field: str
    heading: str
    unit: str = "none"
    properties: tuple[Json, ...] = ()


def steps(first: str, *others: tuple[float, str]) -> Json:
    """Colours by value: ``first`` from below, then each colour from its value on."""
    begin: list[Json] = [{"color": first, "value": None}]
    return {"mode": "absolute", "steps": begin + [{"color": color, "value": value} for value, color in others]}


def words(of: dict[int, tuple[str, str]]) -> list[Json]:
    """Value mappings: a word and a colour for each value."""
    options = {str(value): {"text": text, "color": color, "index": index} for index, (value, (text, color)) in enumerate(of.items())}
    return [{"type": "value", "options": options}]


def from_on(start: float, text: str, **color: str) -> list[Json]:
    """Value mappings: a word instead of any number from ``start`` on, with ``color`` where one is given."""
    return [{"type": "range", "options": {"from": start, "to": None, "result": {"text": text, "index": 0, **color}}}]


def mapped(mappings: list[Json]) -> Json:
    """Column property: words instead of numbers."""
    return {"id": "mappings", "value": mappings}


def colored(by: Json) -> tuple[Json, ...]:
    """Column properties: the cell takes its colour from these steps; an empty one has none.

    Grafana gives an empty cell the colour below the first step: what is not known must look neither well nor bad.
    """
    first, *others = by["steps"]
    colors = [{"color": NONE, "value": None}, {**first, "value": LOWEST}, *others]
    return ({"id": "thresholds", "value": {**by, "steps": colors}}, IN_COLOR)


def worded(mappings: list[Json]) -> tuple[Json, ...]:
    """Column properties: words in their colours instead of numbers; an empty cell has none."""
    return (mapped(mappings), *colored(steps(NONE)))


LOWEST = -1e15
"""Below every value that is drawn."""
IN_COLOR: Json = {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}}


def linked(title: str, board: str, variable: str, value: str = "${__value.text}") -> Json:
    """Column property: the value is a link to this board, where the variable has this value."""
    return {"id": "links", "value": [link(title, board, variable, value)]}


def link(title: str, board: str, variable: str, value: str) -> Json:
    """Data source, agents and time go along. Names of objects need no escaping: letters, digits, dot, underscore, hyphen."""
    return {
        "title": title,
        "url": f"/d/{board}?${{datasource:queryparam}}&${{instance:queryparam}}&var-{variable}={value}&${{__url_time_range}}",
        "targetBlank": False,
    }


def decimals(number: int) -> Json:
    """Column property."""
    return {"id": "decimals", "value": number}


def dashed(pattern: str) -> Json:
    """Series of this name pattern are objectives: a dashed red line."""
    return {
        "matcher": {"id": "byRegexp", "options": pattern},
        "properties": [
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": BAD}},
            {"id": "custom.fillOpacity", "value": 0},
        ],
    }


COUNT_IS_BAD = steps(GOOD, (1, BAD))
COUNT_IS_A_WARNING = steps(GOOD, (1, WARN))
SHARE_IS_GOOD = steps(BAD, (0.95, WARN), (1, GOOD))
USED = steps(GOOD, (0.9, WARN), (1, BAD))
"""Of an objective: 1 is all of it."""
TRUTH = words({1: ("True", GOOD), 0: ("False", BAD), -1: ("Unknown", WARN)})
UP = words({1: ("reachable", GOOD), 0: ("unreachable", BAD)})
PLAN_TEST = words({1: ("passed", GOOD), 0: ("failed", BAD), -1: ("none yet", WARN)})
IMPACT = words({4: ("lost", BAD), 3: ("breached", WARN), 2: ("exposed", SHAKY), 1: ("unknown", VAGUE)})
DRILL = words({1: ("proven", GOOD), 0: ("failed", BAD), -1: ("not proven", WARN)})
