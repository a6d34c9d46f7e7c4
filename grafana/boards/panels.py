"""The grammar of panels: queries and the few kinds of panel as small functions, so that a board reads like a table of contents.

Grafana's JSON is mostly defaults; what differs between panels stands in the board, everything else here. Every panel has a
description and a unit, and every query goes to the data source that the reader chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from boards.frame import SOURCE
from boards.values import IN_COLOR, NONE, QUIET, Column, Json, steps

Size = tuple[int, int]
"""Width and height in grid units; a board is 24 wide."""

SMALL: Size = (4, 4)
NARROW, TALL = 8, 8
LIST_OPTIONS = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}


def query(expression: str, legend: str = "", *, instant: bool = False, table: bool = False, name: str = "A") -> Json:
    """``instant``: the present value alone; ``table``: labels become columns."""
    return {
        "refId": name,
        "datasource": SOURCE,
        "expr": expression,
        "legendFormat": legend or "__auto",
        "instant": instant,
        "range": not instant,
        "format": "table" if table else "time_series",
    }


def queries(*expressions: tuple[str, str]) -> list[Json]:
    """One for each expression with its legend, named A, B, C …"""
    return [query(expression, legend, name=chr(ord("A") + number)) for number, (expression, legend) in enumerate(expressions)]


def stat(
    title: str, description: str, unit: str, expression: str, by: Json, size: Size = SMALL, *, plain: bool = False, **options: Any
) -> Json:
    """One number, on a ground of its colour if not ``plain``.

    ``options``: ``mappings`` from values to words, ``decimals``, ``noValue`` for what stands there without an answer.
    """
    return {
        **_panel("stat", title, description, size, [query(expression, instant=True)]),
        "fieldConfig": {"defaults": {"unit": unit, "color": {"mode": "thresholds"}, "thresholds": by, **options}, "overrides": []},
        "options": {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "none" if plain else "background",
            "graphMode": "none",
            "justifyMode": "center",
            "orientation": "auto",
            "textMode": "value",
        },
    }


def lines(
    title: str,
    description: str,
    unit: str,
    asked: Sequence[Json],
    size: Size,
    overrides: Sequence[Json] = (),
    links: Sequence[Json] = (),
    *,
    from_zero: bool = True,
    **options: Any,
) -> Json:
    """Values over time. ``from_zero``: none is below; ``options``: further defaults of a field, as ``max`` or ``decimals``."""
    return {
        **_panel("timeseries", title, description, size, asked),
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                **({"min": 0} if from_zero else {}),
                "color": {"mode": "palette-classic"},
                "custom": {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 5, "showPoints": "never", "spanNulls": False},
                "links": list(links),
                **options,
            },
            "overrides": list(overrides),
        },
        "options": {
            "legend": _legend(size),
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def timeline(
    title: str, description: str, expression: str, legend: str, mappings: Sequence[Json], size: Size, links: Sequence[Json] = ()
) -> Json:
    """States over time, one row per series."""
    return {
        **_panel("state-timeline", title, description, size, [query(expression, legend)]),
        "fieldConfig": {
            "defaults": {
                "unit": "none",
                "color": {"mode": "thresholds"},
                "thresholds": steps(QUIET),
                "mappings": list(mappings),
                "custom": {"lineWidth": 0, "fillOpacity": 80},
                "links": list(links),
            },
            "overrides": [],
        },
        "options": {
            "mergeValues": True,
            "showValue": "never",
            "alignValue": "left",
            "rowHeight": 0.8,
            "legend": LIST_OPTIONS,
            "tooltip": {"mode": "single", "sort": "none"},
        },
    }


def bars(title: str, description: str, unit: str, expression: str, legend: str, by: Json, size: Size, **options: Any) -> Json:
    """One bar per series, with its present value. ``options``: ``min``, ``max``, ``mappings``, ``links``."""
    return {
        **_panel("bargauge", title, description, size, [query(expression, legend, instant=True)]),
        "fieldConfig": {
            "defaults": {"unit": unit, "color": {"mode": "thresholds"}, "thresholds": by, **options},
            "overrides": [],
        },
        "options": {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "orientation": "horizontal",
            "displayMode": "basic",
            "valueMode": "color",
            "showUnfilled": True,
            "minVizHeight": 16,
            "minVizWidth": 8,
            "maxVizHeight": 300,
            "namePlacement": "auto",
            "sizing": "auto",
            "legend": {**LIST_OPTIONS, "showLegend": False},
        },
    }


def table(
    title: str, description: str, labels: Sequence[Column], values: Sequence[tuple[str, Column]], size: Size, sort: tuple[str, bool]
) -> Json:
    """One line for what has the same labels. ``values``: expressions with their columns, whose fields are named here.

    Every expression has to give the labels that all of them share, for by these the answers are joined. ``sort``: a heading, and
    whether the biggest comes first.
    """
    names = [chr(ord("A") + number) for number in range(len(values))]
    columns = [*labels, *(column._replace(field=f"Value #{name}") for name, (_, column) in zip(names, values, strict=True))]
    shown = {column.field: column.heading for column in columns}
    asked = [query(expression, instant=True, table=True, name=name) for name, (expression, _) in zip(names, values, strict=True)]
    return {
        **_panel("table", title, description, size, asked),
        "transformations": [
            {"id": "merge", "options": {}},
            {"id": "filterFieldsByName", "options": {"include": {"names": list(shown)}}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "indexByName": {field: position for position, field in enumerate(shown)},
                    "renameByName": shown,
                },
            },
        ],
        "fieldConfig": {
            "defaults": {"unit": "none", "custom": {"filterable": True, "minWidth": 80}, "thresholds": steps(QUIET)},
            "overrides": [
                {
                    "matcher": {"id": "byName", "options": column.heading},
                    "properties": [{"id": "unit", "value": column.unit}, *column.properties],
                }
                for column in columns
            ],
        },
        "options": {"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": sort[0], "desc": sort[1]}]},
    }


def matrix(
    title: str, description: str, expression: str, row: str, column: str, mappings: Sequence[Json], size: Size, *, unit: str = "none"
) -> Json:
    """One line for each value of the label ``row``, one column for each of ``column``: a word or a value, empty where there is none."""
    return {
        **_panel("table", title, description, size, [query(expression, instant=True, table=True)]),
        "transformations": [
            {"id": "groupingToMatrix", "options": {"columnField": column, "rowField": row, "valueField": "Value", "emptyValue": "null"}},
        ],
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "custom": {"filterable": True, "minWidth": 80, **({"cellOptions": IN_COLOR["value"]} if mappings else {})},
                "thresholds": steps(NONE),
                "mappings": list(mappings),
            },
            "overrides": [],
        },
        "options": {"showHeader": True, "cellHeight": "sm", "sortBy": []},
    }


def value(expression: str, heading: str, unit: str = "none", *properties: Json) -> tuple[str, Column]:
    """An expression and its column, for :func:`table`."""
    return expression, Column("", heading, unit, properties)


def _legend(size: Size) -> Json:
    """A table of values where there is room for one; on a narrow or a low panel it would hide most of its lines."""
    if size[0] <= NARROW or size[1] < TALL:
        return LIST_OPTIONS
    return {**LIST_OPTIONS, "displayMode": "table", "calcs": ["lastNotNull", "max"]}


def _panel(kind: str, title: str, description: str, size: Size, asked: Sequence[Json]) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "gridPos": {"w": size[0], "h": size[1]},
        "targets": list(asked),
    }
