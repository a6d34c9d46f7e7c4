"""The whole machine as an operator sees it: `reconcile --watch` over a spec tree, a real Prometheus beside it, and a person who edits.

One story, told in order: each step needs the state that the one before has left.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real.conftest import Prometheus, Series, free_port

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

SETTINGS = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec: {{realm: quiet-otter-41, records: {{repositories: []}}, listen: "127.0.0.1:{port}", interval: 1s}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: main}}
spec: {{url: ../repository, key: {{file: ../repository.key}}}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {{name: standard}}
spec:
  repositories: [main]
  schedule: {{incremental: {{every: 4s}}}}
  retention: {{keepWithin: 7d, minimum: 3}}
"""

SYSTEM = """\
apiVersion: reconciler/v1
kind: System
metadata: {{name: {name}}}
spec:
  tier: critical
  policy: standard
  owner: office
  objectives: {{rpo: {rpo}}}
  sources: [{{path: ../data/{name}}}]
"""


class Tree:
    """The folder a person edits, with the data and the repository beside it."""

    def __init__(self, root: Path, port: int) -> None:
        self.root, self.port = root, port
        self.specs = root / "specs"
        self.specs.mkdir()
        (self.specs / "settings.yaml").write_text(SETTINGS.format(port=port), encoding="utf-8")

    def declare(self, name: str, rpo: str = "15m") -> None:
        """Give the system something to lose, then declare it."""
        data = self.root / "data" / name
        data.mkdir(parents=True, exist_ok=True)
        (data / "letter.txt").write_text(f"dear {name}\n" * 1000, encoding="utf-8")
        self.write(name, SYSTEM.format(name=name, rpo=rpo))

    def write(self, name: str, text: str) -> None:
        (self.specs / f"{name}.yaml").write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.specs / f"{name}.yaml").read_text(encoding="utf-8")

    def remove(self, name: str) -> None:
        (self.specs / f"{name}.yaml").unlink()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    tree = Tree(tmp_path_factory.mktemp("office"), free_port())
    tree.declare("letters")
    tree.declare("ledger", rpo="1h")
    return tree


@pytest.fixture(scope="module")
def watch(tree: Tree) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "reconciler.cli.main", "--specs", str(tree.specs), "--state", str(tree.root / "state")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with (tree.root / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--watch", "--init"], stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=tree.root)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait(20)
    print((tree.root / "log").read_text(encoding="utf-8", errors="replace"))  # shown by pytest beside a failure


@pytest.fixture(scope="module")
def scraped(tree: Tree, watch: subprocess.Popen[bytes], prometheus: Callable[[str], Prometheus]) -> Prometheus:
    return prometheus(f"127.0.0.1:{tree.port}")


def _value(wanted: float) -> Callable[[Series], bool]:
    return lambda answer: bool(answer) and all(value == wanted for _, value in answer)


def _above(bound: float) -> Callable[[Series], bool]:
    return lambda answer: bool(answer) and all(value > bound for _, value in answer)


def _gone(answer: Series) -> bool:
    return answer == []


def test_a_spec_tree_is_protected_and_prometheus_sees_each_edit(
    tree: Tree, watch: subprocess.Popen[bytes], scraped: Prometheus, promtool: str
) -> None:
    begun_at = time.time() - 60

    # The loop creates the repository and takes the first backups.
    scraped.until('up{job="reconciler"}', _value(1), seconds=60)
    for name in ("letters", "ledger"):
        scraped.until(f'reconciler_recovery_point_timestamp_seconds{{system="{name}", repository="main"}}', _above(begun_at), seconds=60)
        scraped.until(f'reconciler_condition{{kind="System", name="{name}", condition="BackupFresh"}}', _value(1))
    assert scraped.ask('reconciler_rpo_target_seconds{system="letters"}')[0][1] == 900
    assert scraped.ask('reconciler_system_info{system="letters", tier="critical", policy="standard", owner="office"}')
    assert scraped.ask('reconciler_repository_up{repository="main"}')[0][1] == 1
    assert scraped.ask('reconciler_repository_free_bytes{repository="main"}')[0][1] > 0
    assert scraped.ask('reconciler_actions_total{action="backup"}')[0][1] >= 2
    assert scraped.ask('reconciler_actions_failed_total{action="backup"}')[0][1] == 0
    assert scraped.ask('reconciler_backup_last_bytes{system="letters"}')[0][1] == len("dear letters\n") * 1000
    assert scraped.ask("reconciler_spec_last_load_successful")[0][1] == 1
    with urllib.request.urlopen(f"http://127.0.0.1:{tree.port}/metrics", timeout=10) as exposition:
        check = subprocess.run([promtool, "check", "metrics"], input=exposition.read(), capture_output=True, check=False)
    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")

    # Nothing changes on disk, yet the recovery point moves on: each scan confirms that the snapshot still describes the source.
    # The first scan came within a moment of the files, too close to trust their times; the second one reads them once more.
    point = 'reconciler_recovery_point_timestamp_seconds{system="letters"}'
    second = scraped.until(point, _above(scraped.ask(point)[0][1]))[0][1]
    snapshots = scraped.ask('reconciler_snapshots{system="letters"}')
    scraped.until(point, _above(second))
    assert scraped.ask('reconciler_snapshots{system="letters"}') == snapshots

    # A person declares one more system, and edits an objective.
    tree.declare("invoices", rpo="30m")
    tree.declare("letters", rpo="20m")
    scraped.until('reconciler_rpo_target_seconds{system="letters"}', _value(1200))
    scraped.until('reconciler_rpo_target_seconds{system="invoices"}', _value(1800))
    scraped.until('reconciler_recovery_point_timestamp_seconds{system="invoices"}', _above(begun_at))

    # A slip of the keyboard: it shows, and the broken system is still protected as it was last understood.
    sound = tree.read("ledger")
    tree.write("ledger", sound.replace("tier: critical", "teir: critical"))
    scraped.until("reconciler_spec_last_load_successful", _value(0))
    broken_at = scraped.ask('reconciler_recovery_point_timestamp_seconds{system="ledger"}')[0][1]
    assert scraped.ask('reconciler_rpo_target_seconds{system="ledger"}')[0][1] == 3600
    scraped.until('reconciler_recovery_point_timestamp_seconds{system="ledger"}', _above(broken_at))
    tree.write("ledger", sound)
    scraped.until("reconciler_spec_last_load_successful", _value(1))

    # A system that is no longer declared leaves the metrics.
    tree.remove("invoices")
    scraped.until('{system="invoices"}', _gone)
    assert scraped.ask('reconciler_system_info{system="letters"}')

    assert scraped.ask("time() - reconciler_loop_last_success_timestamp_seconds")[0][1] < 15

    # The service manager stops it.
    watch.send_signal(signal.SIGTERM)
    assert watch.wait(30) == 143
    log = (tree.root / "log").read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in log
    scraped.until('up{job="reconciler"}', _value(0))
