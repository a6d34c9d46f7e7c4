"""Snapshots travel between repositories with different keys: whole, once, and only when they arrived well."""

from __future__ import annotations

import os
import random
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.base.errors import Cancelled
from reconciler.base.secret import Secret
from reconciler.repository import Copied, NoSuchSnapshot, OriginDamaged, Repository
from reconciler.repository.store import LocalStore
from tests.unit.repository.conftest import CREATED, Bench, described

OTHER_KEY = Secret(b"c3" * 32)
THIRD_KEY = Secret(b"99" * 32)


def elsewhere(place: Path, key: Secret = OTHER_KEY) -> Repository:
    """A second repository with a key of its own; created when it is not there."""
    if (place / "header").exists():
        return Repository.open(str(place), key)
    return Repository.init(str(place), key, created_at=CREATED)


def copy(target: Repository, origin: Repository, *snapshots: str, **more: object) -> list[Copied]:
    return list(target.copy_from(origin, snapshots, **more))  # type: ignore[arg-type]


def restored(repository: Repository, snapshot: str, out: Path) -> Path:
    from reconciler.tree.write import Target

    with Target.open(str(out)) as target:
        done = repository.restore(snapshot, target)
    assert done.failures == ()
    return out


def variety(source: Path) -> None:
    """A bit of everything that a manifest can say."""
    (source / "deep" / "er").mkdir(parents=True)
    (source / "empty folder").mkdir()
    (source / "empty").touch()
    for number in range(40):
        (source / "deep" / f"text{number}").write_text(f"line {number}\n" * 100)
    (source / "large").write_bytes(random.Random(4).randbytes(3_000_000))
    (source / "deep" / "er" / "link").symlink_to("../text1")
    os.link(source / "deep" / "text2", source / "second name")
    with (source / "sparse").open("wb") as file:
        file.truncate(4 * 2**20)
        file.seek(2**20)
        file.write(os.urandom(5000))
    (source / os.fsdecode(b"not \xff utf-8")).write_bytes(b"x")


def test_a_copy_restores_the_same_tree_under_the_same_id(bench: Bench, tmp_path: Path) -> None:
    variety(bench.source)
    root = bench.take(kind="full").root
    target = elsewhere(tmp_path / "second")
    (done,) = copy(target, bench.open(), root.id)
    assert done.root is not None
    assert done.root.id == root.id
    assert (done.files, done.bytes) == (root.files, root.bytes)
    (listed,) = target.listing().roots
    assert (listed.as_of, listed.ended_at, listed.grade, listed.specs) == (root.as_of, root.ended_at, root.grade, root.specs)
    assert target.verify(root.id).intact
    out = restored(target, root.id, tmp_path / "out")
    assert described(bench.inside(out)) == described(bench.source)
    assert list((tmp_path / "second" / "pending").iterdir()) == []


def test_the_two_repositories_share_no_object_and_no_id(bench: Bench, tmp_path: Path) -> None:
    (bench.source / "file").write_bytes(b"the same content" * 100)
    root = bench.take(kind="full").root
    target = elsewhere(tmp_path / "second")
    copy(target, bench.open(), root.id)
    ours = {chunk for entry in bench.open().entries(root.id) for chunk in [entry.cold.chunks] if chunk}
    theirs = {chunk for entry in target.entries(root.id) for chunk in [entry.cold.chunks] if chunk}
    assert min(len(ours), len(theirs)) > 0
    assert not ours & theirs
    packs = [{path.name for path in (place / "packs").rglob("*") if path.is_file()} for place in (bench.place, tmp_path / "second")]
    assert not packs[0] & packs[1]


def test_copying_twice_changes_nothing(bench: Bench, tmp_path: Path) -> None:
    (bench.source / "file").write_text("content")
    root = bench.take(kind="full").root
    target = elsewhere(tmp_path / "second")
    copy(target, bench.open(), root.id)
    before = sorted(path for path in (tmp_path / "second").rglob("*") if path.is_file())
    (again,) = copy(elsewhere(tmp_path / "second"), bench.open(), root.id)
    assert again.root is None
    assert sorted(path for path in (tmp_path / "second").rglob("*") if path.is_file()) == before


def test_the_second_copy_reads_and_stores_only_what_changed(bench: Bench, tmp_path: Path) -> None:
    variety(bench.source)
    first = bench.take(kind="full").root
    target = elsewhere(tmp_path / "second")
    copy(target, bench.open(), first.id)
    (bench.source / "deep" / "new").write_bytes(os.urandom(2000))
    second = bench.take(base=first.id).root
    (done,) = copy(elsewhere(tmp_path / "second"), bench.open(), second.id)
    assert done.read_bytes == 2000
    assert done.added_bytes < 100_000
    out = restored(target, second.id, tmp_path / "out")
    assert described(bench.inside(out)) == described(bench.source)


def test_a_row_of_snapshots_is_copied_newest_first_or_oldest_first_alike(bench: Bench, tmp_path: Path) -> None:
    ids: list[str] = []
    for number in range(4):
        (bench.source / f"file{number}").write_bytes(os.urandom(1000))
        ids.append(bench.take(base=ids[-1] if ids else None, later=timedelta(seconds=30 + number)).root.id)
    for order, name in ((ids, "forward"), (ids[::-1], "back")):
        target = elsewhere(tmp_path / name)
        done = copy(target, bench.open(), *order)
        assert sum(each.read_bytes for each in done) == 4000
        assert all(target.verify(snapshot).intact for snapshot in ids)


def test_a_copy_can_be_copied_on_and_back(bench: Bench, tmp_path: Path) -> None:
    variety(bench.source)
    root = bench.take(kind="full").root
    second, third = elsewhere(tmp_path / "second"), elsewhere(tmp_path / "third", THIRD_KEY)
    copy(second, bench.open(), root.id)
    copy(third, second, root.id)
    lost = Bench(bench.source, tmp_path / "replaced")
    lost.init()
    copy(lost.open(), third, root.id)
    out = restored(lost.open(), root.id, tmp_path / "out")
    assert described(bench.inside(out)) == described(bench.source)


def test_a_copy_cuts_its_blocks_as_a_backup_into_the_same_repository_would(bench: Bench, tmp_path: Path) -> None:
    """Else the two would share nothing when the primary is replaced and backups go on in the former copy."""
    for number in range(3000):
        (bench.source / f"file{number:04}").touch()
    root = bench.take(kind="full").root
    target = elsewhere(tmp_path / "second")
    copy(target, bench.open(), root.id)
    own = Bench(bench.source, tmp_path / "second")
    taken = own.take(target, kind="full").root
    copied, direct = (target._record(snapshot) for snapshot in (root.id, taken.id))
    assert [block.id for block in copied.blocks] == [block.id for block in direct.blocks]


def test_damage_in_the_origin_is_named_with_the_file_and_nothing_is_published(bench: Bench, tmp_path: Path) -> None:
    (bench.source / "good").write_bytes(os.urandom(100_000))
    (bench.source / "large").write_bytes(os.urandom(900_000))
    root = bench.take(kind="full").root
    (pack,) = (path for path in (bench.place / "packs").rglob("*") if path.is_file() and path.stat().st_size > 500_000)
    with pack.open("r+b") as file:
        file.seek(400_000)
        byte = file.read(1)
        file.seek(400_000)
        file.write(bytes([byte[0] ^ 1]))
    target = elsewhere(tmp_path / "second")
    with pytest.raises(OriginDamaged, match=r"/.*(good|large)") as caught:
        copy(target, bench.open(), root.id)
    assert caught.value.context["object"] == f"packs/{pack.parent.name}/{pack.name}"
    assert target.listing().roots == ()
    other = elsewhere(tmp_path / "third", THIRD_KEY)
    assert other.listing().complete


def test_a_root_that_cannot_be_read_is_damage_of_the_origin(bench: Bench, tmp_path: Path) -> None:
    (bench.source / "file").write_text("content")
    root = bench.take(kind="full").root
    (bench.place / "snapshots" / root.id).write_bytes(b"not a root")
    with pytest.raises(OriginDamaged):
        copy(elsewhere(tmp_path / "second"), bench.open(), root.id)
    with pytest.raises(NoSuchSnapshot):
        copy(elsewhere(tmp_path / "second"), bench.open(), "0" * 32)


class StopsLater(threading.Event):
    looks = 30

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def test_a_stopped_copy_goes_on_where_it_was_without_reading_again(bench: Bench, tmp_path: Path) -> None:
    for number in range(3000):
        (bench.source / f"file{number:04}").write_bytes(number.to_bytes(2, "big") * 50)
    root = bench.take(kind="full").root
    target = elsewhere(tmp_path / "second")
    stop = StopsLater()
    stop.looks = 2500
    with pytest.raises(Cancelled):
        copy(target, bench.open(), root.id, stop=stop)
    assert target.listing().roots == ()
    assert len(list((tmp_path / "second" / "pending").iterdir())) == 1
    (done,) = copy(elsewhere(tmp_path / "second"), bench.open(), root.id)
    assert done.root is not None
    assert target.verify(root.id).intact
    assert done.added_bytes < root.added_bytes
    (third,) = copy(elsewhere(tmp_path / "third", THIRD_KEY), bench.open(), root.id)
    assert third.read_bytes == 300_000


@pytest.mark.parametrize("loss", ["gone", "known as damaged"])
def test_packs_of_the_target_that_are_lost_are_stored_anew(bench: Bench, tmp_path: Path, loss: str) -> None:
    (bench.source / "file").write_bytes(os.urandom(50_000))
    first = bench.take(kind="full").root
    target = elsewhere(tmp_path / "second")
    copy(target, bench.open(), first.id)
    lost = [path for path in (tmp_path / "second" / "packs").rglob("*") if path.is_file()]
    if loss != "gone":
        target.distrust([f"packs/{path.parent.name}/{path.name}" for path in lost], first.ended_at)
    for path in lost:
        path.unlink() if loss == "gone" else path.write_bytes(b"")
    (bench.source / "other").write_bytes(os.urandom(100))
    second = bench.take(base=first.id).root
    (done,) = copy(elsewhere(tmp_path / "second"), bench.open(), second.id)
    assert done.read_bytes == 50_100
    assert elsewhere(tmp_path / "second").verify(second.id).intact


def test_a_target_that_writes_other_bytes_than_it_was_given_gets_no_snapshot(bench: Bench, tmp_path: Path) -> None:
    from reconciler.base.files import Buffer, Disk
    from reconciler.repository import Damaged

    class Rots(Disk):
        """Loses a bit of everything large, as a bad cable does."""

        def write(self, handle: int, data: Buffer) -> None:
            whole = bytearray(data)
            if len(whole) > 30_000:
                whole[20_000] ^= 4
            super().write(handle, whole)

    (bench.source / "file").write_bytes(os.urandom(50_000))
    root = bench.take(kind="full").root
    elsewhere(tmp_path / "second")
    rotting = Repository.open(str(tmp_path / "second"), OTHER_KEY, store=LocalStore(str(tmp_path / "second"), Rots()))
    with pytest.raises(Damaged, match="reads back other bytes"):
        copy(rotting, bench.open(), root.id)
    assert elsewhere(tmp_path / "second").listing().roots == ()


def test_two_copiers_of_one_snapshot_do_not_hinder_each_other(bench: Bench, tmp_path: Path) -> None:
    variety(bench.source)
    root = bench.take(kind="full").root
    elsewhere(tmp_path / "second")
    done: list[Copied] = []
    threads = [threading.Thread(target=lambda: done.extend(copy(elsewhere(tmp_path / "second"), bench.open(), root.id))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 2
    assert len(elsewhere(tmp_path / "second").listing().roots) == 1
    assert elsewhere(tmp_path / "second").verify(root.id).intact
    assert list((tmp_path / "second" / "pending").iterdir()) == []
