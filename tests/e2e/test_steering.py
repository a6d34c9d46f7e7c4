"""What a person tells a loop that runs in another process, and what a hanging command of a spec cannot do to it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable

import pytest
from e2e_world import SYSTEM, World, codes, fill, finish

from tests.fakes.programs import program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
PATIENCE_SECONDS = 60.0


def _metrics(world: World) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{world.port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def _until(question: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < end, f"waited {PATIENCE_SECONDS} s in vain until {what}"
        time.sleep(0.1)


def _runs(world: World) -> list[tuple[str, str]]:
    """(reason of the event, note), newest first."""
    events = json.loads(world.good("-o", "json", "events").out)["events"]
    return [(event["reason"], event["note"]) for event in events]


@pytest.fixture
def watched(world: World) -> World:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        world.port = int(probe.getsockname()[1])
    fill(world.source, small=10)
    world.declare()
    world.good("repository", "init", "main")
    return world


def _watch(world: World, *words: object) -> subprocess.Popen[bytes]:
    process = world.start(*words, "--watch")
    _until(lambda: "reconciler_loop_paused 0.0" in _metrics(world), "the loop serves its metrics")
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert finish(process, within=30).code == 143


def test_a_running_loop_takes_a_trigger_within_an_interval_waits_in_a_pause_and_goes_on(watched: World) -> None:
    alone = watched.run("trigger", "orders")
    assert (alone.code, codes(alone.text)) == (1, {"loop-absent"}), alone.text
    loop = _watch(watched)
    _until(lambda: len(watched.snapshots()) == 1, "the first backup is there")
    assert f"Process {loop.pid} begins within 1s" in watched.good("trigger", "orders", "--kind", "full").out
    asked_at = time.monotonic()
    _until(lambda: len(watched.snapshots()) == 2, "the full backup that was asked for is there")
    print(f"taken {time.monotonic() - asked_at:.1f} s after the trigger")

    watched.good("pause", "--for", "2h", "--reason", "moving the disks")
    _until(lambda: "reconciler_loop_paused 1.0" in _metrics(watched), "the metrics say that it is paused")
    assert ": moving the disks; nothing is begun" in watched.good("status").out
    assert "is paused until" in watched.good("trigger", "orders", "--kind", "full").out
    (watched.specs / "letters.yaml").write_text(SYSTEM.format(name="letters", path=watched.source))
    _until(
        lambda: 'reconciler_condition{condition="BackupFresh",kind="System",name="letters"} 0.0' in _metrics(watched), "it tells the truth"
    )
    time.sleep(3)
    assert len(watched.snapshots()) == 2
    watched.good("resume")
    _until(lambda: len(watched.snapshots()) == 4, "what waited is done, and the new system is backed up")
    _end(loop)
    verbs = [json.loads(line)["verb"] for line in (watched.state / "audit.jsonl").read_text().splitlines()]
    assert [verb for verb in verbs if verb in {"trigger", "pause", "resume"}] == ["trigger", "pause", "trigger", "resume"]


def test_a_hook_that_hangs_holds_up_neither_metrics_nor_other_systems_nor_the_end(watched: World) -> None:
    hanging = program(watched.folder / "bin", "sleep 600")
    (watched.specs / "stuck.yaml").write_text(
        SYSTEM.format(name="stuck", path=watched.source) + f"  hooks: {{before: [{{command: [{hanging}], timeout: 1h}}]}}\n"
    )
    loop = _watch(watched, "--allow-commands", watched.folder / "bin")
    _until(lambda: {system for system, _ in watched.snapshot_table()} == {"orders"}, "the other system is backed up")
    slowest = 0.0
    for _ in range(20):
        asked_at = time.monotonic()
        assert 'system="stuck"' in _metrics(watched)
        slowest = max(slowest, time.monotonic() - asked_at)
    print(f"slowest answer of /metrics beside a hanging hook: {slowest:.3f} s")
    assert slowest < 2
    (watched.specs / "letters.yaml").write_text(SYSTEM.format(name="letters", path=watched.source))
    _until(lambda: "letters" in dict(watched.snapshot_table()), "a new system is backed up beside it")
    _end(loop)
    assert subprocess.run(["pgrep", "-f", f"^/bin/sh {hanging}"], check=False, capture_output=True).stdout == b"", "nothing of it runs on"
    assert any(reason == "BackupCancelled" for reason, _ in _runs(watched))
