"""A week in which nothing goes wrong raises no alert, and one in which a repository is gone for a day raises those that it must.

The loop runs the shipped specs on a virtual clock; its metrics go into the rules that are shipped, evaluated by Prometheus' own engine.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.metrics.collect import samples
from tests.fakes.week import BEGIN, RULES, Week, one_of_each_tier, rules_test

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]
A_DAY = timedelta(days=1)
ALWAYS = "ReconcilerWatchdog"
COUNTED = {"reconciler_snapshots", "reconciler_backup_last_success_timestamp_seconds"}
"""What no rule asks for and only all snapshots tell, or all passes."""


def evaluate(promtool: str, folder: Path, series: dict[str, str], days: int, fire: set[str]) -> str:
    """What promtool says when other alerts than ``fire`` have fired; empty when it agrees."""
    shutil.copy(RULES, folder)
    (folder / "week.json").write_text(json.dumps(rules_test(series, days, fire)))  # JSON is YAML, too
    ran = subprocess.run([promtool, "test", "rules", "week.json"], cwd=folder, capture_output=True, text=True, check=False, timeout=400)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


@pytest.mark.parametrize("tree", ["company", "quickstart"])
def test_a_quiet_week_of_the_example_specs_raises_no_alert(tree: str, promtool: str, tmp_path: Path) -> None:
    week = Week(one_of_each_tier(tree))
    series = week.series(days=7)
    assert week.book.actions["backup"] > 1500, "it was a busy week"
    assert week.book.actions["verify"] >= 7
    if tree == "company":
        assert week.book.actions["copy"] > 1500
        assert week.book.actions["drill"] == 1, "the next one is due in the last night and waits for its window"
    assert not week.book.failed.total()
    assert evaluate(promtool, tmp_path, series, 7, {ALWAYS}) == ""


def test_a_repository_that_is_gone_for_a_day_raises_the_alerts_that_it_must(promtool: str, tmp_path: Path) -> None:
    """The primary: nothing is backed up, so promises are predicted to break, then broken; its daily look at the structure is missed."""
    series = Week(one_of_each_tier("company"), ("office", BEGIN + A_DAY / 2, BEGIN + A_DAY * 1.5)).series(days=2)
    missed = {"ReconcilerRecoveryPointObjectiveAtRisk", "ReconcilerRecoveryPointObjectiveBreached", "ReconcilerVerificationFailed"}
    assert evaluate(promtool, tmp_path, series, 2, {ALWAYS, "ReconcilerRepositoryUnreachable", *missed}) == ""


def test_the_few_snapshots_that_are_sampled_say_what_all_of_them_say() -> None:
    week = Week(one_of_each_tier("company"), ("office", BEGIN + A_DAY / 2, BEGIN + A_DAY))
    for number in range(1, 7):
        week.sim.run(BEGIN + number * A_DAY / 4 + timedelta(minutes=7))
        few, whole = ({(m.name, at): v for m, at, v in samples(week.status(whole=every))} for every in (False, True))
        assert {key: v for key, v in few.items() if key[0] not in COUNTED} == {key: v for key, v in whole.items() if key[0] not in COUNTED}
