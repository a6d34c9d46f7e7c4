"""The table of metrics keeps the rules that Prometheus and its users expect."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from reconciler.metrics import document, names
from reconciler.metrics.metric import Metric, MetricType

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
UNITS = ("_seconds", "_bytes", "_ratio", "_total", "_info")
WITHOUT_UNIT = {  # truth values, states and plain counts have none
    "reconciler_spec_last_load_successful",
    "reconciler_spec_problems",
    "reconciler_spec_objects",
    "reconciler_system_suspended",
    "reconciler_loop_paused",
    "reconciler_lease_epoch",
    "reconciler_plan_actions",
    "reconciler_plan_held_changes",
    "reconciler_plan_gaps",
    "reconciler_queue_actions",
    "reconciler_actions_under_way",
    "reconciler_actions_overdue",
    "reconciler_repository_objects",
    "reconciler_snapshots",
    "reconciler_backup_consecutive_failures",
    "reconciler_repository_up",
    "reconciler_impact_systems",
    "reconciler_impact_verdict",
    "reconciler_impact_left_out_verdicts",
    "reconciler_condition",
    "reconciler_alerts_firing",
    "reconciler_alerts_acknowledged",
    "reconciler_alert_silences",
    "reconciler_system_held_snapshots",
    "reconciler_repository_orphaned_snapshots",
    "reconciler_notifications_waiting",
    "reconciler_copies_target",
    "reconciler_copies_held",
    "reconciler_copies_offsite_target",
    "reconciler_copies_offsite_held",
    "reconciler_drill_last_result",
    "reconciler_recovery_plan_test_last_result",
    "reconciler_host_checks",
    "reconciler_host_cpu_cores",
    "reconciler_host_load",
    "reconciler_file_system_inodes",
    "reconciler_file_system_free_inodes",
    "reconciler_endpoint_up",
    "reconciler_endpoint_certificate_trusted",
    "reconciler_repository_recoverable",
}


def test_no_name_is_used_twice() -> None:
    assert len({metric.name for metric in names.ALL}) == len(names.ALL)
    assert len({metric.family for metric in names.ALL}) == len(names.ALL)


def test_the_table_has_whatever_a_file_of_it_declares() -> None:
    """Also when two files call different metrics by one name: the second one must not hide the first."""
    files = [import_module(f"{names.__name__}.{module.name}") for module in iter_modules(names.__path__)]
    declared = [value.name for file in files for value in vars(file).values() if isinstance(value, Metric)]
    assert sorted(declared) == sorted(metric.name for metric in names.ALL)


@pytest.mark.parametrize("metric", names.ALL, ids=lambda metric: metric.name)
def test_a_name_says_prefix_unit_and_type(metric: Metric) -> None:
    assert re.fullmatch(r"reconciler_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith(UNITS) or metric.name in WITHOUT_UNIT
    assert metric.name.endswith("_total") == (metric.type is MetricType.COUNTER)
    assert metric.name.endswith("_info") == (metric.type is MetricType.INFO)
    assert metric.help.endswith(".")
    assert "\n" not in metric.help


@pytest.mark.parametrize("metric", names.ALL, ids=lambda metric: metric.name)
def test_labels_hold_names_and_nothing_that_grows(metric: Metric) -> None:
    closed = {"system", "repository", "tier", "policy", "owner", "host", "kind", "name", "condition", "action", "version", "python"}
    closed |= {"severity", "receiver", "depth", "basis", "plan", "role", "state"}
    closed |= {"scenario"}  # ten types and what the specs add
    closed |= {"lane"}  # two words
    closed |= {"guard"} if metric is names.PLAN_HELD else set()  # eight words
    closed |= {"level"} if metric is names.LOG_LINES else set()  # four words
    closed |= {"verdict"} if metric is names.IMPACT else set()  # six words
    closed |= {"revision", "dirty"} if metric is names.SPEC else set()  # one series, replaced at each commit
    assert set(metric.labels) <= closed
    assert len(metric.labels) <= 5


def test_the_page_is_what_the_table_gives() -> None:
    assert PAGE.read_text(encoding="utf-8") == document.render(), "run: python -m reconciler.metrics.document > docs/metrics.md"


def test_every_metric_stands_on_the_page_once() -> None:
    rows = re.findall(r"^\| `(reconciler_\w+)` \|", document.render(), re.MULTILINE)
    assert sorted(rows) == sorted(metric.name for metric in names.ALL)
