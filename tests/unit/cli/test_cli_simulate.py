"""`reconcile simulate` as typed, over a real repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.cli.main import run

TREE = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {name: settings}
spec: {realm: test-otter-1, records: {repositories: []}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {name: main}
spec: {url: ../store/main, key: {file: ../store/main.key}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {name: standard}
spec: {repositories: [main], retention: {keepWithin: null, daily: 7, weekly: null, monthly: null, minimum: 1}}
---
apiVersion: reconciler/v1
kind: System
metadata: {name: letters}
spec: {tier: low, policy: standard, sources: [{path: ../letters}]}
"""
WIDER = """\
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {name: standard}
spec: {repositories: [main], retention: {keepWithin: null, daily: 20, weekly: null, monthly: null, minimum: 1}}
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("specs", "letters", "store"):
        (tmp_path / name).mkdir()
    (tmp_path / "letters" / "a").write_text("dear")
    (tmp_path / "specs" / "all.yaml").write_text(TREE)
    (tmp_path / "wider.yaml").write_text(WIDER)
    assert run(["--specs", "specs", "--state", "state", "--init"]) == 0
    return tmp_path


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = run(["--specs", "specs", "--state", "state", "simulate", *words])
    return code, capsys.readouterr().out


def test_a_forecast_shows_snapshots_storage_and_the_promise(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = typed(capsys, "--days", "30")
    assert code == 0
    assert "Simulated  30 days" in out
    assert "letters  main" in out
    assert "every RPO is kept" in out
    assert "nothing is given back" in out


def test_another_policy_stands_beside_the_declared_one(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = typed(capsys, "--days", "40", "--policy", "wider.yaml")
    assert code == 0
    assert "→" in out
    code, out = typed(capsys, "--days", "40", "--policy", "wider.yaml", "-o", "json")
    found = json.loads(out)
    assert found["today"]["systems"][0]["snapshots"] < found["edited"]["systems"][0]["snapshots"]
    assert (house / "specs" / "all.yaml").read_text() == TREE


def test_a_faulty_policy_is_named_with_its_line(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (house / "wider.yaml").write_text(WIDER.replace("daily: 20", "dayly: 20"))
    capsys.readouterr()
    assert run(["--specs", "specs", "--state", "state", "simulate", "--policy", "wider.yaml"]) == 64
    assert "wider.yaml:4" in capsys.readouterr().err
    assert run(["--specs", "specs", "--state", "state", "simulate", "--policy", "none.yaml"]) == 64
    assert "cannot be read" in capsys.readouterr().err


def test_nothing_is_written(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in house.rglob("*")}
    typed(capsys, "--days", "3")
    assert {path: path.stat().st_mtime_ns for path in house.rglob("*")} == before
