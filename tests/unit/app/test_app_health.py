"""Health of a real host with a real repository."""

from __future__ import annotations

import json
import shutil
import threading
import time
from datetime import timedelta

from reconciler.app.session import Session
from reconciler.base.clock import SystemClock
from reconciler.model.health import Health, HealthState
from tests.fakes.houses import BASE, WholeHouse


def _states(found: Health) -> dict[tuple[str, str], HealthState]:
    return {(check.name, check.object): check.state for check in found.checks}


def test_a_house_that_was_just_backed_up(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session(read_only=True) as session:
        found = session.health()
    states = _states(found)
    assert states["backup age", "orders"] is HealthState.GOOD
    assert states["repository", "main"] is HealthState.GOOD
    assert states["failure rate", "orders in main"] is HealthState.GOOD
    (space,) = [check for check in found.checks if check.name == "space"]
    assert space.object.startswith("state, sandbox and ")
    assert space.state is not HealthState.UNKNOWN


def test_a_repository_that_is_gone_is_bad_and_so_is_a_backup_that_is_old(house: WholeHouse) -> None:
    house.one_pass(init=True)
    shutil.rmtree(house.repository)
    house.clock.advance(timedelta(days=30))
    with house.session(read_only=True) as session:
        found = session.health()
    states = _states(found)
    assert states["repository", "main"] is HealthState.BAD
    assert states["backup age", "orders"] is HealthState.BAD
    assert not found.well


def test_looking_at_health_writes_nothing(house: WholeHouse) -> None:
    with house.session(read_only=True) as session:
        session.health()
    assert not house.repository.exists()


NEVER = "memory: &never {warning: {share: 0.000001}, bad: {share: 0.000001}}"
FAR = "{warning: {share: 0.000001}, bad: {share: 0.000001}}"
ALWAYS = "memory: {warning: {share: 0.999999}, bad: {share: 0.999998}}"
POLICY = """\
apiVersion: reconciler/v1
kind: AlertPolicy
metadata: {name: duty}
spec: {receivers: [{name: archive, file: {path: ../alerts.jsonl}}]}
"""
LOOK = timedelta(minutes=5)


def _limits(house: WholeHouse, said: str, more: str = "") -> None:
    """Of memory; the host is what it is."""
    base = BASE if said == NEVER else BASE.replace(NEVER, said).replace("*never", FAR)
    house.write("base.yaml", base.replace("{realm:", f"{{{more}realm:"))


def _told(house: WholeHouse) -> list[tuple[str, str]]:
    path = house.folder / "alerts.jsonl"
    rows = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    return [(row["notice"], alert["condition"]) for row in rows for alert in row["alerts"] if alert["object_kind"] == "Host"]


def test_an_alert_of_the_host_fires_once_over_many_processes_and_ends_after_three_good_looks(house: WholeHouse) -> None:
    house.write("alerts.yaml", POLICY)
    _limits(house, ALWAYS)
    status = house.one_pass(init=True).status
    assert status.health is not None
    assert [c.name for c in status.health.checks if c.state is HealthState.BAD] == ["memory"]
    for _ in range(3):
        house.clock.advance(LOOK)
        house.one_pass()
    assert _told(house) == [("firing", "memory")]
    _limits(house, NEVER)
    for _ in range(2):
        house.clock.advance(LOOK)
        house.one_pass()
    assert _told(house) == [("firing", "memory")], "better, but not for long enough"
    house.clock.advance(LOOK)
    house.one_pass()
    assert _told(house) == [("firing", "memory"), ("recovered", "memory")]


def test_a_pass_that_does_not_look_ends_no_alert(house: WholeHouse) -> None:
    house.write("alerts.yaml", POLICY)
    _limits(house, ALWAYS)
    house.one_pass(init=True)
    _limits(house, NEVER)
    for _ in range(4):
        house.clock.advance(timedelta(seconds=30))
        assert house.one_pass().status.health is None, "looked at within observeEvery"
    assert _told(house) == [("firing", "memory")]


def test_the_loop_looks_beside_its_passes_and_publishes(house: WholeHouse) -> None:
    _limits(house, ALWAYS, 'interval: 1s, listen: "127.0.0.1:0", ')
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(house, stop))
    thread.start()
    try:
        until = time.monotonic() + 20
        while not _seen(house) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join(20)
    assert _seen(house)


def _watch(house: WholeHouse, stop: threading.Event) -> None:
    with Session.open(house.folder / "specs", state=house.state, agent="shop1", clock=SystemClock()) as session:
        session.watch(stop=stop, init=True)


def _seen(house: WholeHouse) -> bool:
    with house.session(read_only=True) as session, session.house.memory.reading() as catalog:
        return ("memory", "host") in catalog.looks.memory()
