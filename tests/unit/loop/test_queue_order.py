"""Who goes first, and what is never begun."""

from __future__ import annotations

import threading

import pytest

from reconciler.loop.queue import AGEING_SECONDS, Queue
from reconciler.loop.workers import EVERY_LANE, OBJECTIVE_ONLY
from reconciler.model.plan import Action, ActionKind, Lane


def action(system: str, priority: int = 50, lane: Lane = Lane.OBJECTIVE, why: str = "") -> Action:
    kind = ActionKind.BACKUP if lane is Lane.OBJECTIVE else ActionKind.VERIFY
    return Action(kind, system, "main", lane, "rpo-due", why, priority)


def take(queue: Queue, now: float = 0.0, lanes: frozenset[Lane] = EVERY_LANE) -> str | None:
    found = queue.take(lanes, now, wait_seconds=0)
    return None if found is None else found.system


def test_the_most_urgent_goes_first() -> None:
    queue = Queue()
    queue.offer([action("a", 50), action("b", 80), action("c", 10)], 0.0)
    assert [take(queue), take(queue), take(queue), take(queue)] == ["b", "a", "c", None]


def test_who_waits_long_enough_overtakes() -> None:
    queue = Queue()
    queue.offer([action("old", 10)], 0.0)
    later = 41 * AGEING_SECONDS
    queue.offer([action("old", 10), action("new", 50)], later)
    assert take(queue, later) == "old"


def test_of_equals_the_longer_waiting_goes_first() -> None:
    queue = Queue()
    queue.offer([action("b")], 0.0)
    queue.offer([action("a"), action("b")], 5.0)
    assert [take(queue, 6.0), take(queue, 6.0)] == ["b", "a"]


def test_a_plan_replaces_what_is_queued() -> None:
    queue = Queue()
    queue.offer([action("gone"), action("stays", why="old facts")], 0.0)
    queue.offer([action("stays", why="new facts")], 1.0)
    found = queue.take(EVERY_LANE, 2.0, wait_seconds=0)
    assert found is not None
    assert (found.system, found.why) == ("stays", "new facts")
    assert take(queue) is None


def test_what_is_under_way_is_not_begun_again_until_it_is_done() -> None:
    queue = Queue()
    queue.offer([action("a")], 0.0)
    running = queue.take(EVERY_LANE, 0.0, wait_seconds=0)
    queue.offer([action("a")], 1.0)
    assert take(queue) is None
    assert queue.under_way() == {("a", "main", "objective")}
    assert running is not None
    queue.done(running)
    queue.offer([action("a")], 2.0)
    assert take(queue) == "a"


def test_the_lanes_of_one_system_run_beside_each_other() -> None:
    queue = Queue()
    queue.offer([action("a"), action("a", lane=Lane.UPKEEP)], 0.0)
    assert [take(queue), take(queue)] == ["a", "a"]


def test_of_two_actions_with_one_key_only_the_urgent_one_is_queued() -> None:
    queue = Queue()
    queue.offer([action("a", 10, Lane.UPKEEP), action("a", 80, Lane.UPKEEP), action("a", 50, Lane.UPKEEP)], 0.0)
    assert len(queue) == 1
    found = queue.take(EVERY_LANE, 0.0, wait_seconds=0)
    assert found is not None
    assert found.priority == 80


def test_the_kept_worker_never_takes_upkeep() -> None:
    queue = Queue()
    queue.offer([action("a", 100, Lane.UPKEEP), action("b", 50)], 0.0)
    assert [take(queue, lanes=OBJECTIVE_ONLY), take(queue, lanes=OBJECTIVE_ONLY)] == ["b", None]


@pytest.mark.parametrize("way", ["offer", "close"])
def test_a_waiting_worker_wakes_up(way: str) -> None:
    queue, taken = Queue(), []
    worker = threading.Thread(target=lambda: taken.append(queue.take(EVERY_LANE, 0.0, wait_seconds=30)))
    worker.start()
    queue.offer([action("a")], 0.0) if way == "offer" else queue.close()
    worker.join(5)
    assert not worker.is_alive()
    assert taken == ([action("a")] if way == "offer" else [None])


def test_a_closed_queue_gives_nothing_away() -> None:
    queue = Queue()
    queue.offer([action("a")], 0.0)
    queue.close()
    assert take(queue) is None
