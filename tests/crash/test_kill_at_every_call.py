"""A backup that dies at any mutating call leaves either nothing visible or a whole snapshot, and the next run needs no help.

Two kinds of death: the process is killed (everything written so far is there), and the power fails (what was not synced is gone).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from reconciler.base.files import Buffer, Disk
from reconciler.repository import Repository
from reconciler.repository.store import LocalStore
from tests.unit.repository.conftest import CREATED, Bench


class Killed(BaseException):
    """Nothing catches it, as nothing catches a SIGKILL."""


class MortalDisk(Disk):
    """Dies at the call with the given number and remembers what was not yet durable."""

    def __init__(self, dies_at: int) -> None:
        self.dies_at = dies_at
        self.calls = 0
        self.names: dict[int, str] = {}
        self.unsynced_content: set[str] = set()
        self.unsynced_names: set[str] = set()

    def _count(self) -> None:
        self.calls += 1
        if self.calls >= self.dies_at:
            raise Killed

    def create(self, path: str, mode: int = 0o600) -> int:
        self._count()
        handle = super().create(path, mode)
        self.names[handle] = path
        self.unsynced_content.add(path)
        return handle

    def write(self, handle: int, data: Buffer) -> None:
        self._count()
        super().write(handle, data)

    def sync(self, handle: int) -> None:
        self._count()
        super().sync(handle)
        self.unsynced_content.discard(self.names[handle])

    def publish(self, temporary: str, final: str) -> None:
        self._count()
        super().publish(temporary, final)
        if temporary in self.unsynced_content:
            self.unsynced_content.add(final)
        self.unsynced_names.add(final)

    def unlink(self, path: str) -> None:
        self._count()
        super().unlink(path)
        self.unsynced_names.discard(path)

    def mkdir(self, path: str, mode: int = 0o700) -> None:
        self._count()
        super().mkdir(path, mode)
        self.unsynced_names.add(path)

    def sync_folder(self, path: str) -> None:
        self._count()
        super().sync_folder(path)
        self.unsynced_names = {name for name in self.unsynced_names if os.path.dirname(name) != path}

    def lose_power(self) -> None:
        """Take away what no sync covered."""
        for name in sorted(self.unsynced_names, reverse=True):
            if os.path.isdir(name):
                shutil.rmtree(name)
            elif os.path.lexists(name):
                os.unlink(name)
        for name in self.unsynced_content:
            if os.path.lexists(name):
                os.truncate(name, 0)


def prepared(folder: Path) -> tuple[Bench, str]:
    source = folder / "source"
    source.mkdir(parents=True)
    for number in range(20):
        (source / f"file{number}").write_bytes(os.urandom(10_000))
    bench = Bench(source, folder / "repository")
    bench.init()
    first = bench.take(kind="full").root.id
    (source / "new").write_bytes(os.urandom(1_500_000))
    return bench, first


def calls_of_one_backup(folder: Path) -> int:
    bench, first = prepared(folder)
    disk = MortalDisk(10**9)
    bench.take(Repository.open(str(bench.place), bench.key(), store=LocalStore(str(bench.place), disk)), base=first)
    return disk.calls


@pytest.mark.parametrize("power", [False, True], ids=["killed", "power lost"])
def test_death_at_every_mutating_call_of_a_backup(tmp_path, power):
    calls = calls_of_one_backup(tmp_path / "count")
    pristine, first = prepared(tmp_path / "pristine")
    acknowledged = published = 0
    for dies_at in range(1, 2 * calls):  # how many calls a run makes depends on its random names: a pack may need a new folder
        if acknowledged:
            break
        place = tmp_path / f"run{dies_at}"
        shutil.copytree(pristine.place, place, symlinks=True)
        bench = Bench(pristine.source, place)
        disk = MortalDisk(dies_at)
        try:
            bench.take(Repository.open(str(place), bench.key(), store=LocalStore(str(place), disk)), base=first)
            acknowledged += 1
            done = True
        except Killed:
            done = False
        if power:
            disk.lose_power()
        listing = bench.open().listing()
        assert listing.complete, f"call {dies_at}: {listing.damaged}"
        assert first in {root.id for root in listing.roots}
        assert len(listing.roots) == 2 or not done, f"an acknowledged snapshot is gone after call {dies_at}"
        published += len(listing.roots) == 2
        for root in listing.roots:
            assert bench.open().verify(root.id).intact, f"snapshot {root.id} is not whole after call {dies_at}"
        again = bench.take(base=first)
        assert not again.unchanged
        assert bench.open().verify(again.root.id).intact
        shutil.rmtree(place)
    assert acknowledged >= 1
    assert published >= 1
    print(f"crash states: {dies_at - 1}, of which {published} with the snapshot visible")


def test_death_at_every_call_of_init_never_leaves_half_a_repository(tmp_path):
    dies_at = 0
    while True:
        dies_at += 7  # 256 equal folders make most of the calls
        place = tmp_path / f"init{dies_at}"
        bench = Bench(tmp_path, place)
        disk = MortalDisk(dies_at)
        try:
            Repository.init(str(place), bench.key(), created_at=CREATED, store=LocalStore(str(place), disk))
            break
        except Killed:
            bench.init()
            assert bench.open().listing().roots == ()
