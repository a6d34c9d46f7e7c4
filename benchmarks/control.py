"""``python -m benchmarks.control``: what the control plane costs by itself, from 100 to 10,000 systems in two repositories.

No repository is listed and nothing is backed up: what is measured is reading specs and catalog, deciding, recording and publishing, with
fifty snapshots of each system in each repository. Each size has a process of its own, so that memory is that of the size; a second one
starts again beside what the first has left, and a third without its answers. Seconds are of their CPU. They follow the machine, and one
and the same may be twice as slow on another day: the last row says how long ten million additions took beside them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from reconciler.app.house import House, agent_name
from reconciler.app.memory import Memory
from reconciler.app.steady import SteadyPass
from reconciler.base.clock import SystemClock
from reconciler.base.ids import new_id
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.records import RunOutcome
from reconciler.decide.plan import plan
from reconciler.metrics.exposition import written
from reconciler.model.observed import RepositoryState
from reconciler.model.snapshot import BackupKind, Grade, Snapshot

SIZES = (100, 500, 2_000, 10_000)
SNAPSHOTS = 50
PER_FILE = 50
START = "cold start, s"
YARDSTICK = "ten million additions, s"
FULL = 33
"""The snapshot that is a full backup: some days old, so that no other one is due."""
REALM = "benchmark"
REPOSITORIES = ("main", "offsite")
_SHARED = """apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec: {{realm: benchmark, observeEvery: 1d, records: {{repositories: []}}}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: main}}
spec: {{url: {root}/main, key: {{file: {root}/main.key}}, failureDomain: {{site: office}}}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: offsite}}
spec: {{url: {root}/offsite, key: {{file: {root}/offsite.key}}, failureDomain: {{site: elsewhere}}}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {{name: standard}}
spec:
  repositories: [main, offsite]
  schedule: {{full: {{every: 7d}}, incremental: {{every: 1h}}}}
  retention: {{keepWithin: 2d, daily: 14, weekly: 8, minimum: 3}}
"""
_SYSTEM = """apiVersion: reconciler/v1
kind: System
metadata: {{name: {name}, labels: {{team: shop}}}}
spec:
  tier: high
  policy: standard
  copies: {{count: 2, offsite: 1}}
  sources: [{{path: {root}/data/{name}, exclude: ["*.tmp"]}}]
  failureDomain: {{site: office}}
"""


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m benchmarks.control", description=__doc__)
    words.add_argument("--sizes", default=",".join(map(str, SIZES)))
    words.add_argument("--measure", nargs=2, metavar=("SYSTEMS", "DIR"), help="one size, in this process; prints JSON")
    asked = words.parse_args()
    if asked.measure:
        print(json.dumps(_measure(int(asked.measure[0]), Path(asked.measure[1]))))
        return
    rows = {size: _in_its_own_process(size) for size in map(int, asked.sizes.split(","))}
    print(table(rows))


def table(rows: dict[int, dict[str, float]]) -> str:
    """One line per figure, one column per size."""
    lines = ["| | " + " | ".join(f"{size:,} systems" for size in rows) + " |", "|---|" + "---:|" * len(rows)]
    figures = next(iter(rows.values()))
    lines += [f"| {figure} | " + " | ".join(f"{row[figure]:.3g}" for row in rows.values()) + " |" for figure in figures]
    return "\n".join(lines)


def _in_its_own_process(size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="reconciler-control-") as folder:
        build(size, Path(folder))
        command = [sys.executable, "-m", "benchmarks.control", "--measure", str(size), folder]

        def run() -> dict[str, float]:
            found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            return found

        first, again = run(), run()
        (Path(folder) / "state" / "cache" / "answers").unlink()
        anew = run()
    yardstick = (first.pop(YARDSTICK) + again[YARDSTICK] + anew[YARDSTICK]) / 3
    starts = {"start again, s": again[START], "start again, everything decided anew, s": anew[START]}
    return {START: first.pop(START), **starts, **first, YARDSTICK: yardstick}


def build(size: int, root: Path) -> None:
    """Specs, sources and a catalog that has listed everything half an hour ago."""
    specs = root / "specs"
    specs.mkdir()
    (specs / "shared.yaml").write_text(_SHARED.format(root=root))
    names = [f"system-{number:05}" for number in range(size)]
    for start in range(0, size, PER_FILE):
        documents = [_SYSTEM.format(root=root, name=name) for name in names[start : start + PER_FILE]]
        (specs / f"systems-{start:05}.yaml").write_text("---\n".join(documents))
    for name in names:
        folder = root / "data" / name
        folder.mkdir(parents=True)
        (folder / "file").touch()
    clock = SystemClock()
    now = clock.now()
    ages = [_ago(number) for number in range(SNAPSHOTS)]
    with Catalog.open(root / "state" / "catalog.sqlite", clock=clock) as catalog:
        for repository in REPOSITORIES:
            snapshots = tuple(
                _snapshot(f"{name}/{age}", name, repository, now - ages[age], full=age == FULL)
                for name in names
                for age in range(SNAPSHOTS)
            )
            catalog.put_repository(RepositoryState(repository, now, reachable=True, fresh=True, id=new_id(), snapshots=snapshots))
        _remember_runs(catalog, names, now - timedelta(minutes=30))


def _remember_runs(catalog: Catalog, names: Sequence[str], at: datetime) -> None:
    from reconciler.catalog import runs

    with catalog._store.writing() as connection:  # in one transaction: what is measured is reading it
        for name in names:
            intent = runs.Intent("backup", name, "main", "objective", "incremental", "g", "schedule", at)
            ending = runs.Ending(RunOutcome.SUCCEEDED, at + timedelta(seconds=4), bytes=10**9, added_bytes=10**6)
            runs.end(connection, runs.begin(connection, intent), ending)


def _ago(number: int) -> timedelta:
    """What retention has left of a system of some months: an hour apart, then a day, then a week."""
    hours, days = min(number, 30), min(max(number - 30, 0), 12)
    return timedelta(minutes=30, hours=hours, days=days + 7 * max(number - 42, 0))


def _snapshot(about: str, system: str, repository: str, at: datetime, *, full: bool = False) -> Snapshot:
    """The same id in every repository: the second holds copies."""
    kind = BackupKind.FULL if full else BackupKind.INCREMENTAL
    snapshot_id = hashlib.sha256(about.encode()).hexdigest()[:32]
    return Snapshot(
        snapshot_id, repository, REALM, system, "host", kind, at, at, at, Grade.COMPLETE, 100, 10**9, 10**6, None, 0, ()
    )  # fmt: skip


def _measure(size: int, root: Path) -> dict[str, float]:
    started = time.process_time()
    clock = SystemClock()
    memory = Memory(root / "state", clock, read_only=False)
    house = House(root / "specs", memory, agent_name(None), (), clock)
    passes = SteadyPass(house, memory.writing(), 0, None)
    passes._is_first = False  # listing is the work of the repositories
    tick: Callable[[], object] = lambda: passes.tick(jump=None, under_way=frozenset())  # noqa: E731
    tick()
    cold = time.process_time() - started
    idle = min(_seconds(tick) for _ in range(3))
    _change(memory.writing(), max(1, size // 100), clock)
    changed = _seconds(tick)
    scene = next(iter(passes._decided.values()), None)
    deciding = _seconds(lambda: plan(scene.desired, scene.observed, scene.now)) if scene is not None else 0.0
    status = passes.tick(jump=None, under_way=frozenset()).board.status
    metrics = _seconds(lambda: written(status))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    passes.close()
    memory.close()
    return {
        START: cold,
        "idle tick, s": idle,
        "tick after 1 % changed, s": changed,
        "deciding from nothing, s": deciding,
        "/metrics, s": metrics,
        "peak memory, MB": peak,
        YARDSTICK: _seconds(_add),
    }


def _change(catalog: Catalog, count: int, clock: SystemClock) -> None:
    """One more snapshot of so many systems."""
    state = catalog.repositories()["main"]
    names = sorted({snapshot.system for snapshot in state.snapshots})[:count]
    now = clock.now()
    new = tuple(_snapshot(f"{name}/{now}", name, "main", now) for name in names)
    catalog.put_repository(replace(state, snapshots=new + state.snapshots, listed_at=now))


def _add() -> None:
    total = 0
    for number in range(10_000_000):
        total += number


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
