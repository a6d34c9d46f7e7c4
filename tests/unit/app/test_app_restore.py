"""Bringing things back: which snapshot, from where, and what must never be written to."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.app.bare import BareRepository, plan_restore_bare, restore_bare, snapshots_bare
from reconciler.app.errors import Ambiguous, KeyExposed, NotFound, NothingToRestore, RestoreConflicts, TargetInside
from reconciler.app.reports import RestoreReport, RestoreRequest
from reconciler.base.errors import Usage
from reconciler.repository import NotInitialised
from tests.fakes.houses import WholeHouse

HOUR = timedelta(hours=1)


def filled(house: WholeHouse) -> list[str]:
    """Three snapshots, the counter saying 0, 1, 2; ids, oldest first."""
    ids = []
    for number in range(3):
        (house.source / "counter").write_text(str(number))
        report = house.one_pass(init=number == 0)
        ids.append(report.results[0].done.snapshot_id or "")
        house.clock.advance(2 * HOUR)
    return ids


def back(house: WholeHouse, **words: object) -> tuple[RestoreReport, str]:
    """Restore; the report and what the counter says."""
    target = house.folder / f"back-{os.urandom(4).hex()}"
    with house.session() as session:
        report = session.restore(RestoreRequest(str(target), **words))  # type: ignore[arg-type]
    return report, counter(target, house)


def counter(target: Path, house: WholeHouse) -> str:
    return (target / str(house.source).lstrip("/") / "counter").read_text()


def test_the_newest_good_snapshot_comes_back_with_the_reason(house: WholeHouse) -> None:
    ids = filled(house)
    report, content = back(house, system="orders")
    assert content == "2"
    assert report.whole
    assert report.plan.snapshot.id == ids[-1]
    assert "the newest good one" in report.plan.why


def test_a_moment_in_the_past_brings_back_what_was_true_then(house: WholeHouse) -> None:
    began = house.clock.now()
    filled(house)
    assert back(house, system="orders", at=began + 3 * HOUR)[1] == "1"
    assert back(house, system="orders", at=began)[1] == "0"
    with pytest.raises(NothingToRestore, match="no snapshot is as old as"):
        back(house, system="orders", at=began - HOUR)


def test_the_beginning_of_an_id_is_enough(house: WholeHouse) -> None:
    ids = filled(house)
    report, content = back(house, snapshot=ids[1][:10])
    assert content == "1"
    assert "asked for by its id" in report.plan.why


def test_an_id_that_names_nothing_or_too_much_is_one_clear_sentence(house: WholeHouse) -> None:
    ids = filled(house)
    with pytest.raises(NotFound, match="no snapshot begins with"):
        back(house, snapshot="zz")
    with pytest.raises(NotFound, match="is not one of system ledger"):
        back(house, snapshot=ids[0], system="ledger")
    shortest = next(n for n in range(33) if len({i[:n] for i in ids}) > 1) - 1
    if shortest:
        with pytest.raises(Ambiguous):
            back(house, snapshot=ids[0][:shortest])


def test_single_paths_and_patterns_come_back(house: WholeHouse) -> None:
    filled(house)
    for paths in ((str(house.source / "counter"),), ("counter",), ("*nter",)):
        report, content = back(house, system="orders", paths=paths)
        assert (report.files, content) == (1, "2")


def test_planning_a_restore_writes_nothing(house: WholeHouse) -> None:
    filled(house)
    before = house.traces()
    with house.session(read_only=True) as session:
        plan = session.plan_restore(RestoreRequest(str(house.folder / "out"), system="orders"))
    assert plan.target_holds == 0
    assert house.traces() == before


def test_what_is_in_the_target_already_is_never_replaced(house: WholeHouse) -> None:
    """Unless a person says so: nothing at all is written."""
    filled(house)
    target = house.folder / "out"
    place = target / str(house.source).lstrip("/")
    place.mkdir(parents=True)
    (place / "counter").write_text("mine")
    with house.session() as session, pytest.raises(RestoreConflicts, match="counter is in conflict"):
        session.restore(RestoreRequest(str(target), system="orders"))
    assert [path.name for path in place.iterdir()] == ["counter"]
    assert (place / "counter").read_text() == "mine"


@pytest.mark.parametrize("inside", ["repository/x", "repository", "state/x"])
def test_a_target_inside_the_repository_or_the_state_directory_is_refused(house: WholeHouse, inside: str) -> None:
    filled(house)
    before = house.traces()
    with house.session() as session, pytest.raises(TargetInside):
        session.restore(RestoreRequest(str(house.folder / inside), system="orders"))
    assert {path for path in house.traces() if "catalog" not in path} == {path for path in before if "catalog" not in path}


def test_a_system_that_is_declared_no_longer_can_still_be_restored(house: WholeHouse) -> None:
    filled(house)
    (house.folder / "specs" / "orders.yaml").unlink()
    house.system("ledger", source="orders")
    assert back(house, system="orders")[1] == "2"


def test_a_broken_spec_tree_still_restores(house: WholeHouse) -> None:
    filled(house)
    house.write("orders.yaml", "][")
    house.write("base.yaml", house.folder.joinpath("specs", "base.yaml").read_text() + "\nsurprise: 1\n")
    assert back(house, system="orders")[1] == "2"


def test_a_lost_catalog_does_not_matter(house: WholeHouse) -> None:
    filled(house)
    (house.state / "catalog.sqlite").unlink()
    assert back(house, system="orders")[1] == "2"


def test_a_restore_that_cannot_write_its_audit_line_restores_all_the_same_and_says_so(house: WholeHouse) -> None:
    filled(house)
    house.state.rename(house.folder / "away")
    house.state.write_text("not a directory")
    report, content = back(house, system="orders")
    assert content == "2"
    assert ["not in the audit log" in note for note in report.notes] == [False, True]


def test_neither_system_nor_snapshot_is_a_question_of_words(house: WholeHouse) -> None:
    with house.session() as session, pytest.raises(Usage):
        session.plan_restore(RestoreRequest(str(house.folder / "out")))


class TestBare:
    """With a repository and its key alone."""

    def where(self, house: WholeHouse) -> BareRepository:
        return BareRepository(str(house.repository), house.folder / "keys" / "main.key")

    def test_everything_else_may_be_gone(self, house: WholeHouse) -> None:
        filled(house)
        for lost in ("specs", "state", "orders"):
            (house.folder / lost).rename(house.folder / f"lost-{lost}")
        report = restore_bare(self.where(house), RestoreRequest(str(house.folder / "out")))
        assert report.whole
        assert counter(house.folder / "out", house) == "2"
        assert not house.state.exists()

    def test_reading_a_repository_leaves_no_trace_in_it(self, house: WholeHouse) -> None:
        filled(house)
        before = house.traces()
        assert len(snapshots_bare(self.where(house)).snapshots) == 3
        plan_restore_bare(self.where(house), RestoreRequest(str(house.folder / "out"), system="orders"))
        assert house.traces() == before

    def test_a_moment_and_an_id_work_here_too(self, house: WholeHouse) -> None:
        began = house.clock.now()
        ids = filled(house)
        at = plan_restore_bare(self.where(house), RestoreRequest("out", system="orders", at=began + HOUR))
        assert at.snapshot.id == ids[0]
        assert plan_restore_bare(self.where(house), RestoreRequest("out", snapshot=ids[1][:12])).snapshot.id == ids[1]

    def test_several_systems_want_a_name(self, house: WholeHouse) -> None:
        house.system("ledger", source="orders")
        filled(house)
        with pytest.raises(Usage) as caught:
            plan_restore_bare(self.where(house), RestoreRequest("out"))
        assert caught.value.context["systems"] == "ledger, orders"
        with pytest.raises(NotFound, match="ghost"):
            plan_restore_bare(self.where(house), RestoreRequest("out", system="ghost"))

    def test_a_key_that_others_can_read_is_refused_here_too(self, house: WholeHouse) -> None:
        filled(house)
        (house.folder / "keys" / "main.key").chmod(0o644)
        with pytest.raises(KeyExposed):
            snapshots_bare(self.where(house))

    def test_an_empty_folder_is_not_an_empty_repository(self, house: WholeHouse) -> None:
        filled(house)
        (house.folder / "nothing").mkdir()
        with pytest.raises(NotInitialised):
            snapshots_bare(BareRepository(str(house.folder / "nothing"), house.folder / "keys" / "main.key"))
