"""A machine that has nothing but a repository and its key: what is inside, what of it cannot be had, what is never written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.app.bare import BareRepository
from reconciler.app.errors import Ambiguous, NothingToRestore, PlaceTaken
from reconciler.app.recover import inside_bare, recover_bare, restore_all_bare
from reconciler.app.session import Session
from reconciler.base.errors import ReconcilerError
from tests.fakes.houses import BASE, WholeHouse


@pytest.fixture
def where(house: WholeHouse) -> BareRepository:
    house.write("base.yaml", BASE.replace(", records: {repositories: []}", ""))
    house.one_pass(init=True)
    house.one_pass()
    return BareRepository(str(house.repository), house.folder / "keys" / "main.key")


def second_host(house: WholeHouse) -> None:
    with Session.open(house.folder / "specs", state=house.folder / "other", agent="shop2", clock=house.clock) as session:
        session.run_once()
    house.arrive()


def test_each_system_is_told_with_its_host_and_its_newest_good_snapshot(where: BareRepository, house: WholeHouse) -> None:
    found = inside_bare(where, clock=house.clock)
    assert [(each.system, each.host, each.snapshots, each.records) for each in found.systems] == [
        ("orders", "shop1", 1, False),
        ("reconciler.shop1", "shop1", 1, True),
    ]
    assert all(each.newest_good is not None and each.newest_good.bytes > 0 for each in found.systems)
    assert found.problems == ()


def test_a_root_that_cannot_be_read_is_a_problem_and_hides_no_other_system(where: BareRepository, house: WholeHouse) -> None:
    orders = next(each for each in inside_bare(where).systems if each.system == "orders")
    assert orders.newest_good is not None
    path = house.repository / "snapshots" / orders.newest_good.id
    path.chmod(0o600)
    path.write_bytes(b"rotten")
    found = inside_bare(where)
    assert [each.system for each in found.systems] == ["reconciler.shop1"]
    assert path.name in found.problems[0]


def test_what_is_there_already_is_never_written_over(where: BareRepository, tmp_path: Path) -> None:
    for name, file in (("specs", "mine.yaml"), ("state", "catalog.sqlite")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("mine")
    with pytest.raises(PlaceTaken, match=r"mine\.yaml"):
        recover_bare(where, specs_to=str(tmp_path / "specs"))
    with pytest.raises(PlaceTaken, match=r"catalog\.sqlite"):
        recover_bare(where, specs_to=str(tmp_path / "new"), state_to=str(tmp_path / "state"))
    assert not (tmp_path / "new").exists(), "refused before anything is written"
    assert (tmp_path / "state" / "catalog.sqlite").read_text() == "mine"


def test_records_of_several_hosts_want_a_name(where: BareRepository, house: WholeHouse, tmp_path: Path) -> None:
    second_host(house)
    with pytest.raises(Ambiguous, match="2 hosts"):
        recover_bare(where, specs_to=str(tmp_path / "specs"))
    done = recover_bare(where, specs_to=str(tmp_path / "specs"), records="reconciler.shop2")
    assert done.snapshot is not None
    assert done.snapshot.host == "shop2"
    with pytest.raises(NothingToRestore):
        recover_bare(where, specs_to=str(tmp_path / "more"), records="reconciler.shop3")


def test_damage_in_the_records_puts_nothing_in_their_place(where: BareRepository, house: WholeHouse, tmp_path: Path) -> None:
    for path in (house.repository / "packs").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            data = bytearray(path.read_bytes())
            data[100] ^= 1
            path.write_bytes(data)
    with pytest.raises(ReconcilerError) as caught:
        recover_bare(where, specs_to=str(tmp_path / "specs"), state_to=str(tmp_path / "state"))
    assert caught.value.hint
    assert list(tmp_path.glob("*")) == [], "neither a half tree nor what was begun beside it"


def test_all_systems_come_back_into_one_folder_without_the_records(where: BareRepository, house: WholeHouse, tmp_path: Path) -> None:
    (report,) = restore_all_bare(where, str(tmp_path / "back"))
    assert report.plan.snapshot.system == "orders"
    assert report.whole
    back = tmp_path / "back" / str((house.folder / "orders").resolve()).lstrip("/")
    assert (back / "one.txt").read_text() == "one"
