"""A place that takes time to ask: few questions, side by side, and copies on this machine that are never believed against it."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from blake3 import blake3

from reconciler.base.secret import Secret
from reconciler.repository import BaseUnusable, Cache, Damaged, NoSuchSnapshot, NotInitialised, Repository, Unreachable
from reconciler.repository.abreast import abreast, both, together
from reconciler.repository.fetch_ahead import Ahead
from reconciler.repository.format import Type
from reconciler.repository.index import SegmentPlace
from reconciler.repository.near import Kept
from reconciler.repository.store import Found, LocalStore
from tests.fakes.clocks import FakeClock
from tests.unit.repository.conftest import CREATED, Bench, described


class Far(LocalStore):
    """A disk that wants to be asked like a bucket, and counts the questions."""

    at_once = 5

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.asked: list[str] = []
        self.most = 0
        self.open = threading.Event()
        self.open.set()
        self._under_way = 0
        self._count = threading.Lock()

    def _ask(self, what: str) -> None:
        with self._count:
            self.asked.append(what)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        self.open.wait(20)
        time.sleep(0.002)
        with self._count:
            self._under_way -= 1

    def get(self, name: str, limit: int) -> bytes:
        self._ask(f"get {name}")
        return super().get(name, limit)

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        self._ask(f"range {name}")
        return super().get_range(name, offset, length)

    def list(self, prefix: str) -> Iterator[Found]:
        self._ask(f"list {prefix}")
        return super().list(prefix)

    def folders(self, prefix: str) -> Iterator[str]:
        self._ask(f"folders {prefix}")
        return super().folders(prefix)

    def find(self, name: str) -> Found | None:
        self._ask(f"find {name}")
        return super().find(name)


Door = Callable[[], tuple[Far, Repository]]


@pytest.fixture
def door(bench: Bench, tmp_path: Path) -> Door:
    """Opens the repository as a new process would, with the cache of those before."""

    def opened() -> tuple[Far, Repository]:
        cache = Cache(str(tmp_path / "cache"))
        cache.keeps = True
        far = Far(str(bench.place))
        return far, Repository.open(str(bench.place), bench.key(), store=far, cache=cache)

    return opened


def fill(bench: Bench, files: int) -> None:
    for number in range(files):
        (bench.source / f"{number:04}").write_bytes(b"%d" % number * 50)


def first(bench: Bench, door: Door) -> str:
    _, repository = door()
    root = bench.take(repository, kind="full").root
    assert root is not None
    return root.id


@pytest.mark.parametrize("files", [5, 700])
def test_a_backup_of_nothing_new_asks_the_same_few_questions_however_many_files_there_are(bench: Bench, door: Door, files: int) -> None:
    fill(bench, files)
    snapshot = first(bench, door)
    far, repository = door()
    assert bench.take(repository, base=snapshot).unchanged
    lists = {f"list {folder}" for folder in ("keys", "snapshots", "gc", "index", "packs", "config", "tmp")}
    assert {*lists, "get header", "folders marks"} <= set(far.asked)
    assert sorted(far.asked) == sorted({*lists, "get header", "folders marks"})  # each once, and no object but the header
    assert far.most > 1


def test_what_a_listing_needs_is_asked_for_with_the_door_once(bench: Bench, door: Door) -> None:
    fill(bench, 5)
    snapshot = first(bench, door)
    far = Far(str(bench.place))
    repository = Repository.open(str(bench.place), bench.key(), store=far, listed=True)
    listing, indexes, _free = repository.overview()
    assert [root.id for root in listing.roots] == [snapshot]
    assert indexes == 1
    doors = {"get header", *(f"list {folder}" for folder in ("keys", "snapshots", "marks", "index"))}
    assert sorted(asked for asked in far.asked if not asked.startswith(("get keys/", "get snapshots/"))) == sorted(doors)
    (bench.place / "snapshots" / snapshot).unlink()
    assert repository.listing().roots == (), "a second listing is a new one"


def test_what_was_listed_with_the_door_is_not_believed_for_long(bench: Bench, door: Door) -> None:
    fill(bench, 5)
    snapshot = first(bench, door)
    clock = FakeClock()
    late = Repository.open(str(bench.place), bench.key(), store=Far(str(bench.place)), clock=clock, listed=True)
    (bench.place / "snapshots" / snapshot).unlink()
    clock.advance(timedelta(minutes=1))
    assert late.listing().roots == ()


def test_a_door_that_does_not_open_leaves_no_question_under_way(bench: Bench, tmp_path: Path) -> None:
    far = Far(str(tmp_path / "nothing"))
    with pytest.raises(NotInitialised):
        Repository.open(far.url, bench.key(), store=far, listed=True)
    asked = len(far.asked)
    time.sleep(0.05)
    assert len(far.asked) == asked


def test_the_key_slot_is_kept_here_unless_it_could_be_guessed(bench: Bench, door: Door, tmp_path: Path) -> None:
    door()
    far, _ = door()
    assert [asked for asked in far.asked if asked.startswith("get keys/")] == []
    words = Secret(b"only four words here")
    Repository.init(str(tmp_path / "other"), words, kind="passphrase", created_at=CREATED)
    for _ in range(2):
        cache = Cache(str(tmp_path / "guessed"))
        cache.keeps = True
        place = Far(str(tmp_path / "other"))
        Repository.open(place.url, words, kind="passphrase", store=place, cache=cache)
        assert [asked for asked in place.asked if asked.startswith("get keys/")] != []


def test_a_plan_and_the_restore_after_it_look_once(bench: Bench, door: Door, tmp_path: Path) -> None:
    fill(bench, 5)
    snapshot = first(bench, door)
    far, repository = door()
    assert len(list(repository.entries(snapshot))) >= 5
    assert not bench.restored(repository, snapshot, tmp_path / "target").failures
    assert far.asked.count("list index") == far.asked.count(f"get snapshots/{snapshot}") == 1
    assert described(bench.inside(tmp_path / "target")) == described(bench.source)


class Rotting(Far):
    """Gives back other bytes of an index object than it got."""

    def get(self, name: str, limit: int) -> bytes:
        data = super().get(name, limit)
        return data[:-1] + bytes([data[-1] ^ 1]) if name.startswith("index/") else data


def test_what_does_not_read_back_is_no_snapshot_and_its_pending_root_goes(bench: Bench) -> None:
    fill(bench, 50)
    place = Rotting(str(bench.place))
    with pytest.raises(Damaged, match="reads back other bytes"):
        bench.take(Repository.open(place.url, bench.key(), store=place), kind="full")
    assert list((bench.place / "index").iterdir())
    assert list((bench.place / "snapshots").iterdir()) == list((bench.place / "pending").iterdir()) == []


def test_without_the_copies_it_is_asked_for_them_and_the_result_is_the_same(bench: Bench, door: Door, tmp_path: Path) -> None:
    fill(bench, 50)
    snapshot = first(bench, door)
    shutil.rmtree(tmp_path / "cache")
    far, repository = door()
    assert bench.take(repository, base=snapshot).unchanged
    assert any(asked.startswith("get index/") for asked in far.asked)
    assert any(asked.startswith("range packs/") for asked in far.asked)


def test_a_copy_that_was_torn_by_a_power_cut_is_no_copy(bench: Bench, door: Door, tmp_path: Path) -> None:
    fill(bench, 50)
    snapshot = first(bench, door)
    objects = next((tmp_path / "cache").glob("*.objects"))
    spoilt = list(objects.iterdir())
    for path in spoilt:
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    assert spoilt
    far, repository = door()
    assert repository.listing().complete
    assert bench.take(repository, base=snapshot).unchanged
    assert f"get snapshots/{snapshot}" in far.asked
    shutil.rmtree(tmp_path / "cache")


def test_a_copy_that_somebody_forged_passes_for_nothing(bench: Bench, door: Door, tmp_path: Path) -> None:
    fill(bench, 50)
    snapshot = first(bench, door)
    for path in (tmp_path / "cache").glob("*.objects/snapshots_*"):
        data = bytearray(path.read_bytes()[:-32])
        data[-1] ^= 1
        path.write_bytes(data + blake3(data).digest())
    _, repository = door()
    assert not repository.listing().complete
    with pytest.raises(BaseUnusable):
        bench.take(repository, base=snapshot)


def test_what_the_place_no_longer_lists_is_gone_whatever_lies_here(bench: Bench, door: Door) -> None:
    fill(bench, 5)
    snapshot = first(bench, door)
    _, repository = door()
    assert len(repository.listing().roots) == 1
    (bench.place / "snapshots" / snapshot).unlink()
    _, again = door()
    assert again.listing().roots == ()
    with pytest.raises(NoSuchSnapshot):
        list(again.entries(snapshot))


def test_whoever_looks_for_damage_reads_the_place_and_not_the_copies(bench: Bench, door: Door) -> None:
    fill(bench, 50)
    snapshot = first(bench, door)
    for path in (bench.place / "index").iterdir():
        path.chmod(0o600)
        path.write_bytes(b"rotten")
    _, repository = door()
    assert repository.entries(snapshot)
    assert not repository.check(deep=False).intact
    assert not repository.verify(snapshot).intact


def test_a_restore_reads_neighbours_with_one_question(bench: Bench, door: Door, tmp_path: Path) -> None:
    for number in range(40):
        (bench.source / f"{number:02}").write_bytes(os.urandom(300_000))
    snapshot = first(bench, door)
    far, repository = door()
    restored = bench.restored(repository, snapshot, tmp_path / "target")
    assert not restored.failures
    assert described(bench.inside(tmp_path / "target")) == described(bench.source)
    ranges = sum(asked.startswith("range packs/") for asked in far.asked)
    assert ranges <= 5  # 12 MB in pieces of 4 MiB
    assert far.most > 1


def test_a_part_that_cannot_be_read_ahead_is_asked_for_again_by_whoever_needs_it(bench: Bench) -> None:
    far = Far(str(bench.place))
    far.put("packs/aa/" + "aa" * 32, bytes(1000))
    there = SegmentPlace(b"\xaa" * 32, 100, 200, 200, Type.DATA, 0, b"")
    beyond = SegmentPlace(b"\xaa" * 32, 900, 200, 200, Type.DATA, 0, b"")
    ahead = Ahead(far)
    ahead.expect([there])
    ahead.expect([beyond])
    assert ahead.take(there) == bytes(200)
    assert ahead.take(there) is None  # taken
    assert ahead.take(beyond) is None  # cut short: who needs it hears of it


def test_what_nobody_takes_is_dropped_and_holds_nothing_up(bench: Bench) -> None:
    far = Far(str(bench.place))
    size = 3 * 2**20
    far.put("packs/bb/" + "bb" * 32, bytes(40 * size))
    parts = [SegmentPlace(b"\xbb" * 32, number * size, size, size, Type.DATA, 0, b"") for number in range(40)]
    ahead = Ahead(far)
    ahead.expect(parts)
    for part in parts[20:]:
        taken = ahead.take(part)
        assert taken is not None
        assert len(taken) == size
    assert len(far.asked) <= 40


def test_what_was_to_be_read_ahead_is_not_read_when_the_work_has_ended(bench: Bench) -> None:
    far = Far(str(bench.place))
    size = 3 * 2**20
    far.put("packs/bb/" + "bb" * 32, bytes(40 * size))
    parts = [SegmentPlace(b"\xbb" * 32, number * size, size, size, Type.DATA, 0, b"") for number in range(40)]
    ahead = Ahead(far)
    far.open.clear()
    ahead.expect(parts)
    ahead.close()
    far.open.set()
    taken = [ahead.take(part) for part in parts]
    assert sum(data is not None for data in taken) <= far.at_once
    assert len(far.asked) <= far.at_once


def test_answers_come_in_the_order_of_the_questions_and_the_first_error_ends_it(bench: Bench) -> None:
    far = Far(str(bench.place))

    def ask(number: int) -> int:
        time.sleep(0.01 if number % 2 else 0)
        if number >= 7:
            raise Unreachable(f"no {number}")
        return number

    answers = abreast(far, ask, range(50))
    assert [next(answers) for _ in range(7)] == list(range(7))
    with pytest.raises(Unreachable, match="no 7"):
        next(answers)
    assert together(far, lambda: 1, lambda: 2) == [1, 2]
    assert both(far, lambda: "one", lambda: 2) == ("one", 2)


def test_copies_take_no_more_room_than_they_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.repository.near._BYTES_MAX", 10_000)
    monkeypatch.setattr("reconciler.repository.near._BYTES_LEFT", 6_000)
    kept = Kept(str(tmp_path / "objects"), lambda: True)
    for number in range(40):
        kept.put(f"index/{number}", bytes(1000))
        os.utime(tmp_path / "objects" / f"index_{number}", (number, number))
    assert sum(path.stat().st_size for path in (tmp_path / "objects").iterdir()) <= 10_500
    assert kept.get("index/39", 1000) == bytes(1000)
    assert kept.get("index/39", 999) is None
    assert kept.get("index/0", 1000) is None


def test_a_command_that_changes_nothing_keeps_no_copies(tmp_path: Path) -> None:
    kept = Kept(str(tmp_path / "objects"), lambda: False)
    kept.put("index/1", b"content")
    assert not (tmp_path / "objects").exists()


def test_a_verification_a_check_and_a_copy_read_neighbours_with_one_question(bench: Bench, door: Door, tmp_path: Path) -> None:
    for number in range(40):
        (bench.source / f"{number:02}").write_bytes(os.urandom(300_000))
    snapshot = first(bench, door)
    other = Bench(bench.source, tmp_path / "other").init()
    for work in (
        lambda repository: repository.verify(snapshot).intact,
        lambda repository: repository.check(deep=True).intact,
        lambda repository: [copied.snapshot for copied in other.copy_from(repository, [snapshot])] == [snapshot],
    ):
        far, repository = door()
        assert work(repository)
        ranges = sum(asked.startswith("range packs/") for asked in far.asked)
        assert ranges <= 12, ranges  # 12 MB in pieces of 4 MiB, the directory of the pack, and the list of files
