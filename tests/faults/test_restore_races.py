"""Somebody exchanges folders of the target with links to elsewhere, as fast as the machine allows, while whole snapshots are restored."""

from __future__ import annotations

import ctypes
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests.fakes.trees import plant, portrait
from tests.unit.repository.conftest import Bench

pytestmark = [pytest.mark.faults, pytest.mark.skipif(sys.platform != "linux", reason="the race is run with renameat2 of Linux")]
FOLDERS = 20
SWAPS, REFUSALS = 1000, 40
ROUNDS = 25


class Race(Struct, frozen=True):
    """``swaps``: how often a folder and a link have changed places so far."""

    swaps: Any


@contextmanager
def racing(folders: list[Path], links: Path, elsewhere: Path) -> Iterator[Race]:
    """Each of the folders, as soon as it exists, keeps changing places with a link in ``links``."""
    links.mkdir()
    for number in range(len(folders)):
        (links / str(number)).symlink_to(elsewhere)
    fork = get_context("fork")
    swaps, stop = fork.Value("q", 0), fork.Event()
    process = fork.Process(target=swap, args=([str(folder) for folder in folders], str(links), swaps, stop))
    process.start()
    try:
        yield Race(swaps)
    finally:
        stop.set()
        process.join()
        assert process.exitcode == 0


def swap(folders: list[str], links: str, swaps: Any, stop: Any) -> None:
    exchange, here, both = ctypes.CDLL(None).renameat2, -100, 2
    chance = random.Random(1)
    while not stop.is_set():
        number = chance.randrange(len(folders))
        if exchange(here, folders[number].encode(), here, f"{links}/{number}".encode(), both) == 0:
            swaps.value += 1


@pytest.mark.timeout(600)
@pytest.mark.parametrize("files", [600, 5000], ids=["by threads", "by processes"])
def test_nothing_lands_elsewhere_while_folders_and_links_change_places(
    bench: Bench, tmp_path: Path, faults: Callable[[str, int], None], files: int
) -> None:
    names = [f"d{number % FOLDERS:02}/e/{number:04}" for number in range(files)]
    plant(bench.source, {name: name for name in names})
    root = bench.take(kind="full").root
    assert root is not None
    plant(tmp_path / "elsewhere", {"canary": "alive", "sub/canary": "alive"})  # no folder of a name that the racer itself would move
    before = portrait(tmp_path / "elsewhere")
    swaps = refusals = restores = 0
    while restores < ROUNDS and (swaps < SWAPS or refusals < REFUSALS):
        restores += 1
        target, links = tmp_path / f"out{restores}", tmp_path / f"links{restores}"
        inside = bench.inside(target)
        folders = [inside / f"d{number:02}" for number in range(FOLDERS)]
        with racing([*folders, *(folder / "e" for folder in folders)], links, tmp_path / "elsewhere") as race:
            done = bench.restore(root.id, target)
            swaps += race.swaps.value
        assert portrait(tmp_path / "elsewhere") == before
        refusals += len(done.failures)
        assert all("not a folder" in why for _, why in done.failures), done.failures[:3]
        assert files_below(target) + files_below(links) == done.files  # in the folders that they were meant for, wherever these are now
    assert swaps >= SWAPS, f"the race did not happen: {swaps} swaps, {refusals} refusals"
    assert refusals >= REFUSALS, f"the race did not happen: {swaps} swaps, {refusals} refusals"
    faults("raced restores", restores)
    print(f"{restores} restores, {swaps} swaps, {refusals} entries refused")


def files_below(folder: Path) -> int:
    return sum(not os.path.islink(os.path.join(place, name)) for place, _, files in os.walk(folder) for name in files)
