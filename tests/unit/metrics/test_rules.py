"""The rules of Prometheus: they name only what is exported, and each alert has a runbook and two tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.metrics import names
from tests.fakes.dashboards import GRAFANA
from tests.fakes.promql import read

RULES = GRAFANA / "prometheus"
DOCS = GRAFANA.parent
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
SEVERITIES = {"critical", "warning", "info", "none"}


def load(name: str) -> Any:
    return YAML(typ="safe").load(RULES / name)


GROUPS = load("reconciler-rules.yml")["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
RECORDED = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
LABELS = {name: set(labels) for metric in names.ALL for name, labels in metric.series.items()}


def name_of(rule: dict[str, Any]) -> str:
    return str(rule.get("alert", rule.get("record")))


@pytest.mark.parametrize("rule", [rule for group in GROUPS for rule in group["rules"]], ids=name_of)
def test_a_rule_names_only_what_is_exported(rule: dict[str, Any]) -> None:
    recorded = sorted(RECORDED, key=len, reverse=True)
    reading = read(re.sub("|".join(map(re.escape, recorded)), "up", rule["expr"]))
    assert reading.metrics <= {*LABELS, "up"}
    assert all(labels <= LABELS.get(name, labels) | {"job", "instance"} for name, labels in reading.selectors), reading.selectors


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_what_is_wrong_and_where_to_read_on(alert: dict[str, Any]) -> None:
    name, notes = alert["alert"], alert["annotations"]
    assert re.fullmatch(r"Reconciler[A-Z]\w+", name)
    assert alert["labels"]["severity"] in SEVERITIES
    assert notes["summary"].endswith(".")
    assert "{{" not in notes["summary"], "a summary is the same for all"
    assert notes["runbook_url"] == f"docs/runbooks/{name}.md"
    runbook = DOCS / notes["runbook_url"]
    assert runbook.read_text().startswith(f"# {name}\n")
    assert re.findall(r"^## (.*)$", runbook.read_text(), re.MULTILINE) == SECTIONS
    assert all(body.strip() for body in re.split(r"^##? .*$", runbook.read_text(), flags=re.MULTILINE)[2:])


def test_every_runbook_has_its_alert() -> None:
    assert {path.stem for path in (DOCS / "docs" / "runbooks").glob("*.md")} == {alert["alert"] for alert in ALERTS}


def test_each_alert_is_tested_to_fire_and_to_keep_quiet() -> None:
    told = [test["name"] for path in sorted(RULES.glob("*-test.yml")) for test in load(path.name)["tests"]]
    fires = {name.partition(":")[0] for name in told if ": quiet" not in name}
    quiet = {name.partition(":")[0] for name in told if ": quiet" in name}
    wanted = {alert["alert"] for alert in ALERTS}
    assert fires == wanted
    assert quiet == wanted - {"ReconcilerWatchdog"}


def test_the_commands_of_runbooks_exist() -> None:
    known = Path(DOCS / "docs" / "cli" / "index.json")
    text = known.read_text() if known.exists() else (DOCS / "reconciler" / "cli" / "index.json").read_text()
    for path in (DOCS / "docs" / "runbooks").glob("*.md"):
        for command in re.findall(r"`reconcile ([a-z]+)", path.read_text()):
            assert f'"{command}"' in text, f"{path.name}: reconcile {command}"
