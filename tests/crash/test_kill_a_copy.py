"""A copy that dies at any mutating call leaves either nothing visible or a whole snapshot, and the next one needs no help."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reconciler.repository import Repository
from reconciler.repository.store import LocalStore
from tests.crash.test_kill_at_every_call import Killed, MortalDisk, prepared
from tests.fakes.houses import quick_folder
from tests.unit.repository.test_copy import OTHER_KEY, copy, elsewhere


@pytest.mark.parametrize("power", [False, True], ids=["killed", "power lost"])
def test_death_at_every_mutating_call_of_a_copy(power: bool) -> None:
    with quick_folder() as folder:
        die_everywhere(folder, power=power)


def die_everywhere(tmp_path: Path, *, power: bool) -> None:
    bench, first = prepared(tmp_path / "pristine")
    second = bench.take(base=first).root
    assert second is not None
    elsewhere(tmp_path / "empty")
    copy(elsewhere(tmp_path / "empty"), bench.open(), first)
    before = {path: path.read_bytes() for path in bench.objects()}
    states = published = 0
    done = False
    while not done:
        states += 1
        place = tmp_path / f"run{states}"
        shutil.copytree(tmp_path / "empty", place, symlinks=True)
        disk = MortalDisk(states)
        try:
            copy(Repository.open(str(place), OTHER_KEY, store=LocalStore(str(place), disk)), bench.open(), second.id)
            done = True
        except Killed:
            pass
        if power:
            disk.lose_power()
        listing = elsewhere(place).listing()
        assert listing.complete, f"call {states}: {listing.damaged}"
        ids = {root.id for root in listing.roots}
        assert first in ids
        assert second.id in ids or not done, "an acknowledged copy is gone"
        published += second.id in ids
        assert all(elsewhere(place).verify(snapshot).intact for snapshot in ids), f"a copy is not whole after call {states}"
        copy(elsewhere(place), bench.open(), second.id)
        assert elsewhere(place).verify(second.id).intact
        shutil.rmtree(place)
    assert published > 1, "one of the states must be that of a published root whose writer never heard of it"
    assert {path: path.read_bytes() for path in bench.objects()} == before, "copying changes nothing where it reads"
    print(f"crash states of a copy: {states}, of which {published} with the copy visible")
