"""How many actions one repository bears at a time."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from reconciler.base.clock import SystemClock
from reconciler.loop.queue import AGEING_SECONDS, Queue
from reconciler.loop.workers import EVERY_LANE, Workers
from reconciler.model.plan import Action, ActionKind, Lane
from reconciler.model.pulse import LanePulse


def need(system: str, repository: str = "tape") -> Action:
    return Action(ActionKind.BACKUP, system, repository, Lane.OBJECTIVE, "rpo-due", "", 80)


def care(system: str, repository: str = "tape") -> Action:
    return Action(ActionKind.VERIFY, system, repository, Lane.UPKEEP, "verify-due", "", 10)


def taken(queue: Queue, now: float = 0.0) -> list[Action]:
    return list(iter(lambda: queue.take(EVERY_LANE, now, wait_seconds=0), None))


def test_a_repository_bears_as_much_as_it_says_and_one_more_for_the_rpo() -> None:
    queue = Queue()
    queue.offer([care("a"), care("b"), need("c"), need("d"), care("a", "disk"), care("b", "disk")], 0.0, {"tape": 1})
    begun = taken(queue)
    assert [(action.system, action.repository) for action in begun] == [("c", "tape"), ("d", "tape"), ("a", "disk"), ("b", "disk")]
    queue.done(begun[0])
    assert taken(queue) == [], "the slot for everything is still taken"
    queue.done(begun[1])
    assert [action.system for action in taken(queue)] == ["a"]


def test_upkeep_leaves_the_kept_slot_to_what_the_rpo_needs() -> None:
    queue = Queue()
    queue.offer([care("a"), care("b")], 0.0, {"tape": 1})
    assert [action.system for action in taken(queue)] == ["a"]
    queue.offer([care("b"), need("c")], 1.0, {"tape": 1})
    assert [action.system for action in taken(queue)] == ["c"]


def test_an_endless_row_of_objectives_does_not_starve_upkeep() -> None:
    queue, done, running = Queue(), [], []
    for minute in range(200):
        now = minute * AGEING_SECONDS
        queue.offer([care("old"), need(f"n{minute}"), need(f"m{minute}")], now, {"tape": 1})
        running += taken(queue, now)
        for action in running[:1]:  # the oldest ends
            queue.done(action)
            done.append(action.system)
            running.remove(action)
    assert "old" in done


def test_a_limit_that_is_lifted_counts_at_once() -> None:
    queue = Queue()
    queue.offer([care("a"), care("b")], 0.0, {"tape": 1})
    assert len(taken(queue)) == 1
    queue.offer([care("b")], 1.0)
    assert len(taken(queue)) == 1


def test_a_worker_that_waits_for_a_slot_wakes_up_when_one_is_free() -> None:
    queue = Queue()
    queue.offer([care("a"), care("b")], 0.0, {"tape": 1})
    (first,) = taken(queue)
    found: list[Action | None] = []
    waiter = threading.Thread(target=lambda: found.append(queue.take(EVERY_LANE, 0.0, wait_seconds=10)))
    waiter.start()
    queue.done(first)
    waiter.join(5)
    assert [action.system for action in found if action is not None] == ["b"]


def test_real_workers_keep_to_the_limit_while_the_others_go_on() -> None:
    lock, at_once, most = threading.Lock(), {"tape": 0, "disk": 0}, {"tape": 0, "disk": 0}
    left = threading.Semaphore(0)

    def run(action: Action, _stop: threading.Event, _beat: object) -> None:
        with lock:
            at_once[action.repository] += 1
            most[action.repository] = max(most[action.repository], at_once[action.repository])
        time.sleep(0.05)
        with lock:
            at_once[action.repository] -= 1

    queue = Queue()
    workers = Workers(
        queue, run, concurrency=4, clock=SystemClock(), ended=lambda _action, _error: left.release(), overdue=lambda _action, _error: None
    )
    actions = [care(f"s{n}", repository) for n in range(6) for repository in ("tape", "disk")]
    queue.offer(actions, 0.0, {"tape": 1})
    for _ in actions:
        assert left.acquire(timeout=10)
    workers.close(wait_seconds=5)
    assert most["tape"] == 1
    assert most["disk"] >= 2


def test_the_queue_says_by_lane_what_waits_and_what_is_under_way_and_for_how_long() -> None:
    queue = Queue()
    queue.offer([need("a"), care("b"), care("c")], 10.0, {"tape": 1})
    assert [action.system for action in taken(queue, 25.0)] == ["a", "b"]
    queue.offer([care("c"), need("d")], 40.0, {"tape": 1})
    assert queue.lanes(100.0) == (
        LanePulse("objective", queued=1, waits=timedelta(seconds=60), under_way=1, takes=timedelta(seconds=75)),
        LanePulse("upkeep", queued=1, waits=timedelta(seconds=90), under_way=1, takes=timedelta(seconds=75)),
    )
    queue.offer([], 110.0)
    assert [(lane.queued, lane.waits) for lane in queue.lanes(120.0)] == [(0, timedelta(0))] * 2
