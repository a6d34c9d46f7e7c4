"""The loop as a supervisor sees it: it is alone, it notices edits, it answers, and it stops when told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from e2e_world import SYSTEM, World, codes, describe, fill, finish

from reconciler.catalog.catalog import Catalog

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
PATIENCE_SECONDS = 60.0  # what a busy machine may need, not what is promised


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(question: Callable[[], bool], what: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < end, f"waited {PATIENCE_SECONDS} s in vain until {what}"
        assert process.poll() is None, f"the loop ended before {what}: {finish(process).text}"
        time.sleep(0.1)


def _get(world: World, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{world.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def _watch(world: World) -> subprocess.Popen[bytes]:
    process = world.start("--watch")
    _until(lambda: _get(world, "/readyz")[0] == 200, "/readyz says ready", process)
    return process


@pytest.fixture
def watched(world: World) -> World:
    world.port = _free_port()
    fill(world.source, small=30)
    world.declare()
    world.good("repository", "init", "main")
    return world


def _standing_by(world: World) -> subprocess.Popen[bytes]:
    process = world.start("--watch")
    assert process.stderr is not None
    while b"standing by" not in (line := process.stderr.readline()):
        assert line, "it ended instead of standing by"
    return process


def _serves(world: World, process: subprocess.Popen[bytes]) -> bool:
    """Whether this process, and not another one, runs the loop."""
    with Catalog.peek(world.state / "catalog.sqlite") as catalog:
        holder = catalog.lease_holder()
    return holder is not None and holder.pid == process.pid and _get(world, "/readyz")[0] == 200


def test_a_single_pass_is_refused_beside_a_loop_which_stops_when_told(watched: World) -> None:
    first = _watch(watched)
    second = watched.run()
    assert second.code == 5, second.text
    assert len(codes(second.text)) == 1
    first.send_signal(signal.SIGTERM)
    assert finish(first, within=20).code == 143
    again = _watch(watched)
    again.send_signal(signal.SIGINT)
    assert finish(again, within=20).code == 130


def test_a_second_loop_stands_by_and_takes_over_within_seconds_after_a_kill(watched: World) -> None:
    first = _watch(watched)
    second = _standing_by(watched)
    third = _standing_by(watched)
    assert _serves(watched, first)
    killed_at = time.monotonic()
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    _until(lambda: _serves(watched, second) or _serves(watched, third), "one of those who waited works", second)
    print(f"taken over {time.monotonic() - killed_at:.1f} s after the kill")
    assert time.monotonic() - killed_at < 10
    worker, waiter = (second, third) if _serves(watched, second) else (third, second)
    worker.send_signal(signal.SIGTERM)
    assert finish(worker, within=20).code == 143
    _until(lambda: _serves(watched, waiter), "the last one works", waiter)
    waiter.send_signal(signal.SIGTERM)
    assert finish(waiter, within=20).code == 143


def test_a_frozen_loop_loses_its_lease_and_begins_nothing_when_it_wakes_up(watched: World) -> None:
    first = _watch(watched)
    _until(lambda: "orders" in dict(watched.snapshot_table()), "the first backup is there", first)
    second = _standing_by(watched)
    os.killpg(first.pid, signal.SIGSTOP)
    watched.port, waited = _free_port(), time.monotonic()  # the frozen one still has the old one open
    watched.declare()
    _until(lambda: _serves(watched, second), "the other one has taken over", second)
    print(f"taken over {time.monotonic() - waited:.1f} s after the stop")
    os.killpg(first.pid, signal.SIGCONT)
    ended = finish(first, within=20)
    assert (ended.code, codes(ended.text)) == (5, {"catalog-lease-lost"}), ended.text
    assert _serves(watched, second)
    second.send_signal(signal.SIGTERM)
    assert finish(second, within=20).code == 143


def test_a_loop_that_was_killed_needs_nobody(watched: World) -> None:
    first = _watch(watched)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    second = _watch(watched)
    second.send_signal(signal.SIGTERM)
    assert finish(second, within=20).code == 143


def test_a_new_system_is_backed_up_soon_after_its_spec_is_written(watched: World) -> None:
    process = _watch(watched)
    _until(lambda: "orders" in dict(watched.snapshot_table()), "the first system is backed up", process)
    letters = watched.folder / "letters"
    letters.mkdir()
    (letters / "one.txt").write_text("dear reader")
    begin = time.monotonic()
    (watched.specs / "letters.yaml").write_text(SYSTEM.format(name="letters", path=letters))
    _until(lambda: "letters" in dict(watched.snapshot_table()), "the new system is backed up", process)
    assert time.monotonic() - begin < 15
    assert "reconciler_system_info{" in _get(watched, "/metrics")[1]
    assert 'system="letters"' in _get(watched, "/metrics")[1]
    process.send_signal(signal.SIGTERM)
    assert finish(process, within=20).code == 143


def test_a_broken_edit_is_reported_and_stops_nothing(watched: World) -> None:
    process = _watch(watched)
    _until(lambda: "orders" in dict(watched.snapshot_table()), "the first system is backed up", process)
    (watched.specs / "orders.yaml").write_text("kind: System\nspec: {sources: [")
    _until(lambda: "reconciler_spec_last_load_successful 0.0" in _get(watched, "/metrics")[1], "the broken spec shows", process)
    assert "reconciler_system_info{" in _get(watched, "/metrics")[1], "the last good version still stands"
    assert _get(watched, "/healthz")[0] == 200
    watched.declare()
    _until(lambda: "reconciler_spec_last_load_successful 1.0" in _get(watched, "/metrics")[1], "the repaired spec shows", process)
    process.send_signal(signal.SIGTERM)
    assert finish(process, within=20).code == 143


def test_a_restore_does_not_wait_for_a_running_loop(watched: World) -> None:
    process = _watch(watched)
    _until(lambda: "orders" in dict(watched.snapshot_table()), "the first system is backed up", process)
    assert watched.restored("orders") == describe(watched.source)
    watched.good("status")
    process.send_signal(signal.SIGTERM)
    finish(process, within=20)
