"""Damage of every sort by chance: after a repair nothing is wrong but what is named, and that comes back from a second repository."""

import random
import shutil
from pathlib import Path

import pytest

from reconciler.base.errors import ReconcilerError
from reconciler.repository import NoSuchSnapshot
from tests.unit.repository.conftest import CREATED, Bench, described
from tests.unit.repository.test_check_and_repair import check, repair

_SAFE = {"packs", "index", "snapshots", "marks", "pending"}  # without header and config nothing opens; keys: see test_keyring.py


def grown(bench: Bench, other: Bench, chance: random.Random, tmp_path: Path) -> dict[str, Path]:
    """Three snapshots in both repositories; a copy of the source as it was at each, by the id of the first repository."""
    kept: dict[str, Path] = {}
    base: dict[Path, str | None] = {bench.place: None, other.place: None}
    for number in range(3):
        for _ in range(8):
            name = f"file{chance.randrange(20)}"
            (bench.source / name).write_bytes(chance.randbytes(chance.randrange(1, 60_000)))
        for each in (bench, other):
            root = each.take(base=base[each.place]).root
            assert root is not None
            base[each.place] = root.id
        ours = base[bench.place]
        assert ours is not None
        bench.open().mark(ours, "verified", CREATED)
        kept[ours] = tmp_path / f"kept{number}"
        shutil.copytree(bench.source, kept[ours])
    return kept


def damage(bench: Bench, chance: random.Random) -> list[str]:
    """One to four objects flipped, cut short, emptied or taken away."""
    objects = [path for path in bench.objects() if path.relative_to(bench.place).parts[0] in _SAFE]
    told = []
    for path in chance.sample(objects, chance.randrange(1, 5)):
        data = bytearray(path.read_bytes())
        how = chance.choice(["flip", "flip", "cut", "empty", "gone"])
        path.chmod(0o600)
        if how == "flip":
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            path.write_bytes(data)
        elif how == "gone":
            path.unlink()
        else:
            path.write_bytes(data[: len(data) // 2] if how == "cut" else b"")
        told.append(f"{how} {path.relative_to(bench.place)}")
    return told


def hold_together(bench: Bench, kept: dict[str, Path], place: Path) -> int:
    """Every snapshot that is still listed restores exactly, but for the files that a check names. Returns how many are missed."""
    found = check(bench)
    named, bad = {each.snapshot: each for each in found.affected}, {fault.name for fault in found.faults}
    missed = 0
    for snapshot, source in kept.items():
        target = place / snapshot
        try:
            restored = bench.restore(snapshot, target)
        except NoSuchSnapshot:
            missed += 1
            continue
        except ReconcilerError:
            assert f"snapshots/{snapshot}" in bad or named[snapshot].manifest
            missed += 1
            continue
        lost = {path for path, _ in restored.failures}
        assert lost == set(named[snapshot].paths if snapshot in named else ()) or named[snapshot].manifest
        missed += len(lost)
        expected = described(source)
        for name, what in described(bench.inside(target)).items():
            assert what[4] == expected[name][4]
    return missed


def play(bench: Bench, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    other = Bench(bench.source, tmp_path / "other")
    other.init()
    kept = grown(bench, other, chance, tmp_path)
    told = damage(bench, chance)
    found = check(bench)
    before = hold_together(bench, kept, tmp_path / "before")
    done = repair(bench, other)
    after = check(bench)
    assert after.faults == (), told
    assert after.affected == done.affected, told
    assert not bench.open().plan_repair(deep=True).steps, told
    assert bench.open().listing().complete
    assert hold_together(bench, kept, tmp_path / "after") <= before, told
    if not any(each.manifest for each in found.affected):
        assert done.affected == (), told  # the other repository has all contents
    for path in bench.source.iterdir():
        path.touch()
    bench.take(kind="full")
    assert {each.snapshot for each in check(bench).affected} <= {each.snapshot for each in done.affected}, told


@pytest.mark.parametrize("seed", range(12))
def test_after_a_repair_only_what_is_named_is_lost(bench: Bench, tmp_path: Path, seed: int) -> None:
    play(bench, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 200))
def test_after_a_repair_only_what_is_named_is_lost_at_length(bench: Bench, tmp_path: Path, seed: int) -> None:
    play(bench, tmp_path, seed)
