"""What a manifest that only somebody with the key can write did to a restore. Each test is named after what once happened."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.repository import Refusal, Restored
from reconciler.repository.entries import BlockRef, Cold
from reconciler.repository.order import rising
from reconciler.tree.write import Target
from tests.fakes.forged import FILE, Forger, Placed, in_order, row
from tests.fakes.trees import NOBODY
from tests.unit.repository.conftest import Bench

LOST = BlockRef(b"m", b"lost", b"\x13" * 32)


@pytest.fixture
def forger(bench: Bench) -> Iterator[Forger]:
    (bench.source / "content").write_bytes(b"good")
    like = bench.take(kind="full").root
    assert like is not None
    with bench.open() as repository:
        yield Forger(repository, like.id)


@pytest.fixture
def good(forger: Forger) -> Cold:
    return forger.content(b"good")


def restored(bench: Bench, forger: Forger, target: Path, *entries: Placed) -> Restored:
    return bench.restore(forger.snapshot([forger.block(entries)]), target)


def test_one_damaged_block_ended_the_whole_restore(bench: Bench, forger: Forger, good: Cold, tmp_path: Path) -> None:
    first, last = forger.block([(b"", row(b"a"), good)]), forger.block([(b"", row(b"z"), good)])
    lost = BlockRef(b"", b"m", b"\x13" * 32)
    done = bench.restore(forger.snapshot([first, lost, last]), tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == ["a", "z"]
    ((path, why),) = done.failures
    assert (path, done.damaged) == (b"m", 1)
    assert "everything from here up to z is not known" in why


def test_a_lost_block_list_ended_the_whole_restore(bench: Bench, forger: Forger, good: Cold, tmp_path: Path) -> None:
    whole = forger.lists([forger.block([(b"", row(b"a"), good)])])
    done = bench.restore(forger.snapshot([], [whole, LOST]), tmp_path / "out")
    assert os.listdir(tmp_path / "out") == ["a"]
    assert [path for path, _ in done.failures] == [b"m/lost"]


def test_a_list_that_named_one_block_again_and_again_was_read_as_often(bench: Bench, forger: Forger, good: Cold, tmp_path: Path) -> None:
    listed = forger.lists([forger.block([(b"", row(b"a"), good)])])
    done = bench.restore(forger.snapshot([], [listed] * 1000), tmp_path / "out")
    assert done.files == 1
    assert {why for _, why in done.failures} == {f"the block {listed.id.hex()[:16]} is named twice"}


@pytest.mark.parametrize("replace", [False, True])
def test_of_two_entries_of_one_name_the_last_one_won(bench: Bench, forger: Forger, good: Cold, tmp_path: Path, replace: bool) -> None:
    evil = forger.content(b"evil")
    snapshot = forger.snapshot([forger.block([(b"", row(b"a"), good), (b"", row(b"a"), evil)])])
    with Target.open(str(tmp_path / "out"), replace=replace) as target:
        done = bench.open().restore(snapshot, target)
    assert (tmp_path / "out" / "a").read_bytes() == b"good"
    assert [(path, "stands twice" in why) for path, why in done.failures] == [(b"a", True)]


def test_an_entry_out_of_its_order_costs_no_other(bench: Bench, forger: Forger, good: Cold, tmp_path: Path) -> None:
    honest = [(b"", row(b"a"), good), (b"", row(b"b"), good), (b"c", row(b"d"), good)]
    done = restored(bench, forger, tmp_path / "out", (b"zzz", row(b"zzz"), good), *honest)
    assert [path for path, _ in done.failures] == [b"zzz/zzz"]
    assert done.files == 3


def test_blocks_whose_references_lie_still_give_all_that_is_in_them(bench: Bench, forger: Forger, good: Cold, tmp_path: Path) -> None:
    entries = in_order((b"f%d" % folder, row(b"%d" % name), good) for folder in range(3) for name in range(4))
    blocks = [forger.block(entries[start : start + 3]) for start in range(0, 12, 3)]
    lying = [BlockRef(b"zzz", b"", blocks[0].id), *blocks[1:3], BlockRef(b"", b"", blocks[3].id)]
    for number, refs in enumerate([lying, blocks[::-1], [blocks[2], blocks[0], blocks[3], blocks[1]]]):
        done = bench.restore(forger.snapshot(refs), tmp_path / f"out{number}")
        assert (done.files, done.failures) == (12, ())


@pytest.mark.parametrize("extents", [[(0, 4), (2, 4)], [(8, 4), (0, 4)], [(2**19, 8), (2**19, 0)], [(4, 4), (2**20 - 2, 4)]])
def test_extents_that_overlap_run_back_or_lie_outside_were_written_first(
    bench: Bench, forger: Forger, good: Cold, tmp_path: Path, extents: list[tuple[int, int]]
) -> None:
    entry = (b"", row(b"a", size=2**20), Cold(2 * good.chunks, extents=extents))
    heard: list[Refusal] = []
    snapshot = forger.snapshot([forger.block([entry])])
    assert list(bench.open().entries(snapshot, refused=heard.append)) == []
    assert "its extents" in heard[0].why


def test_a_folder_that_was_refused_counted_as_restored(bench: Bench, forger: Forger, good: Cold, tmp_path: Path) -> None:
    folders = [(b"", row(name, stat.S_IFDIR | 0o755), Cold()) for name in (b"..", b"a/b", b"good")]
    done = restored(bench, forger, tmp_path / "out", *folders)
    assert (done.folders, sorted(path for path, _ in done.failures)) == (1, [b"..", b"a/b"])


def test_a_folder_that_only_a_link_would_hold_counted_as_restored(bench: Bench, forger: Forger, tmp_path: Path) -> None:
    link = (b"", row(b"way", stat.S_IFLNK | 0o777), Cold(link=b"/"))
    done = restored(bench, forger, tmp_path / "out", link, (b"way", row(b"sub", stat.S_IFDIR | 0o755), Cold()))
    assert (done.folders, [path for path, _ in done.failures]) == (0, [b"way/sub"])


def test_a_folder_that_the_snapshot_does_not_describe_was_restored_without_a_word(
    bench: Bench, forger: Forger, good: Cold, tmp_path: Path
) -> None:
    done = restored(bench, forger, tmp_path / "out", (b"a", row(b"x"), good))
    assert [(loss.path, loss.what) for loss in done.losses] == [(b"a", "owner, mode and time")]
    assert stat.S_IMODE((tmp_path / "out" / "a").stat().st_mode) == 0o700


def test_a_second_name_got_the_mode_and_owner_of_the_first(bench: Bench, forger: Forger, good: Cold, tmp_path: Path) -> None:
    names = [(b"", row(name, mode, ino=7, names=3), good) for name, mode in ((b"a", FILE), (b"b", 0o100600), (b"c", FILE))]
    restored(bench, forger, tmp_path / "out", *names)
    a, b, c = ((tmp_path / "out" / name).stat() for name in "abc")
    assert [stat.S_IMODE(each.st_mode) for each in (a, b, c)] == [0o644, 0o600, 0o644]
    assert a.st_ino == c.st_ino != b.st_ino


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("owner", [(2**32 - 1, 0), (-1, 0), (0, 2**32 - 1), (2**32 - 1, NOBODY), (-1, -1)])
def test_an_owner_that_is_nobody_made_a_setuid_file_of_root(
    bench: Bench, forger: Forger, good: Cold, tmp_path: Path, owner: tuple[int, int]
) -> None:
    """chown takes that number as the word for "leave it as it is", and it was root's."""
    done = restored(bench, forger, tmp_path / "out", (b"", row(b"a", 0o106755, owner=owner), good), (b"", row(b"b", owner=owner), good))
    assert stat.S_IMODE((tmp_path / "out" / "a").stat().st_mode) == 0o755
    assert sorted((loss.path, loss.what) for loss in done.losses) == [(b"a", "owner"), (b"a", "setuid or setgid"), (b"b", "owner")]


@given(st.lists(st.tuples(st.binary(max_size=1), st.binary(max_size=1)), max_size=9))
def test_as_many_as_possible_are_kept_in_order(keys: list[tuple[bytes, bytes]]) -> None:
    kept = [keys[place] for place in rising(keys)]
    assert all(one < other for one, other in itertools.pairwise(kept))
    longest = [1] * len(keys)
    for place, key in enumerate(keys):
        longest[place] += max((longest[before] for before in range(place) if keys[before] < key), default=0)
    assert len(kept) == max(longest, default=0)
