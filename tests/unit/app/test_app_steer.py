"""Trigger, pause and resume, over a real house."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from reconciler.app.api import Reconciler
from reconciler.app.errors import LoopAbsent, NotFound, NotTriggered
from reconciler.base.errors import Usage
from reconciler.loop.lease import Lease
from reconciler.metrics.collect import samples
from reconciler.model.snapshot import BackupKind
from tests.fakes.houses import WholeHouse

HOUR = timedelta(hours=1)


def audited(house: WholeHouse) -> list[str]:
    lines = (house.state / "audit.jsonl").read_text().splitlines()
    return [record["verb"] for record in map(json.loads, lines) if record["stage"] == "note"]


def reasons(house: WholeHouse) -> list[str]:
    with house.session() as session:
        return [event.reason for event in session.events()]


def test_without_a_loop_nobody_would_take_a_trigger_and_it_says_so(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        with pytest.raises(LoopAbsent, match="no loop runs"):
            session.trigger(["orders"])
        assert session.house.memory.writing().wishes() == ()


def test_a_trigger_is_taken_by_the_next_tick_and_is_gone_when_it_was_done(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        catalog = session.house.memory.writing()
        with Lease.take(house.state, catalog, house.clock):
            report = session.trigger(["orders"], BackupKind.FULL)
        assert [wish.system for wish in report.wishes] == ["orders"]
        assert session.plan().plan.actions[0].reason == "requested", "the dry run shows it, too"
    house.clock.advance(timedelta(seconds=30))
    (result,) = house.one_pass().results
    assert (result.action.reason, result.done.backup_kind) == ("requested", BackupKind.FULL)
    assert house.one_pass().results == ()
    assert audited(house) == ["specs", "trigger"]
    assert "Triggered" in reasons(house)


def test_what_the_loop_would_never_do_is_refused_at_once(house: WholeHouse) -> None:
    house.system("stock", source="orders", extra="  host: shop2\n")
    house.system("moved", source="orders", extra="  suspend: {reason: moving, until: 2099-01-01}\n")
    with house.session() as session:
        for name, error, why in (("ghost", NotFound, "ghost"), ("stock", NotTriggered, "shop2"), ("moved", NotTriggered, "moving")):
            with pytest.raises(error, match=why):
                session.trigger([name])


def test_a_wish_that_nobody_could_fulfil_within_a_day_becomes_an_event(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session, Lease.take(house.state, session.house.memory.writing(), house.clock):
        session.trigger(["orders"], BackupKind.FULL)
    house.clock.advance(timedelta(days=2))
    assert [result.action.reason for result in house.one_pass().results] == ["schedule-due"]
    assert "TriggerExpired" in reasons(house)
    with house.session() as session:
        assert session.house.memory.writing().wishes() == ()


def test_a_pause_begins_nothing_silences_nothing_and_ends_by_itself(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        report = session.pause(HOUR * 30, "moving the disks")
    assert report.loop is None
    house.clock.advance(HOUR * 29)
    paused = house.one_pass()
    assert (len(paused.plan.actions), paused.results) == (1, ())
    assert paused.status.loop.pause == report.pause
    (fresh,) = [c for c in paused.status.systems[0].conditions if c.type == "BackupFresh"]
    assert fresh.reason == "Breached", "the age goes on"
    values = {metric.name: value for metric, _, value in samples(paused.status)}
    assert report.pause is not None
    assert values["reconciler_loop_paused"] == 1
    assert values["reconciler_loop_pause_end_timestamp_seconds"] == report.pause.until.timestamp()
    house.clock.advance(HOUR)
    after = house.one_pass()
    assert (len(after.results), after.status.loop.pause) == (1, None)


def test_a_pause_can_be_ended_and_both_are_on_record(house: WholeHouse) -> None:
    with house.session() as session:
        session.pause(HOUR, "moving the disks")
        assert session.status().loop.pause is not None
        ended = session.resume()
        assert ended.pause is not None
        assert ended.pause.reason == "moving the disks"
        assert session.status().loop.pause is None
        assert session.resume().pause is None
    assert audited(house) == ["pause", "resume"]
    assert reasons(house).count("Paused") == reasons(house).count("Resumed") == 1


def test_a_person_works_beside_the_pause(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        session.pause(HOUR, "moving the disks")
        (result,) = session.backup(["orders"])
    assert result.failure is None


@pytest.mark.parametrize(("length", "reason"), [(HOUR, " "), (timedelta(0), "x"), (timedelta(days=31), "x")])
def test_a_pause_says_why_and_ends_within_a_month(house: WholeHouse, length: timedelta, reason: str) -> None:
    with house.session() as session, pytest.raises(Usage):
        session.pause(length, reason)


def test_the_python_api_has_the_same_verbs(house: WholeHouse) -> None:
    async def main() -> None:
        async with Reconciler.open(house.folder / "specs", state=house.state, agent="shop1") as reconciler:
            assert (await reconciler.pause(HOUR, "moving the disks")).pause is not None
            assert (await reconciler.status()).loop.pause is not None
            await reconciler.resume()
            with pytest.raises(LoopAbsent):
                await reconciler.trigger("orders")

    asyncio.run(main())
