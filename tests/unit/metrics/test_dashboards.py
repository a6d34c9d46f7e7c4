"""The dashboards ask only for what is exported, and are laid out so that a stranger can read them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import combinations
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.metrics import names
from reconciler.metrics.metric import MetricType
from reconciler.model.declared.settings import SettingsSpec
from tests.fakes.dashboards import GRAFANA, Query, all_queries, boards, panel_queries, panels
from tests.fakes.promql import read

FOREIGN = {
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "up",
    "scrape_duration_seconds",
}
"""Exported by the client library about the process, and by Prometheus about the scrape."""
LABELS = {name: set(labels) for metric in names.ALL for name, labels in metric.series.items()} | {name: set() for name in FOREIGN}
SCRAPED = {"job", "instance"}  # added by Prometheus to every series


def faults(query: Query) -> list[str]:
    """What the expression names that nobody exports."""
    reading = read(query.expression)
    unknown = [f"no metric {name}" for name in sorted(reading.metrics - set(LABELS))]
    carried = SCRAPED.union(*(LABELS.get(name, set()) for name in reading.metrics))
    for name, labels in reading.selectors:
        unknown += [f"{name} has no label {label}" for label in sorted(labels - LABELS.get(name, labels) - SCRAPED)]
    unknown += [f"no label {label}" for label in sorted(reading.grouped - carried)]
    shown = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
    return unknown + [f"the legend shows no label {label}" for label in sorted(shown - carried)]


@pytest.mark.parametrize("query", all_queries(), ids=lambda query: query.where)
def test_every_query_names_metrics_and_labels_that_exist(query: Query) -> None:
    assert read(query.expression).metrics
    assert faults(query) == []


@pytest.mark.parametrize(
    ("expression", "legend", "fault"),
    [
        ("reconciler_rpo_seconds > 0", "", "no metric reconciler_rpo_seconds"),
        ('sum(reconciler_snapshots{target="main"})', "", "reconciler_snapshots has no label target"),
        ("max by (systm) (reconciler_snapshots)", "", "no label systm"),
        ("reconciler_rpo_target_seconds", "{{repository}}", "the legend shows no label repository"),
    ],
)
def test_a_misspelt_name_is_found(expression: str, legend: str, fault: str) -> None:
    assert faults(Query("", expression, legend)) == [fault]


def test_the_files_are_what_the_boards_give() -> None:
    check = subprocess.run([sys.executable, str(GRAFANA / "build.py"), "--check"], capture_output=True, text=True, check=False)
    assert (check.returncode, check.stderr) == (0, "")


def test_a_board_is_found_by_its_uid_and_by_nothing_else() -> None:
    found = [board["uid"] for board in boards().values()]
    assert len(set(found)) == len(found)
    assert all("id" not in board for board in boards().values())


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("overview.json", ["tier", "system", "repository"]),
        ("system.json", ["system", "repository"]),
        ("recovery.json", ["tier", "system"]),
        ("repositories.json", ["repository"]),
        ("internals.json", []),
    ],
)
def test_the_reader_chooses_data_source_and_agent_and_what_the_board_is_about(name: str, chosen: list[str]) -> None:
    board = boards()[name]
    offered = [variable["name"] for variable in board["templating"]["list"]]
    assert offered == ["datasource", "instance", *chosen]
    asked = {target["datasource"]["uid"] for panel in panels(board) for target in panel["targets"]}
    assert asked == {"${datasource}"}
    used = set(re.findall(r"\$(?!__)([a-z]\w*)", json.dumps(board)))
    assert used <= set(offered), "a query asks for a choice that the board does not offer"


@pytest.mark.parametrize("board", boards().values(), ids=boards())
def test_a_link_leads_to_a_board_that_knows_what_is_chosen(board: dict[str, Any]) -> None:
    known = {other["uid"]: {variable["name"] for variable in other["templating"]["list"]} for other in boards().values()}
    for url in re.findall(r'"url": "(/d/[^"]+)"', json.dumps(board)):
        uid, _, rest = url.removeprefix("/d/").partition("?")
        (variable,) = re.findall(r"&var-(\w+)=", rest)
        assert variable in known[uid], url
    (others,) = board["links"]
    assert others["tags"] == board["tags"]


def test_the_boards_hang_together() -> None:
    linked = {name: set(re.findall(r"/d/(reconciler-\w+)\?", json.dumps(board))) for name, board in boards().items()}
    assert linked == {
        "overview.json": {"reconciler-system", "reconciler-repositories"},
        "system.json": {"reconciler-repositories"},
        "recovery.json": {"reconciler-system"},
        "repositories.json": set(),
        "internals.json": set(),
    }


@pytest.mark.parametrize("board", boards().values(), ids=boards())
def test_every_panel_says_what_it_shows_and_in_which_unit(board: dict[str, Any]) -> None:
    for panel in panels(board):
        assert panel["description"].endswith((".", "`.")), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.mark.parametrize("board", boards().values(), ids=boards())
def test_panels_lie_beside_each_other(board: dict[str, Any]) -> None:
    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        place = panel["gridPos"]
        return {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}

    for one, other in combinations(board["panels"], 2):
        assert not cells(one) & cells(other), f"{one['title']} covers {other['title']}"
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in board["panels"])


def test_a_rate_follows_the_scrape_interval_and_a_forecast_a_day() -> None:
    ranges: dict[str, set[str]] = {}
    for query in panel_queries():
        for function, span in re.findall(r"(\w+)\([a-z_]+(?:\{[^}]*\})?\[([^\]]+)\]", query.expression):
            ranges.setdefault(function, set()).add(span)
    whole = {"$__rate_interval"}
    assert ranges == {"rate": whole, "increase": whole | {"$__range"}, "deriv": {"1d"}, "predict_linear": {"1d"}}


def test_a_counter_is_never_drawn_as_it_is() -> None:
    growing = {MetricType.COUNTER, MetricType.HISTOGRAM}
    counters = {name for metric in names.ALL if metric.type in growing for name in metric.series} | {"process_cpu_seconds_total"}
    for query in panel_queries():
        for name in read(query.expression).metrics & counters:
            assert re.search(rf"(?:rate|increase)\({name}\b", query.expression), query.where


def test_the_dashboards_show_every_metric() -> None:
    shown = {name for query in panel_queries() for name in read(query.expression).metrics}
    assert [metric.name for metric in names.ALL if not shown & set(metric.series)] == []


def test_provisioning_reads_the_folder_that_the_readme_fills() -> None:
    (provider,) = YAML(typ="safe").load(GRAFANA / "provisioning" / "dashboards" / "reconciler.yml")["providers"]
    assert provider["allowUiUpdates"] is False
    assert f"cp grafana/dashboards/*.json {provider['options']['path']}/" in (GRAFANA / "README.md").read_text(encoding="utf-8")


def test_the_example_scrapes_where_the_loop_listens_by_default() -> None:
    (job,) = YAML(typ="safe").load(GRAFANA / "prometheus" / "prometheus.yml")["scrape_configs"]
    assert job["job_name"] == "reconciler"
    assert job["static_configs"] == [{"targets": [SettingsSpec().listen]}]
