"""Threads that carry out actions. One is kept for what the RPO needs, so upkeep never holds up an incremental.

A thread cannot be killed. An action that is overdue is asked to stop; when it does not even do that, another thread takes the place of its
worker, and only its own (system, repository, lane) stays occupied until it comes back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct, field

from reconciler.base.clock import Clock
from reconciler.loop.errors import ActionOverdue
from reconciler.loop.queue import Queue
from reconciler.model.plan import Action, ActionKind, Lane

EVERY_LANE = frozenset(Lane)
OBJECTIVE_ONLY = frozenset({Lane.OBJECTIVE})

SILENCE_SECONDS_MAX = {ActionKind.BACKUP: 1800.0, ActionKind.COPY: 1800.0}  # they report each file and chunk: so long is a hanging mount
ACTION_SECONDS_MAX = 48 * 3600.0  # the longest that anything may take: a first full backup of some ten terabytes
SMALL_SECONDS_MAX = 6 * 3600.0  # for what writes or removes small objects, some tens of thousands at most
_SMALL = frozenset({ActionKind.SUSPECT, ActionKind.MARK, ActionKind.UNMARK, ActionKind.FORGET})
GRACE_SECONDS = 60.0  # from the request to stop until the worker is replaced
_POLL_SECONDS = 1.0


class Flight(Struct):
    """An action under way."""

    action: Action
    began: float
    beat_at: float
    stop: threading.Event = field(default_factory=threading.Event)
    """Set: end at the next checkpoint."""
    overdue_at: float | None = None
    replaced: bool = False

    def overdue(self, now: float) -> str | None:
        """Why it should have ended, or None."""
        silence = SILENCE_SECONDS_MAX.get(self.action.kind)
        if silence is not None and now - self.beat_at > silence:
            return f"has made no progress for {now - self.beat_at:.0f} s"
        longest = SMALL_SECONDS_MAX if self.action.kind in _SMALL else ACTION_SECONDS_MAX
        return f"has taken {now - self.began:.0f} s" if now - self.began > longest else None


class Runner(Protocol):
    """Carries out one action and records how it ended."""

    def __call__(self, action: Action, stop: threading.Event, beat: Callable[[], None], /) -> None:
        """``stop``: end soon when set. ``beat``: to be called at every piece of progress. Raises only what ends the loop."""
        ...


class Workers:
    """``concurrency`` threads for everything, and one more for the objective lane."""

    def __init__(
        self,
        queue: Queue,
        run: Runner,
        *,
        concurrency: int,
        clock: Clock,
        ended: Callable[[Action, Exception | None], None],
        overdue: Callable[[Action, ActionOverdue], None],
    ) -> None:
        """``ended`` and ``overdue`` are called from the threads; an exception that ``run`` lets out is handed to ``ended``."""
        self._queue = queue
        self._run = run
        self._clock = clock
        self._ended = ended
        self._tell = overdue
        self._lock = threading.Lock()
        self._flights: dict[int, Flight] = {}  # by thread
        self._threads: list[threading.Thread] = []
        self._replaced: list[threading.Thread] = []  # they hang, or are on their way out
        self._closing = threading.Event()
        for number in range(concurrency):
            self._start(f"worker-{number + 1}", EVERY_LANE)
        self._start("worker-objective", OBJECTIVE_ONLY)

    def check(self) -> None:
        """Look after what is under way; to be called every now and then, from one thread."""
        now = self._clock.monotonic()
        with self._lock:
            flights = list(self._flights.items())
        for ident, flight in flights:
            reason = flight.overdue(now)
            if reason is None or flight.replaced:
                continue
            if flight.overdue_at is None:
                flight.overdue_at = now
                flight.stop.set()
                action = flight.action
                message = f"{action.kind} of system {action.system} in repository {action.repository} {reason}"
                self._tell(action, ActionOverdue(message))
            elif now - flight.overdue_at > GRACE_SECONDS:
                flight.replaced = True
                self._replace(ident)

    def overdue(self) -> int:
        """How many were asked to end because they take too long, and have not. From any thread."""
        with self._lock:
            return sum(flight.overdue_at is not None for flight in self._flights.values())

    def close(self, *, wait_seconds: float) -> tuple[Action, ...]:
        """Ask everything to stop and wait for it; the actions that did not end in time."""
        self._closing.set()
        self._queue.close()
        with self._lock:
            for flight in self._flights.values():
                flight.stop.set()
        until = self._clock.monotonic() + wait_seconds
        for thread in [*self._threads, *self._replaced]:
            thread.join(max(0.0, until - self._clock.monotonic()))
        with self._lock:
            return tuple(flight.action for flight in self._flights.values())

    def _start(self, name: str, lanes: frozenset[Lane]) -> None:
        thread = threading.Thread(target=self._work, args=(lanes,), name=name, daemon=True)  # a stuck one must not keep the process
        self._threads.append(thread)
        thread.start()

    def _replace(self, ident: int) -> None:
        stuck = next((thread for thread in self._threads if thread.ident == ident), None)
        if stuck is not None:
            self._threads.remove(stuck)
            self._replaced = [thread for thread in [*self._replaced, stuck] if thread.is_alive()]
            self._start(stuck.name, OBJECTIVE_ONLY if stuck.name == "worker-objective" else EVERY_LANE)

    def _work(self, lanes: frozenset[Lane]) -> None:
        while not self._closing.is_set():
            action = self._queue.take(lanes, self._clock.monotonic(), wait_seconds=_POLL_SECONDS)
            if action is not None and self._fly(action).replaced:
                return  # another thread has taken this one's place

    def _fly(self, action: Action) -> Flight:
        now = self._clock.monotonic()
        flight = Flight(action, now, now)
        ident = threading.get_ident()
        with self._lock:
            self._flights[ident] = flight
            if self._closing.is_set():
                flight.stop.set()
        failure: Exception | None = None

        def beat() -> None:
            flight.beat_at = self._clock.monotonic()

        try:
            self._run(action, flight.stop, beat)
        except Exception as error:  # noqa: BLE001 - handed on: the loop decides whether it goes on
            failure = error
        with self._lock:
            del self._flights[ident]
        self._queue.done(action)
        self._ended(action, failure)
        return flight
