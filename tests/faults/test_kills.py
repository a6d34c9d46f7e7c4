"""Processes that are really killed, at each of their mutating calls, and asked to end, at any moment."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import victims
from tests.faults.disks import Counting
from tests.faults.world import look
from tests.unit.repository.conftest import Bench

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
MAIN = "from reconciler.cli.entry import main; main()"
TERMS = 10
SPECS = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec: {{realm: faults-otter-3, records: {{repositories: []}}}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: main}}
spec: {{url: {folder}/repository, key: {{file: {folder}/main.key}}}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {{name: standard}}
spec:
  repositories: [main]
  schedule: {{full: {{every: 30d}}, incremental: {{every: 12h}}}}
  retention: {{daily: 7, minimum: 3}}
---
apiVersion: reconciler/v1
kind: System
metadata: {{name: orders}}
spec: {{tier: low, policy: standard, sources: [{{path: {folder}/source}}]}}
"""


def _killed(act: str, bench: Bench, at: int) -> bool:
    """Whether the process died by the signal; it must not end in any other way than that or well."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.victims"])
    process = context.Process(target=victims.die, args=(act, str(bench.source), str(bench.place), at))
    process.start()
    process.join(60)
    assert process.exitcode in {0, -signal.SIGKILL}, f"{act} killed at call {at} ended with {process.exitcode}"
    return process.exitcode != 0


@pytest.mark.parametrize("act", sorted(victims.ACTS))
def test_a_process_killed_at_any_call_leaves_nothing_to_repair(bench: Bench, faults: Callable[[str, int], None], act: str) -> None:
    kills = 0
    for number in range(3):
        (bench.source / "changing").write_bytes(os.urandom(20_000))
        bench.take(kind="full" if number == 0 else "incremental", base=None if number == 0 else bench.open().listing().roots[0].id)
    origin = Bench(bench.source, bench.place.parent / "origin")
    origin.init()
    calls = at = 1
    while at <= calls:
        (bench.source / "changing").write_bytes(os.urandom(20_000))
        if act == "copy":
            origin.take(kind="full")
            origin.open().forget([root.id for root in origin.open().listing().roots[1:]])
        if act == "clean_up" and at > 1:
            bench.open().forget([bench.open().listing().roots[-1].id])
        if at == 1:  # this one lives, and says how many calls there are
            counting = Counting()
            victims.ACTS[act](bench, counting)
            calls = counting.number
        truth = look(bench.open).content
        oldest = bench.open().listing().roots[-1].id
        kills += _killed(act, bench, at)
        seen = look(bench.open)
        assert not seen.errors, f"{act} killed at call {at}"
        for snapshot, entries in truth.items():
            if snapshot != oldest or act != "forget":
                assert seen.content.get(snapshot) == entries, f"{act} killed at call {at} changed an earlier snapshot"
        after = bench.take(base=bench.open().listing().roots[0].id)
        assert not after.damage
        assert bench.open().verify(bench.open().listing().roots[0].id).intact
        bench.open().forget([root.id for root in bench.open().listing().roots[3:]])
        at += 1
    assert kills >= calls // 2
    faults("real SIGKILLs", kills)


def _reconcile(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER_")}
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, "--specs", str(folder / "specs"), "--state", str(folder / "state"), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        start_new_session=True,
    )


def _ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    text = (out + err).decode(errors="replace")
    assert "Traceback" not in text, text
    return process.returncode, text


def test_a_backup_asked_to_end_at_any_moment_ends_soon_and_is_continued(tmp_path: Path, faults: Callable[[str, int], None]) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "source").mkdir()
    (tmp_path / "specs" / "all.yaml").write_text(SPECS.format(folder=tmp_path))
    assert _ended(_reconcile(tmp_path, "--init"))[0] == 0
    chance, hits, late = random.Random("terms"), 0, 1.0
    unfinished = tmp_path / "repository" / "tmp"
    for number in range(4 * TERMS):
        (tmp_path / "source" / "noise").write_bytes(chance.randbytes(40_000_000))
        process = _reconcile(tmp_path, "backup", "create", "orders")
        if number % 4:  # the others are asked while they still start
            while process.poll() is None and not os.listdir(unfinished):
                time.sleep(0.002)
        time.sleep(chance.random() * 0.4 * late)
        asked = time.monotonic()
        running = process.poll() is None
        if running:
            # While the interpreter still starts, only SIGTERM: Python itself answers a SIGINT then, with a traceback.
            os.kill(process.pid, signal.SIGINT if number % 4 and number % 3 == 0 else signal.SIGTERM)
        code, text = _ended(process)
        assert time.monotonic() - asked < 15, "it does not end soon"
        if code == 0 or not running:
            late *= 0.8
            continue
        assert code in {130, 143, -signal.SIGTERM, -signal.SIGINT}, text
        hits += 1
        if hits == TERMS:
            break
    code, text = _ended(_reconcile(tmp_path, "backup", "create", "orders"))
    assert code == 0, text
    code, text = _ended(_reconcile(tmp_path, "verify"))
    assert code == 0, text
    faults("real SIGTERMs", hits)
