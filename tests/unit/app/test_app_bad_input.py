"""Spec trees as accidents leave them, in a house with snapshots: what is sound goes on, nothing goes, and the right tree heals all."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from reconciler.app.reports import PassReport
from reconciler.model.plan import ActionKind
from reconciler.spec import SpecError
from tests.fakes.houses import WholeHouse

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAST_TWO = "{last: 2, minimum: 1, keepWithin: null, daily: null, weekly: null, monthly: null}"


def lived_in(house: WholeHouse) -> list[str]:
    """Six snapshots of which three would be marked by the next quiet pass."""
    house.policy("{last: 9, minimum: 1, keepWithin: null, daily: null, weekly: null, monthly: null}")
    house.one_pass(init=True)
    for number in range(5):
        house.clock.advance(2 * HOUR)
        (house.source / "counter").write_text(str(number))
        house.one_pass()
    house.policy(LAST_TWO)
    return stored(house)


def stored(house: WholeHouse) -> list[str]:
    return sorted(path.name for path in (house.repository / "snapshots").iterdir())


def letting_go(report: PassReport) -> list[ActionKind]:
    return [r.action.kind for r in report.results if r.action.kind in (ActionKind.MARK, ActionKind.FORGET)]


def backed_up(report: PassReport) -> set[str]:
    return {r.action.system for r in report.results if r.action.kind is ActionKind.BACKUP and r.failure is None}


def test_a_conflict_marker_in_one_of_a_hundred_files_stops_neither_that_system_nor_the_others(house: WholeHouse) -> None:
    before = lived_in(house)
    for number in range(97):  # most of them are another host's: looked at, and quick
        (house.folder / f"s{number}").mkdir()
        house.system(f"s{number}", extra="" if number in (7, 8) else "  host: shop2\n")
    house.one_pass()
    text = (house.folder / "specs" / "s7.yaml").read_text()
    house.write("s7.yaml", f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> branch\n")
    house.clock.advance(30 * HOUR)
    report = house.one_pass()
    assert [(p.code, p.place.file) for p in report.problems if p.severity == "error"] == [("conflict-marker", "s7.yaml")]
    assert len(report.status.systems) == 98
    assert letting_go(report) == [], "what the broken file wants to keep is not known"
    assert {"s7", "s8", "orders"} <= backed_up(report)
    assert set(before) <= set(stored(house))


@pytest.mark.parametrize("settings_stay", [False, True], ids=["all", "all but a setting without a realm"])
def test_a_commit_that_deletes_everything_ends_no_protection_and_deletes_no_snapshot(house: WholeHouse, *, settings_stay: bool) -> None:
    before = lived_in(house)
    specs = house.folder / "specs"
    shutil.copytree(specs, house.folder / "kept")
    for path in specs.iterdir():
        path.unlink()
    if settings_stay:
        house.write("settings.yaml", "apiVersion: reconciler/v1\nkind: Settings\nmetadata: {name: settings}\nspec: {interval: 20s}\n")
    for number in range(3):
        house.clock.advance(2 * DAY)
        (house.source / "counter").write_text(f"after {number}")
        report = house.one_pass()
        assert {p.code for p in report.problems if p.severity == "error"} == {"realm-lost" if settings_stay else "tree-emptied"}
        assert backed_up(report) == {"orders"}
        assert letting_go(report) == []
    assert set(before) < set(stored(house))
    with house.session(read_only=True) as session:
        listed = session.snapshots("orders").snapshots
    assert {s.id for s in listed} == set(stored(house)), "a command that mostly asks no memory sees them, too"
    shutil.rmtree(specs)
    (house.folder / "kept").rename(specs)
    assert letting_go(house.one_pass()) == [ActionKind.MARK], "the retention of before is measured on as if nothing had been"


def test_a_commit_that_deletes_every_system_leaves_orphans(house: WholeHouse) -> None:
    before = lived_in(house)
    (house.folder / "specs" / "orders.yaml").unlink()
    for _ in range(3):
        house.clock.advance(2 * DAY)
        report = house.one_pass()
    assert dict(report.plan.orphans) == {"orders": len(before)}
    assert stored(house) == before


def test_a_spec_directory_that_comes_and_goes_ends_at_the_right_generation_and_costs_nothing(house: WholeHouse) -> None:
    before = lived_in(house)
    specs, away = house.folder / "specs", house.folder / "away"
    good = (specs / "orders.yaml").read_text()
    for number in range(8):
        house.clock.advance(HOUR)
        if number % 2:
            specs.rename(away)
            with pytest.raises(SpecError):
                house.one_pass()
            away.rename(specs)
        else:
            house.write("orders.yaml", good[: 20 * number])  # half-written
            assert letting_go(house.one_pass()) == []
    assert set(before) <= set(stored(house))
    house.system("orders", extra="  owner: maria\n")
    with house.session() as session:
        system = session.load().desired.system("orders")
    assert system is not None
    assert (system.owner, system.last_good) == ("maria", False)
    assert letting_go(house.one_pass()) == [ActionKind.MARK]


def test_a_spec_of_ten_megabytes_is_not_read_and_its_systems_stand_as_they_last_did(house: WholeHouse) -> None:
    before = lived_in(house)
    house.write("orders.yaml", "# " + "x" * 10_000_000)
    house.clock.advance(30 * HOUR)
    report = house.one_pass()
    assert [p.code for p in report.problems if p.severity == "error"] == ["file-too-large"]
    with house.session(read_only=True) as session:
        system = session.load().desired.system("orders")
    assert system is not None
    assert system.last_good
    assert backed_up(report) == {"orders"}
    assert letting_go(report) == []
    assert set(before) <= set(stored(house))


def test_a_bomb_of_aliases_stops_nothing_but_its_own_file(house: WholeHouse) -> None:
    before = lived_in(house)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    house.write("bomb.yaml", "\n".join(lines))
    house.clock.advance(30 * HOUR)
    report = house.one_pass()
    assert {p.place.file for p in report.problems if p.severity == "error"} == {"bomb.yaml"}
    assert backed_up(report) == {"orders"}
    assert letting_go(report) == []
    assert set(before) <= set(stored(house))
