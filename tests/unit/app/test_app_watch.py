"""The loop that keeps going, in a thread of the test, over a real house and real time."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from reconciler.app.api import Reconciler
from reconciler.app.session import Session
from reconciler.app.steady import SteadyPass
from reconciler.base.clock import SystemClock
from reconciler.base.files import Disk
from reconciler.loop.lease import Lease
from reconciler.model.plan import ActionKind
from reconciler.spec import SpecTreeMissing
from tests.fakes.houses import BASE, WholeHouse

PATIENCE_SECONDS = 20.0


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settle(house: WholeHouse, port: int) -> None:
    house.write("base.yaml", BASE.replace("{realm: quiet-otter-41,", f'{{realm: quiet-otter-41, interval: 1s, listen: "127.0.0.1:{port}",'))


def real(house: WholeHouse) -> Session:
    return Session.open(house.folder / "specs", state=house.state, agent="shop1", clock=SystemClock())


@contextmanager
def watching(house: WholeHouse) -> Iterator[threading.Event]:
    """The loop under way; ended in order."""
    stop, broken = threading.Event(), []

    def run() -> None:
        try:
            with real(house) as session:
                session.watch(stop=stop, init=True)
        except Exception as error:
            broken.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert broken == []


def until(question: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.1)


def systems(house: WholeHouse) -> set[str]:
    with real(house) as session:
        return {snapshot.system for snapshot in session.snapshots().snapshots}


def metrics(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_the_loop_backs_up_follows_edits_serves_metrics_and_stops(house: WholeHouse, port: int) -> None:
    settle(house, port)
    with watching(house):
        until(lambda: "orders" in systems(house), "the first system is backed up")
        (house.folder / "ledger").mkdir()
        (house.folder / "ledger" / "book").write_text("1")
        house.system("ledger")
        until(lambda: "ledger" in systems(house), "the new system is backed up")
        until(lambda: 'system="ledger"' in metrics(port), "its metrics are there")
        house.write("ledger.yaml", "][")
        until(lambda: "reconciler_spec_last_load_successful 0.0" in metrics(port), "the broken spec shows")
        assert 'system="ledger"' in metrics(port)
    assert metrics(port) == ""


def test_cancelling_the_python_api_ends_the_loop_in_order(house: WholeHouse, port: int) -> None:
    settle(house, port)

    async def main() -> None:
        async with Reconciler.open(house.folder / "specs", state=house.state, agent="shop1") as reconciler:
            await reconciler.init_repository("main")
            watch = asyncio.create_task(reconciler.watch())
            await asyncio.to_thread(until, lambda: bool(systems(house)), "the first backup is there")
            watch.cancel()
            with pytest.raises(asyncio.CancelledError):
                await watch
            assert (await reconciler.run_once()).plan.complete, "the loop is free again"

    asyncio.run(main())
    assert metrics(port) == ""


def steady(house: WholeHouse, session: Session, lease: Lease) -> SteadyPass:
    passes = SteadyPass(session.house, session.house.memory.writing(), lease.token, None)
    passes.begin(init=True)
    return passes


@contextmanager
def ticking(house: WholeHouse) -> Iterator[SteadyPass]:
    """The steps of the loop without its threads, under a clock that the test moves."""
    with house.session() as session, Lease.take(house.state, session.house.memory.writing(), house.clock) as lease:
        yield steady(house, session, lease)


def carry_out(passes: SteadyPass, house: WholeHouse) -> list[ActionKind]:
    tick = passes.tick(jump=None, under_way=frozenset())
    for action in tick.actions:
        passes.act(action, threading.Event(), lambda: None)
    house.arrive()
    return [action.kind for action in tick.actions]


def test_a_repository_is_listed_after_an_own_action_and_when_the_listing_has_grown_old(house: WholeHouse) -> None:
    with ticking(house) as passes:
        assert carry_out(passes, house) == [ActionKind.BACKUP]
        tick = passes.tick(jump=None, under_way=frozenset())
        assert tick.board.status.repositories[0].snapshots == 1, "seen at once after the own action"
        listed_at = tick.board.status.repositories[0].listed_at
        house.clock.advance(timedelta(minutes=1))
        assert passes.tick(jump=None, under_way=frozenset()).board.status.repositories[0].listed_at == listed_at
        house.clock.advance(timedelta(minutes=5))
        assert passes.tick(jump=None, under_way=frozenset()).board.status.repositories[0].listed_at == house.clock.now()


def test_what_is_under_way_is_not_planned_again(house: WholeHouse) -> None:
    with ticking(house) as passes:
        tick = passes.tick(jump=None, under_way=frozenset({("orders", "main", "objective")}))
        assert tick.actions == ()


def test_an_action_of_a_tick_that_was_replaced_is_not_begun(house: WholeHouse) -> None:
    with ticking(house) as passes:
        (stale,) = passes.tick(jump=None, under_way=frozenset()).actions
        house.system("orders", more=', exclude: ["*.tmp"]')
        passes.tick(jump=None, under_way=frozenset())
        passes.act(stale, threading.Event(), lambda: None)
        assert passes.tick(jump=None, under_way=frozenset()).board.status.repositories[0].snapshots == 0


def test_a_spec_tree_that_vanishes_while_watching_changes_nothing_that_is_wanted(house: WholeHouse) -> None:
    with ticking(house) as passes:
        carry_out(passes, house)
        (house.folder / "specs").rename(house.folder / "moved")
        tick = passes.tick(jump=None, under_way=frozenset())
        assert [system.name for system in tick.board.status.systems] == ["orders"]
        assert not tick.board.status.spec.clean
        (house.folder / "moved").rename(house.folder / "specs")
        assert passes.tick(jump=None, under_way=frozenset()).board.status.spec.clean


def test_a_spec_tree_that_was_never_there_is_an_error_at_the_start(house: WholeHouse) -> None:
    (house.folder / "specs").rename(house.folder / "moved")
    with house.session() as session, pytest.raises(SpecTreeMissing):
        session.watch(stop=threading.Event())


def test_a_gap_becomes_an_event_once_not_in_every_tick(house: WholeHouse) -> None:
    house.source.rename(house.folder / "gone")
    with ticking(house) as passes:
        for _ in range(3):
            passes.tick(jump=None, under_way=frozenset())
            house.clock.advance(timedelta(seconds=30))
    with house.session() as session:
        (event,) = [event for event in session.events() if event.reason == "SourceMissing"]
    assert event.count == 1


def test_a_verification_that_fails_rests_longer_each_time_instead_of_reading_all_data_in_every_tick(
    house: WholeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.write("orders.yaml", (house.folder / "specs" / "orders.yaml").read_text().replace("deep: null", "deep: 30d"))
    with ticking(house) as passes:
        assert carry_out(passes, house) == [ActionKind.BACKUP]

        def full(_disk: Disk, path: str, _mode: int = 0o600) -> int:
            raise OSError(errno.ENOSPC, "No space left on device", path)

        monkeypatch.setattr(Disk, "create", full)
        tried = []
        for minute in range(55):
            house.clock.advance(timedelta(minutes=1))
            if ActionKind.VERIFY in carry_out(passes, house):
                tried.append(minute)
    assert 4 <= len(tried) <= 8


def test_a_beat_is_heard_while_a_backup_makes_progress(house: WholeHouse) -> None:
    beats: list[int] = []
    with ticking(house) as passes:
        (action,) = passes.tick(jump=None, under_way=frozenset()).actions
        passes.act(action, threading.Event(), lambda: beats.append(1))
    assert beats
