"""A backup each 15 minutes on a virtual clock: what a first look from a new machine must read stays small, because clean-ups come when
needed.

A real repository, the real decision when to clean up, the real retention. More than two days in every run; ``RECONCILER_QUARTERS=35040`` is
a year.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec import Struct, field

from reconciler.base.files import Disk
from reconciler.base.secret import Secret
from reconciler.decide.plan import plan
from reconciler.decide.retention import judge
from reconciler.model.declared.policy import Retention
from reconciler.model.declared.repository import Maintenance, Prune
from reconciler.model.observed import RepositoryState
from reconciler.model.plan import ActionKind
from reconciler.observe.repositories import observe_one
from reconciler.repository import Repository, TakeRequest
from reconciler.repository.store import LocalStore
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import Scan, ScanRoot
from tests.fakes.clocks import FakeClock
from tests.fakes.houses import quick_folder
from tests.fakes.worlds import AGENT, REALM, desired, observed, repository, system

pytestmark = pytest.mark.slow

QUARTERS = int(os.environ.get("RECONCILER_QUARTERS", "230"))
EVERY = timedelta(minutes=15)
COLD_MAX = 200
KEY = Secret(b"5a" * 32)
MONTHLY = repository(maintenance=Maintenance(prune=Prune(every=timedelta(days=30))))
BUILT_IN = Retention(keep_within=timedelta(days=2), daily=14, weekly=8, monthly=12, minimum=3)


class Unsynced(Disk):
    """There is no power cut in this story."""

    def sync(self, handle: int) -> None: ...

    def sync_folder(self, path: str) -> None: ...


class Year(Struct):
    """One source with forty small files of which two change between two backups, and its repository."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    pruned: dict[str, datetime] = field(default_factory=dict)
    content: random.Random = field(default_factory=lambda: random.Random(11))

    def __post_init__(self) -> None:
        self.source.mkdir()
        Repository.init(str(self.folder / "repository"), KEY, created_at=self.clock.now()).close()
        self.change(range(40))

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def store(self) -> LocalStore:
        return LocalStore(str(self.folder / "repository"), Unsynced())

    def open(self) -> Repository:
        return Repository.open(self.store.url, KEY, clock=self.clock, store=self.store)

    def change(self, numbers: range | list[int]) -> None:
        at = (self.clock.now() - timedelta(minutes=1)).timestamp()
        for number in numbers:
            file = self.source / f"{number:02}"
            file.write_bytes(self.content.randbytes(300))
            os.utime(file, (at, at))

    def back_up(self, base: str | None) -> str:
        request = TakeRequest(
            realm=REALM,
            system="orders",
            host=AGENT,
            kind="incremental" if base else "full",
            as_of=self.clock.now(),
            generation="",
            specs=b"{}",
            writer="f" * 32,
            paths=(str(self.source),),
            compression=("zstd", None),
            checksums=("sha256",),
        )
        with self.open() as opened:
            taken = opened.take(Scan([ScanRoot(str(self.source), Excludes(()))]), request, base=base, judge=lambda defects: "complete")
        assert taken.root is not None
        at = self.clock.now().timestamp()
        os.utime(self.folder / "repository" / "snapshots" / taken.root.id, (at, at))
        return taken.root.id

    def look(self) -> RepositoryState:
        return observe_one(MONTHLY, RepositoryState("main", None, reachable=False), opener=lambda _: self.open(), now=self.clock.now())

    def care(self, state: RepositoryState) -> bool:
        """Forget as declared, clean up when that is due; whether it was."""
        gone = [verdict.snapshot.id for verdict in judge(state.snapshots, BUILT_IN, self.clock.now()) if not verdict.keep]
        world = observed(state, pruned=self.pruned, at=self.clock.now())
        due = [a for a in plan(desired(system(retention=BUILT_IN), MONTHLY), world, self.clock.now()).actions if a.kind is ActionKind.PRUNE]
        with self.open() as opened:
            opened.forget(gone)
            if due:
                opened.clean_up(gradual=True)
                self.pruned["main"] = self.clock.now()
        return bool(due)

    def count(self, folder: str) -> int:
        return sum(1 for _ in self.store.list(folder))


@pytest.fixture
def year() -> Iterator[Year]:
    with quick_folder() as folder:
        yield Year(folder)


@pytest.mark.timeout(120 + QUARTERS)
def test_backups_each_quarter_of_an_hour_never_leave_more_than_200_index_objects(year: Year) -> None:
    newest, most, clean_ups = None, 0, 0
    for _ in range(QUARTERS):
        year.clock.advance(EVERY)
        year.change(year.content.sample(range(40), 2))
        newest = year.back_up(newest)
        most = max(most, year.count("index"))
        clean_ups += year.care(year.look())
    counts = {folder: year.count(folder) for folder in ("index", "packs", "snapshots", "gc")}
    print(f"{QUARTERS} backups: at most {most} index objects, {clean_ups} clean-ups, left: {counts}")
    assert most <= COLD_MAX
    assert clean_ups >= QUARTERS // 110, "without any the objects would be as many as the backups"
    with year.open() as opened:
        assert not opened.check(deep=True).faults
