"""The grammar of dashboards: panels, queries and variables as small functions, so that a board reads like a table of contents.

Grafana's JSON is mostly defaults; what differs between panels stands in the board, everything else here. Every panel has a
description and a unit, and every query goes to the data source that the reader chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]
Place = tuple[int, int, int, int]
"""Left, top, width, height in grid units; a board is 24 wide."""


class Column(NamedTuple):
    """Of a table: ``field`` is a label, or ``Value #A`` for the query of that name."""

    field: str
    heading: str
    unit: str = "none"
    properties: tuple[Json, ...] = ()


SCHEMA_VERSION = 39
SOURCE = {"type": "prometheus", "uid": "${datasource}"}

GOOD, WARN, BAD, QUIET = "green", "orange", "red", "text"


def board(uid: str, title: str, description: str, variables: Sequence[Json], panels: Sequence[Json]) -> Json:
    """A whole dashboard. ``uid`` never changes: links and provisioning go by it."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["reconciler"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": list(variables)},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, start=1)],
    }


def datasource_variable() -> Json:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1, "hide": 0}


def variable(name: str, label: str, query: str) -> Json:
    """Several values of a label, all of them to begin with."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": f"variable-{name}"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


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


def row(title: str, y: int) -> Json:
    return {"type": "row", "title": title, "collapsed": False, "gridPos": _place(0, y, 24, 1), "panels": []}


def stat(title: str, description: str, unit: str, expression: str, steps: Json, place: Place, **options: Any) -> Json:
    """One number. ``options``: ``mappings`` from values to words, ``decimals``."""
    return {
        **_panel("stat", title, description, place, [query(expression, instant=True)]),
        "fieldConfig": {"defaults": {"unit": unit, "color": {"mode": "thresholds"}, "thresholds": steps, **options}, "overrides": []},
        "options": {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "center",
            "textMode": "value",
        },
    }


def lines(title: str, description: str, unit: str, queries: Sequence[Json], place: Place, overrides: Sequence[Json] = ()) -> Json:
    """Values over time."""
    return {
        **_panel("timeseries", title, description, place, queries),
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "min": 0,
                "color": {"mode": "palette-classic"},
                "custom": {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 5, "showPoints": "never", "spanNulls": False},
            },
            "overrides": list(overrides),
        },
        "options": {
            "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"], "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def timeline(title: str, description: str, expression: str, legend: str, mappings: Sequence[Json], place: Place) -> Json:
    """States over time, one row per series."""
    return {
        **_panel("state-timeline", title, description, place, [query(expression, legend)]),
        "fieldConfig": {
            "defaults": {
                "unit": "none",
                "color": {"mode": "thresholds"},
                "thresholds": steps(QUIET),
                "mappings": list(mappings),
                "custom": {"lineWidth": 0, "fillOpacity": 80},
            },
            "overrides": [],
        },
        "options": {
            "mergeValues": True,
            "showValue": "never",
            "rowHeight": 0.8,
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "single", "sort": "none"},
        },
    }


def table(title: str, description: str, queries: Sequence[Json], columns: Sequence[Column], place: Place, sort: str) -> Json:
    """Queries joined by their labels. Fields that no column names are hidden. ``sort``: a heading, biggest first."""
    shown = {column.field: column.heading for column in columns}
    return {
        **_panel("table", title, description, place, queries),
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
            "defaults": {"unit": "none", "custom": {"filterable": True}, "thresholds": steps(QUIET)},
            "overrides": [
                {
                    "matcher": {"id": "byName", "options": column.heading},
                    "properties": [{"id": "unit", "value": column.unit}, *column.properties],
                }
                for column in columns
            ],
        },
        "options": {"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": sort, "desc": True}]},
    }


def colored(by: Json) -> tuple[Json, ...]:
    """Column properties: the cell takes its colour from these steps."""
    return (
        {"id": "thresholds", "value": by},
        {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}},
    )


def named_from(start: float, text: str) -> tuple[Json, ...]:
    """Column properties: a word instead of any number from ``start`` on."""
    return ({"id": "mappings", "value": [{"type": "range", "options": {"from": start, "to": None, "result": {"text": text, "index": 0}}}]},)


def steps(first: str, *others: tuple[float, str]) -> Json:
    """Colours by value: ``first`` from below, then each colour from its value on."""
    begin: list[Json] = [{"color": first, "value": None}]
    return {"mode": "absolute", "steps": begin + [{"color": color, "value": value} for value, color in others]}


def words(of: dict[int, tuple[str, str]]) -> list[Json]:
    """Value mappings: a word and a colour for each value."""
    options = {str(value): {"text": text, "color": color, "index": index} for index, (value, (text, color)) in enumerate(of.items())}
    return [{"type": "value", "options": options}]


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


def _panel(kind: str, title: str, description: str, place: Place, queries: Sequence[Json]) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "gridPos": _place(*place),
        "targets": list(queries),
    }


def _place(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}
