"""Holds that a person sets and ends: in the repository itself, with a reason and an end."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest

from reconciler.app.errors import NotFound
from reconciler.base.errors import Usage
from reconciler.cli.render.holds import holds_page
from reconciler.model.plan import ActionKind
from tests.fakes.houses import WholeHouse

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAST_TWO = "{last: 2, minimum: 1, keepWithin: null, daily: null, weekly: null, monthly: null}"


def filled(house: WholeHouse) -> list[str]:
    """Six snapshots of which retention wants two and the full one; newest first."""
    house.policy(LAST_TWO)
    house.one_pass(init=True)
    for number in range(5):
        house.clock.advance(2 * HOUR)
        (house.source / "counter").write_text(str(number))
        house.one_pass()
    return listed(house)


def listed(house: WholeHouse) -> list[str]:
    with house.session(read_only=True) as session:
        return [s.id for s in session.snapshots("orders").snapshots]


def forgotten(house: WholeHouse) -> set[str]:
    return {i for r in house.one_pass().results if r.action.kind is ActionKind.FORGET for i in r.action.snapshots}


def test_a_hold_keeps_a_snapshot_over_a_lost_catalog_until_its_end(house: WholeHouse) -> None:
    _, _, held, other, *_ = filled(house)
    with house.session() as session:
        session.hold([held[:12]], house.clock.now() + 20 * DAY, "for the auditors")
    shutil.rmtree(house.state)
    house.clock.advance(2 * HOUR)
    house.one_pass()
    house.clock.advance(25 * HOUR)
    assert other in forgotten(house)
    assert held in listed(house)
    house.clock.advance(20 * DAY)
    house.one_pass()
    house.clock.advance(25 * HOUR)
    assert held in forgotten(house)


def test_a_released_snapshot_rests_for_a_day_and_goes(house: WholeHouse) -> None:
    _, _, held, *_ = filled(house)
    with house.session() as session:
        session.hold([held], house.clock.now() + 20 * DAY, "for the auditors")
        assert [s.id for s in session.holds().snapshots] == [held]
        session.release([held], "the auditors are done")
        assert session.holds().snapshots == ()
    house.one_pass()
    house.clock.advance(25 * HOUR)
    assert held in forgotten(house)


def test_holds_tell_their_end_and_reason_and_stand_in_the_audit_log(house: WholeHouse) -> None:
    _, _, held, *_ = filled(house)
    with house.session() as session:
        session.hold([held], house.clock.now() + 2 * DAY, "for the auditors")
        report = session.hold([held], house.clock.now() + 9 * DAY, "for the court")
    shown = holds_page(report, house.clock.now()).render()
    assert "for the court" in shown
    assert "for the auditors" not in shown, "the longest hold is told"
    lines = [json.loads(line) for line in (house.state / "audit.jsonl").read_text().splitlines()]
    assert [(line["stage"], line["snapshots"]) for line in lines if line["verb"] == "hold"] == [
        (stage, [held]) for stage in ("intent", "complete", "intent", "complete")
    ]


def test_a_hold_needs_a_reason_an_end_ahead_and_a_snapshot(house: WholeHouse) -> None:
    first, *_ = filled(house)
    later = house.clock.now() + DAY
    with house.session() as session:
        with pytest.raises(Usage):
            session.hold([first], later, " ")
        with pytest.raises(Usage):
            session.hold([first], house.clock.now(), "for the auditors")
        with pytest.raises(NotFound):
            session.hold(["ffffffff"], later, "for the auditors")
        assert session.holds().snapshots == ()
