"""The loop with an in-memory pass: ticks, failures, hints, the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.base.clock import SystemClock
from reconciler.base.errors import ReconcilerError
from reconciler.catalog.errors import CatalogError, LeaseLost
from reconciler.loop import workers
from reconciler.loop.errors import ActionOverdue
from reconciler.loop.loop import ALIVE_SECONDS_MIN, Loop, Tick
from reconciler.model.board import Board
from reconciler.model.plan import Action, ActionKind, Lane, Plan
from reconciler.model.pulse import Doing
from reconciler.model.status import LoopStatus, SpecStatus, Status
from tests.fakes.clocks import FakeClock

WAIT = 5.0
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SOON, NEVER = timedelta(milliseconds=5), timedelta(hours=1)


def board(number: int) -> Board:
    status = Status(NOON, "shop1", "otter", (), (), SpecStatus("", True, 0, 0, None, 0), LoopStatus(passes=number))
    return Board(status, Plan(NOON, "", clean=True, complete=True, observed_at={}))


def backup(system: str) -> Action:
    return Action(ActionKind.BACKUP, system, "main", Lane.OBJECTIVE, "rpo-due", "", 50)


class World:
    """Systems that need a backup until they got one."""

    def __init__(self, *needy: str, interval: timedelta = SOON) -> None:
        self.needy = list(needy)
        self.interval = interval
        self.ticks = 0
        self.backed_up: list[str] = []
        self.jumps: list[timedelta | None] = []
        self.trouble: list[Exception] = []
        self.action_trouble: Exception | None = None
        self.hang = threading.Event()
        self.hang.set()
        self.stopped = 0
        self.told: list[str] = []

    def tick(self, *, jump: timedelta | None, under_way: frozenset[tuple[str, str, str]]) -> Tick:
        self.ticks += 1
        self.jumps.append(jump)
        if self.trouble:
            raise self.trouble.pop(0)
        return Tick(board(self.ticks), tuple(backup(name) for name in self.needy), self.interval)

    def act(self, action: Action, stop: threading.Event, beat: Callable[[], None]) -> None:
        while not self.hang.wait(0.005):
            if stop.is_set():
                self.stopped += 1
                return
        if self.action_trouble is not None:
            raise self.action_trouble
        self.needy.remove(action.system)
        self.backed_up.append(action.system)

    def overdue(self, action: Action, error: ActionOverdue) -> None:
        self.told.append(error.message)
        raise CatalogError("the catalog cannot be used: disk full")


@contextmanager
def turning(world: World, clock: SystemClock | FakeClock | None = None) -> Iterator[tuple[Loop, threading.Event]]:
    stop = threading.Event()
    loop = Loop(world, concurrency=1, interval=world.interval, clock=clock or SystemClock())
    thread = threading.Thread(target=loop.run, args=(stop,))
    thread.start()
    try:
        yield loop, stop
    finally:
        stop.set()
        thread.join(WAIT)
        assert not thread.is_alive()


def eventually(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + WAIT
    while not true() and time.monotonic() < until:
        time.sleep(0.005)
    return true()


def test_every_gap_is_closed_once_and_the_status_is_published() -> None:
    world = World("orders", "mail")
    with turning(world) as (loop, _):
        assert eventually(lambda: len(world.backed_up) == 2 and world.ticks > 3)
        published = loop.published()
    assert sorted(world.backed_up) == ["mail", "orders"]
    assert published is not None
    assert published.status.loop.passes >= 3


def test_a_loop_at_work_is_alive_and_says_what_it_is_at() -> None:
    world = World("orders", interval=NEVER)
    world.hang.clear()
    with turning(world) as (loop, _):
        assert eventually(lambda: loop.pulse().under_way == 1 and loop.pulse().doing is Doing.WAITING)
        assert loop.pulse().alive
        world.hang.set()
        assert eventually(lambda: loop.pulse().under_way == 0)
    assert loop.pulse().doing is Doing.ENDING


def test_a_loop_that_gives_no_sign_is_dead_whatever_it_was_at() -> None:
    clock = FakeClock(NOON)
    loop = Loop(World(), concurrency=1, interval=timedelta(seconds=30), clock=clock)
    assert (loop.pulse().alive, loop.pulse().doing) == (True, Doing.STARTING)
    clock.advance(timedelta(seconds=299))
    assert loop.pulse().alive
    clock.advance(timedelta(seconds=2))
    assert (loop.pulse().alive, loop.pulse().silent) == (False, timedelta(seconds=301))


def test_a_loop_counts_its_looks_and_those_that_failed_and_says_how_long_the_newest_took() -> None:
    world = World(interval=SOON)
    world.trouble = [CatalogError("disk full"), RuntimeError("a defect")]
    with turning(world) as (loop, _):
        assert eventually(lambda: loop.pulse().looks >= 4)
        found = loop.pulse()
    assert found.failed_looks == 2
    assert found.look_took is not None
    assert [lane.lane for lane in found.lanes] == ["objective", "upkeep"]
    assert found.overdue == 0


def test_nothing_is_published_before_the_first_look() -> None:
    assert Loop(World(), concurrency=1, interval=SOON, clock=SystemClock()).published() is None


@pytest.mark.parametrize("trouble", [ReconcilerError("repository main cannot be reached"), ZeroDivisionError("a defect")])
def test_a_tick_that_fails_is_followed_by_the_next(trouble: Exception) -> None:
    world = World("orders")
    world.trouble = [trouble, trouble]
    with turning(world) as (loop, _):
        assert eventually(lambda: world.backed_up == ["orders"])
        assert loop.alive()


def test_an_ended_action_leads_to_a_look_at_once() -> None:
    world = World("orders", interval=NEVER)
    with turning(world):
        assert eventually(lambda: world.backed_up == ["orders"] and world.ticks == 2)


def test_being_asked_leads_to_a_look_at_once() -> None:
    world = World(interval=NEVER)
    with turning(world) as (loop, _):
        assert eventually(lambda: world.ticks == 1)
        loop.now()
        assert eventually(lambda: world.ticks == 2)


def test_a_hanging_action_does_not_hold_up_the_ticks() -> None:
    world = World("orders")
    world.hang.clear()
    with turning(world):
        assert eventually(lambda: world.ticks > 5)
        assert world.backed_up == []


def test_an_overdue_action_is_told_and_stopped_even_when_it_cannot_be_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(workers.SILENCE_SECONDS_MAX, ActionKind.BACKUP, 0.05)
    world = World("orders")
    world.hang.clear()
    with turning(world):
        assert eventually(lambda: world.stopped > 0)
        seen = world.ticks
        assert eventually(lambda: world.ticks > seen + 2)
    assert "backup of system orders in repository main has made no progress" in world.told[0]


def test_stopping_ends_actions_at_their_checkpoint() -> None:
    world = World("orders")
    world.hang.clear()
    with turning(world) as (_, stop):
        assert eventually(lambda: world.ticks > 2)
        stop.set()
    assert (world.stopped, world.backed_up) == (1, [])


def test_an_action_with_a_defect_does_not_end_the_loop() -> None:
    world = World("orders")
    world.action_trouble = ZeroDivisionError("a defect")
    with turning(world):
        assert eventually(lambda: world.ticks > 3)
        world.action_trouble = None
        assert eventually(lambda: world.backed_up == ["orders"])


@pytest.mark.parametrize("where", ["tick", "action"])
def test_a_loop_that_lost_its_lease_ends_and_says_so(where: str) -> None:
    world, lost = World("orders", "mail", interval=NEVER), LeaseLost("the loop's lease 1 was taken over by lease 2")
    if where == "tick":
        world.trouble = [lost]
    else:
        world.action_trouble = lost
    with pytest.raises(LeaseLost):
        Loop(world, concurrency=1, interval=NEVER, clock=SystemClock()).run(threading.Event())
    assert world.backed_up == []


def test_a_clock_that_was_set_is_told_to_the_next_tick_alone() -> None:
    world, clock = World(interval=timedelta(0)), FakeClock()
    with turning(world, clock):
        assert eventually(lambda: world.ticks > 2)
        clock.jump(timedelta(hours=-2))
        assert eventually(lambda: timedelta(hours=-2) in world.jumps)
        seen = world.ticks
        assert eventually(lambda: world.ticks > seen + 2)
    assert world.jumps.count(timedelta(hours=-2)) == 1
    assert set(world.jumps) == {None, timedelta(hours=-2)}


def test_a_loop_whose_thread_hangs_is_not_alive() -> None:
    clock = FakeClock()
    loop = Loop(World(), concurrency=1, interval=SOON, clock=clock)
    assert loop.alive()
    clock.advance(timedelta(seconds=ALIVE_SECONDS_MIN + 1))
    assert not loop.alive()
