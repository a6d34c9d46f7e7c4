"""A year of backups each quarter of an hour, every one of which stores something: what upkeep leaves of 35,040 index objects.

The repository, the decision when to clean up, the clean-up and the retention are the real ones; only the hours pass faster, and objects
are dated by them. The source is a handful of small files, of which each run finds two changed.

    python -m benchmarks.year --work /dev/shm/year                # twenty minutes
    python -m benchmarks.year --work /dev/shm/year --runs 2000
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct, field

from reconciler.base.files import Disk
from reconciler.base.secret import Secret
from reconciler.decide.maintenance import plan_maintenance
from reconciler.decide.retention import judge
from reconciler.decide.scene import Scene
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed, RepositoryState
from reconciler.observe.repositories import state_of
from reconciler.repository import Cache, Repository, TakeRequest
from reconciler.repository.store import LocalStore
from reconciler.spec import Cache as ParseCache
from reconciler.spec import load
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import Scan, ScanRoot
from reconciler.tree.write import Target

RUNS = 35_040
EVERY = timedelta(minutes=15)
_FILES, _CHANGED, _FILE_BYTES = 60, 2, 2_000
_LOOKS = 4  # an observation an hour, the rarest that the loop makes of a repository which it backs up to
_SPECS = """apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec: {{realm: year}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: main}}
spec: {{url: {place}, key: {{file: {key}}}, maintenance: {{prune: {{every: 7d}}}}}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {{name: plain}}
spec: {{repositories: [main], retention: {{{retention}}}}}
---
apiVersion: reconciler/v1
kind: System
metadata: {{name: files}}
spec: {{tier: low, policy: plain, host: here, sources: [{{path: {source}}}]}}
"""
RETENTION = "keepWithin: 2d, daily: 14, weekly: 8, monthly: 12"


class Clock:
    """Set by the year."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class Dated(Disk):
    """Dates what is published by the clock of the year, and makes nothing durable: nobody needs it after the measurement."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def sync(self, handle: int) -> None: ...

    def sync_folder(self, path: str) -> None: ...

    def publish(self, temporary: str, final: str) -> None:
        super().publish(temporary, final)
        os.utime(final, (self._clock.at.timestamp(),) * 2)


class Counted(Struct):
    """What was seen in the course of the year."""

    runs: int = 0
    index_objects_max: int = 0
    clean_ups: list[str] = field(default_factory=list)
    """Why each of them was made."""
    index_objects: int = 0
    packs: int = 0
    snapshots: int = 0
    """At its end."""


class Year:
    """One repository through the year. ``retention``: as a spec says it; empty: everything is kept."""

    def __init__(self, work: Path, *, begins: datetime, retention: str = RETENTION) -> None:
        self.source, self.place, self._target = work / "source", work / "repository", work / "restored"
        key, specs = work / "key", work / "specs"
        for folder in (self.source, specs):
            folder.mkdir(parents=True)
        key.write_text("5a" * 32)
        key.chmod(0o600)
        (specs / "all.yaml").write_text(_SPECS.format(place=self.place, key=key, source=self.source, retention=retention))
        self.clock = Clock(begins)
        self.desired: Desired = load(specs, last_good={}, cache=ParseCache()).desired
        store = LocalStore(str(self.place), Dated(self.clock))
        secret = Secret(key.read_bytes())
        Repository.init(str(self.place), secret, created_at=begins, store=store).close()
        self.repository = Repository.open(str(self.place), secret, store=store, cache=Cache(None), clock=self.clock)
        self.counted = Counted()
        self._chance = random.Random(4)
        self._pruned: dict[str, datetime] = {}
        self._doomed: set[str] = set()
        for number in range(_FILES):
            self._write(number)

    def run(self, runs: int, told: Callable[[Counted], object] | None = None) -> Counted:
        """Let so many quarters of an hour pass. ``told``: after each thousand."""
        base = None
        for number in range(runs):
            self.clock.at += EVERY
            for _ in range(_CHANGED):
                self._write(self._chance.randrange(_FILES))
            base = self._back_up(base)
            self.counted.runs += 1
            self.counted.index_objects_max = max(self.counted.index_objects_max, self._count("index"))
            if number % _LOOKS == 0:
                self._look_after()
            if told is not None and number % 1000 == 999:
                told(self.counted)
        self.counted.index_objects, self.counted.snapshots = self._count("index"), self._count("snapshots")
        self.counted.packs = sum(path.is_file() for path in (self.place / "packs").rglob("*"))
        return self.counted

    def restores(self) -> bool:
        """Whether the newest and the oldest snapshot come back, the newest as the source is now."""
        roots = self.repository.listing(anew=True).roots
        for root in (roots[-1], roots[0]):
            shutil.rmtree(self._target, ignore_errors=True)
            with Target.open(str(self._target)) as target:
                if self.repository.restore(root.id, target).failures:
                    return False
        return _digest(self._target / str(self.source).lstrip("/")) == _digest(self.source)

    def _write(self, number: int) -> None:
        path = self.source / f"{number:02}.txt"
        path.write_bytes(self._chance.randbytes(_FILE_BYTES))
        os.utime(path, (self.clock.at.timestamp() - 60,) * 2)

    def _back_up(self, base: str | None) -> str:
        request = TakeRequest(
            realm="year",
            system="files",
            host="here",
            kind="incremental" if base else "full",
            as_of=self.clock.at,
            generation="one",
            specs=b"{}",
            compression=("zstd", None),
            checksums=("sha256",),
            writer="f" * 32,
            paths=(str(self.source),),
        )
        scan = Scan([ScanRoot(str(self.source), Excludes(()))])
        root = self.repository.take(scan, request, base=base, judge=lambda defects: "partial" if defects else "complete").root
        if root is None or root.grade != "complete":
            raise RuntimeError("a run of the year stored nothing")
        return root.id

    def _look_after(self) -> None:
        """As a pass of the loop: clean up when the decision says so; what retention lets go is removed a day later."""
        state = self._observed()
        scene = Scene.of(self.desired, Observed(self.clock.at, "here", {"main": state}, pruned=self._pruned), self.clock.at)
        for action in plan_maintenance(scene):
            self.repository.clean_up(gradual=True)
            self._pruned["main"] = self.clock.at
            self.counted.clean_ups.append(action.reason)
        (system,) = self.desired.systems
        going = {v.snapshot.id for v in judge(scene.snapshots("files", "main"), system.retention, self.clock.at) if not v.keep}
        if self.clock.at.hour == 3:
            self.repository.forget(sorted(going & self._doomed))
            self._doomed = going

    def _observed(self) -> RepositoryState:
        listing, small, _free = self.repository.overview()
        state = state_of("main", self.repository.id, listing, None, self.clock.at)
        return RepositoryState(
            state.name, state.listed_at, reachable=True, fresh=state.fresh, id=state.id, snapshots=state.snapshots, small_indexes=small
        )

    def _count(self, folder: str) -> int:
        return len(os.listdir(self.place / folder))


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        whole.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def main() -> None:
    """Print what was counted."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.year", description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--work", type=Path, required=True, help="an empty or new folder")
    words.add_argument("--runs", type=int, default=RUNS)
    words.add_argument("--keep-all", action="store_true", help="no retention: every snapshot stays")
    asked = words.parse_args()
    asked.work.mkdir(exist_ok=True)
    began = os.times()
    year = Year(asked.work, begins=datetime.now(UTC) - EVERY * asked.runs, retention="" if asked.keep_all else RETENTION)
    counted = year.run(
        asked.runs, lambda so_far: print(f"{so_far.runs:,} runs, at most {so_far.index_objects_max} index objects", file=sys.stderr)
    )
    ended = os.times()
    whole = year.restores()
    print(
        f"{counted.runs:,} runs: at most {counted.index_objects_max} index objects, {counted.index_objects} at the end, "
        f"{counted.packs} packs, {counted.snapshots:,} snapshots"
    )
    print(f"{len(counted.clean_ups)} clean-ups, {counted.clean_ups.count('index-crowded')} of them for the index")
    print(f"{ended.user + ended.system - began.user - began.system:.0f} s of CPU; restores: {'as they were' if whole else 'DAMAGED'}")


if __name__ == "__main__":
    main()
