"""`reconcile simulate` as typed, over a real repository."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from reconciler.app.simulate import SimulationReport
from reconciler.cli.main import run
from reconciler.cli.render.simulate_picture import simulation_svg
from reconciler.model.forecast import Forecast, Rates, SystemForecast

SVG = "{http://www.w3.org/2000/svg}"
HOUR = timedelta(hours=1)

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


def test_a_picture_shows_both_forecasts_and_reads_as_svg(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (house / "plot.svg").write_text("an older one")
    code, out = typed(capsys, "--days", "30", "--policy", "wider.yaml", "--plot", "plot.svg")
    assert (code, "SNAPSHOTS" in out) == (0, True)
    picture = ET.parse(house / "plot.svg").getroot()
    words = [each.text for each in picture.iter(f"{SVG}text")]
    assert {"today's specs", "with the edit", "letters", "Stored in main", "RPO"} <= set(words)
    assert "".join(picture.itertext()).count("prefers-color-scheme:dark") == 1
    marks = {style: len(picture.findall(f"{SVG}rect[@class='{style}'][@fill-opacity]")) for style in ("one", "two")}
    assert 8 <= marks["one"] < 20 < marks["two"] <= 30, "seven and twenty days, the first full, what rests or was read last"
    assert len(picture.findall(f"{SVG}path[@class='line one']")) == len(picture.findall(f"{SVG}path[@class='line two']")) == 1


def test_what_breaks_a_promise_is_said_in_words_in_the_picture_too() -> None:
    now = datetime(2026, 5, 4, tzinfo=UTC)
    late = SystemForecast("a<b", "main", HOUR, 9 * HOUR, now, 1, now, (now,), 1, 0, 0, Rates(0, 0, 0, 1.0))
    never = replace(late, system="never", longest_age_at=None, oldest=None, moments=(), snapshots=0)
    drawn = simulation_svg(SimulationReport(Forecast(now, now + HOUR, (late, never, replace(late, system="free", rpo=None)), ()), None, ()))
    words = [each.text for each in ET.fromstring(drawn).iter(f"{SVG}text")]
    assert {"a<b", "9h of 1h: at risk", "never backed up, RPO 1h", "no RPO is declared"} <= set(words)
    assert "today's specs" not in words, "one forecast needs no legend"


def test_a_picture_that_cannot_be_written_is_a_fault_of_the_words(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = typed(capsys, "--days", "2", "--plot", "nowhere/plot.svg")
    assert (code, out) == (64, "")
