"""Verification over time: what was read lately counts, what was killed continues, what is damaged is named to the last file."""

from __future__ import annotations

import os
import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.errors import Cancelled
from reconciler.repository import Damaged, ObjectMissing, Repository, Verified
from reconciler.repository import readings as readings_module
from tests.fakes.clocks import FakeClock
from tests.unit.repository.conftest import Bench

NOW = datetime(2026, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


def repository(bench: Bench, clock: FakeClock) -> Repository:
    return Repository.open(str(bench.place), bench.key(), clock=clock)


def grow(bench: Bench, *names: str) -> str:
    """One more snapshot, with files of these names in a pack of their own; its id."""
    before = bench.open().listing().roots
    for name in names:
        (bench.source / name).write_bytes(random.Random(name).randbytes(40_000))
    taken = bench.take(base=before[0].id if before else None, kind="incremental" if before else "full")
    assert taken.root is not None
    return taken.root.id


def packs(bench: Bench) -> set[Path]:
    return {path for path in (bench.place / "packs").rglob("*") if path.is_file()}


def notes(bench: Bench) -> list[Path]:
    return sorted((bench.place / "marks" / "read").glob("*"))


def spoil(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x40
    path.chmod(0o600)
    path.write_bytes(content)


def deep(bench: Bench, clock: FakeClock, *snapshots: str, fresh_for: timedelta | None = None, **more: object) -> Verified:
    return repository(bench, clock).examine(snapshots, deep=True, scope="orders", fresh_for=fresh_for, **more)  # type: ignore[arg-type]


def test_a_pack_that_two_snapshots_share_is_read_once(bench, clock):
    first = grow(bench, "a", "b")
    second = grow(bench, "c")
    found = deep(bench, clock, second, first)
    alone = deep(bench, clock, second)
    assert (found.packs, found.bytes, found.chunks) == (2, alone.bytes, alone.chunks)
    assert found.proven == {first: NOW, second: NOW}


def test_what_was_read_lately_counts_as_of_then_and_a_snapshot_is_as_proven_as_its_oldest_pack(bench, clock):
    first = grow(bench, "a")
    deep(bench, clock, first)
    clock.advance(10 * DAY)
    second = grow(bench, "b")
    found = deep(bench, clock, second, first, fresh_for=15 * DAY)
    assert (found.packs, found.recalled) == (2, 1)
    assert found.proven == {first: NOW, second: NOW}
    clock.advance(6 * DAY)
    again = deep(bench, clock, second, first, fresh_for=15 * DAY)
    assert (again.recalled, again.proven[second]) == (1, NOW + 10 * DAY)


def test_all_data_is_read_within_the_period_however_often_somebody_asks(bench, clock):
    """Each pack is younger than the period at the end of every run, and most runs read little."""
    period, ids, read = 30 * DAY, [], []
    for day in range(0, 120, 6):
        ids.insert(0, grow(bench, f"file{day}"))
        found = deep(bench, clock, *ids, fresh_for=period / 2)
        assert all(clock.now() - at <= period / 2 for at in found.proven.values())
        read.append(found.packs - found.recalled)
        clock.advance(6 * DAY)
    assert sum(read) < 6 * len(ids)
    assert len(notes(bench)) <= 9


def test_a_pack_dated_in_the_future_by_a_wrong_clock_is_read_again(bench, clock):
    first = grow(bench, "a")
    clock.advance(400 * DAY)
    deep(bench, clock, first)
    clock.advance(-400 * DAY)
    assert deep(bench, clock, first, fresh_for=15 * DAY).recalled == 0


@pytest.fixture
def stopped_after(bench: Bench, clock: FakeClock):
    """A verification of everything that was stopped in the middle."""

    def stop_after(count: int, ids: list[str]) -> None:
        stop, heard = threading.Event(), []

        def progress(_: int) -> None:
            heard.append(1)
            if len(heard) >= count:
                stop.set()

        with pytest.raises(Cancelled):
            deep(bench, clock, *ids, stop=stop, progress=progress)

    return stop_after


def test_a_stopped_verification_continues_where_it_was_even_when_a_person_asked_for_everything(bench, clock, stopped_after):
    ids = [grow(bench, f"file{number}") for number in range(8)][::-1]
    stopped_after(6, ids)
    clock.advance(timedelta(hours=3))
    found = deep(bench, clock, *ids)
    assert 0 < found.recalled < found.packs == 8
    assert min(found.proven.values()) == NOW
    complete = deep(bench, clock, *ids)
    assert complete.recalled == 0, "the one before was complete: this one was asked for anew"


def test_a_verification_that_was_killed_keeps_what_it_wrote_down_on_the_way(bench, clock, monkeypatch):
    monkeypatch.setattr(readings_module, "_SAVE_SECONDS", 0.0)
    monkeypatch.setattr(readings_module.Readings, "end", lambda *_, **__: None)  # killed: nobody gets to the end
    ids = [grow(bench, f"file{number}") for number in range(3)][::-1]
    deep(bench, clock, *ids)
    assert len(notes(bench)) == 3
    assert deep(bench, clock, *ids).recalled == 3


def test_readings_are_merged_and_forget_packs_that_are_gone(bench, clock):
    ids: list[str] = []
    for number in range(12):
        ids.insert(0, grow(bench, f"file{number}"))
        deep(bench, clock, ids[0], fresh_for=DAY)
    assert len(notes(bench)) <= 9
    assert deep(bench, clock, *ids, fresh_for=DAY).recalled == 12


def test_a_damaged_reading_is_reported_and_costs_only_another_reading(bench, clock):
    first = grow(bench, "a")
    deep(bench, clock, first)
    spoil(notes(bench)[0], 60)
    assert bench.open().listing().complete, "no snapshot hangs on it"
    found = deep(bench, clock, first, fresh_for=DAY)
    assert [type(error) for error in found.damaged] == [Damaged]
    assert (found.recalled, found.snapshots, found.proven) == (0, (), {first: NOW})


def test_damage_names_every_snapshot_and_file_that_needs_it_and_no_other(bench, clock):
    first = grow(bench, "a", "b")
    before = packs(bench)
    second = grow(bench, "c", "d")
    spoil((packs(bench) - before).pop(), 1000)
    third = grow(bench, "e")
    found = deep(bench, clock, first)
    assert found.intact
    found = deep(bench, clock, third)
    assert {each.snapshot: sorted(map(os.path.basename, each.paths)) for each in found.snapshots} == {
        second: [b"c", b"d"],
        third: [b"c", b"d"],
    }
    assert all((each.files, each.manifest) == (2, False) for each in found.snapshots)
    assert found.proven == {}


def test_a_missing_pack_is_noticed_quickly_and_also_when_it_was_read_lately(bench, clock):
    first = grow(bench, "a")
    deep(bench, clock, first)
    before = packs(bench)
    second = grow(bench, "b")
    assert deep(bench, clock, second, fresh_for=DAY).intact
    (packs(bench) - before).pop().unlink()
    for scope in (True, False):
        found = repository(bench, clock).examine([first], deep=scope, scope="orders", fresh_for=DAY)
        assert found.intact
        found = repository(bench, clock).examine([second], deep=scope, scope="orders", fresh_for=DAY)
        assert {type(error) for error in found.damaged} == {ObjectMissing}
        assert [(each.snapshot, each.manifest) for each in found.snapshots] == [(second, True)]


def test_a_quick_verification_sees_structure_reads_no_content_and_writes_nothing(bench, clock):
    (bench.source / "large").write_bytes(random.Random(1).randbytes(3_000_000))
    first = grow(bench, "a")
    before = bench.objects()
    found = repository(bench, clock).examine([first], deep=False, scope="orders")
    assert (found.intact, found.bytes, found.proven) == (True, 0, {first: NOW})
    assert bench.objects() == before
    spoil(packs(bench).pop(), 1000)
    assert repository(bench, clock).examine([first], deep=False, scope="orders").intact, "content is for the deep one"
    pack = packs(bench).pop()
    spoil(pack, pack.stat().st_size - 20)
    assert not repository(bench, clock).examine([first], deep=False, scope="orders").intact


def test_a_pack_known_to_be_damaged_is_asked_only_for_what_a_snapshot_needs(bench, clock, tmp_path):
    """Otherwise one bad segment that nobody needs any more would fail every verification for ever."""
    (bench.source / "large").write_bytes(random.Random(1).randbytes(1_500_000))
    grow(bench, "a")
    pack = packs(bench).pop()
    spoil(pack, 1000)
    (bench.source / "large").unlink()
    second = grow(bench)
    found = deep(bench, clock, second)
    assert not found.intact
    repository(bench, clock).distrust(found.bad_packs, clock.now())
    if not any(each.snapshot == second for each in found.snapshots):
        again = deep(bench, clock, second)
        assert (again.intact, again.proven) == (True, {second: NOW})


def test_later_marks_of_a_kind_replace_earlier_ones_and_no_other(bench, clock):
    first = grow(bench, "a")
    opened = repository(bench, clock)
    opened.mark(first, "held", NOW)
    for day in range(3):
        opened.mark(first, "verified", NOW + day * DAY, "deep", sole=True)
    opened.mark(first, "verified", NOW, "older", sole=True)
    found = sorted((mark.kind, mark.note) for mark in bench.open().listing().marks[first])
    assert found == [("held", ""), ("verified", "deep"), ("verified", "older")]
