"""A flipped byte or a missing object is an error that names the object, never other data than was backed up."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from e2e_world import World, codes, describe, fill

pytestmark = pytest.mark.slow
FLIPS_PER_OBJECT = 4
OBJECTS_PER_KIND = 3


def _kind(world: World, path: Path) -> str:
    return path.relative_to(world.repository).parts[0]


def _chosen(world: World) -> list[Path]:
    """Some objects of every kind that a repository in use holds."""
    by_kind: dict[str, list[Path]] = {}
    for path in world.objects():
        by_kind.setdefault(_kind(world, path), []).append(path)
    assert {"header", "keys", "packs", "index", "snapshots", "marks"} <= set(by_kind)
    return [path for paths in by_kind.values() for path in paths[:OBJECTS_PER_KIND]]


def _prepare(world: World) -> Path:
    """A repository with two snapshots and a mark; returns a pristine copy of it."""
    fill(world.source, small=120, large_bytes=4_000_000)
    world.declare()
    world.good("--init")
    (world.source / "more.txt").write_text("a second snapshot has something to say")
    world.good("backup", "create", "orders")
    world.good("verify", "orders")
    pristine = world.folder / "pristine"
    shutil.copytree(world.repository, pristine)
    return pristine


def _reset(world: World, pristine: Path) -> None:
    shutil.rmtree(world.repository)
    shutil.copytree(pristine, world.repository)
    shutil.rmtree(world.state, ignore_errors=True)


@pytest.mark.timeout(900)
def test_one_flipped_byte_in_any_kind_of_object_is_reported_with_its_name(world: World, report: list[str]) -> None:
    pristine = _prepare(world)
    chance = random.Random(8)
    flips, exits = Counter[str](), Counter[int]()
    unnoticed, unnamed = [], []
    for path in _chosen(world):
        size = path.stat().st_size
        for offset in {0, size - 1, *(chance.randrange(size) for _ in range(FLIPS_PER_OBJECT - 2))}:
            _reset(world, pristine)
            content = bytearray(path.read_bytes())
            content[offset] ^= 1 << chance.randrange(8)
            path.chmod(0o600)
            path.write_bytes(content)
            ended = world.run("verify", "orders", "--deep")
            where = f"byte {offset} of {size} in {path.relative_to(world.repository)}"
            unnoticed += [f"{where}:\n{ended.text}"] if ended.code == 0 else []
            unnamed += [f"{where}:\n{ended.text}"] if path.name not in ended.text else []
            flips[_kind(world, path)] += 1
            exits[ended.code] += 1
    report.append(f"{flips.total()} flips, {len(unnoticed)} unnoticed, {len(unnamed)} not named: {dict(flips)}; exit codes {dict(exits)}")
    assert unnoticed == []
    assert unnamed == []


@pytest.mark.timeout(900)
def test_a_damaged_pack_never_gives_other_data_back(world: World, report: list[str]) -> None:
    pristine = _prepare(world)
    expected = describe(world.source)
    chance = random.Random(9)
    packs = [path for path in world.objects() if _kind(world, path) == "packs"]
    wrong, missing = 0, 0
    for number in range(12):
        _reset(world, pristine)
        path = packs[number % len(packs)]
        content = bytearray(path.read_bytes())
        content[chance.randrange(len(content))] ^= 0x80
        path.chmod(0o600)
        path.write_bytes(content)
        target = world.folder / "restored" / f"damaged-{number}"
        ended = world.run("restore", "orders", "--target", target)
        found = describe(target / str(world.source).lstrip("/"))
        for name, what in found.items():
            if what.startswith("file"):
                wrong += what.split()[-1] != expected[name].split()[-1]
        if ended.code == 0:
            assert found == expected
        missing += len(expected.keys() - found.keys())
    report.append(f"12 restores from damaged packs: {wrong} files with other content, {missing} files reported and left out")
    assert wrong == 0


@pytest.mark.timeout(300)
def test_a_missing_object_is_reported_with_its_name(world: World, report: list[str]) -> None:
    pristine = _prepare(world)
    gone = Counter[str]()
    for path in _chosen(world):
        if _kind(world, path) in {"snapshots", "marks"}:
            continue  # a snapshot or a mark that is not there cannot be told from one that never was
        _reset(world, pristine)
        path.unlink()
        ended = world.run("verify", "orders", "--deep")
        where = path.relative_to(world.repository)
        if _kind(world, path) == "index" and ended.code == 0:
            gone["index, read from the packs"] += 1
            continue
        assert ended.code != 0, f"{where} is gone and nobody noticed:\n{ended.text}"
        assert codes(ended.text), ended.text
        gone[_kind(world, path)] += 1
    report.append(f"{gone.total()} objects removed: {dict(gone)}")
