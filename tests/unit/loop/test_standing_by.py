"""Who waits for the loop, when they take over, and what a holder that slept through it may still do. Waiting time is the test's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.errors import LeaseLost
from reconciler.catalog.records import RunOutcome
from reconciler.loop import lease as module
from reconciler.loop.errors import LoopBusy
from reconciler.loop.lease import FROZEN_SECONDS, Lease
from tests.fakes.clocks import FakeClock

NOW = SystemClock().now()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[tuple[Catalog, Catalog]]:
    """The catalog as two processes have it open."""
    with Catalog.open(tmp_path / "c", clock=SystemClock()) as one, Catalog.open(tmp_path / "c", clock=SystemClock()) as two:
        yield one, two


class Waiter:
    """Somebody who waits, in a thread."""

    def __init__(self, state: Path, catalog: Catalog, clock: FakeClock) -> None:
        self.stop, self.told = threading.Event(), threading.Event()
        self.got: Lease | None = None

        def run() -> None:
            self.got = Lease.wait(state, catalog, clock, self.stop, lambda _holder: self.told.set())

        self.thread = threading.Thread(target=run)
        self.thread.start()
        assert self.told.wait(5)

    def ends(self) -> Lease | None:
        self.thread.join(10)
        assert not self.thread.is_alive()
        return self.got


def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The beat stands still, as it does in a stopped process."""
    monkeypatch.setattr(module, "BEAT_SECONDS", 3600.0)


def intent(catalog: Catalog) -> str:
    return catalog.begin_run(
        kind="backup", system="orders", repository="main", lane="objective", backup_kind="full", generation="g", reason="x", at=NOW
    )


def test_who_waits_takes_over_when_the_holder_is_done(tmp_path: Path, doors: tuple[Catalog, Catalog], clock: FakeClock) -> None:
    first = Lease.take(tmp_path, doors[0], clock)
    waiter = Waiter(tmp_path, doors[1], clock)
    clock.advance(timedelta(hours=1))
    first.release()
    second = waiter.ends()
    assert second is not None
    assert second.token > first.token
    second.release()


def test_who_is_asked_to_stop_while_waiting_gets_nothing(tmp_path: Path, doors: tuple[Catalog, Catalog], clock: FakeClock) -> None:
    with Lease.take(tmp_path, doors[0], clock):
        waiter = Waiter(tmp_path, doors[1], clock)
        waiter.stop.set()
        assert waiter.ends() is None


def test_a_holder_that_beats_is_waited_for_however_long_it_takes(
    tmp_path: Path, doors: tuple[Catalog, Catalog], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.1)
    with Lease.take(tmp_path, doors[0], clock):
        waiter = Waiter(tmp_path, doors[1], clock)
        for _ in range(10):
            clock.advance(timedelta(seconds=FROZEN_SECONDS * 0.6))
            waiter.thread.join(0.15)
        assert waiter.got is None
        waiter.stop.set()
        waiter.ends()


def test_a_frozen_holder_is_fenced_off_when_it_wakes_up(
    tmp_path: Path, doors: tuple[Catalog, Catalog], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen(monkeypatch)
    first = Lease.take(tmp_path, doors[0], clock)
    under_way = intent(doors[0])
    waiter = Waiter(tmp_path, doors[1], clock)
    clock.advance(timedelta(seconds=FROZEN_SECONDS + 1))
    second = waiter.ends()
    assert second is not None
    for write in (lambda: intent(doors[0]), lambda: doors[0].put_value("writer", "x"), lambda: doors[0].put_last_good([], [])):
        with pytest.raises(LeaseLost):
            write()
    doors[0].end_run(under_way, outcome=RunOutcome.SUCCEEDED, at=NOW)  # what happened, happened
    assert doors[1].runs(1)[0].outcome is RunOutcome.SUCCEEDED
    first.release()
    doors[1].put_value("writer", "y")
    with pytest.raises(LoopBusy):  # the lock is free now, and yet the lease is not
        Lease.take(tmp_path, doors[0], clock)
    second.release()
    Lease.take(tmp_path, doors[0], clock).release()


def test_of_two_who_wait_for_a_frozen_holder_one_takes_over(
    tmp_path: Path, doors: tuple[Catalog, Catalog], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen(monkeypatch)
    first = Lease.take(tmp_path, doors[0], clock)
    with Catalog.open(tmp_path / "c", clock=SystemClock()) as third:
        waiters = [Waiter(tmp_path, catalog, clock) for catalog in (doors[1], third)]
        clock.advance(timedelta(seconds=FROZEN_SECONDS + 1))
        for waiter in waiters:
            waiter.thread.join(2)
        (got,) = [waiter.got for waiter in waiters if waiter.got is not None]
        assert got.token == first.token + 1
        for waiter in waiters:
            waiter.stop.set()
            waiter.ends()
        got.release()
    first.release()


def test_a_holder_that_lost_its_lease_is_told(
    tmp_path: Path, doors: tuple[Catalog, Catalog], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)
    lost = threading.Event()
    with Lease.take(tmp_path, doors[0], clock) as lease:
        lease.lost = lambda _error: lost.set()
        doors[1].take_lease(NOW)
        assert lost.wait(5)


def test_a_holder_whose_work_hangs_does_not_beat(
    tmp_path: Path, doors: tuple[Catalog, Catalog], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.02)
    with Lease.take(tmp_path, doors[0], clock) as lease:
        lease.alive = lambda: False
        waiter = Waiter(tmp_path, doors[1], clock)
        clock.advance(timedelta(seconds=FROZEN_SECONDS + 1))
        second = waiter.ends()
        assert second is not None
        second.release()
