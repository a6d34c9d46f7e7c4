"""Restores in place and rollbacks that are really killed: each file is the old or the new one, and both ways out end to the bit."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.houses import WholeHouse, quick_folder
from tests.fakes.trees import portrait
from tests.faults import in_place
from tests.unit.app.test_app_in_place import furnished, mirror, rolled_back, ruined

pytestmark = pytest.mark.faults
POINTS = 34
"""Kills per act, spread over all of its calls."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as place:
        yield place


def _run(act: str, restore: str, house: WholeHouse, at: int) -> tuple[bool, int]:
    """Whether it was killed, and how many calls it made."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.in_place"])
    counted = context.Value("i", 0)
    process = context.Process(target=in_place.die, args=(act, restore, str(house.folder), house.clock.now(), at, counted))
    process.start()
    process.join(60)
    assert process.exitcode in {0, -signal.SIGKILL}, f"{act} killed at call {at} ended with {process.exitcode}"
    return process.exitcode != 0, counted.value


def _old_or_new(house: WholeHouse, good: dict[str, tuple[object, ...]], bad: dict[str, tuple[object, ...]]) -> None:
    """What is under a name is whole: as it was, as it shall be, or gone on the way from one kind of thing to another."""
    for name, likeness in portrait(house.source).items():
        if name.rpartition("/")[2].startswith(".") and name.endswith(".part"):
            continue
        known = [each[name] for each in (good, bad) if name in each]
        assert known, f"{name} was never there"
        assert likeness[4] in [each[4] for each in known], f"{name} holds neither the old nor the new content"


@pytest.mark.parametrize("way", ["continue", "rollback"])
@pytest.mark.parametrize("act", ["mirror", "rollback"])
def test_a_killed_restore_in_place_ends_or_is_undone_to_the_bit(
    act: str, way: str, folder: Path, faults: Callable[[str, int], None]
) -> None:
    house = WholeHouse(folder)
    good = furnished(house)
    bad = ruined(house)
    begin, end = (bad, good) if act == "mirror" else (good, bad)
    kills, at, calls = 0, 0, 1
    while at <= calls:
        restore = mirror(house).id if act == "rollback" else ""
        assert portrait(house.source) == begin
        killed, number = _run(act, restore, house, at)
        calls = calls if at else number
        kills += killed
        _old_or_new(house, good, bad)
        with house.session() as session:
            waiting = session.restores().interrupted
            if waiting and way == "continue":
                session.continue_restore(waiting[0])
            elif waiting:
                session.rollback(waiting[0])
            last = session.restores(1).restores[0].id
        now = portrait(house.source)
        ways = (
            ([end] if way == "continue" else [begin]) if waiting else [begin, end]
        )  # nothing waits before the first change and after the last
        assert now in ways, f"{act} killed at call {at}, then {way}"
        assert killed or now == end
        if act == "mirror" and now == good:
            rolled_back(house, last)  # to the bad day again, for the next kill
        elif act == "rollback" and now == good:
            rolled_back(house, restore)
        assert portrait(house.source) == bad
        house.clock.advance(in_place.MINUTE)
        at += max(1, calls // (POINTS // 2)) if at else 1
    assert kills >= POINTS // 2
    faults("restores killed", kills)
