"""A loop that goes on after another one asks only what may have become another; the file in between may be anything."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import reconciler.app.answers as answers_module
from reconciler.app.answers import Answers
from reconciler.app.steady import SteadyPass
from reconciler.decide.remembered import Remembered
from reconciler.loop.lease import Lease
from reconciler.model.plan import Plan
from tests.fakes.houses import WholeHouse


def ticks(house: WholeHouse, number: int) -> tuple[Plan, int]:
    """So many ticks of one process, with what they ask for done; the last plan, and how often a system was asked something in the first."""
    with house.session() as session, Lease.take(house.state, session.house.memory.writing(), house.clock) as lease:
        passes = SteadyPass(session.house, session.house.memory.writing(), lease.token, None)
        passes.begin(init=True)
        asked = None
        for _ in range(number):
            house.clock.advance(timedelta(seconds=30))
            tick = passes.tick(jump=None, under_way=frozenset())
            asked = passes._kept.remembered.asked if asked is None else asked
            for action in tick.actions:
                passes.act(action, threading.Event(), lambda: None)
        passes.close()
    assert asked is not None
    return tick.board.plan, asked


def kept_in(house: WholeHouse) -> Path:
    return house.state / "cache" / "answers"


def settled(house: WholeHouse) -> Plan:
    ticks(house, 6)
    return ticks(house, 2)[0]


def test_the_next_process_asks_less_and_decides_the_same(house: WholeHouse) -> None:
    settled(house)
    assert kept_in(house).stat().st_mode & 0o777 == 0o600
    data = kept_in(house).read_bytes()
    plan, asked = ticks(house, 1)
    kept_in(house).unlink()
    anew, all_of_them = ticks(house, 1)
    assert 0 <= asked < all_of_them
    assert (plan.actions, plan.held, plan.gaps) == (anew.actions, anew.held, anew.gaps)
    assert kept_in(house).read_bytes() != data


@pytest.mark.parametrize("spoil", [lambda data: b"", lambda data: data[:-1], lambda data: data[:40] + b"x" + data[41:]])
def test_a_spoiled_file_counts_as_none(house: WholeHouse, spoil: Callable[[bytes], bytes]) -> None:
    settled(house)
    kept_in(house).write_bytes(spoil(kept_in(house).read_bytes()))
    spoiled = ticks(house, 1)[1]
    kept_in(house).unlink()
    assert spoiled == ticks(house, 1)[1]


def test_another_program_believes_nothing(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(house)
    known = ticks(house, 1)[1]
    monkeypatch.setattr(answers_module, "_DECIDING", ("base", "model"))
    assert ticks(house, 1)[1] > known


def test_a_disk_that_refuses_ends_no_loop_badly(house: WholeHouse) -> None:
    settled(house)
    kept_in(house).unlink()
    kept_in(house).mkdir()
    ticks(house, 1)
    assert os.listdir(kept_in(house)) == []
    assert not list(kept_in(house).parent.glob("*.tmp"))


def test_a_defect_in_what_is_kept_ends_no_loop_badly(tmp_path: Path) -> None:
    class Broken(Remembered):
        def keepsake(self, program: str) -> bytes:
            raise ZeroDivisionError(program)

    Answers(tmp_path).keep(Broken())
    assert os.listdir(tmp_path) == []
