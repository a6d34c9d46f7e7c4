"""A stop, and a place that says nothing: who waits, for how long, and who is given the time that he needs."""

from __future__ import annotations

import threading
import time

import pytest

from reconciler.base.clock import SystemClock
from reconciler.base.errors import Cancelled
from reconciler.repository import Unreachable
from reconciler.repository.remote.patience import Again, Patience
from reconciler.repository.remote.throttle import Throttle
from reconciler.repository.remote.waiting import STOP_SECONDS, Waiting

SLACK = 3.0  # of a busy machine


def _waiting(stop: threading.Event) -> Waiting:
    return Waiting(stop.is_set, SystemClock(), "s3://b/p")


def _again(_number: int) -> str:
    raise Again(Unreachable("it is away"))


def test_a_stop_ends_the_wait_between_two_tries() -> None:
    stop = threading.Event()
    patience = Patience(900, SystemClock(), _waiting(stop))
    patience.answered()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled, match="did not answer"):
        patience.run(_again)
    assert time.monotonic() - began < 0.3 + STOP_SECONDS + SLACK


def test_a_stop_leaves_a_question_alone_that_nobody_answers() -> None:
    stop, forever = threading.Event(), threading.Event()
    waiting = _waiting(stop)
    stop.set()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        waiting.beside(forever.wait)
    first = time.monotonic() - began
    assert STOP_SECONDS <= first < STOP_SECONDS + SLACK
    with pytest.raises(Cancelled):
        Patience(900, SystemClock(), waiting).run(lambda _: "never asked")
    assert time.monotonic() - began < first + 0.5, "a place that was silent for so long is not waited for once more"
    forever.set()


def test_a_place_that_works_is_given_the_time_that_a_checkpoint_takes() -> None:
    stop = threading.Event()
    waiting = _waiting(stop)
    stop.set()

    def slowly() -> str:
        until = time.monotonic() + STOP_SECONDS + 1
        while time.monotonic() < until:
            time.sleep(0.1)
            waiting.alive()
        return "stored"

    assert waiting.beside(slowly) == "stored"


def test_after_a_stop_that_is_over_a_place_is_asked_as_before() -> None:
    stop, forever = threading.Event(), threading.Event()
    waiting = _waiting(stop)
    stop.set()
    with pytest.raises(Cancelled):
        waiting.beside(forever.wait)
    stop.clear()
    assert Patience(900, SystemClock(), waiting).run(lambda _: "answer") == "answer"
    stop.set()
    assert Patience(900, SystemClock(), waiting).run(lambda _: "answer") == "answer", "one that was silent once is not silent for ever"
    forever.set()


def test_work_beside_raises_what_it_raises() -> None:
    waiting = _waiting(threading.Event())

    def timed_out() -> None:
        raise TimeoutError("of the work itself")

    with pytest.raises(TimeoutError, match="of the work"):
        waiting.beside(timed_out)
    assert [waiting.beside(lambda number=number: number) for number in range(5)] == list(range(5))  # type: ignore[misc]
    assert sum(thread.name == "question" for thread in threading.enumerate()) < 20


def test_a_stop_ends_the_pacing() -> None:
    stop = threading.Event()
    throttle = Throttle(1024, SystemClock(), stop.is_set)
    throttle.take(64 * 1024)
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    throttle.take(64 * 1024)
    throttle.take(64 * 1024)
    assert time.monotonic() - began < SLACK
