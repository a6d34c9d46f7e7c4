"""What a loop keeps is not searched for cycles again and again, and what it drops is found all the same."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import suppress

import pytest

from reconciler.base.lasting import LOOKED_THROUGH_SECONDS, SWEPT_EVERY, Lasting


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_what_the_first_pass_builds_is_set_aside_and_later_passes_are_collected_as_ever():
    lasting, before = Lasting(), gc.get_freeze_count()
    with lasting.kept(0.0):
        assert not gc.isenabled()
        built = [[number] for number in range(10_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(built)
    frozen = gc.get_freeze_count()
    with lasting.kept(1.0):
        assert gc.isenabled()
    assert gc.get_freeze_count() == frozen


def test_a_cycle_that_was_set_aside_is_found_some_hours_later():
    class Knot:
        pass

    lasting, here = Lasting(), []
    with lasting.kept(0.0):
        knot = Knot()
        knot.itself = knot
        knot.tells = here
        knot.end = type("End", (), {"__del__": lambda _: here.append("gone")})()
    del knot
    gc.collect()
    assert here == []
    with lasting.kept(LOOKED_THROUGH_SECONDS):
        pass
    assert here == ["gone"]


def test_what_the_first_pass_leaves_in_cycles_is_looked_for_some_passes_later_because_a_start_is_waited_for():
    class Knot:
        pass

    lasting, before = Lasting(), gc.get_freeze_count()
    with lasting.kept(0.0):
        built = [[number] for number in range(10_000)]
        knot = Knot()
        knot.itself = knot
        gone = weakref.ref(knot)
        del knot
    assert gone() is not None
    for second in range(SWEPT_EVERY):
        with lasting.kept(float(second)):
            pass
    assert gone() is None
    assert gc.get_freeze_count() >= before + len(built), "what is not in a cycle stays set aside"


def test_cycles_that_each_pass_leaves_do_not_pile_up_until_the_collector_comes_by_itself():
    class Knot:
        pass

    lasting, knots = Lasting(), []
    gc.disable()  # as good as what a process of ours does: it calls the collector rarely
    for second in range(5 * SWEPT_EVERY):
        with suppress(ValueError), lasting.kept(float(second)):
            knot = Knot()
            knot.itself = knot
            knots.append(weakref.ref(knot))
            if second % 2 or second > SWEPT_EVERY:
                raise ValueError  # a pass that fails leaves cycles as well
    assert len([knot for knot in knots if knot() is not None]) <= SWEPT_EVERY + 2, "beside the first and the one in hand"


def test_a_pass_that_fails_leaves_the_collector_as_it_was():
    with pytest.raises(ValueError), Lasting().kept(0.0):
        raise ValueError
    assert gc.isenabled()
    gc.disable()
    with Lasting().kept(0.0):
        pass
    assert not gc.isenabled()
