"""The loop: look, plan, let workers act, publish; again after the interval, or at once when something happened.

A tick that fails is logged and the next one comes; what was published ages by itself. A hanging action blocks neither the ticks nor
the readers of the status. The end comes by ``stop``, or when another process has taken the lease: then nothing more is
begun, what is under way ends at its next checkpoint, and :meth:`Loop.run` returns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Protocol

from msgspec import Struct, field

from reconciler.base.clock import Clock
from reconciler.base.errors import ReconcilerError
from reconciler.base.log import get
from reconciler.catalog.errors import LeaseLost
from reconciler.loop.errors import ActionOverdue
from reconciler.loop.jump import JumpWatch
from reconciler.loop.published import Published
from reconciler.loop.queue import Queue
from reconciler.loop.workers import Workers
from reconciler.model.board import Board
from reconciler.model.plan import Action
from reconciler.model.pulse import Doing, Pulse

TICK_SPACING_SECONDS = 1.0  # many actions that end together are looked at together
STOP_SECONDS_MAX = 60.0  # how long the end waits for actions to reach a checkpoint
ALIVE_SECONDS_MIN = 300.0  # a tick may take so long (slow repositories) before the loop counts as stuck
_CHECK_SECONDS = 1.0

_log = get("loop")


class Tick(Struct, frozen=True):
    """What one look at the world gave."""

    board: Board
    actions: tuple[Action, ...]
    interval: timedelta
    limits: Mapping[str, int] = field(default_factory=dict)
    """Actions at a time, by repository; one that is not named has no limit of its own."""


class Pass(Protocol):
    """What the loop does, given by app/. Both methods record what happened themselves; they are called from different threads."""

    def tick(self, *, jump: timedelta | None, under_way: frozenset[tuple[str, str, str]]) -> Tick:
        """Load, observe, plan, record. ``jump``: of the wall clock. May raise ReconcilerError: the next tick tries again."""
        ...

    def act(self, action: Action, stop: threading.Event, beat: Callable[[], None], /) -> None:
        """Carry out one action and record how it ended. Raises LeaseLost when this loop may not begin anything more."""
        ...

    def overdue(self, action: Action, error: ActionOverdue) -> None:
        """Tell a person that an action hangs."""
        ...


class Loop:
    """Runs once; :attr:`published`, :meth:`alive` and :meth:`pulse` may be asked from any thread, before, during and after."""

    def __init__(self, passes: Pass, *, concurrency: int, interval: timedelta, clock: Clock) -> None:
        """``interval``: until the first tick has said its own."""
        self.published = Published()
        self._passes = passes
        self._concurrency = concurrency
        self._interval = interval
        self._clock = clock
        self._wake = threading.Event()
        self._beat_at = clock.monotonic()
        self._doing = Doing.STARTING
        self._queue = Queue()
        self._workers: Workers | None = None
        self._looks, self._failed_looks = 0, 0
        self._look_took: timedelta | None = None
        self._lost: LeaseLost | None = None

    def now(self) -> None:
        """Look at once: the specs changed, or a person asked."""
        self._wake.set()

    def lose(self, error: LeaseLost) -> None:
        """Another process has taken over: begin nothing more, and end."""
        self._lost = error
        self.now()

    def alive(self) -> bool:
        """Whether the loop's own thread still turns, also when its ticks fail."""
        return self._silent_seconds() < max(ALIVE_SECONDS_MIN, 3 * self._interval.total_seconds())

    def pulse(self) -> Pulse:
        """Alive or not, and what it is at."""
        silent = timedelta(seconds=self._silent_seconds())
        lanes, workers = self._queue.lanes(self._clock.monotonic()), self._workers
        return Pulse(
            self.alive(),
            self._doing,
            silent,
            under_way=sum(lane.under_way for lane in lanes),
            queued=sum(lane.queued for lane in lanes),
            lanes=lanes,
            overdue=workers.overdue() if workers is not None else 0,
            looks=self._looks,
            failed_looks=self._failed_looks,
            look_took=self._look_took,
        )

    def run(self, stop: threading.Event) -> None:
        """Until ``stop`` is set. Raises LeaseLost when another process took over."""
        queue, jumps = self._queue, JumpWatch(self._clock)
        workers = self._workers = Workers(
            queue,
            self._passes.act,
            concurrency=self._concurrency,
            clock=self._clock,
            ended=self._ended,
            overdue=self._overdue,
        )
        try:
            while not self._over(stop):
                self._wake.clear()
                self._tick(queue, jumps)
                self._rest(workers, stop)
        finally:
            self._doing = Doing.ENDING
            for action in workers.close(wait_seconds=STOP_SECONDS_MAX):
                _log.warning("action did not stop in time", kind=action.kind, system=action.system, repository=action.repository)
        if self._lost is not None:
            raise self._lost

    def _tick(self, queue: Queue, jumps: JumpWatch) -> None:
        self._beat()
        self._doing = Doing.LOOKING
        began, well = self._clock.monotonic(), False
        try:
            tick = self._passes.tick(jump=jumps.look(), under_way=queue.under_way())
        except LeaseLost as error:
            self._lost = error
        except ReconcilerError as error:
            _log.error("tick failed", code=error.code, error=error.message, hint=error.hint)
        except Exception:  # noqa: BLE001 - a defect in one tick must not end the protection of everything
            _log.exception("tick failed unexpectedly")
        else:
            self._interval = tick.interval
            self.published.put(tick.board)
            queue.offer(tick.actions, self._clock.monotonic(), tick.limits)
            well = True
        self._looks, self._failed_looks = self._looks + 1, self._failed_looks + (not well)
        self._look_took = timedelta(seconds=self._clock.monotonic() - began)
        self._beat()

    def _rest(self, workers: Workers, stop: threading.Event) -> None:
        """Until the interval is over or something happened, but never less than the spacing of ticks."""
        self._doing = Doing.WAITING
        began = self._clock.monotonic()
        spacing = min(TICK_SPACING_SECONDS, self._interval.total_seconds())
        while not self._over(stop):
            self._beat()
            workers.check()
            rested = self._clock.monotonic() - began
            left = self._interval.total_seconds() - rested
            if left <= 0 or (self._wake.is_set() and rested >= spacing):
                return
            if rested < spacing:
                stop.wait(min(_CHECK_SECONDS, spacing - rested))
            else:
                self._wake.wait(min(_CHECK_SECONDS, left))

    def _ended(self, action: Action, error: Exception | None) -> None:
        if isinstance(error, LeaseLost):
            self._lost = error
        elif error is not None:
            _log.error("action ended with an unexpected error", kind=action.kind, system=action.system, exc_info=error)
        self.now()

    def _overdue(self, action: Action, error: ActionOverdue) -> None:
        try:
            self._passes.overdue(action, error)
        except ReconcilerError as trouble:  # the catalog on a full disk: the loop goes on, and so does this action's neighbour
            _log.error("cannot record an overdue action", code=trouble.code, error=trouble.message, overdue=error.message)

    def _over(self, stop: threading.Event) -> bool:
        return stop.is_set() or self._lost is not None

    def _silent_seconds(self) -> float:
        return self._clock.monotonic() - self._beat_at

    def _beat(self) -> None:
        self._beat_at = self._clock.monotonic()
