"""A disaster staged for real: sources and the primary repository are gone, and the plan brings all back, whatever is killed on the way."""

from __future__ import annotations

import json
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from e2e_world import MAIN, World, describe, environment, fill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SYSTEMS = ("identity", "orders", "web")
KILLS = 8
SPECS = """\
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: second}}
spec: {{url: {second}, key: {{file: {key}}}}}
---
apiVersion: reconciler/v1
kind: RecoveryPlan
metadata: {{name: shop}}
spec:
  scenarios: [hardware_failure]
  objectives: {{rto: 10m}}
  steps:
{steps}
"""
SYSTEM = """\
apiVersion: reconciler/v1
kind: System
metadata: {{name: {name}}}
spec:
  tier: low
  policy: standard
  repositories: [main, second]
  sources: [{{path: {path}}}]
  dependsOn: [{after}]
  drill: {{assertions: [{{path: {path}/empty-file}}, {{path: "{path}/**/document-*.txt", minFiles: 100}}]}}
"""
RESTORES = """\
    - {name: restore-identity, restore: {system: identity}}
    - {name: check-identity, assert: {system: identity}, dependsOn: [restore-identity]}
    - {name: restore-orders, restore: {system: orders}, dependsOn: [check-identity], compensate: {rollback: true}}
    - {name: check-orders, assert: {system: orders}, dependsOn: [restore-orders]}
    - {name: restore-web, restore: {system: web}, dependsOn: [check-orders]}
    - {name: check-web, assert: {system: web}, dependsOn: [restore-web]}"""


def prepared(world: World, steps: str = RESTORES, *, files: int = 400) -> dict[str, dict[str, str]]:
    """Three systems in two repositories; what each holds."""
    world.declare()
    (world.specs / "orders.yaml").unlink()
    before = ""
    for seed, name in enumerate(SYSTEMS):
        path = world.folder / name
        path.mkdir()
        fill(path, small=files, large_bytes=8_000_000, seed=seed)
        (world.specs / f"{name}.yaml").write_text(SYSTEM.format(name=name, path=path, after=before))
        before = name
    (world.specs / "plan.yaml").write_text(
        SPECS.format(second=world.folder / "second", key=world.folder / "keys" / "second.key", steps=steps)
    )
    world.good("--init")
    world.good("copy", "--all", "--to", "second")
    return {name: describe(world.folder / name) for name in SYSTEMS}


def disaster(world: World) -> None:
    for name in SYSTEMS:
        shutil.rmtree(world.folder / name)
    shutil.rmtree(world.repository)


def runs(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(world.good("recovery", "runs", "-o", "json").out)["runs"]
    return found


def test_what_a_disaster_took_is_back_bit_by_bit_within_the_rto_and_on_record(world: World) -> None:
    before = prepared(world)
    disaster(world)
    assert world.run().code  # the loop sees it, and cannot help
    ended = world.good("recovery", "run", "shop", "--disaster", "hardware_failure", "--yes")
    assert {name: describe(world.folder / name) for name in SYSTEMS} == before
    (run,) = runs(world)
    assert (run["outcome"], run["rto_seconds"]) == ("recovered", 600.0)
    took = json.loads(world.good("recovery", "show", run["id"], "-o", "json").out)["run"]
    assert {step["state"] for step in took["steps"]} == {"done"}
    assert "in second" in ended.out
    world.good("audit", "verify")
    _stands_in_the_report(world, run["id"], took)


def _stands_in_the_report(world: World, run: str, took: dict[str, Any]) -> None:
    """That repository and sources were away, that each system came back, and that the promise was kept."""
    today = f"{datetime.now(UTC) - timedelta(minutes=10):%Y-%m-%d}"
    report = json.loads(world.good("report", "--from", today, "-o", "json").out)
    assert [(p["id"], p["outcome"], p["within_rto"], p["passed"]) for p in report["plans"]] == [(run, "recovered", True, 6)]
    assert report["plans"][0]["began_at"] == took["started_at"]
    assert {(r["system"], r["outcome"], r["files"]) for r in report["recoveries"]} == {(name, "succeeded", 404) for name in SYSTEMS}
    told = {(each["object_kind"], each["object_name"], each["condition"]) for each in report["incidents"]}
    assert ("Repository", "main", "RepositoryReachable") in told
    page = world.good("report", "--from", today, "-o", "html").out
    assert "10m, kept" in page


def test_a_run_killed_again_and_again_ends_as_if_it_had_never_been(world: World, report: list[str]) -> None:
    before = prepared(world, files=1500)
    disaster(world)
    chance, kills, words = random.Random(37), 0, ["recovery", "run", "shop", "--yes"]
    states: set[str] = set()
    for _ in range(KILLS * 3):
        process = world.start(*words)
        if not _is_writing(world, process, chance.uniform(0.0, 0.2)):
            process.communicate()
            break
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
        found = runs(world)
        if found:
            words = ["recovery", "run", "shop", "--yes", "--resume"]
            states |= {f"{step['kind']} {step['state']}" for step in found[0]["steps"]}
        if kills == KILLS:
            break
    found = runs(world)
    if found[0]["outcome"] != "recovered":
        world.good("recovery", "run", "shop", "--yes", "--resume")
    assert {name: describe(world.folder / name) for name in SYSTEMS} == before
    (run,) = runs(world)
    assert run["outcome"] == "recovered"
    assert kills >= 3
    assert "restore interrupted" in states, states
    report.append(f"{kills} kills, resumed {run['resumed']} times; seen: {', '.join(sorted(states))}")


def _is_writing(world: World, process: subprocess.Popen[bytes], more: float) -> bool:
    """Wait until it has brought some file back, and ``more`` seconds; False when it has ended by itself."""

    def there() -> int:
        return sum(len(files) for name in SYSTEMS for _, _, files in os.walk(world.folder / name))

    before = there()
    while process.poll() is None and there() == before:
        time.sleep(0.002)
    time.sleep(more)
    return process.poll() is None


def program(world: World, text: str) -> Path:
    folder = world.folder / "bin"
    folder.mkdir(exist_ok=True, mode=0o755)
    path = folder / "step"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_killed_command_is_asked_about_unless_it_may_be_done_twice(world: World) -> None:
    log = world.folder / "log"
    slow = program(world, f"echo begun >> {log}; [ -e {log}.quick ] || sleep 30; echo ended >> {log}")
    allow = ("--allow-commands", slow.parent)
    step = f"    - {{name: slow, command: [{slow}]}}"
    prepared(world, step, files=120)
    process = world.start(*allow, "recovery", "run", "shop", "--yes")
    _until(log.exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    Path(f"{log}.quick").touch()
    waiting = world.run(*allow, "recovery", "run", "shop", "--yes", "--resume")
    assert waiting.code == 7
    assert "somebody must say whether it is done" in waiting.out
    assert log.read_text().split() == ["begun"]
    assert world.good(*allow, "recovery", "run", "shop", "--yes", "--resume", "--again", "slow").code == 0
    assert log.read_text().split() == ["begun", "begun", "ended"]


def test_a_killed_test_leaves_no_sandbox_after_the_next_command(world: World) -> None:
    slow = program(world, "sleep 30")
    allow = ("--allow-commands", slow.parent)
    prepared(world, RESTORES + f"\n    - {{name: slow, command: [{slow}], test: {{same: true}}, dependsOn: [check-web]}}", files=120)
    process = world.start(*allow, "recovery", "test", "shop")
    sandboxes = world.state / "drills"
    _until(lambda: sandboxes.exists() and any((each / "web").exists() for each in sandboxes.iterdir()))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert list(sandboxes.iterdir())
    world.good("backup", "create", "web")
    assert list(sandboxes.iterdir()) == []
    (run,) = runs(world)
    assert (run["outcome"], run["expires_at"]) == ("interrupted", None)


def test_a_person_is_guided_on_a_terminal_and_a_lost_terminal_loses_nothing(world: World) -> None:
    steps = "    - {name: call, manual: {instruction: Call the owner., confirm: called}}\n" + RESTORES.replace(
        "{system: identity}}", "{system: identity}, dependsOn: [call]}", 1
    )
    before = prepared(world, steps, files=120)
    disaster(world)
    process, terminal = _on_terminal(world, "recovery", "run", "shop")
    _answer(terminal, "Begin?", "yes")
    _wait_for(terminal, "Call the owner.")
    os.close(terminal)
    process.wait(timeout=30)
    assert runs(world)[0]["outcome"] in {"waiting", "interrupted"}
    process, terminal = _on_terminal(world, "recovery", "run", "shop", "--resume")
    _answer(terminal, "Begin?", "yes")
    _answer(terminal, "Call the owner.", "maybe")
    _answer(terminal, "One of called, later, failed.", "called")
    text = _wait_for(terminal, "recovered")
    assert process.wait(timeout=30) == 0, text
    os.close(terminal)
    assert {name: describe(world.folder / name) for name in SYSTEMS} == before


def _on_terminal(world: World, *words: str) -> tuple[subprocess.Popen[bytes], int]:
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-c", MAIN, "--specs", str(world.specs), "--state", str(world.state), *words]
    process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(), start_new_session=True)
    world.started.append(process)
    os.close(theirs)
    return process, ours


def _answer(terminal: int, question: str, answer: str) -> None:
    _wait_for(terminal, question)
    os.write(terminal, answer.encode() + b"\n")


def _wait_for(terminal: int, text: str) -> str:
    """What was read until ``text`` stood there."""
    seen = b""
    ends_at = time.monotonic() + 60
    while text.encode() not in seen:
        assert time.monotonic() < ends_at, seen.decode(errors="replace")
        try:
            seen += os.read(terminal, 4096)
        except OSError:
            break
    assert text.encode() in seen, seen.decode(errors="replace")
    return seen.decode(errors="replace")


def _until(holds: Any) -> None:
    ends_at = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends_at
        time.sleep(0.02)
