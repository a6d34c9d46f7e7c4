"""A whole repository looked at, and put right again: what is found, what is moved, what comes back, and that nothing is deleted."""

import os
import random
import shutil
from pathlib import Path

import pytest

from reconciler.repository import Checked, RepairChanged, Repaired
from reconciler.repository.inventory import Part
from tests.unit.repository.conftest import CREATED, Bench


def filled(bench: Bench, files: int = 30, seed: int = 5, large: int = 6 * 2**20) -> str:
    rng = random.Random(seed)
    for number in range(files):
        (bench.source / f"file{number}").write_bytes(rng.randbytes(rng.randrange(1, 90_000)))
    (bench.source / "large").write_bytes(rng.randbytes(large))
    root = bench.take(kind="full").root
    assert root is not None
    return root.id


def flip(path: Path, position: int | None = None) -> None:
    """Change one byte; of a pack the middle one is always content."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if position is None else position] ^= 0x10
    path.chmod(0o600)
    path.write_bytes(data)


def check(bench: Bench, *, deep: bool = True) -> Checked:
    return bench.open().check(deep=deep)


def repair(bench: Bench, *donors: Bench, deep: bool = True) -> Repaired:
    repository = bench.open()
    plan = repository.plan_repair(deep=deep)
    assert repository.plan_repair(deep=deep).digest == plan.digest
    return repository.repair(plan.digest, deep=deep, donors=[donor.open().donor() for donor in donors])


def packs(bench: Bench) -> list[Path]:
    return sorted((path for path in (bench.place / "packs").rglob("*") if path.is_file()), key=lambda path: -path.stat().st_size)


def everything(bench: Bench) -> dict[str, bytes]:
    """Content of all objects, wherever they are, marks left out."""
    return {path.name.removeprefix("packs-")[:64]: path.read_bytes() for path in bench.objects() if "marks" not in path.parts}


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_repository_is_found_sound_and_looking_changes_nothing(bench: Bench, deep: bool) -> None:
    snapshot = filled(bench)
    bench.open().mark(snapshot, "verified", CREATED)
    before = {path: path.read_bytes() for path in bench.objects()}
    found = check(bench, deep=deep)
    assert found.intact
    assert (found.snapshots, found.unindexed) == (1, 0)
    assert found.objects >= len(before) - 1  # the header was read before
    assert (found.bytes > 6 * 2**20) == deep
    assert bench.open().plan_repair(deep=deep).steps == ()
    assert {path: path.read_bytes() for path in bench.objects()} == before


@pytest.mark.parametrize(
    ("folder", "part"), [("keys", Part.SLOT), ("index", Part.INDEX), ("snapshots", Part.ROOT), ("marks", Part.MARK), ("packs", Part.PACK)]
)
def test_every_damaged_object_is_named_with_what_it_is(bench: Bench, folder: str, part: Part) -> None:
    from reconciler.base.secret import Secret
    from reconciler.repository import Keyring

    snapshot = filled(bench)
    bench.open().mark(snapshot, "verified", CREATED)
    if folder == "keys":
        Keyring.open(str(bench.place), bench.key()).add(Secret(b"7b" * 32), "raw", CREATED)
    used = Keyring.open(str(bench.place), bench.key()).used
    path = next(path for path in sorted((bench.place / folder).rglob("*")) if path.is_file() and path.name != used)
    flip(path)
    found = check(bench)
    assert [(fault.name, fault.part) for fault in found.faults] == [(str(path.relative_to(bench.place)), part)]
    assert not found.intact


def test_the_exact_files_that_a_damaged_pack_costs_are_named(bench: Bench) -> None:
    first = filled(bench)
    (bench.source / "later").write_bytes(os.urandom(50_000))
    before = set(packs(bench))
    second = bench.take(base=first).root
    assert second is not None
    flip((set(packs(bench)) - before).pop())
    found = check(bench)
    assert [(each.snapshot, [os.path.basename(path) for path in each.paths]) for each in found.affected] == [(second.id, [b"later"])]
    assert check(bench, deep=False).intact  # only reading shows it


def test_a_pack_that_is_gone_is_missed_by_a_quick_check_too(bench: Bench) -> None:
    filled(bench)
    packs(bench)[0].unlink()
    found = check(bench, deep=False)
    assert [fault.part for fault in found.faults] == [Part.PACK]
    assert found.affected[0].manifest  # the list of files was in it, too


def test_what_is_good_of_a_damaged_pack_moves_and_the_pack_is_set_aside_not_deleted(bench: Bench, tmp_path: Path) -> None:
    snapshot = filled(bench)
    pack = packs(bench)[0]
    flip(pack)
    lost = check(bench).affected[0]
    kept = everything(bench)
    done = repair(bench)
    assert done.moved > 0
    assert [(each.snapshot, each.paths) for each in done.affected] == [(snapshot, lost.paths)]
    assert not pack.exists()
    assert any(name.startswith(f"quarantine/packs-{pack.parent.name}-{pack.name}") for name in done.set_aside)
    kept_contents = set(kept.values())
    assert kept_contents <= {path.read_bytes() for path in bench.objects()}
    restored = bench.restore(snapshot, tmp_path / "out")
    assert {path for path, _ in restored.failures} == set(lost.paths)
    after = check(bench)
    assert after.faults == ()
    assert bench.open().plan_repair(deep=True).steps == ()


def test_the_next_full_backup_brings_back_what_the_source_still_has(bench: Bench) -> None:
    filled(bench)
    flip(packs(bench)[0])
    repair(bench)
    assert not check(bench).intact
    bench.take(kind="full")
    assert check(bench).intact


def test_lost_chunks_come_back_from_another_repository_with_another_key(bench: Bench, tmp_path: Path) -> None:
    snapshot = filled(bench)
    other = Bench(bench.source, tmp_path / "other")
    other.init()
    other.take(kind="full")
    shutil.rmtree(bench.source)
    bench.source.mkdir()
    for pack in packs(bench):
        flip(pack)
    assert not check(bench).intact
    done = repair(bench, other)
    assert done.healed > 0
    assert done.affected == ()
    assert check(bench).intact
    assert bench.restore(snapshot, tmp_path / "out").failures == ()


def test_another_repository_that_holds_other_bytes_under_the_same_name_gives_nothing(bench: Bench, tmp_path: Path) -> None:
    filled(bench)
    for path in bench.source.iterdir():
        path.write_bytes(os.urandom(path.stat().st_size))
    other = Bench(bench.source, tmp_path / "other")
    other.init()
    other.take(kind="full")
    flip(packs(bench)[0])
    done = repair(bench, other)
    assert done.healed == 0
    assert done.affected != ()


@pytest.mark.parametrize("how", ["flipped", "gone"])
def test_the_index_is_made_anew_from_the_packs(bench: Bench, tmp_path: Path, how: str) -> None:
    snapshot = filled(bench)
    path = next((bench.place / "index").iterdir())
    if how == "gone":
        path.unlink()
    else:
        flip(path, 100)
    done = repair(bench, deep=False)
    assert len(done.set_aside) == (how == "flipped")
    assert len(list((bench.place / "index").iterdir())) == 1
    assert check(bench).intact
    assert bench.restore(snapshot, tmp_path / "out").failures == ()


def test_a_damaged_root_is_set_aside_so_that_the_listing_is_complete_again(bench: Bench) -> None:
    first = filled(bench)
    (bench.source / "new").write_text("new")
    second = bench.take(base=first).root
    assert second is not None
    flip(bench.place / "snapshots" / first, 50)
    assert not bench.open().listing().complete
    repair(bench)
    listing = bench.open().listing()
    assert listing.complete
    assert [root.id for root in listing.roots] == [second.id]


def test_a_mark_that_cannot_be_read_may_have_been_a_hold_and_is_replaced_by_one(bench: Bench) -> None:
    snapshot = filled(bench)
    bench.open().mark(snapshot, "held", CREATED)
    flip(next((bench.place / "marks" / snapshot).iterdir()), 30)
    repair(bench)
    assert [mark.kind for mark in bench.open().listing().marks[snapshot]] == ["held"]


def test_a_plan_that_nobody_agreed_to_is_not_carried_out(bench: Bench) -> None:
    filled(bench)
    flip(packs(bench)[0])
    repository = bench.open()
    agreed = repository.plan_repair(deep=True).digest
    flip(next((bench.place / "index").iterdir()), 100)
    before = bench.objects()
    with pytest.raises(RepairChanged):
        repository.repair(agreed, deep=True)
    assert bench.objects() == before


def test_a_pack_that_a_verification_found_damaged_is_read_whole_by_a_quick_repair(bench: Bench) -> None:
    filled(bench)
    pack = packs(bench)[0]
    flip(pack)
    bench.open().distrust([f"packs/{pack.parent.name}/{pack.name}"], CREATED)
    assert repair(bench, deep=False).moved > 0


def test_a_backup_that_runs_meanwhile_looks_like_no_damage(bench: Bench) -> None:
    from reconciler.base.secret import Secret
    from reconciler.repository import Repository
    from reconciler.repository.store import LocalStore
    from tests.unit.repository.conftest import KEY

    first = filled(bench, 3)

    class Busy(LocalStore):
        """While the packs are listed, another process publishes a snapshot."""

        done = False

        def list(self, prefix: str):  # type: ignore[no-untyped-def]
            if prefix == "packs" and not self.done:
                self.done = True
                (bench.source / "meanwhile").write_bytes(os.urandom(5000))
                bench.take(base=first)
            return super().list(prefix)

    found = Repository.open(str(bench.place), Secret(KEY), store=Busy(str(bench.place))).check(deep=True)
    assert found.intact
    assert found.snapshots == 1


def test_a_repair_killed_at_any_call_is_continued_by_the_next_one(bench: Bench, tmp_path: Path) -> None:
    from reconciler.base.files import Disk
    from reconciler.repository import Repository
    from reconciler.repository.store import LocalStore

    class Cut(Exception):
        """The power goes."""

    class Mortal(Disk):
        """Dies at the n-th change."""

        def __init__(self, left: int) -> None:
            self.left = left

        def _count(self) -> None:
            self.left -= 1
            if self.left < 0:
                raise Cut

        def create(self, path, mode=0o600):  # type: ignore[no-untyped-def]
            self._count()
            return super().create(path, mode)

        def publish(self, temporary, final):  # type: ignore[no-untyped-def]
            self._count()
            super().publish(temporary, final)
            self._count()

        def sync_folder(self, path):  # type: ignore[no-untyped-def]
            self._count()
            super().sync_folder(path)

    snapshot = filled(bench, 4, large=5000)
    flip(packs(bench)[0])
    flip(next((bench.place / "index").iterdir()), 100)
    lost = set(check(bench).affected[0].paths)
    pristine = tmp_path / "pristine"
    shutil.copytree(bench.place, pristine)
    kills = 0
    while True:
        shutil.rmtree(bench.place)
        shutil.copytree(pristine, bench.place)
        repository = Repository.open(str(bench.place), bench.key(), store=LocalStore(str(bench.place), Mortal(kills)))
        try:
            repository.repair(repository.plan_repair(deep=True).digest, deep=True)
            break
        except Cut:
            kills += 1
        repair(bench)
        after = check(bench)
        assert after.faults == ()
        assert {path for each in after.affected for path in each.paths} == lost
    assert kills >= 8
    assert {path for path, _ in bench.restore(snapshot, tmp_path / "out").failures} == lost
