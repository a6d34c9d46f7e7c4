"""The dashboards ask only for what is exported, and are laid out so that a stranger can read them."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import combinations
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.metrics import names
from reconciler.model.declared.settings import SettingsSpec
from tests.fakes.dashboards import GRAFANA, Query, all_queries, boards, panel_queries, panels
from tests.fakes.promql import read

LABELS = {metric.name: set(metric.labels) for metric in names.ALL} | {"process_resident_memory_bytes": set(), "up": set()}
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


@pytest.mark.parametrize("board", boards().values(), ids=boards())
def test_the_reader_chooses_data_source_agent_system_and_repository(board: dict[str, Any]) -> None:
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "instance", "system", "repository"]
    asked = {target["datasource"]["uid"] for panel in panels(board) for target in panel["targets"]}
    assert asked == {"${datasource}"}


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


def test_a_rate_follows_the_scrape_interval() -> None:
    ranges = {found for query in panel_queries() for found in re.findall(r"\[([^\]]+)\]", query.expression)}
    assert ranges == {"$__rate_interval"}


def test_the_dashboards_show_every_metric_but_those_for_alerts() -> None:
    shown = {name for query in all_queries() for name in read(query.expression).metrics}
    not_drawn = {
        "reconciler_backup_last_success_timestamp_seconds",
        "reconciler_backup_last_attempt_timestamp_seconds",
        "reconciler_spec_last_load_timestamp_seconds",
        "reconciler_rpo_breach_predicted_timestamp_seconds",  # for rules, as the three that follow
        "reconciler_system_held_snapshots",
        "reconciler_repository_listed_timestamp_seconds",
        "reconciler_repository_orphaned_snapshots",
        "reconciler_spec_info",  # said where a change is asked for: the revision of one agent is no number to draw
    }
    recovery = {
        names.MTD_TARGET,
        names.VERIFICATION_TARGET,
        names.VERIFIED,
        names.CHECKED,
    }  # for rules, and for whoever asks
    recovery |= {names.COPIES_TARGET, names.COPIES_HELD, names.COPIES_OFFSITE_TARGET, names.COPIES_OFFSITE_HELD}
    recovery |= {names.COPY_LAG_TARGET, names.COPY_LAG}
    recovery |= {metric for metric in names.ALL if metric.subject is names.Subject.RECOVERY}
    asked_on_the_page = {names.RTO_PREDICTED, names.DRILL_EXPIRY}
    not_drawn |= {metric.name for metric in recovery - asked_on_the_page}
    not_drawn |= {
        metric.name for metric in names.ALL if metric.subject is names.Subject.ALERTS
    }  # for rules; the alerts themselves are told
    assert {metric.name for metric in names.ALL} - shown == not_drawn


def test_provisioning_reads_the_folder_that_the_readme_fills() -> None:
    (provider,) = YAML(typ="safe").load(GRAFANA / "provisioning" / "dashboards" / "reconciler.yml")["providers"]
    assert provider["allowUiUpdates"] is False
    assert f"cp grafana/dashboards/*.json {provider['options']['path']}/" in (GRAFANA / "README.md").read_text(encoding="utf-8")


def test_the_example_scrapes_where_the_loop_listens_by_default() -> None:
    (job,) = YAML(typ="safe").load(GRAFANA / "prometheus" / "prometheus.yml")["scrape_configs"]
    assert job["job_name"] == "reconciler"
    assert job["static_configs"] == [{"targets": [SettingsSpec().listen]}]
