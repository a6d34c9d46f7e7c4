"""Workers: parallel, patient with slow actions, not stopped by hanging ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from reconciler.base.clock import SystemClock
from reconciler.loop.errors import ActionOverdue
from reconciler.loop.queue import Queue
from reconciler.loop.workers import ACTION_SECONDS_MAX, GRACE_SECONDS, SILENCE_SECONDS_MAX, Workers
from reconciler.model.plan import Action, ActionKind, Lane
from tests.fakes.clocks import FakeClock

WAIT = 5.0
SILENCE = timedelta(seconds=SILENCE_SECONDS_MAX[ActionKind.BACKUP] + 1)


def action(system: str, lane: Lane = Lane.OBJECTIVE) -> Action:
    kind = ActionKind.BACKUP if lane is Lane.OBJECTIVE else ActionKind.VERIFY
    return Action(kind, system, "main", lane, "rpo-due", "", 50)


class Factory:
    """Actions whose length the test decides."""

    def __init__(self) -> None:
        self.begun: dict[str, threading.Event] = {}
        self.let_go: dict[str, threading.Event] = {}
        self.stops: dict[str, threading.Event] = {}
        self.beats: dict[str, Callable[[], None]] = {}
        self.ended: list[tuple[str, Exception | None]] = []
        self.overdue: list[str] = []
        self.obedient = True
        self.lock = threading.Lock()

    def event(self, where: dict[str, threading.Event], name: str) -> threading.Event:
        with self.lock:
            return where.setdefault(name, threading.Event())

    def run(self, action: Action, stop: threading.Event, beat: Callable[[], None]) -> None:
        self.stops[action.system], self.beats[action.system] = stop, beat
        self.event(self.begun, action.system).set()
        if action.system == "broken":
            raise RuntimeError("a defect")
        until = time.monotonic() + WAIT
        while not self.event(self.let_go, action.system).wait(0.005) and time.monotonic() < until:
            if stop.is_set() and self.obedient:
                return

    def has_begun(self, system: str, seconds: float = WAIT) -> bool:
        return self.event(self.begun, system).wait(seconds)

    def finish(self, system: str) -> None:
        self.event(self.let_go, system).set()

    def record(self, action: Action, error: Exception | None) -> None:
        self.ended.append((action.system, error))

    def report(self, action: Action, error: ActionOverdue) -> None:
        self.overdue.append(error.message)


@contextmanager
def working(factory: Factory, clock: FakeClock, concurrency: int = 1) -> Iterator[tuple[Queue, Workers]]:
    queue = Queue()
    workers = Workers(queue, factory.run, concurrency=concurrency, clock=clock, ended=factory.record, overdue=factory.report)
    try:
        yield queue, workers
    finally:
        factory.obedient = True
        assert workers.close(wait_seconds=WAIT) == ()


def eventually(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + WAIT
    while not true() and time.monotonic() < until:
        time.sleep(0.005)
    return true()


def test_upkeep_never_holds_up_what_the_rpo_needs() -> None:
    factory = Factory()
    with working(factory, FakeClock()) as (queue, _):
        queue.offer([action("long", Lane.UPKEEP)], 0.0)
        assert factory.has_begun("long")
        queue.offer([action("urgent"), action("other", Lane.UPKEEP)], 0.0)
        assert factory.has_begun("urgent")
        assert not factory.has_begun("other", 0.05)


def test_as_many_at_a_time_as_allowed_and_one_more_for_the_objective_lane() -> None:
    factory = Factory()
    with working(factory, FakeClock(), concurrency=2) as (queue, _):
        queue.offer([action(f"s{n}") for n in range(4)], 0.0)
        assert eventually(lambda: len(factory.begun) == 3)
        time.sleep(0.05)
        assert len(factory.begun) == 3
        factory.finish(next(iter(factory.begun)))
        assert eventually(lambda: len(factory.begun) == 4)


def test_an_action_that_breaks_is_handed_on_and_the_worker_lives() -> None:
    factory = Factory()
    with working(factory, FakeClock()) as (queue, _):
        queue.offer([action("broken")], 0.0)
        assert eventually(lambda: len(factory.ended) == 1)
        queue.offer([action("next")], 0.0)
        assert factory.has_begun("next")
    assert isinstance(factory.ended[0][1], RuntimeError)


def test_progress_keeps_an_action_from_being_overdue() -> None:
    factory, clock = Factory(), FakeClock()
    with working(factory, clock) as (queue, workers):
        queue.offer([action("slow")], 0.0)
        assert factory.has_begun("slow")
        for _ in range(3):
            clock.advance(SILENCE / 2)
            factory.beats["slow"]()
            workers.check()
        assert factory.overdue == []
        assert not factory.stops["slow"].is_set()


def test_a_silent_action_is_asked_to_stop_once() -> None:
    factory, clock = Factory(), FakeClock()
    factory.obedient = False
    with working(factory, clock) as (queue, workers):
        queue.offer([action("hanging")], 0.0)
        assert factory.has_begun("hanging")
        clock.advance(SILENCE)
        workers.check()
        workers.check()
        assert factory.stops["hanging"].is_set()
        assert factory.overdue == ["backup of system hanging in repository main has made no progress for 1801 s"]


def test_whatever_takes_two_days_is_overdue_also_without_reporting_progress() -> None:
    factory, clock = Factory(), FakeClock()
    with working(factory, clock) as (queue, workers):
        queue.offer([action("deep", Lane.UPKEEP)], 0.0)
        assert factory.has_begun("deep")
        clock.advance(SILENCE)
        workers.check()
        assert factory.overdue == []
        clock.advance(timedelta(seconds=ACTION_SECONDS_MAX))
        workers.check()
        assert len(factory.overdue) == 1


def test_hanging_actions_block_only_their_own_lane() -> None:
    factory, clock = Factory(), FakeClock()
    factory.obedient = False
    with working(factory, clock) as (queue, workers):
        queue.offer([action("hang-1"), action("hang-2")], 0.0)  # both workers
        assert factory.has_begun("hang-1")
        assert factory.has_begun("hang-2")
        clock.advance(SILENCE)
        workers.check()
        clock.advance(timedelta(seconds=GRACE_SECONDS + 1))
        workers.check()
        queue.offer([action("hang-1"), action("well")], 0.0)
        assert factory.has_begun("well")
        assert ("hang-1", "main", "objective") in queue.under_way()
        factory.finish("hang-1")
        assert eventually(lambda: ("hang-1", "main", "objective") not in queue.under_way())
        alive = [thread for thread in threading.enumerate() if thread.name.startswith("worker-")]
        assert len(alive) == 3  # two in their places, and the one that still hangs; the one that came back has ended


def test_closing_waits_for_the_checkpoint_and_names_who_did_not_reach_it() -> None:
    factory, queue = Factory(), Queue()
    factory.obedient = False
    workers = Workers(queue, factory.run, concurrency=1, clock=SystemClock(), ended=factory.record, overdue=factory.report)
    queue.offer([action("stubborn")], 0.0)
    assert factory.has_begun("stubborn")
    assert [a.system for a in workers.close(wait_seconds=0.05)] == ["stubborn"]
    factory.finish("stubborn")
    assert workers.close(wait_seconds=WAIT) == ()
