"""Verification as the loop and a person have it: quick and deep by declaration, all data within the period, damage to the last file."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.act.context import Result
from reconciler.base.errors import Fate
from reconciler.cli.render.results import results_json, results_page
from reconciler.model.plan import ActionKind
from reconciler.model.snapshot import MarkKind, Snapshot
from tests.fakes.houses import WholeHouse

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def declared(house: WholeHouse, quick: str, deep: str) -> None:
    path = house.folder / "specs" / "orders.yaml"
    path.write_text(path.read_text().replace("{quick: null, deep: null}", f"{{quick: {quick}, deep: {deep}}}"))


def grown(house: WholeHouse, name: str, size: int = 40_000) -> None:
    """A backup of one more file, in a pack of its own."""
    (house.source / name).write_bytes(random.Random(name).randbytes(size))
    house.clock.advance(HOUR)
    with house.session() as session:
        session.backup()
    house.arrive()


def packs(house: WholeHouse) -> set[Path]:
    return set(house.repository.glob("packs/*/*"))


def spoil(path: Path, offset: int = 1000) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def snapshots(house: WholeHouse) -> Sequence[Snapshot]:
    with house.session() as session:
        return session.snapshots().snapshots


def verify(house: WholeHouse, *systems: str, deep: bool = False) -> Result:
    with house.session() as session:
        (result,) = session.verify(systems, deep=deep)
    return result


@pytest.mark.slow
def test_a_season_of_passes_looks_at_the_structure_often_and_reads_all_data_in_time(house: WholeHouse) -> None:
    declared(house, "4d", "20d")
    house.policy("{last: 3}")
    house.one_pass(init=True)
    quick = deep = 0
    for day in range(90):
        house.clock.advance(DAY)
        (house.source / "counter").write_text(str(day))
        done = [r for r in house.one_pass().results if r.action.kind is ActionKind.VERIFY]
        assert all(r.failure is None for r in done)
        quick += sum(r.action.quick for r in done)
        deep += sum(not r.action.quick for r in done)
        newest = max((at for s in snapshots(house) if (at := s.marked(MarkKind.VERIFIED))), default=None)
        assert newest is not None, "the newest proof never ages out"
        assert house.clock.now() - newest <= timedelta(days=20)
    assert 5 <= deep <= 9
    assert 12 <= quick <= 22


def test_without_deep_the_content_is_read_only_when_that_is_due(house: WholeHouse) -> None:
    declared(house, "1d", "30d")
    house.one_pass(init=True)
    first = verify(house)
    assert (first.action.quick, first.message.endswith("read and found good")) == (False, True)
    second = verify(house)
    assert (second.action.quick, second.message) == (True, "structure of 1 pack found whole")
    third = verify(house, deep=True)
    assert (third.action.quick, third.done.bytes) == (False, first.done.bytes)
    house.clock.advance(31 * DAY)
    assert not verify(house).action.quick


def test_marks_of_verifications_do_not_pile_up_on_an_idle_source(house: WholeHouse) -> None:
    declared(house, "1d", "30d")
    house.one_pass(init=True)
    for _ in range(12):
        house.clock.advance(3 * DAY)
        house.one_pass()
    (snapshot,) = snapshots(house)
    assert sorted(mark.kind for mark in snapshot.marks) == [MarkKind.CHECKED, MarkKind.VERIFIED]
    assert len(list(house.repository.glob("marks/read/*"))) <= 9


def test_two_systems_with_the_same_content_read_it_once(house: WholeHouse) -> None:
    (house.source / "large").write_bytes(random.Random(1).randbytes(300_000))
    house.system("twin", source="orders")
    for name in ("orders", "twin"):
        path = house.folder / "specs" / f"{name}.yaml"
        path.write_text(path.read_text().replace("deep: null", "deep: 30d"))
    house.one_pass(init=True)
    done = {r.action.system: r.done for r in house.one_pass().results if r.action.kind is ActionKind.VERIFY}
    assert done["orders"].bytes > 300_000
    assert done["twin"].bytes < 300_000
    assert "read lately" in done["twin"].message


def test_damage_in_an_old_snapshot_is_found_by_the_loop_and_costs_no_other_one_its_proof(house: WholeHouse) -> None:
    declared(house, "null", "30d")
    house.one_pass(init=True)
    before = packs(house)
    grown(house, "gone-soon")
    spoil((packs(house) - before).pop())
    (house.source / "gone-soon").unlink()
    grown(house, "later")
    (result,) = [r for r in house.one_pass().results if r.action.kind is ActionKind.VERIFY]
    assert result.fate is Fate.DAMAGE
    newest, damaged, oldest = snapshots(house)
    assert [(a.snapshot, a.system, a.files) for a in result.done.affected] == [(damaged.id, "orders", 1)]
    assert result.done.affected[0].paths[0].endswith(b"/gone-soon")
    assert (newest.good, damaged.good, oldest.good) == (True, False, True)
    assert newest.marked(MarkKind.VERIFIED) == house.clock.now()
    again = [r for r in house.one_pass().results if r.action.kind is ActionKind.VERIFY]
    assert again == [], "known now: nothing is read a second time for it"


def test_the_affected_snapshots_and_files_are_named_to_a_person_and_to_programs(house: WholeHouse) -> None:
    house.one_pass(init=True)
    before = packs(house)
    grown(house, "broken\x1b")
    spoil((packs(house) - before).pop())
    grown(house, "whole")
    result = verify(house)
    newest, second, _ = (s.id for s in snapshots(house))
    assert "2 snapshots cannot be restored whole" in result.message
    text = results_page((result,)).render()
    assert f"{newest[:8]}  cannot be restored whole: 1 file of orders" in text
    assert f"{second[:8]}  cannot be restored whole: 1 file of orders" in text
    assert "/broken" in text
    assert "\x1b" not in text
    data = results_json("verify", (result,))
    assert data.count("broken\\u001b") == 2
    assert "/whole" not in data


def test_data_that_a_full_backup_stored_anew_is_whole_again(house: WholeHouse) -> None:
    declared(house, "null", "30d")
    (house.source / "large").write_bytes(random.Random(2).randbytes(300_000))
    house.one_pass(init=True)
    spoil(max(packs(house), key=lambda path: path.stat().st_size))
    assert verify(house, deep=True).fate is Fate.DAMAGE
    house.clock.advance(2 * HOUR)
    house.one_pass()
    result = verify(house, deep=True)
    assert result.failure is None
    newest, healed = snapshots(house)
    assert result.done.snapshot_id == newest.id
    assert healed.good, "what was damaged is read and found whole again, so the remark goes"
    assert healed.marked(MarkKind.DAMAGED) is None


def test_a_remark_of_damage_stays_while_the_damage_does(house: WholeHouse) -> None:
    declared(house, "null", "30d")
    house.one_pass(init=True)
    before = packs(house)
    grown(house, "lost")
    spoil((packs(house) - before).pop())
    assert verify(house, deep=True).fate is Fate.DAMAGE
    (house.source / "lost").unlink()
    house.clock.advance(2 * HOUR)
    house.one_pass()
    assert verify(house, deep=True).fate is Fate.DAMAGE
    newest, damaged, oldest = snapshots(house)
    assert (newest.good, damaged.good, oldest.good) == (True, False, True)


def test_a_quick_verification_notices_a_missing_pack_and_says_what_it_costs(house: WholeHouse) -> None:
    declared(house, "1d", "30d")
    house.one_pass(init=True)
    verify(house)
    before = packs(house)
    grown(house, "lost")
    (packs(house) - before).pop().unlink()
    result = verify(house)
    assert (result.action.quick, result.fate) == (True, Fate.DAMAGE)
    assert [each.manifest for each in result.done.affected] == [True]
    assert [snapshot.good for snapshot in snapshots(house)] == [False, True]
