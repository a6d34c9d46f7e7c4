"""Lists of files that are lost come back from a copy of the same snapshot, whatever keys it lies under there; nothing else is believed."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from reconciler.repository import Repaired, builder, entries
from reconciler.repository.format import Type
from reconciler.repository.index import places_of
from reconciler.repository.pack import read_directory
from tests.unit.repository.conftest import Bench, described

META = frozenset({Type.ENTRIES, Type.BLOCKS})


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few hundred files have many blocks, and lists of blocks."""
    monkeypatch.setattr(entries, "BLOCK_ENTRIES", 8)
    monkeypatch.setattr(builder, "BLOCKS_PER_LIST", 6)


@pytest.fixture
def copied(bench: Bench, tmp_path: Path) -> tuple[Bench, list[str]]:
    """The bench has two snapshots, another repository has copies of both, and the source is gone."""
    chance = random.Random(11)
    for number in range(250):
        folder = bench.source / chance.choice(["", "a", "a/b", "a.b", "c/d/e", "z"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file{number}").write_bytes(chance.randbytes(chance.randrange(0, 3000)))
    (bench.source / "a" / "large").write_bytes(chance.randbytes(5 * 2**20))
    (bench.source / "empty" / "within").mkdir(parents=True)
    (bench.source / "link").symlink_to("a/large")
    first = bench.take(kind="full").root
    assert first is not None
    for number in range(40):
        (bench.source / "a" / f"later{number}").write_bytes(chance.randbytes(500))
    second = bench.take(base=first.id).root
    assert second is not None
    other = Bench(bench.source, tmp_path / "other")
    with other.init() as target, bench.open() as origin:
        assert len(list(target.copy_from(origin, [first.id, second.id]))) == 2
    return other, [first.id, second.id]


def packs(bench: Bench) -> list[Path]:
    return [path for path in (bench.place / "packs").rglob("*") if path.is_file()]


def rot(bench: Bench, kinds: frozenset[int]) -> int:
    """One byte of each segment of these kinds; how many there are."""
    spoilt = 0
    with bench.open() as repository:
        for path in packs(bench):
            entry = read_directory(repository._store, repository._seals, str(path.relative_to(bench.place)), path.stat().st_size)
            data = bytearray(path.read_bytes())
            for place in places_of(entry, repository._seals, kinds):
                data[place.offset + place.stored_bytes // 2] ^= 1
                spoilt += 1
            path.chmod(0o600)
            path.write_bytes(data)
    return spoilt


def repaired(bench: Bench, *donors: Bench) -> Repaired:
    with bench.open() as repository:
        plan = repository.plan_repair(deep=True)
        return repository.repair(plan.digest, deep=True, donors=[donor.open().donor() for donor in donors])


def is_whole(bench: Bench, snapshots: list[str], tmp_path: Path, as_was: dict[str, tuple[object, ...]]) -> bool:
    newest = tmp_path / "out"
    return (
        bench.open().check(deep=True).affected == ()
        and not bench.restore(snapshots[0], tmp_path / "first").failures
        and not bench.restore(snapshots[1], newest).failures
        and described(bench.inside(newest)) == as_was
    )


@pytest.mark.parametrize("way", ["of the original from its copy", "of the copy from the original"])
@pytest.mark.parametrize("loss", ["lists", "lists and contents", "every pack"])
def test_what_is_lost_comes_back_with_its_names(bench: Bench, copied: tuple[Bench, list[str]], tmp_path: Path, way: str, loss: str) -> None:
    other, snapshots = copied
    hurt, donor = (bench, other) if "of the original" in way else (other, bench)
    as_was = described(bench.source)
    shutil.rmtree(bench.source)
    if loss == "every pack":
        for path in packs(hurt):
            path.unlink()
    else:
        assert rot(hurt, META if loss == "lists" else META | {Type.DATA}) > 2
    assert all(each.manifest for each in hurt.open().check(deep=True).affected)
    done = repaired(hurt, donor)
    assert done.affected == ()
    assert done.healed > 0
    assert is_whole(hurt, snapshots, tmp_path, as_was)
    assert hurt.open().plan_repair(deep=True).steps == ()


def test_blocks_that_were_cut_because_they_were_full_come_back_too(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(builder, "BLOCKS_PER_LIST", 1000)
    monkeypatch.setattr(builder, "BLOCK_ENTRIES_MAX", 9)
    other, snapshots = request.getfixturevalue("copied")
    as_was = described(bench.source)
    rot(bench, META)
    assert repaired(bench, other).affected == ()
    assert is_whole(bench, snapshots, tmp_path, as_was)


def test_what_the_copy_lost_too_stays_lost_and_the_rest_comes_back(bench: Bench, copied: tuple[Bench, list[str]], tmp_path: Path) -> None:
    other, snapshots = copied
    rot(bench, META)
    with other.open() as repository:
        path = max(packs(other), key=lambda each: each.stat().st_size)
        entry = read_directory(repository._store, repository._seals, str(path.relative_to(other.place)), path.stat().st_size)
        place = next(iter(places_of(entry, repository._seals, frozenset({Type.DATA}))))
    data = bytearray(path.read_bytes())
    data[place.offset + place.stored_bytes // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    done = repaired(bench, other)
    assert done.healed > 0
    assert done.affected
    assert all(each.manifest for each in done.affected)
    back = bench.restore(snapshots[1], tmp_path / "out")
    assert 0 < back.files < len(described(bench.source))


def test_a_snapshot_of_the_same_files_that_is_no_copy_gives_no_list(bench: Bench, tmp_path: Path) -> None:
    for number in range(60):
        (bench.source / f"file{number}").write_bytes(os.urandom(400))
    assert bench.take(kind="full").root is not None
    other = Bench(bench.source, tmp_path / "other")
    other.init()
    assert other.take(kind="full").root is not None
    rot(bench, META)
    done = repaired(bench, other)
    assert done.healed == 0
    assert [each.manifest for each in done.affected] == [True]
