"""One loop per state directory: an OS lock that dies with its process, a fencing token in the catalog, and a beat.

*Dead* holder: its lock is gone with it, so whoever waits takes over at once. *Frozen* holder (stopped, paused, hanging): it keeps its
lock but its beat stands still; after :data:`FROZEN_SECONDS` by the waiter's own clock its lease is taken, with a greater token.
When it wakes up, the catalog refuses everything that it would still begin (:meth:`Catalog.hold`), and its next beat tells it to end.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from reconciler.base.clock import Clock
from reconciler.base.log import get
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.errors import CatalogBusy, CatalogError, LeaseLost
from reconciler.catalog.records import Holder
from reconciler.loop.errors import LoopBusy, LoopLockUnusable
from reconciler.model.pulse import Pulse

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK = "loop.lock"
BEAT = "loop.beat"
PULSE = "loop.pulse"
BEAT_SECONDS = 2.0
FROZEN_SECONDS = 20.0  # ten beats: no load delays a thread that sleeps for so long
POLL_SECONDS = 0.5

_log = get("loop")
_decode = msgspec.json.Decoder(tuple[int, Pulse]).decode


class Lease:
    """Held from :meth:`take` or :meth:`wait` to :meth:`release`, or to the end of the process."""

    def __init__(self, state: Path, lock: BaseFileLock, catalog: Catalog, token: int) -> None:
        self.token = token
        self.alive: Callable[[], bool] = lambda: True
        """Whether the holder still does its work; without it the beat stops, and another process may take over."""
        self.lost: Callable[[LeaseLost], None] = lambda _error: None
        """Told once, from another thread, when somebody has taken over."""
        self.pulse: Callable[[], Pulse] | None = None
        """What the holder is at, written down with each beat for whoever asks."""
        self._state = state
        self._lock = lock
        self._catalog = catalog
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        catalog.hold(token)
        _beat(state)
        self._thread.start()

    @classmethod
    def take(cls, state: Path, catalog: Catalog, clock: Clock) -> Self:
        """The lease of this state directory. Raises LoopBusy, naming the holder, without waiting."""
        found = cls._try(state, catalog, clock)
        if isinstance(found, cls):
            return found
        who = f"process {found.pid}, since {found.at:%Y-%m-%d %H:%M:%S} UTC" if isinstance(found, Holder) else "another process"
        raise LoopBusy(f"the loop of {state} is already run by {who}", state=state)

    @classmethod
    def wait(cls, state: Path, catalog: Catalog, clock: Clock, stop: threading.Event, told: Callable[[Holder | None], None]) -> Self | None:
        """The same as soon as the holder has ended, or stands still; None when ``stop`` is set before. ``told``: who it waits for, once."""
        waiting, seen, since = False, (_last_beat(state), catalog.newest_lease()), clock.monotonic()
        while not stop.is_set():
            over = seen[1] if clock.monotonic() - since > FROZEN_SECONDS else None
            try:
                found = cls._try(state, catalog, clock, over=over)
            except CatalogBusy:
                if not waiting:
                    raise
                found = None  # somebody stopped in the middle of a write: for as long nobody can take over
            except LeaseLost:
                found = None  # another one who waited was faster
            if isinstance(found, cls):
                if over is not None:
                    _log.warning("the loop's holder stands still: its lease is taken over", token=found.token)
                return found
            if not waiting:
                waiting = True
                told(found if isinstance(found, Holder) else None)
            stop.wait(POLL_SECONDS)
            if (beat := _last_beat(state)) != seen[0]:
                seen, since = (beat, catalog.newest_lease()), clock.monotonic()
        return None

    @classmethod
    def _try(cls, state: Path, catalog: Catalog, clock: Clock, *, over: int | None = None) -> Self | Holder | None:
        """``over``: the token of a holder that stands still, which is not to be waited for."""
        from filelock import FileLock, Timeout

        lock = FileLock(state / LOCK, timeout=0, mode=0o600, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            if over is None:
                return catalog.lease_holder()
        except (NotImplementedError, OSError) as error:
            raise LoopLockUnusable(f"the file {state / LOCK} cannot be locked: {error}", state=state) from error
        try:
            holder = catalog.lease_holder()
            if over is None and holder is not None and _last_beat(state):  # who took over from a frozen one has no lock, and is at work
                lock.release()
                return holder
            token = catalog.take_lease(clock.now(), over=over)
        except BaseException:
            lock.release()
            raise
        return cls(state, lock, catalog, token)

    def release(self) -> None:
        """May be called twice."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._thread.join()
        try:
            self._catalog.give_back_lease(self.token)
        except CatalogError:
            (self._state / BEAT).unlink(missing_ok=True)  # the row still names this living process: nobody must wait for it
            raise
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def _keep(self) -> None:
        """Beat while alive; find out whether somebody else has it."""
        while not self._ended.wait(BEAT_SECONDS):
            try:
                self._catalog.check_lease(self.token)
                if self.alive():
                    _beat(self._state)
                if self.pulse is not None:
                    _write_pulse(self._state, self.pulse())
            except LeaseLost as error:
                self.lost(error)
                return
            except (CatalogError, OSError) as error:  # a full disk, a locked catalog: the next beat may succeed
                _log.warning("the loop's lease cannot be looked after", error=str(error))


def _beat(state: Path) -> None:
    (state / BEAT).touch(0o600)


def _last_beat(state: Path) -> int:
    """Only whether it changes means something: no clock is read, none can be wrong."""
    try:
        return (state / BEAT).stat().st_mtime_ns
    except OSError:
        return 0


def beat_at(state: Path) -> datetime | None:
    """The last sign of life, by the clock of the file system; None: there was none."""
    beat = _last_beat(state)
    return datetime.fromtimestamp(beat / 1e9, UTC) if beat else None


def read_pulse(state: Path) -> tuple[int, Pulse] | None:
    """(Process, what it said with its last beat); None where there is none, or of another version."""
    try:
        return _decode((state / PULSE).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def _write_pulse(state: Path, pulse: Pulse) -> None:
    """Whole or not at all; not synced: it says what is now, and now is over after a power cut."""
    made = state / f"{PULSE}.new"
    made.write_bytes(msgspec.json.encode((os.getpid(), pulse)))
    made.replace(state / PULSE)
