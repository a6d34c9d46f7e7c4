"""History, the doctor, and what the loop is at: over a real house."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.app.errors import NotFound
from reconciler.app.loop_view import LoopState, LoopView
from reconciler.app.session import Session
from reconciler.base.clock import SystemClock
from reconciler.cli.render.history import history_json, history_page
from reconciler.cli.render.loop import loop_page
from reconciler.model.health import HealthState
from tests.fakes.houses import BASE, WholeHouse

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_the_history_shows_checks_backups_and_alerts(house: WholeHouse) -> None:
    house.one_pass(init=True)
    for number in range(3):
        house.clock.advance(HOUR)
        (house.source / f"{number}.txt").write_text("more")
        house.one_pass()
    with house.session(read_only=True) as session:
        found = session.history()
        assert session.history(since=timedelta(minutes=1)).backups[0].runs[0].at >= found.at - timedelta(minutes=1)
    assert {"cpu", "memory", "space", "recovery"} <= {series.name for series in found.checks}
    (memory,) = [series for series in found.checks if series.name == "memory"]
    assert len(memory.points) == 4
    assert all(point.state is HealthState.GOOD and 0 < (point.value or 0) <= 1 for point in memory.points)
    (backups,) = found.backups
    assert (backups.system, backups.repository, len(backups.runs)) == ("orders", "main", 4)
    text = history_page(found).render()
    assert "memory" in text
    assert "% left" in text
    assert json.loads(history_json(found))["history"]["backups"][0]["system"] == "orders"


def test_one_check_or_one_system_alone(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session(read_only=True) as session:
        one = session.history(check="memory")
        assert [series.name for series in one.checks] == ["memory"]
        assert one.backups == ()
        other = session.history(system="orders")
        assert (other.checks, len(other.backups)) == ((), 1)
        with pytest.raises(NotFound, match="no check 'weather'"):
            session.history(check="weather")
        with pytest.raises(NotFound, match="no system 'nobody'"):
            session.history(system="nobody")


def test_before_anything_happened_the_history_is_empty(house: WholeHouse) -> None:
    with house.session(read_only=True) as session:
        found = session.history()
    assert (found.checks, found.backups, found.alerts) == ((), (), ())
    assert "Nothing was kept" in history_page(found).render()
    assert not house.state.exists()


def test_nobody_runs_the_loop(house: WholeHouse) -> None:
    with house.session(read_only=True) as session:
        found = session.loop()
    assert (found.state, found.holder, found.well) == (LoopState.ABSENT, None, False)


def _view(house: WholeHouse) -> LoopView:
    with Session.open(house.folder / "specs", state=house.state, agent="shop1", clock=SystemClock(), read_only=True) as session:
        return session.loop()


def _until(good: Callable[[LoopView], bool], house: WholeHouse, seconds: float = 40) -> LoopView:
    until = time.monotonic() + seconds
    while not good(found := _view(house)) and time.monotonic() < until:
        time.sleep(0.2)
    assert good(found), found
    return found


def test_a_loop_says_what_it_is_at_and_its_end_is_seen(house: WholeHouse) -> None:
    house.write("base.yaml", BASE.replace("{realm:", '{interval: 1s, listen: "127.0.0.1:0", realm:'))
    stop = threading.Event()

    def run() -> None:
        with Session.open(house.folder / "specs", state=house.state, agent="shop1", clock=SystemClock()) as session:
            session.watch(stop=stop, init=True)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        found = _until(lambda view: view.pulse is not None and view.loop.last_success_at is not None, house)
    finally:
        stop.set()
        thread.join(20)
    assert found.state is LoopState.ALIVE
    assert found.holder is not None
    assert found.holder.pid == os.getpid()
    assert "alive" in loop_page(found).render()
    assert _view(house).state is LoopState.ABSENT


@pytest.mark.slow
def test_a_killed_loop_is_absent_and_a_stopped_one_stands_still(house: WholeHouse) -> None:
    house.write("base.yaml", BASE.replace("{realm:", '{interval: 1s, listen: "127.0.0.1:0", realm:'))
    words = ["--specs", str(house.folder / "specs"), "--state", str(house.state), "--host", "shop1", "--watch", "--init"]
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler.cli.main", *words], cwd=Path(__file__).parents[3], stderr=subprocess.DEVNULL
    )
    try:
        _until(lambda view: view.state is LoopState.ALIVE, house)
        process.send_signal(signal.SIGSTOP)
        assert not _until(lambda view: view.state is LoopState.FROZEN, house).well
    finally:
        process.kill()
        process.wait()
    assert _view(house).state is LoopState.ABSENT
