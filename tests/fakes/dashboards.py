"""The committed dashboards and the queries in them, as Grafana would send them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

GRAFANA = Path(__file__).parents[2] / "grafana"
METRICS_PAGE = GRAFANA.parent / "docs" / "metrics.md"


class Query(Struct, frozen=True):
    """``where``: board and panel, for the name of a test."""

    where: str
    expression: str
    legend: str = ""

    def filled(self, chosen: Mapping[str, str] | None = None) -> str:
        """What reaches Prometheus with these values of the variables (as it would be written in a regular expression), else with all."""
        times = {"__rate_interval": "1m", "__range": "1h", "__interval": "15s"}
        return re.sub(r"\$([a-z_]\w*)", lambda found: times.get(found[1]) or (chosen or {}).get(found[1], ".*"), self.expression)


def boards() -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted((GRAFANA / "dashboards").glob("*.json"))}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Without the headings of rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries_of(board: dict[str, Any], panel: dict[str, Any]) -> list[Query]:
    return [
        Query(f"{board['title']}: {panel['title']} {target['refId']}", target["expr"], target["legendFormat"])
        for target in panel["targets"]
    ]


def variables_of(board: dict[str, Any]) -> dict[str, Query]:
    """The series whose label values each variable offers, in the order in which they are asked for."""
    found = {}
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
            found[variable["name"]] = Query(
                f"{board['title']}: variable {variable['name']}", f"count by ({label}) ({series})", f"{{{{{label}}}}}"
            )
    return found


def annotations_of(board: dict[str, Any]) -> list[Query]:
    return [Query(f"{board['title']}: {mark['name']}", mark["expr"], mark["titleFormat"]) for mark in board["annotations"]["list"]]


def panel_queries() -> list[Query]:
    return [query for board in boards().values() for panel in panels(board) for query in queries_of(board, panel)]


def documented_queries() -> Iterator[Query]:
    """The examples in docs/metrics.md."""
    blocks = re.findall(r"^```promql\n(.*?)^```", METRICS_PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for number, block in enumerate(blocks, start=1):
        yield Query(f"docs/metrics.md: example {number}", block.strip())


def all_queries() -> list[Query]:
    more = [query for board in boards().values() for query in (*variables_of(board).values(), *annotations_of(board))]
    return [*panel_queries(), *more, *documented_queries()]
