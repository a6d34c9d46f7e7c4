"""What a clean-up removes, what it leaves alone, and how it says no."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.files import Buffer
from reconciler.repository import CleanUpRefused, Collected, ConfirmationNeeded, Damaged, ObjectMissing, PackFate, PrunePlan, Repository
from reconciler.repository.collect import CleanUp, Pruned
from reconciler.repository.deletion import write_deletion_record
from reconciler.repository.store import Found, LocalStore
from tests.unit.repository.conftest import Bench

HOUR = timedelta(hours=2)


def plan(repository: Repository, later: timedelta = HOUR) -> PrunePlan:
    return CleanUp(repository._store, repository._seals, datetime.now(UTC) + later).plan()


def clean_up(repository: Repository, *, confirm: str | None = None, later: timedelta = HOUR) -> Pruned:
    return CleanUp(repository._store, repository._seals, datetime.now(UTC) + later).run(confirm)


def confirmed(repository: Repository, later: timedelta = HOUR) -> Pruned:
    return clean_up(repository, confirm=plan(repository, later).digest, later=later)


def noise(path: Path, size: int) -> None:
    path.write_bytes(os.urandom(size))


def taken(bench: Bench, repository: Repository, base: str | None = None) -> str:
    root = bench.take(repository, base=base).root
    assert root is not None
    return root.id


def packs(bench: Bench) -> set[str]:
    return {path.name for path in bench.place.glob("packs/*/*")}


def proven(bench: Bench, snapshot: str, target: Path) -> dict[str, bytes]:
    bench.restore(snapshot, target)
    inside = bench.inside(target)
    return {path.name: path.read_bytes() for path in inside.iterdir()}


@pytest.fixture
def two(bench: Bench) -> tuple[Repository, str, str]:
    """Two snapshots: the first with a file that the second no longer has, both with a file they share."""
    repository = bench.open()
    noise(bench.source / "shared", 300_000)
    noise(bench.source / "old", 400_000)
    first = taken(bench, repository)
    (bench.source / "old").unlink()
    noise(bench.source / "new", 250_000)
    return repository, first, taken(bench, repository, first)


def test_nothing_goes_while_snapshots_need_everything(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, _, _ = two
    before = packs(bench)
    assert plan(repository).empty
    assert clean_up(repository).removed_packs == 0
    assert packs(bench) == before


def test_what_a_forgotten_snapshot_alone_needed_goes_and_the_other_restores(
    bench: Bench, two: tuple[Repository, str, str], tmp_path: Path
) -> None:
    repository, first, second = two
    before = repository.stored_bytes()
    repository.forget([first])
    pruned = clean_up(repository)
    assert pruned.removed_packs == 1
    assert pruned.plan.count(PackFate.SPARSE) == 1
    assert before - repository.stored_bytes() > 390_000
    files = {path.name: path.read_bytes() for path in bench.source.iterdir()}
    assert proven(bench, second, tmp_path / "restored") == files
    assert bench.open().verify(second).intact
    assert plan(repository).empty, "a second clean-up finds nothing to do"


def test_the_dry_run_prints_the_digest_of_what_is_done(two: tuple[Repository, str, str]) -> None:
    repository, first, _ = two
    repository.forget([first])
    assert plan(repository).digest == plan(repository).digest == clean_up(repository).plan.digest


def test_more_than_half_goes_only_with_the_digest_of_the_plan(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, first, second = two
    (bench.source / "shared").unlink()
    (bench.source / "new").write_text("small")
    third = taken(bench, repository, second)
    repository.forget([first, second])
    before = packs(bench)
    with pytest.raises(ConfirmationNeeded):
        clean_up(repository)
    with pytest.raises(ConfirmationNeeded):
        clean_up(repository, confirm="0" * 16)
    assert packs(bench) == before
    assert confirmed(repository).removed_bytes > 700_000
    assert repository.verify(third).intact


def test_without_a_person_more_than_half_goes_in_steps_of_at_most_half(bench: Bench) -> None:
    repository = bench.open()
    ids = []
    for number in range(6):
        noise(bench.source / "dump", 200_000)
        (bench.source / "name").write_text(str(number))
        ids.append(taken(bench, repository))
    before = {path.name: path.stat().st_size for path in bench.place.glob("packs/*/*")}
    repository.forget(ids[:-1])
    steps = []
    for _ in range(9):
        total = sum(path.stat().st_size for path in bench.place.glob("packs/*/*"))
        done = CleanUp(repository._store, repository._seals, datetime.now(UTC) + HOUR, gradual=True).run()
        if done.plan.empty:
            break
        assert done.removed_bytes - done.written_bytes <= total / 2
        steps.append(done.removed_bytes)
    assert len(steps) > 1
    assert sum(steps) > 0.6 * sum(before.values())
    assert bench.open().verify(ids[-1]).intact


def test_a_repository_without_snapshots_is_never_emptied(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, first, second = two
    repository.forget([first, second])
    before = packs(bench)
    with pytest.raises(CleanUpRefused):
        clean_up(repository, confirm="whatever")
    assert packs(bench) == before


@pytest.mark.parametrize("folder", ["snapshots", "index", "gc"])
def test_an_object_that_cannot_be_read_stops_everything(bench: Bench, two: tuple[Repository, str, str], folder: str) -> None:
    repository, first, _second = two
    repository.forget([first])
    if folder == "gc":
        clean_up(repository)
    victim = next((bench.place / folder).iterdir())
    victim.chmod(0o600)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    before = packs(bench)
    with pytest.raises(Damaged):
        clean_up(bench.open())
    assert packs(bench) == before


def test_a_pack_that_is_gone_but_needed_stops_everything(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, first, _ = two
    repository.forget([first])
    victim = sorted(bench.place.glob("packs/*/*"))[0]
    victim.unlink()
    with pytest.raises((ObjectMissing, Damaged)):
        clean_up(bench.open())


def test_a_pack_that_nobody_names_goes_after_an_hour_and_not_before(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, _, _ = two
    noise(bench.source / "killed", 100_000)
    before = packs(bench)
    indexed = {found.name for found in repository._store.list("index")}
    third = taken(bench, repository)
    for found in list(repository._store.list("index")):
        if found.name not in indexed:
            repository._store.delete(found.name)
    repository.forget([third])
    orphan = packs(bench) - before
    assert plan(repository, timedelta(0)).empty
    assert plan(repository).count(PackFate.ORPHAN) == len(orphan)
    clean_up(repository)
    assert packs(bench) == before


def test_a_held_pack_stays(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, first, _ = two
    repository.forget([first])
    for pack in packs(bench):
        (bench.place / "holds" / pack).touch()
    assert plan(repository).empty
    (bench.place / "holds" / "something").touch()
    with pytest.raises(CleanUpRefused):
        plan(repository)


def test_many_small_packs_and_index_objects_become_few(bench: Bench, tmp_path: Path) -> None:
    repository = bench.open()
    base = None
    for number in range(18):
        noise(bench.source / f"file-{number}", 3_000)
        base = taken(bench, repository, base)
    assert len(packs(bench)) == 18
    pruned = clean_up(repository)
    assert pruned.plan.count(PackFate.SMALL) == 18
    assert len(packs(bench)) == 1
    assert len(list((bench.place / "index").iterdir())) == 1
    assert base is not None
    assert repository.verify(base).intact
    for root in repository.listing().roots:
        assert bench.open().verify(root.id).intact
    assert plan(repository).empty


def test_an_abandoned_pending_root_keeps_its_data_for_thirty_days(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, first, _ = two
    os.link(bench.place / "snapshots" / first, bench.place / "pending" / first)
    repository.forget([first])
    assert plan(repository, timedelta(days=29)).empty
    clean_up(repository, later=timedelta(days=31))
    assert not list((bench.place / "pending").iterdir())
    assert [path.name for path in (bench.place / "expired").iterdir()] == [first]
    assert clean_up(repository, later=timedelta(days=31)).removed_packs == 1


def test_a_pending_root_whose_snapshot_is_acknowledged_is_swept(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, first, _ = two
    os.link(bench.place / "snapshots" / first, bench.place / "pending" / first)
    clean_up(repository)
    assert not list((bench.place / "pending").iterdir())
    assert not list((bench.place / "expired").iterdir())
    assert repository.verify(first).intact


class Racing(LocalStore):
    """The local store, and something that happens right after the first object of a folder was put, or before the n-th listing of one."""

    def __init__(self, root: str, *, after_put: str = "", before_list: str = "", then: Callable[[], object]) -> None:
        super().__init__(root)
        self._after_put, self._before_list, self._then = after_put, before_list, [then]

    def put(self, name: str, data: Buffer) -> None:
        super().put(name, data)
        if self._after_put and name.startswith(self._after_put):
            self._happen()

    def list(self, prefix: str) -> Iterator[Found]:
        if prefix == self._before_list:
            self._happen()
        return super().list(prefix)

    def _happen(self) -> None:
        while self._then:
            self._then.pop()()


def racing(bench: Bench, then: Callable[[], object], *, after_put: str = "", before_list: str = "") -> Repository:
    store = Racing(str(bench.place), after_put=after_put, before_list=before_list, then=then)
    return Repository.open(str(bench.place), bench.key(), store=store)


def test_a_snapshot_that_appears_after_the_record_is_served_by_rescue(bench: Bench, two: tuple[Repository, str, str]) -> None:
    """What the plan took for unneeded is needed again before the record is written."""
    repository, first, second = two
    bench.restore(first, bench.place.parent / "first")
    repository.forget([first])
    (bench.source / "old").write_bytes((bench.inside(bench.place.parent / "first") / "old").read_bytes())
    again: list[str] = []

    def publish_meanwhile() -> None:
        again.append(taken(bench, bench.open(), second))

    assert clean_up(racing(bench, publish_meanwhile, after_put="index/")).rescued > 0
    assert repository.verify(again[0]).intact
    assert repository.verify(second).intact


def test_a_backup_whose_data_was_condemned_while_it_ran_is_not_acknowledged(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, first, second = two
    bench.restore(first, bench.place.parent / "first")
    repository.forget([first])
    (bench.source / "old").write_bytes((bench.inside(bench.place.parent / "first") / "old").read_bytes())
    with pytest.raises(Collected):  # everything of the clean-up happens between the index that the backup read and its pending root
        taken(bench, racing(bench, lambda: clean_up(bench.open(), later=timedelta(0)), after_put="index/"), second)
    assert not list((bench.place / "pending").iterdir())
    third = taken(bench, bench.open(), second)
    assert bench.open().verify(third).intact
    assert bench.open().verify(second).intact


def test_a_backup_saves_what_a_clean_up_condemned_and_did_not_remove_yet(bench: Bench, two: tuple[Repository, str, str]) -> None:
    """The clean-up dies behind its record; the backup had found the content stored, and needs no second reading of the source."""
    repository, first, second = two
    bench.restore(first, bench.place.parent / "first")
    repository.forget([first])
    (bench.source / "old").write_bytes((bench.inside(bench.place.parent / "first") / "old").read_bytes())

    def condemn_and_die() -> None:
        with pytest.raises(KeyboardInterrupt):
            clean_up(racing(bench, die, after_put="gc/"), later=timedelta(0))

    def die() -> None:
        raise KeyboardInterrupt

    third = taken(bench, racing(bench, condemn_and_die, after_put="index/"), second)
    assert clean_up(bench.open()).removed_packs > 0
    assert bench.open().verify(third).intact
    assert bench.open().verify(second).intact


def test_a_backup_beside_a_clean_up_that_moves_what_it_needs_is_acknowledged(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, first, second = two
    repository.forget([first])
    noise(bench.source / "third", 50_000)
    third = taken(bench, racing(bench, lambda: clean_up(bench.open(), later=timedelta(0)), after_put="index/"), second)
    assert bench.open().verify(third).intact


def test_a_root_acknowledged_between_the_two_listings_is_not_missed(bench: Bench, two: tuple[Repository, str, str]) -> None:
    """It goes from pending/ to snapshots/ under another id, as a copy does, after pending/ was listed."""
    _repository, first, _ = two
    (bench.place / "snapshots" / first).rename(bench.place / "pending" / first)

    def promote() -> None:
        (bench.place / "pending" / first).rename(bench.place / "snapshots" / first)

    found = plan(racing(bench, promote, before_list="snapshots"))
    assert found.count(PackFate.UNUSED) == found.count(PackFate.SPARSE) == 0


def test_a_backup_that_slept_while_its_own_packs_were_collected_is_not_acknowledged(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, _, second = two
    noise(bench.source / "third", 50_000)
    with pytest.raises(Collected):
        taken(bench, racing(bench, lambda: clean_up(bench.open()), after_put="index/"), second)
    assert [root.id for root in repository.listing().roots if root.id == second]
    assert repository.verify(second).intact


def test_a_clean_up_that_died_after_its_record_is_finished_by_the_next(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, first, second = two
    repository.forget([first])

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clean_up(racing(bench, die, after_put="gc/"))
    assert plan(bench.open()).count(PackFate.CONDEMNED) == 1
    assert clean_up(bench.open()).removed_packs == 1
    assert bench.open().verify(second).intact
    assert plan(bench.open()).empty


def test_what_only_a_condemned_pack_holds_is_copied_before_it_goes(bench: Bench, two: tuple[Repository, str, str]) -> None:
    """A record from somewhere condemns everything: nothing that a snapshot needs may be lost by it."""
    repository, first, second = two
    everything = [bytes.fromhex(name) for name in packs(bench)]
    write_deletion_record(repository._store, repository._seals, [], everything, [])
    pruned = clean_up(repository)
    assert pruned.rescued > 0
    assert pruned.removed_packs == len(everything)
    assert bench.open().verify(first).intact
    assert bench.open().verify(second).intact


def test_the_rotten_twin_is_never_the_one_that_stays(bench: Bench, two: tuple[Repository, str, str]) -> None:
    repository, first, second = two
    before = packs(bench)
    repository.distrust([f"packs/{name[:2]}/{name}" for name in before], datetime.now(UTC))
    assert bench.take(bench.open(), kind="full").root is not None
    for found in list(repository._store.list("marks")):
        repository._store.delete(found.name)
    good = packs(bench) - before
    write_deletion_record(repository._store, repository._seals, [], [bytes.fromhex(name) for name in before], [])
    (victim,) = [path for path in bench.place.glob("packs/*/*") if path.name in good]
    data = bytearray(victim.read_bytes())
    data[100_000] ^= 1
    victim.chmod(0o600)
    victim.write_bytes(data)
    assert clean_up(bench.open()).rescued > 0
    assert bench.open().verify(first).intact
    assert bench.open().verify(second).intact
