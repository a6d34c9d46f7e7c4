"""A system is encrypted between two backups: what becomes of its snapshots, and how a person says that it was meant."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest

from reconciler.app.errors import NotFound
from reconciler.base.errors import Usage
from reconciler.cli.render.holds import accepted_page
from reconciler.model.plan import ActionKind
from reconciler.model.snapshot import MarkKind, Snapshot
from reconciler.model.status import ConditionType, Truth
from tests.fakes.houses import WholeHouse

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEXT = "nothing of what is written here is a secret\n" * 40
LETTING_GO = "{last: 2, minimum: 1, keepWithin: null, daily: null, weekly: null, monthly: null}"


def ordinary(house: WholeHouse, backups: int = 2) -> None:
    """Some backups of forty letters, of which one is edited in between."""
    for number in range(40):
        (house.source / f"letter-{number}.txt").write_text(f"{number}\n{TEXT}")
    house.one_pass(init=True)
    for number in range(backups - 1):
        house.clock.advance(2 * HOUR)
        (house.source / f"letter-{number}.txt").write_text(f"edited {number}\n{TEXT}")
        house.one_pass()


def encrypt(house: WholeHouse, count: int = 20) -> None:
    for number in range(count):
        (house.source / f"letter-{number}.txt").write_bytes(random.Random(number).randbytes(1800))


def snapshots(house: WholeHouse) -> tuple[Snapshot, ...]:
    with house.session(read_only=True) as session:
        return session.snapshots("orders").snapshots


def suspect(house: WholeHouse) -> list[Snapshot]:
    return [s for s in snapshots(house) if s.marked(MarkKind.SUSPECT) is not None]


def attacked(house: WholeHouse, backups: int = 2) -> None:
    ordinary(house, backups)
    encrypt(house)
    house.clock.advance(2 * HOUR)
    house.one_pass()
    house.clock.advance(timedelta(minutes=1))
    house.one_pass()


def test_an_encrypted_system_is_called_suspect_and_the_last_good_snapshot_is_what_counts(house: WholeHouse) -> None:
    attacked(house)
    (found,) = suspect(house)
    assert found.turnover is not None
    assert (found.turnover.compared_files, found.turnover.ruined_changed) == (41, 20)
    with house.session(read_only=True) as session:
        status = session.status()
    plausible = status.systems[0].condition(ConditionType.PLAUSIBLE)
    assert plausible is not None
    assert (plausible.status, plausible.reason) == (Truth.FALSE, "Suspect")
    assert "20 of 41 files turned into noise" in plausible.message
    good = status.systems[0].protection[0].newest_good_id
    assert good == snapshots(house)[1].id, "the one before"


def test_each_later_snapshot_is_compared_with_the_last_good_one_until_a_person_has_looked(house: WholeHouse) -> None:
    attacked(house)
    for _ in range(2):
        house.clock.advance(2 * HOUR)
        (house.source / "letter-39.txt").write_text(f"{house.clock.now()}\n{TEXT}")
        house.one_pass()
    house.clock.advance(timedelta(minutes=1))
    again = house.one_pass()
    assert len(suspect(house)) == 3
    assert all(s.turnover is not None and s.turnover.ruined_changed == 20 for s in suspect(house))
    assert [r.action.kind for r in again.results if r.action.kind is ActionKind.BACKUP] == [], "they are paced like any others"


def test_nothing_older_goes_while_a_snapshot_is_suspect(house: WholeHouse) -> None:
    ordinary(house, 6)
    house.policy(LETTING_GO)
    encrypt(house)
    for _ in range(3):
        house.clock.advance(26 * HOUR)
        report = house.one_pass()
    assert {h.guard for h in report.plan.held} == {"suspect"}
    assert not any(r.action.kind in (ActionKind.MARK, ActionKind.FORGET) for r in report.results)
    assert any(gap.code == "suspect-snapshot" and "reconcile accept orders" in gap.person for gap in report.plan.gaps)


def test_a_person_accepts_it_and_it_counts_again_for_good(house: WholeHouse) -> None:
    attacked(house, 6)
    with house.session() as session:
        report = session.accept("orders", "we encrypted the letters ourselves")
    assert "we encrypted the letters ourselves (by" in accepted_page(report).render()
    assert (suspect(house), report.left) == ([], 0)
    house.clock.advance(2 * HOUR)
    (house.source / "letter-39.txt").write_text("another\n" + TEXT)
    house.one_pass()
    assert suspect(house) == []
    with house.session(read_only=True) as session:
        plausible = session.status().systems[0].condition(ConditionType.PLAUSIBLE)
    assert plausible is not None
    assert plausible.reason == "InKeeping"
    lines = [json.loads(line) for line in (house.state / "audit.jsonl").read_text().splitlines()]
    accepted = [line for line in lines if line.get("verb") == "accept" or "accept" in line.values()]
    assert any("we encrypted the letters ourselves" in json.dumps(line) for line in accepted)


def test_what_is_not_suspect_cannot_be_accepted_and_a_reason_is_asked_for(house: WholeHouse) -> None:
    ordinary(house)
    with house.session() as session:
        with pytest.raises(NotFound, match="no snapshot of system orders is suspect"):
            session.accept("orders", "why not")
        with pytest.raises(NotFound, match="no system 'sales'"):
            session.accept("sales", "why not")
        with pytest.raises(Usage, match="a reason"):
            session.accept("orders", " ")


def test_it_can_be_accepted_before_the_loop_has_marked_it(house: WholeHouse) -> None:
    ordinary(house)
    encrypt(house)
    house.clock.advance(2 * HOUR)
    house.one_pass()
    assert suspect(house) == []
    with house.session() as session:
        session.accept("orders", "meant")
    house.clock.advance(timedelta(minutes=1))
    house.one_pass()
    assert suspect(house) == []


def test_one_of_two_can_be_accepted_alone(house: WholeHouse) -> None:
    attacked(house)
    house.clock.advance(2 * HOUR)
    encrypt(house, 30)
    house.one_pass()
    house.clock.advance(timedelta(minutes=1))
    house.one_pass()
    newest, older = suspect(house)
    with house.session() as session:
        assert session.accept("orders", "meant", [older.id[:12]]).left == 1
    assert [s.id for s in suspect(house)] == [newest.id]


def test_the_next_backup_is_not_compared_with_one_that_is_not_marked_yet(house: WholeHouse) -> None:
    """Two backups without a pass in between that could mark the first."""
    ordinary(house)
    encrypt(house)
    house.clock.advance(2 * HOUR)
    house.one_pass()
    house.clock.advance(2 * HOUR)
    (house.source / "letter-39.txt").write_text("another\n" + TEXT)
    house.one_pass()
    house.clock.advance(timedelta(minutes=1))
    house.one_pass()
    assert [s.turnover.ruined_changed for s in suspect(house) if s.turnover is not None] == [20, 20]


def test_a_canary_speaks_without_any_history(house: WholeHouse) -> None:
    lure = house.source / "aaa-passwords.txt"
    house.system("orders", extra=f"  guard: {{canaries: [{lure}]}}\n")
    (house.source / "letter.txt").write_text(TEXT)
    first = house.one_pass(init=True)
    assert "the canary" in first.results[0].message
    lure.write_text("nobody reads this\n")
    house.clock.advance(2 * HOUR)
    house.one_pass()
    lure.unlink()
    house.clock.advance(2 * HOUR)
    house.one_pass()
    house.clock.advance(timedelta(minutes=1))
    house.one_pass()
    (found,) = suspect(house)
    assert found.marks[-1].note == "1 canary file changed or went"


def test_nobody_is_called_suspect_where_it_is_switched_off(house: WholeHouse) -> None:
    house.system("orders", extra="  guard: {anomalies: false}\n")
    attacked(house)
    assert suspect(house) == []


def test_what_the_specs_no_longer_ask_for_is_not_lost(house: WholeHouse) -> None:
    ordinary(house, 7)
    house.system("orders", more=", exclude: ['letter-2*', 'letter-3*']")
    house.clock.advance(2 * HOUR)
    house.one_pass()
    newest = snapshots(house)[0]
    assert newest.turnover is not None
    assert (newest.files, newest.turnover.gone) == (19, 0)
    house.clock.advance(timedelta(minutes=1))
    house.one_pass()
    assert suspect(house) == []


def test_what_is_deleted_is_lost(house: WholeHouse) -> None:
    ordinary(house, 7)
    for number in range(20, 40):
        (house.source / f"letter-{number}.txt").unlink()
    house.clock.advance(2 * HOUR)
    house.one_pass()
    house.clock.advance(timedelta(minutes=1))
    house.one_pass()
    (found,) = suspect(house)
    assert "went while nothing came instead" in found.marks[-1].note
