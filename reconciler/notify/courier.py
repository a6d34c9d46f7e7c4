"""Delivers what waits, beside the loop: a receiver that is slow, gone or hangs delays no backup and no other receiver.

Each receiver has a lane: one daemon thread at a time, which takes the oldest message, and after a success the next one. A failure waits for
its back-off in the outbox, so it is neither lost nor repeated by a restart. A lane that does not come back within its time (a resolver that
hangs, a library without a limit) is counted as a failure once and left alone until it does.

What only counts in its newest form (all alerts for an Alertmanager, the sign of life for a dead man's switch) does not wait in the
outbox: it is a *state*, told at most so often.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct, field

from reconciler.base.clock import Clock
from reconciler.base.errors import ReconcilerError
from reconciler.base.log import get
from reconciler.model.alerts import Notice, Waiting
from reconciler.model.observed import Failure
from reconciler.notify.errors import NotifyError, ReceiverHangs

BACKOFF_FIRST = timedelta(seconds=30)
BACKOFF_MAX = timedelta(minutes=15)
AGE_MAX = timedelta(days=1)
"""Older news misleads; what still fires is reminded of anyway."""
GRACE_SECONDS = 5.0
"""Beyond a receiver's own limit, before its lane counts as hanging."""
_LOOK_SECONDS = 5.0  # also when the catalog could not be read: soon enough for people, and a small read

_log = get("alerts")


class Outbox(Protocol):
    """Where messages wait. Durable: what was added is there after a restart until it is delivered or given up."""

    def waiting(self) -> tuple[Waiting, ...]:
        """Of each receiver the oldest."""
        ...

    def delivered(self, receiver: str, number: int | None, at: datetime) -> None: ...

    def failed(self, receiver: str, number: int | None, failure: Failure, at: datetime, again_at: datetime | None) -> None: ...


class Recipient(Struct, frozen=True):
    """How one receiver is told. ``send`` raises a ReconcilerError when it did not work."""

    name: str
    send: Callable[[Notice], None]
    timeout_seconds: float


class State(Struct, frozen=True):
    """What one receiver should know, in its newest form."""

    name: str
    tell: Callable[[], None]
    spacing: timedelta
    timeout_seconds: float


class _Lane(Struct):
    """The thread of one receiver, and until when it has time."""

    thread: threading.Thread
    deadline: float
    reported: bool = False


class _Told(Struct):
    """When a state was last told, by the monotonic clock."""

    at: float = float("-inf")
    pending: State | None = field(default=None)


class Courier:
    """One per process that runs passes. All methods may be called from any thread."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._lock = threading.Lock()
        self._recipients: Mapping[str, Recipient] = {}
        self._states: dict[str, _Told] = {}
        self._lanes: dict[str, _Lane] = {}
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._abandoned = threading.Event()
        """Nobody waits any more: what comes back now is not written down, because the catalog may be closed."""
        self._thread: threading.Thread | None = None

    def follow(self, recipients: Mapping[str, Recipient], states: Mapping[str, State]) -> None:
        """From now on these; the states are told when their time has come."""
        with self._lock:
            self._recipients = dict(recipients)
            for name in [name for name in self._states if name not in states]:
                del self._states[name]
            for name, state in states.items():
                self._states.setdefault(name, _Told()).pending = state
        self._wake.set()

    def start(self) -> None:
        """Deliver in the background until :meth:`close`."""
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self._thread.start()

    def close(self, *, wait_seconds: float) -> None:
        """Begin nothing more; what is on its way has so long. The rest waits in the outbox for the next start, and may come twice."""
        self._ended.set()
        self._wake.set()
        end = self._clock.monotonic() + wait_seconds
        if self._thread is not None:
            self._thread.join(wait_seconds)
        for lane in self._busy():
            lane.thread.join(max(0.0, end - self._clock.monotonic()))
        self._abandoned.set()

    def flush(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Deliver what is due now, for a single pass. Returns at the latest after ``seconds``, or when ``stop`` is set."""
        end = self._clock.monotonic() + seconds
        while self._clock.monotonic() < end and not (stop is not None and stop.is_set()):
            began = self._round()
            busy = [lane for lane in self._busy() if not lane.reported]
            if not began and not busy:
                return
            for lane in busy:
                lane.thread.join(min(0.2, max(0.0, end - self._clock.monotonic())))

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            try:
                self._round()
                wait = self._next_seconds()
            except ReconcilerError as error:  # the catalog is locked or its disk is full: it is tried again, as everything is
                _log.error("cannot look after deliveries", code=error.code, error=error.message)
                wait = _LOOK_SECONDS
            except Exception:  # noqa: BLE001 - a defect here must not end the delivery of everything
                _log.exception("deliveries failed unexpectedly")
                wait = _LOOK_SECONDS
            self._wake.wait(wait)

    def _round(self) -> bool:
        """Begin what is due and whose lane is free; whether there was any."""
        self._look_at_lanes()
        now, began = self._clock.now(), False
        for waiting in self._outbox.waiting():
            recipient = self._recipients.get(waiting.notice.receiver)
            if recipient is not None and _is_due(waiting, now) and self._is_free(recipient.name):
                self._begin(recipient.name, lambda r=recipient, w=waiting: self._deliver(r, w), recipient.timeout_seconds)  # type: ignore[misc]
                began = True
        for state in self._due_states():
            self._begin(state.name, lambda s=state: self._tell(s), state.timeout_seconds)  # type: ignore[misc]
            began = True
        return began

    def _due_states(self) -> list[State]:
        at, due = self._clock.monotonic(), []
        with self._lock:
            for told in self._states.values():
                state = told.pending
                if state is not None and at - told.at >= state.spacing.total_seconds() and state.name not in self._lanes:
                    told.at, told.pending = at, None
                    due.append(state)
        return due

    def _begin(self, name: str, work: Callable[[], None], seconds: float) -> None:
        thread = threading.Thread(target=self._guarded, args=(name, work), name=f"alerts {name}", daemon=True)
        with self._lock:
            self._lanes[name] = _Lane(thread, self._clock.monotonic() + seconds + GRACE_SECONDS)
        thread.start()

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except ReconcilerError as error:  # of the catalog: that a message arrived cannot be written down, so it comes twice
            _log.error("cannot record a delivery", code=error.code, error=error.message)
        finally:
            with self._lock:
                del self._lanes[name]  # before anybody is woken: who looks must find it free
            self._wake.set()

    def _deliver(self, recipient: Recipient, waiting: Waiting) -> None:
        failure = self._try(lambda: recipient.send(waiting.notice), recipient.name)
        at = self._clock.now()
        if self._abandoned.is_set():
            return
        if failure is None:
            self._outbox.delivered(recipient.name, waiting.number, at)
        else:
            self._outbox.failed(recipient.name, waiting.number, Failure.of(failure), at, again_at(waiting, failure, at))

    def _tell(self, state: State) -> None:
        failure = self._try(state.tell, state.name)
        if self._abandoned.is_set():
            return
        if failure is None:
            self._outbox.delivered(state.name, None, self._clock.now())
        else:
            self._outbox.failed(state.name, None, Failure.of(failure), self._clock.now(), None)

    def _try(self, work: Callable[[], None], name: str) -> ReconcilerError | None:
        try:
            work()
        except ReconcilerError as error:
            _log.warning("alert not delivered", receiver=name, code=error.code, error=error.message, hint=error.hint)
            return error
        except Exception as error:  # noqa: BLE001 - of a foreign library: it says what it says
            _log.warning("alert not delivered", receiver=name, error=type(error).__name__)
            return NotifyError(f"{name} failed with an unexpected {type(error).__name__}")
        return None

    def _look_at_lanes(self) -> None:
        """Count those that hang, once."""
        overdue = []
        with self._lock:
            for name, lane in self._lanes.items():
                if self._clock.monotonic() >= lane.deadline and not lane.reported:
                    lane.reported = True
                    overdue.append(name)
        for name in overdue:
            error = ReceiverHangs(f"{name} has not come back from a delivery")
            _log.warning("alert not delivered", receiver=name, code=error.code, error=error.message, hint=error.hint)
            self._outbox.failed(name, None, Failure.of(error), self._clock.now(), None)

    def _is_free(self, name: str) -> bool:
        with self._lock:
            return name not in self._lanes

    def _busy(self) -> list[_Lane]:
        with self._lock:
            return list(self._lanes.values())

    def _next_seconds(self) -> float:
        """How long there is nothing to do, unless somebody wakes."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        waiting = self._outbox.waiting()
        with self._lock:
            free = self._recipients.keys() - self._lanes.keys()
            waits = [(w.next_at - now).total_seconds() for w in waiting if w.notice.receiver in free]
            waits += [t.at + t.pending.spacing.total_seconds() - monotonic for t in self._states.values() if t.pending is not None]
            waits += [lane.deadline - monotonic for lane in self._lanes.values() if not lane.reported]
        return min(_LOOK_SECONDS, max(0.05, min(waits, default=_LOOK_SECONDS)))


def _is_due(waiting: Waiting, now: datetime) -> bool:
    """Its time has come; or the clock was set back by so much that it would never."""
    return now >= waiting.next_at or waiting.next_at - now > AGE_MAX


def again_at(waiting: Waiting, failure: ReconcilerError, now: datetime) -> datetime | None:
    """When to try it again: later and later, or when the receiver asks for it; None: not at all."""
    if not failure.retry or now - waiting.notice.at >= AGE_MAX:
        return None
    wait = min(BACKOFF_FIRST * 2 ** min(waiting.attempts, 10), BACKOFF_MAX)
    asked = failure.after if isinstance(failure, NotifyError) else None
    return now + (asked if asked is not None else wait)
