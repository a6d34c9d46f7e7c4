"""What must not go backwards from pass to pass: the clock of the host, and the repositories. On a real repository and a real catalog."""

from __future__ import annotations

import shutil
from datetime import timedelta

from reconciler.app.reports import PassReport
from reconciler.model.plan import ActionKind
from reconciler.model.status import ConditionType, Truth
from tests.fakes.houses import WholeHouse

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAST_TWO = "{last: 2, minimum: 1, keepWithin: null, daily: null, weekly: null, monthly: null}"


def filled(house: WholeHouse, count: int = 5) -> None:
    house.policy(LAST_TWO)
    house.one_pass(init=True)
    for number in range(count):
        changed(house, number)


def changed(house: WholeHouse, number: int) -> PassReport:
    house.clock.advance(2 * HOUR)
    (house.source / "counter").write_text(str(number))
    return house.one_pass()


def gone(report: PassReport) -> list[ActionKind]:
    return [r.action.kind for r in report.results if r.action.kind in (ActionKind.MARK, ActionKind.FORGET, ActionKind.PRUNE)]


def is_current(report: PassReport) -> Truth:
    (repository,) = report.status.repositories
    return next(c.status for c in repository.conditions if c.type is ConditionType.REPOSITORY_CURRENT)


def test_ten_years_ahead_for_one_pass_remove_nothing_and_stop_no_later_backup(house: WholeHouse) -> None:
    filled(house)
    house.clock.advance(25 * HOUR)  # some are marked and have rested
    house.clock.jump(3653 * DAY)
    ahead = house.one_pass()
    assert gone(ahead) == []
    assert {h.guard for h in ahead.held} == {"clock"}
    house.clock.jump(-3653 * DAY)
    back = changed(house, 77)
    assert gone(back) == []
    assert [r.action.kind for r in back.results] == [ActionKind.BACKUP], "the snapshot from the future satisfies no objective"


def test_a_repository_that_went_back_in_time_loses_nothing_more_until_a_person_accepts_it(house: WholeHouse) -> None:
    filled(house, 3)
    shutil.copytree(house.repository, house.folder / "image")
    changed(house, 88)
    house.clock.advance(25 * HOUR)
    shutil.rmtree(house.repository)
    shutil.copytree(house.folder / "image", house.repository)  # somebody restored the disk from an image
    report = house.one_pass()
    assert gone(report) == []
    assert "repository-went-back" in {g.code for g in report.gaps}
    assert is_current(report) is Truth.FALSE
    house.clock.advance(2 * HOUR)
    assert is_current(house.one_pass()) is Truth.FALSE, "it stays in sight although backups go on"
    with house.session() as session:
        session.catalog_rebuild()
    accepted = house.one_pass()
    assert is_current(accepted) is Truth.TRUE
    assert ActionKind.MARK in gone(accepted)


def test_what_a_person_forgets_or_retention_removes_is_no_step_back(house: WholeHouse) -> None:
    filled(house, 5)
    house.clock.advance(25 * HOUR)
    assert ActionKind.FORGET in gone(house.one_pass())
    assert is_current(changed(house, 5)) is Truth.TRUE
    (house.folder / "specs" / "orders.yaml").unlink()  # of a system that nobody wants any more the newest may go, too
    with house.session() as session:
        session.forget([session.snapshots("orders").snapshots[0].id], "a test")
    assert is_current(house.one_pass()) is Truth.TRUE
