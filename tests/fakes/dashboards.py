"""The committed dashboards and the queries in them, as Grafana would send them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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

    def filled(self) -> str:
        """With every variable at All and an interval: what reaches Prometheus."""
        return re.sub(r"\$(system|repository|instance)\b", ".*", self.expression).replace("$__rate_interval", "1m")


def boards() -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted((GRAFANA / "dashboards").glob("*.json"))}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Without the headings of rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def panel_queries() -> Iterator[Query]:
    for name, board in boards().items():
        for panel in panels(board):
            for target in panel["targets"]:
                yield Query(f"{name}: {panel['title']} {target['refId']}", target["expr"], target["legendFormat"])


def variable_queries() -> Iterator[Query]:
    """The series whose label values a variable offers."""
    for name, board in boards().items():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
                yield Query(f"{name}: variable {variable['name']}", f"count by ({label}) ({series})", f"{{{{{label}}}}}")


def documented_queries() -> Iterator[Query]:
    """The examples in docs/metrics.md."""
    blocks = re.findall(r"^```promql\n(.*?)^```", METRICS_PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for number, block in enumerate(blocks, start=1):
        yield Query(f"docs/metrics.md: example {number}", block.strip())


def all_queries() -> list[Query]:
    return [*panel_queries(), *variable_queries(), *documented_queries()]
