"""A call that may hang (a dead network mount blocks in the kernel) and must not take the pass with it.

A call that hangs keeps its daemon thread: the kernel gives no way to take it back, and it ends with the process. So the same thing is not
asked again while it still hangs: a loop that runs for weeks would pile up threads.

Where many things are asked the same, one thread asks them all, and more come only where nothing goes on. A thread for each costs more than
what is asked: of 2,000 folders half a second, all of it taken from whoever else runs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeVar

from reconciler.observe.errors import RepositorySilent

AT_A_TIME = 32
"""Threads that ask many things: they may lie on one place that hangs, and are waited for together."""
SLICES = 20
"""So often within what one of many may take it is looked whether anything goes on."""
Q = TypeVar("Q")
T = TypeVar("T")

_NOT_AGAIN = "has not answered since it was asked before"
_hanging: dict[str, threading.Thread] = {}
_lock = threading.Lock()


def within(seconds: float, call: Callable[[], T], *, what: str, key: str) -> T:
    """The result of ``call``, or :class:`RepositorySilent` after ``seconds``; at once while the last call of this ``key`` still hangs."""
    if _still_hangs(key):
        raise RepositorySilent(f"{what} {_NOT_AGAIN}")
    box: list[T] = []
    broken: list[BaseException] = []

    def work() -> None:
        try:
            box.append(call())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread below
            broken.append(error)

    worker = threading.Thread(target=work, name=f"observe {what}", daemon=True)
    worker.start()
    worker.join(seconds)
    if broken:
        raise broken[0]
    if not box:
        _remember(key, worker)
        raise RepositorySilent(f"{what} {_no_answer(seconds)}")
    return box[0]


def each_within(
    seconds: float, things: Sequence[Q], ask: Callable[[Q], T], *, key: Callable[[Q], str], silent: Callable[[Q, str], T], what: str
) -> list[T]:
    """What ``ask`` says of each, in their order; each may take ``seconds``, however many there are. What ``ask`` raises is raised.

    ``silent``: the answer for one that gives none, and words for why. ``key``: what still hangs under it is not asked again.
    """
    refused = {place for place, thing in enumerate(things) if _still_hangs(key(thing))} if _hanging else frozenset[int]()
    asked = [place for place in range(len(things)) if place not in refused] if refused else range(len(things))
    round_ = _Round(things, ask, asked, what)
    for place, worker in round_.finish(seconds / SLICES).items():
        _remember(key(things[place]), worker)
    answers, words = round_.answers, _no_answer(seconds)
    for place in range(len(things)) if len(answers) < len(things) else ():
        if place not in answers:
            answers[place] = silent(things[place], _NOT_AGAIN if place in refused else words)
    return [answers[place] for place in range(len(things))]


def _still_hangs(key: str) -> bool:
    """Whether a call of this key has not come back yet."""
    with _lock:
        thread = _hanging.get(key)
        if thread is None or thread.is_alive():
            return thread is not None
        del _hanging[key]
        return False


def _remember(key: str, thread: threading.Thread) -> None:
    with _lock:
        _hanging[key] = thread


def _no_answer(seconds: float) -> str:
    """What is said of something that hangs, after its name."""
    return f"did not answer within {seconds:.0f} s"


class _Round(Generic[Q, T]):
    """Things are known by their places."""

    def __init__(self, things: Sequence[Q], ask: Callable[[Q], T], asked: Sequence[int], what: str) -> None:
        self.answers: dict[int, T] = {}
        self._things = things
        self._ask = ask
        self._asked = asked
        self._waiting = deque(asked)
        self._what = what

    def finish(self, slice_seconds: float) -> dict[int, _Worker]:
        """Until all were asked; what hangs, with who was left behind there."""
        hanging: dict[int, _Worker] = {}
        workers: list[_Worker] = []
        wanted = 1
        try:
            while workers or self._is_left_to_ask(hanging):
                workers += self._begun(wanted - len(workers))
                if _somebody_ended(workers, slice_seconds):
                    continue
                moved = [worker.moved() for worker in workers]
                if not any(moved):
                    wanted = min(2 * wanted, AT_A_TIME)
                for worker in [worker for worker in workers if worker.hangs]:
                    workers.remove(worker)
                    worker.is_left = True
                    hanging[worker.seen_at] = worker
        finally:
            for worker in workers:
                worker.is_left = True
        return hanging

    def work(self, worker: _Worker) -> None:
        """In its thread."""
        waiting, answers, ask, things = self._waiting, self.answers, self._ask, self._things
        while not worker.is_left:
            try:
                place = worker.at = waiting.popleft()
            except IndexError:
                return
            answers[place] = ask(things[place])

    def _begun(self, count: int) -> list[_Worker]:
        workers = [_Worker(self.work, self._what) for _ in range(min(count, len(self._waiting)))]
        for worker in workers:
            worker.start()
        return workers

    def _is_left_to_ask(self, hanging: Collection[int]) -> bool:
        """Whoever came back in the moment of being left behind may have taken one more with it: that is asked again."""
        if not self._waiting and len(self.answers) < len(self._asked):
            self._waiting.extend(place for place in self._asked if place not in self.answers and place not in hanging)
        return bool(self._waiting)


class _Worker(threading.Thread):
    def __init__(self, work: Callable[[_Worker], None], what: str) -> None:
        super().__init__(name=f"observe {what}", daemon=True)
        self.at = -1
        self.is_left = False
        self.broken: BaseException | None = None
        self.slices = 0
        """How often it was seen where it had been before."""
        self._work = work
        self.seen_at = -1

    def run(self) -> None:
        try:
            self._work(self)
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            self.broken = error

    def moved(self) -> bool:
        """Whether it has gone on since it was last asked this."""
        before, self.seen_at = self.seen_at, self.at
        self.slices = self.slices + 1 if before == self.seen_at else 0
        return self.slices == 0

    @property
    def hangs(self) -> bool:
        """Whether it is where it was for too long. One that has not come to anything yet (the machine slept) hangs nowhere."""
        return self.slices >= SLICES and self.seen_at >= 0


def _somebody_ended(workers: list[_Worker], seconds: float) -> bool:
    """Wait for them, so long at most; whoever has ended is none of ``workers`` any more."""
    for worker in workers:
        worker.join(seconds / len(workers))
    ended = [worker for worker in workers if not worker.is_alive()]
    for worker in ended:
        workers.remove(worker)
        if worker.broken is not None:
            raise worker.broken
    return bool(ended)
