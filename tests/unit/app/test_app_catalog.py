"""The program's own memory: found damaged it is made anew and everybody hears of it, and no backup ever opens it."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import pytest

from reconciler.catalog.records import RunOutcome
from reconciler.cli.render.status import status_page
from reconciler.metrics import names
from reconciler.metrics.collect import samples
from reconciler.model.status import Condition, Status, Truth
from tests.fakes.houses import WholeHouse

OPENED: list[str] = []


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and OPENED and isinstance(arguments[0], (str, bytes)):
        OPENED.append(os.fsdecode(arguments[0]))


sys.addaudithook(_hear)


@pytest.fixture
def opened() -> list[str]:
    """Every file that is opened by name from now on; SQLite opens its own without Python."""
    OPENED[:] = ["listening"]
    yield OPENED
    OPENED.clear()


def damage(house: WholeHouse) -> None:
    path = house.state / "catalog.sqlite"
    with path.open("r+b") as file:
        file.seek(0)
        file.write(os.urandom(4096))


def condition(status: Status) -> Condition:
    (found,) = status.conditions
    return found


def intact(house: WholeHouse) -> Condition:
    with house.session() as session:
        return condition(session.status())


def test_a_damaged_catalog_is_put_aside_and_everybody_hears_of_it_for_a_week(house: WholeHouse) -> None:
    report = house.one_pass(init=True)
    assert condition(report.status).status is Truth.TRUE
    damage(house)
    assert intact(house).status is Truth.FALSE, "also who only looks is told"
    report = house.one_pass()
    assert condition(report.status).reason == "Recovered"
    assert "was damaged: it was moved to" in condition(report.status).message
    assert "CatalogIntact False" in status_page(report.status).render()
    shown = [value for metric, labels, value in samples(report.status) if metric is names.CONDITION and "CatalogIntact" in labels]
    assert shown == [0]
    with house.session() as session:
        assert "CatalogRecovered" in [event.reason for event in session.events()]
    assert len(list(house.state.glob("catalog.sqlite.damaged-*"))) == 1
    house.clock.advance(timedelta(days=8))
    house.one_pass()
    assert intact(house).status is Truth.TRUE


def test_after_a_lost_catalog_the_next_pass_knows_every_snapshot_and_takes_none_twice(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        before = {snapshot.id for snapshot in session.snapshots().snapshots}
    damage(house)
    done = [r for r in house.one_pass().results if r.action.kind == "backup"]
    assert done == []
    with house.session() as session:
        assert {snapshot.id for snapshot in session.snapshots(cached=True).snapshots} == before


@pytest.mark.parametrize("how", ["older", "deleted"])
def test_a_catalog_that_is_older_than_the_repository_or_gone_loses_and_doubles_nothing(house: WholeHouse, how: str) -> None:
    house.one_pass(init=True)
    path = house.state / "catalog.sqlite"
    older = path.read_bytes()
    (house.folder / "orders" / "two.txt").write_text("two")
    house.clock.advance(timedelta(hours=2))
    assert [r.action.kind for r in house.one_pass().results] == ["backup"]
    with house.session() as session:
        before = {snapshot.id for snapshot in session.snapshots().snapshots}
    path.write_bytes(older) if how == "older" else path.unlink()
    report = house.one_pass()
    assert [r.outcome for r in report.results if r.action.kind == "backup"] == [], "what was just backed up is not due"
    with house.session() as session:
        assert {snapshot.id for snapshot in session.snapshots(cached=True).snapshots} == before
    house.clock.advance(timedelta(hours=2))
    (house.folder / "orders" / "three.txt").write_text("three")
    assert [r.outcome for r in house.one_pass().results] == [RunOutcome.SUCCEEDED]


def test_a_backup_never_opens_the_catalog_wherever_the_source_reaches_it(house: WholeHouse, opened: list[str]) -> None:
    house.one_pass(init=True)
    (house.folder / "orders" / "by another name").hardlink_to(house.state / "catalog.sqlite")
    (house.folder / "orders" / "new.txt").write_text("new")
    house.system("memory", source="state")
    house.system("file", source="state/catalog.sqlite")
    house.clock.advance(timedelta(hours=2))
    opened[:] = ["listening"]
    results = {r.action.system: r for r in house.one_pass().results if r.action.kind == "backup"}
    assert [name for name in opened if "catalog.sqlite" in name or "another name" in name] == []
    assert "new.txt" in [os.path.basename(name) for name in opened]
    assert results["orders"].outcome is RunOutcome.SUCCEEDED
    assert [results[name].message.endswith("no backup reads") for name in ("memory", "file")] == [True, True]
