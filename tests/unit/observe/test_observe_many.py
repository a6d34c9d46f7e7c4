"""Many things of which some hang: the others are told, in the time of one, and by few threads."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from reconciler.observe import deadline
from reconciler.observe.deadline import AT_A_TIME, each_within

_names = iter(f"round {number}" for number in range(10**6))


class World:
    """Things are numbers and say their double; some hang until the test is over."""

    def __init__(self) -> None:
        self.hanging: set[int] = set()
        self.asked: list[int] = []
        self.threads: set[threading.Thread] = set()
        self.over = threading.Event()
        self._name = next(_names)

    def ask(self, thing: int) -> str:
        self.asked.append(thing)
        self.threads.add(threading.current_thread())
        if thing in self.hanging:
            self.over.wait(30)
        return str(2 * thing)

    def look(self, count: int, seconds: float = 0.4, ask: Callable[[int], str] | None = None) -> list[str]:
        asks = each_within(seconds, range(count), ask or self.ask, key=self._key, silent=lambda n, words: f"{n} {words}", what="a test")
        assert len(asks) == count
        return asks

    def _key(self, thing: int) -> str:
        return f"{self._name} {thing}"

    def end(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.end()


def doubled(count: int) -> list[str]:
    return [str(2 * thing) for thing in range(count)]


def test_nothing_asked_is_nothing_said(world: World) -> None:
    assert world.look(0) == []
    assert not world.threads


def test_thousands_that_answer_are_asked_by_one_thread(world: World) -> None:
    assert world.look(2000, 60) == doubled(2000)
    assert len(world.threads) == 1


@pytest.mark.parametrize("hanging", [{250}, {0}, {499}, {10, 11}, {0, 250, 499}, set(range(100, 120))])
def test_those_that_hang_are_waited_for_together_and_their_neighbours_are_told(world: World, hanging: set[int]) -> None:
    world.hanging = hanging
    began = time.monotonic()
    found = world.look(500, 0.5)
    assert time.monotonic() - began < 2
    assert found == [f"{n} did not answer within 0 s" if n in hanging else str(2 * n) for n in range(500)]
    assert len(world.threads) <= 2 * len(hanging) + 6


def test_never_more_than_a_few_threads_wait_at_the_same_time(world: World) -> None:
    world.hanging, at_once = set(range(80)), []

    def ask(thing: int) -> str:
        at_once.append(sum(thread.name == "observe a test" for thread in threading.enumerate()))
        return world.ask(thing)

    began = time.monotonic()
    found = world.look(100, 0.3, ask)
    assert time.monotonic() - began < 4, "one after the other: 24 s"
    assert found[80:] == doubled(100)[80:]
    assert sorted(world.asked) == list(range(100))
    assert max(at_once[:AT_A_TIME]) <= AT_A_TIME


def test_one_that_still_hangs_is_refused_at_once_and_asked_again_when_it_came_back(world: World) -> None:
    world.hanging = {3}
    world.look(10)
    world.asked.clear()
    began = time.monotonic()
    found = world.look(10, 30)
    assert time.monotonic() - began < 5
    assert found == [*doubled(3), "3 has not answered since it was asked before", *doubled(10)[4:]]
    assert 3 not in world.asked
    world.end()
    assert world.look(10) == doubled(10)


def test_where_all_still_hang_no_thread_is_begun(world: World) -> None:
    world.hanging = {0, 1}
    world.look(2)
    before = set(world.threads)
    assert all("asked before" in said for said in world.look(2, 30))
    assert world.threads == before


def test_each_has_its_seconds_and_all_together_take_longer(world: World) -> None:
    def slow(thing: int) -> str:
        time.sleep(0.15)
        return world.ask(thing)

    assert world.look(12, 0.6, slow) == doubled(12)


def test_what_is_broken_is_raised_and_no_more_is_asked(world: World) -> None:
    def broken(thing: int) -> str:
        if thing == 5:
            raise OSError("unplugged")
        return world.ask(thing)

    with pytest.raises(OSError, match="unplugged"):
        world.look(100, 60, broken)
    assert world.asked == list(range(5))


@pytest.mark.parametrize("seed", range(5))
def test_whoever_answers_in_the_moment_of_being_given_up_loses_no_other(world: World, seed: int) -> None:
    """Each takes about as long as it may: it is told or silent, and none is left out."""
    chance = random.Random(seed)
    pauses = [chance.choice([0, 0, 0.019, 0.02, 0.021, 0.022, 0.023]) for _ in range(120)]

    def late(thing: int) -> str:
        time.sleep(pauses[thing])
        return world.ask(thing)

    found = world.look(120, 0.02, late)
    for thing, said in enumerate(found):
        assert said == str(2 * thing) or (pauses[thing] and said == f"{thing} did not answer within 0 s")


def test_what_one_takes_that_goes_on_in_the_moment_of_being_left_is_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.hanging, seen = {0}, deadline._Worker.moved

    def goes_on_now(worker: deadline._Worker) -> bool:
        moved = seen(worker)
        if worker.slices >= deadline.SLICES:
            world.over.set()
            while worker.at == 0:
                time.sleep(0.001)
        return moved

    def slow(thing: int) -> str:
        said = world.ask(thing)
        time.sleep(0.1 * thing)
        return said

    monkeypatch.setattr(deadline, "AT_A_TIME", 1)
    monkeypatch.setattr(deadline._Worker, "moved", goes_on_now)
    assert world.look(2, 0.2, slow) == doubled(2)
    assert world.asked == [0, 1, 1]
