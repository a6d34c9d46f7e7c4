"""Ten scrapes a second while the loop backs up, copies, verifies and rehearses: each answer is whole, and the loop does not feel it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler.metrics import names
from tests.real.conftest import free_port

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]
EVERY_SECONDS = 0.1
CPU_SECONDS_MAX = 0.05
"""For one scrape, connection and thread included, on a machine that has other work: 0.002 s were measured."""
SPECS = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec: {{realm: quiet-otter-41, records: {{repositories: []}}, listen: "127.0.0.1:{port}", interval: 1s}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: main}}
spec: {{url: ../main, key: {{file: ../main.key}}, failureDomain: {{site: office}}}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: away}}
spec: {{url: ../away, key: {{file: ../away.key}}, failureDomain: {{site: away}}}}
---
apiVersion: reconciler/v1
kind: System
metadata: {{name: letters}}
spec:
  tier: critical
  repositories: [main, away]
  schedule: {{incremental: {{every: 3s}}}}
  sources: [{{path: ../letters}}]
  failureDomain: {{site: office}}
  copies: {{count: 2, offsite: 1}}
  drill: {{every: 1h, assertions: [{{path: ../letters/1.txt, contains: dear}}]}}
"""
DONE = {
    "reconciler_drill_last_result": 1,
    "reconciler_copies_held": 2,
    "reconciler_copies_offsite_held": 1,
    "reconciler_backup_consecutive_failures": 0,
}


def read(text: str) -> dict[str, float]:
    """The last value of each name; fails when it is not the text format."""
    return {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples}


def test_ten_scrapes_a_second_see_whole_answers_and_cost_the_loop_nothing(tmp_path: Path, promtool: str) -> None:
    port = free_port()
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "all.yaml").write_text(SPECS.format(port=port))
    (tmp_path / "letters").mkdir()
    for number in range(1000):  # a drill so short that it says nothing of speed predicts nothing
        (tmp_path / "letters" / f"{number}.txt").write_text(f"dear reader {number}\n" * 2000)
    command = [sys.executable, "-m", "reconciler.cli.main", "--specs", "specs", "--state", "state", "--watch", "--init"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=tmp_path)
    try:
        answers = storm(port)
        heartbeats = [answer["reconciler_loop_last_success_timestamp_seconds"] for _, answer in answers]
        assert heartbeats == sorted(heartbeats)
        assert heartbeats[-1] > time.time() - 10, "the loop goes on meanwhile"
        proven = answers[-1][1]
        assert proven["reconciler_drill_proof_expiry_timestamp_seconds"] > time.time() + 3600
        assert 0 < proven["reconciler_rto_predicted_seconds"] < 600
        check = subprocess.run([promtool, "check", "metrics"], input=answers[-1][0], capture_output=True, text=True, check=False)
        assert (check.returncode, check.stdout, check.stderr) == (0, "", "")
        quiet, busy = cpu_seconds(process.pid, port, scrapes=0), cpu_seconds(process.pid, port, scrapes=50)
        print(f"{len(answers)} answers; CPU of the loop in 5 s: {quiet:.2f} s alone, {busy:.2f} s with 50 scrapes")
        assert busy - quiet < 50 * CPU_SECONDS_MAX
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 143
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(20)
    assert "Traceback" not in (tmp_path / "log").read_text(errors="replace")


def storm(port: int) -> list[tuple[str, dict[str, float]]]:
    """Ask until everything of DONE is true, a minute at most; every answer, read."""
    answers: list[tuple[str, dict[str, float]]] = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        text = scrape(port)
        if text is not None:
            answers.append((text, read(text)))
            assert all(f"# HELP {metric.name.removesuffix('_total')}" in text for metric in names.ALL)
            if all(answers[-1][1].get(name) == value for name, value in DONE.items()):
                return answers
        time.sleep(EVERY_SECONDS)
    pytest.fail(f"not done within a minute: { {name: answers[-1][1].get(name) for name in DONE} if answers else 'no answer' }")


def scrape(port: int) -> str | None:
    """None: nobody listens yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
            text: str = response.read().decode()
            return text
    except ConnectionRefusedError:
        return None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            return None
        raise


def cpu_seconds(pid: int, port: int, *, scrapes: int) -> float:
    """What the process spends in five seconds."""
    process = psutil.Process(pid)
    before, ends = sum(process.cpu_times()[:2]), time.monotonic() + 5
    for _ in range(scrapes):
        assert scrape(port)
        time.sleep(EVERY_SECONDS / 2)
    time.sleep(max(0.0, ends - time.monotonic()))
    return sum(process.cpu_times()[:2]) - before
