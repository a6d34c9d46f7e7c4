"""What goes in comes out, by every way in and out."""

import os
import random
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.repository import NoSuchPath, NoSuchSnapshot
from tests.unit.repository.conftest import Bench, described


def fill(bench: Bench, large: int = 2 * 2**20 + 17) -> None:
    """One of each kind that a tree can hold."""
    rng = random.Random(7)
    root = bench.source
    (root / "empty").touch()
    (root / "empty folder").mkdir()
    (root / "small").write_bytes(b"hello")
    (root / "exactly one chunk").write_bytes(rng.randbytes(2**20))
    (root / "one more byte").write_bytes(rng.randbytes(2**20 + 1))
    (root / "large").write_bytes(rng.randbytes(large))
    (root / "text").write_bytes(b"the same line again and again\n" * 60_000)
    deep = root / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"deep")
    (root / "a-b").write_bytes(b"sorts between a and a/b by bytes")
    os.symlink("../nowhere", root / "dangling")
    os.symlink("a", root / "to folder")
    os.link(root / "small", deep / "second name of small")
    os.mkfifo(root / "fifo")
    (root / os.fsdecode(b"not utf-8 \xff\xfe")).write_bytes(b"x")
    (root / "new\nline").write_bytes(b"y")
    (root / ("n" * 255)).write_bytes(b"longest name")
    sparse = root / "sparse"
    with sparse.open("wb") as file:
        file.seek(5 * 2**20)
        file.write(b"middle")
        file.truncate(64 * 2**20)
    (root / "mode").write_bytes(b"z")
    (root / "mode").chmod(0o4751 if os.geteuid() == 0 else 0o751)  # setuid comes back only when root restores
    os.utime(root / "mode", ns=(1, -1_500_000_000_123_456_789))
    (root / "a").chmod(0o550)


def test_a_tree_with_one_of_each_kind_comes_back_bit_by_bit(bench, tmp_path):
    fill(bench, large=33 * 2**20 + 17)
    taken = bench.take(kind="full")
    assert taken.defects == ()
    restored = bench.restore(taken.root.id, tmp_path / "out")
    assert restored.failures == ()
    inside = os.fsencode(bench.source).lstrip(b"/")  # the folders above belong to root: an ordinary user cannot give them back to it
    assert [loss for loss in restored.losses if loss.path.startswith(inside)] == []
    assert described(bench.inside(tmp_path / "out")) == described(bench.source)
    copy = bench.inside(tmp_path / "out")
    assert (copy / "small").stat().st_ino == (copy / "a/b/c/second name of small").stat().st_ino
    assert (copy / "sparse").stat().st_blocks * 512 < 2**20
    assert stat.S_ISFIFO((copy / "fifo").lstat().st_mode)


@pytest.mark.parametrize("compression", [("zstd", 1), ("gzip", 6), ("none", None)])
def test_every_compression_comes_back(bench, tmp_path, compression):
    fill(bench)
    taken = bench.take(kind="full", compression=compression)
    assert bench.restore(taken.root.id, tmp_path / "out").failures == ()
    assert described(bench.inside(tmp_path / "out")) == described(bench.source)


def test_checksums_are_those_that_the_common_tools_compute(bench):
    import hashlib

    fill(bench)
    taken = bench.take(kind="full", checksums=("sha256", "md5"))
    seen = 0
    for entry in bench.open().entries(taken.root.id):
        if stat.S_ISREG(entry.row[1]):
            content = Path(os.fsdecode(b"/" + entry.path)).read_bytes()
            assert entry.cold.sha256 == hashlib.sha256(content).digest()
            assert entry.cold.md5 == hashlib.md5(content).digest()
            seen += 1
    assert seen == 14


def test_an_unchanged_source_publishes_nothing_and_stores_nothing(bench):
    fill(bench)
    first = bench.take(kind="full")
    before = {path: path.stat().st_mtime_ns for path in bench.objects()}
    again = bench.take(base=first.root.id)
    assert again.unchanged
    assert again.base == first.root.id
    assert again.read_bytes == 0
    assert {path: path.stat().st_mtime_ns for path in bench.objects()} == before


def test_what_happens_beside_the_source_is_no_change_of_it(bench):
    fill(bench)
    first = bench.take(kind="full")
    (bench.source.parent / "neighbour").write_bytes(b"x")
    assert bench.take(base=first.root.id).unchanged


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "new").touch(),
        lambda root: (root / "small").unlink(),
        lambda root: (root / "small").write_bytes(b"hellO"),
        lambda root: (root / "small").chmod(0o600),
        lambda root: (root / "small").rename(root / "smaller"),
        lambda root: (root / "empty folder").rmdir(),
        lambda root: ((root / "empty folder").rmdir(), (root / "empty folder").touch()),
        lambda root: ((root / "dangling").unlink(), os.symlink("../elsewhere", root / "dangling")),
        lambda root: os.utime(root / "empty", ns=(5, 5)),
    ],
)
def test_every_kind_of_change_is_seen_and_comes_back(bench, tmp_path, change):
    fill(bench)
    first = bench.take(kind="full")
    change(bench.source)
    second = bench.take(base=first.root.id)
    assert not second.unchanged
    assert second.read_bytes < 100
    assert bench.restore(second.root.id, tmp_path / "out").failures == ()
    assert described(bench.inside(tmp_path / "out")) == described(bench.source)


def test_a_change_that_leaves_size_and_time_alone_is_still_seen_by_the_change_time(bench, tmp_path):
    target = bench.source / "file"
    target.write_bytes(b"before")
    first = bench.take(kind="full")
    info = target.stat()
    target.write_bytes(b"after!")
    os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns))
    second = bench.take(base=first.root.id)
    bench.restore(second.root.id, tmp_path / "out")
    assert (bench.inside(tmp_path / "out") / "file").read_bytes() == b"after!"


def test_a_file_changed_twice_within_one_tick_of_its_time_stamp_is_read_again(bench, tmp_path):
    target = bench.source / "file"
    target.write_bytes(b"one")
    first = bench.take(kind="full", later=timedelta(seconds=-1))
    row = next(entry.row for entry in bench.open().entries(first.root.id) if entry.path.endswith(b"/file"))
    assert row[4] == 0
    second = bench.take(base=first.root.id)
    assert second.read_bytes == 3
    assert second.unchanged


def test_incremental_after_incremental_equals_a_full_one(bench):
    fill(bench)
    rng = random.Random(3)
    newest = bench.take(kind="full").root.id
    for step in range(6):
        folder = bench.source / f"step{step}"
        folder.mkdir()
        for number in range(rng.randrange(1, 40)):
            (folder / f"file{number}").write_bytes(rng.randbytes(rng.randrange(2000)))
        taken = bench.take(base=newest)
        newest = taken.root.id
    full = bench.take(kind="full")
    entries = bench.open().entries
    assert list(entries(full.root.id)) == list(entries(newest))
    assert full.root.files == taken.root.files
    assert full.root.bytes == taken.root.bytes


def test_a_full_backup_of_unchanged_data_is_published_and_stores_no_content(bench):
    fill(bench)
    bench.take(kind="full")
    again = bench.take(kind="full")
    assert not again.unchanged
    assert again.read_bytes > 5 * 2**20
    assert again.added_bytes < 20_000


def test_one_changed_file_among_many_adds_little(bench):
    for folder in range(40):
        (bench.source / f"folder{folder}").mkdir()
        for number in range(250):
            (bench.source / f"folder{folder}" / f"file{number}").write_bytes(b"%d %d" % (folder, number))
    first = bench.take(kind="full")
    before = sum(path.stat().st_size for path in bench.objects())
    (bench.source / "folder20" / "file100").write_bytes(b"changed")
    second = bench.take(base=first.root.id)
    grown = sum(path.stat().st_size for path in bench.objects()) - before
    assert grown == second.added_bytes
    assert grown < 1_000_000
    assert second.read_bytes == 7


def test_a_folder_with_many_names_is_split_into_blocks_whose_borders_stay(bench):
    many = bench.source / "many"
    many.mkdir()
    for number in range(15_000):  # where blocks end depends on the random key: a few thousand names may be two blocks only
        (many / f"{number:05}").touch()
    first = bench.take(kind="full")
    repository = bench.open()
    before = [ref.id for ref in repository._record(first.root.id).blocks]
    assert len(before) > 2
    (many / "02500.5").touch()
    second = bench.take(base=first.root.id)
    after = [ref.id for ref in bench.open()._record(second.root.id).blocks]
    assert len(set(after) - set(before)) <= 4  # its own, the one of its parent, and a neighbour or two where a cut was forced
    full = bench.take(kind="full")
    assert [ref.id for ref in bench.open()._record(full.root.id).blocks] == after


def test_equal_content_is_stored_once(bench):
    data = random.Random(1).randbytes(3 * 2**20)
    for number in range(5):
        (bench.source / f"copy{number}").write_bytes(data)
    taken = bench.take(kind="full")
    assert taken.bytes == 5 * len(data)
    assert taken.added_bytes < len(data) * 1.01


def test_an_insertion_into_a_large_file_stores_little(bench):
    data = random.Random(1).randbytes(24 * 2**20)
    (bench.source / "large").write_bytes(data)
    first = bench.take(kind="full")
    (bench.source / "large").write_bytes(data[:10_000_000] + b"inserted" + data[10_000_000:])
    added = bench.take(base=first.root.id).added_bytes
    assert added < 9 * 2**20, "a chunk or two of at most 4 MiB: cuts are keyed, so chance decides how long they are"


def test_selected_paths_and_patterns_come_back_alone(bench, tmp_path):
    fill(bench)
    taken = bench.take(kind="full")
    source = os.fsencode(bench.source)
    restored = bench.restore(taken.root.id, tmp_path / "one", [source + b"/a/b"])
    assert restored.files == 2
    assert set(described(bench.inside(tmp_path / "one"))) == {"a", "a/b", "a/b/c", "a/b/c/file", "a/b/c/second name of small"}
    assert stat.S_IMODE((bench.inside(tmp_path / "one") / "a").stat().st_mode) == 0o550
    bench.restore(taken.root.id, tmp_path / "two", [b"one*"])
    assert set(described(bench.inside(tmp_path / "two"))) == {"one more byte"}
    with pytest.raises(NoSuchPath):
        bench.restore(taken.root.id, tmp_path / "three", [b"nothing/like/this"])
    with pytest.raises(NoSuchSnapshot):
        bench.restore("0" * 32, tmp_path / "four")


def test_forgetting_one_snapshot_leaves_the_look_alike_whole(bench, tmp_path):
    fill(bench)
    first = bench.take(kind="full")
    decoy = bench.take(kind="full")
    repository = bench.open()
    repository.mark(first.root.id, "verified", first.root.as_of, "by a test")
    repository.mark(decoy.root.id, "verified", first.root.as_of, "by a test")
    assert repository.forget([first.root.id]) == (first.root.id,)
    listing = bench.open().listing()
    assert [root.id for root in listing.roots] == [decoy.root.id]
    assert set(listing.marks) == {decoy.root.id}
    assert bench.restore(decoy.root.id, tmp_path / "out").failures == ()
    assert repository.forget([first.root.id]) == ()


def test_the_chain_of_a_writer_counts_its_snapshots(bench):
    (bench.source / "f").touch()
    first = bench.take(kind="full")
    second = bench.take(kind="full")
    record = bench.open()._record(second.root.id)
    assert (record.sequence, record.previous) == (2, first.root.id)


def test_no_piece_of_content_or_name_stands_in_any_object(bench):
    rng = random.Random(5)
    secrets = []
    for number in range(50):
        name = f"telling-name-{number}-{rng.randbytes(6).hex()}"
        content = ("".join(rng.choice("abcdefghij ") for _ in range(rng.randrange(8, 4000)))).encode()
        (bench.source / name).write_bytes(content)
        secrets += [name.encode(), content]
    for compression in (("none", None), ("zstd", None)):
        taken = bench.take(kind="full", compression=compression)
        bench.open().mark(taken.root.id, "held", taken.root.as_of, secrets[0].decode())
    pieces = {secret[start : start + 8] for secret in secrets for start in range(len(secret) - 7)}
    for path in bench.objects():
        data = path.read_bytes()
        found = {data[start : start + 8] for start in range(len(data) - 7)} & pieces
        assert not found, f"{path.name} shows {found}"
