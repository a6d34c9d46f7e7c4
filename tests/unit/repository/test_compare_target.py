"""A snapshot beside what stands in a folder: in the source itself, and in a restored copy."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.repository import Comparison, Difference, Selection
from reconciler.tree.standing import Seen, Standing
from tests.fakes.trees import NOBODY, as_nobody, deep_chain, open_handles, open_to_all, plant, remove
from tests.unit.repository.conftest import Bench

TREE = {"a/one": "one", "a/two": "two", "b/deep/three": "three", "empty/": None, "link": "-> a/one", "top": "top"}


def taken(bench: Bench, **how: object) -> str:
    root = bench.take(kind="full", **how).root  # type: ignore[arg-type]
    assert root is not None
    return root.id


def compared(
    bench: Bench, snapshot: str, root: Path | str = "/", paths: tuple[bytes, ...] = (), beyond: Callable[[bytes, Seen], bool] | None = None
) -> dict[str, str]:
    """By path below the source: what was found, with the reason; what is the same is left out."""
    prefix = os.fsencode(bench.source).strip(b"/") + b"/"
    found = {}
    with Standing(str(root)) as standing:
        for finding in Comparison(standing, Selection(paths), beyond).run(bench.open().entries(snapshot)):
            if finding.difference is not Difference.SAME:
                name = os.fsdecode(finding.path.removeprefix(prefix))
                assert name not in found, "each entry is found once"
                found[name] = f"{finding.difference} {finding.why}".strip()
    return found


def inside(path: bytes, seen: Seen) -> bool:
    """Everything that is no socket belongs to the snapshot, and nothing called `mine`."""
    return not path.endswith(b"/mine") and seen.row[1] & 0o170000 != 0o140000


def test_an_untouched_source_is_the_same_without_reading_a_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(bench.source, TREE)
    snapshot = taken(bench)
    monkeypatch.setattr(Standing, "open", lambda *_: pytest.fail("no file needs to be read"))
    assert compared(bench, snapshot) == {}


def test_a_restored_copy_is_the_same_by_its_hashes(bench: Bench, tmp_path: Path) -> None:
    plant(bench.source, TREE)
    snapshot = taken(bench, checksums=("md5",))
    bench.restore(snapshot, tmp_path / "out")
    assert compared(bench, snapshot, tmp_path / "out") == {}
    (bench.inside(tmp_path / "out") / "a/two").unlink()
    assert compared(bench, snapshot, tmp_path / "out", (b"**/one",)) == {}


def test_without_a_recorded_hash_nothing_is_taken_for_the_same(bench: Bench, tmp_path: Path) -> None:
    plant(bench.source, {"file": "x"})
    snapshot = taken(bench, checksums=())
    bench.restore(snapshot, tmp_path / "out")
    assert compared(bench, snapshot, tmp_path / "out") == {"file": "different content"}
    assert compared(bench, snapshot) == {}


def test_every_kind_of_difference_has_its_word(bench: Bench) -> None:
    plant(bench.source, {**TREE, "mode": "m", "time": "t", "same size": "1234", "grown": "1"})
    os.mkfifo(bench.source / "pipe")
    snapshot = taken(bench)
    times = (bench.source / "same size").stat().st_mtime_ns
    plant(bench.source, {"same size": "4321", "grown": "12"})
    os.utime(bench.source / "same size", ns=(times, times))
    os.utime(bench.source / "time", ns=(5, 5))
    (bench.source / "mode").chmod(0o600)
    (bench.source / "link").unlink()
    plant(bench.source, {"link": "-> elsewhere"})
    (bench.source / "top").unlink()
    (bench.source / "top").mkdir()
    (bench.source / "pipe").unlink()
    (bench.source / "a/two").unlink()
    remove(bench.source / "b")
    (bench.source / "b").symlink_to("a")
    found = compared(bench, snapshot)
    folder = found.pop(bench.source.name, None) or found.pop(os.fsdecode(os.fsencode(bench.source).strip(b"/")))
    assert folder == "different time"
    assert found == {
        "a": "different time",
        "a/two": "missing",
        "b": "kind link",
        "b/deep": "missing",
        "b/deep/three": "missing",
        "grown": "different size",
        "link": "different link",
        "mode": "different mode",
        "pipe": "missing",
        "same size": "different content",
        "time": "different time",
        "top": "kind folder",
    }


def test_attributes_and_owners_are_seen(bench: Bench) -> None:
    plant(bench.source, {"labelled": "x", "given": "y"})
    try:
        os.setxattr(bench.source / "labelled", "user.colour", b"red")
    except OSError:
        pytest.skip("this file system has no user attributes")
    snapshot = taken(bench)
    os.setxattr(bench.source / "labelled", "user.colour", b"blue")
    found = {"labelled": "different attributes"}
    if os.geteuid() == 0:
        os.chown(bench.source / "given", NOBODY, NOBODY)
        found["given"] = "different owner"
    assert compared(bench, snapshot) == found


def test_whoever_may_not_give_files_away_does_not_compare_owners(bench: Bench, tmp_path: Path) -> None:
    plant(bench.source, {"file": "x"})
    snapshot = taken(bench)
    open_to_all(tmp_path)
    entries = list(bench.open().entries(snapshot))
    copy = tmp_path / "out" / os.fsdecode(os.fsencode(bench.source).strip(b"/"))
    status = (bench.source / "file").stat()
    with as_nobody():
        copy.mkdir(parents=True)
        plant(copy, {"file": "x"})
        (copy / "file").chmod(status.st_mode & 0o7777)
        os.utime(copy / "file", ns=(status.st_mtime_ns,) * 2)
        with Standing(str(tmp_path / "out")) as standing:
            found = list(Comparison(standing, Selection([b"**/file"])).run(entries))
    assert [finding.difference for finding in found] == [Difference.SAME]


def test_names_of_one_file_are_the_same_only_together(bench: Bench, tmp_path: Path) -> None:
    plant(bench.source, {"first": "x", "alone": "y"})
    os.link(bench.source / "first", bench.source / "second")
    os.link(bench.source / "first", bench.source / "third")
    snapshot = taken(bench)
    assert compared(bench, snapshot) == {}
    bench.restore(snapshot, tmp_path / "out")
    assert compared(bench, snapshot, tmp_path / "out") == {}
    second = bench.inside(tmp_path / "out") / "second"
    content, status = second.read_bytes(), second.stat()
    second.unlink()
    second.write_bytes(content)
    second.chmod(status.st_mode & 0o7777)
    os.utime(second, ns=(status.st_mtime_ns,) * 2)
    found = compared(bench, snapshot, tmp_path / "out", (b"**/first", b"**/second", b"**/third"))
    assert found == dict.fromkeys(("first", "second", "third"), "different names of one file")


def test_what_stands_there_in_addition_is_found_where_it_belongs_to_the_snapshot(bench: Bench, tmp_path: Path) -> None:
    plant(bench.source, TREE)
    snapshot = taken(bench)
    plant(bench.source, {"new/x/y": "1", "a/new": "2", "empty/not any more": "3", "kept/mine": "4", "kept/also": "5", "z": "-> a"})
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(bench.source)
        try:
            listening.bind("socket")
        finally:
            os.chdir(tmp_path)
    beside = tmp_path / "beside the source"
    beside.write_text("of somebody else")
    below = os.fsencode(bench.source)[1:] + b"/"
    found = compared(bench, snapshot, beyond=lambda path, seen: path.startswith(below) and inside(path, seen))
    assert [name for name, what in found.items() if what == "extra"] == [
        "kept/also", "new/x/y", "new/x", "new", "z", "a/new", "empty/not any more",
    ]  # fmt: skip


def test_a_folder_in_the_way_of_a_file_is_found_with_all_that_it_holds(bench: Bench) -> None:
    plant(bench.source, {"file": "x"})
    snapshot = taken(bench)
    (bench.source / "file").unlink()
    plant(bench.source, {"file/inside/deep": "1"})
    prefix = os.fsencode(bench.source).strip(b"/") + b"/"
    with Standing("/") as standing:
        found = [
            (finding.path.removeprefix(prefix), finding.difference)
            for finding in Comparison(standing, Selection([b"**/file"]), inside).run(bench.open().entries(snapshot))
        ]
    assert found == [
        (b"file/inside/deep", Difference.EXTRA),
        (b"file/inside", Difference.EXTRA),
        (b"file", Difference.EXTRA),
        (b"file", Difference.KIND),
    ]


def test_a_target_that_does_not_exist_lacks_everything_and_nothing_is_left_open(bench: Bench, tmp_path: Path) -> None:
    plant(bench.source, TREE)
    snapshot = taken(bench)
    before = open_handles()
    found = compared(bench, snapshot, tmp_path / "not" / "there")
    assert set(found.values()) == {"missing"}
    assert open_handles() == before
    assert not (tmp_path / "not").exists()


def test_a_deep_tree_is_compared_with_few_handles(bench: Bench) -> None:
    deep_chain(bench.source, 900, decorate=True)
    snapshot = taken(bench)
    try:
        assert compared(bench, snapshot) == {}
    finally:
        remove(bench.source)
