"""Files that change, grow, shrink, vanish or become something else while a backup reads them: named, graded, tried again, never half."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.repository import Taken
from reconciler.repository import content as content_module
from reconciler.repository.content import ContentReader
from reconciler.tree import scan as scan_module
from reconciler.tree.entry import Defect, DefectKind
from tests.unit.repository.conftest import Bench

SIZES = [10, 3 * 2**20]


class Meddler:
    """Does something to a file after each time that some of its bytes were read, so often."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, act: Callable[[int], object], times: int) -> None:
        self.done = 0
        real = os.preadv

        def preadv(handle: int, buffers: list[memoryview], offset: int) -> int:
            count = real(handle, buffers, offset)
            if offset == 0 and self.done < times:
                self.done += 1
                act(self.done)
            return count

        monkeypatch.setattr(content_module.os, "preadv", preadv)


def meddle_before(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something between the listing of the folder and the opening of its first file."""
    real = ContentReader._open
    waiting = [act]

    def opened(self: ContentReader, *words: object) -> int:
        if waiting:
            waiting.pop()()
        return real(self, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(ContentReader, "_open", opened)


def only(taken: Taken) -> Defect:
    (defect,) = taken.defects
    return defect


def restored(bench: Bench, taken: Taken, target: Path) -> dict[str, bytes]:
    assert taken.root is not None
    done = bench.restore(taken.root.id, target)
    assert done.failures == ()
    inside = bench.inside(target)
    return {path.name: path.read_bytes() for path in inside.iterdir() if path.is_file()}


@pytest.mark.parametrize("size", SIZES)
def test_a_file_that_changes_once_while_it_is_read_is_read_again_and_whole(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = bench.source / "log"
    path.write_bytes(b"a" * size)
    Meddler(monkeypatch, lambda _: path.write_bytes(b"b" * size), times=1)
    taken = bench.take(kind="full")
    assert taken.defects == ()
    assert restored(bench, taken, tmp_path / "out") == {"log": b"b" * size}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("change", ["grows", "shrinks", "is rewritten"])
def test_a_file_that_never_holds_still_is_named_and_makes_the_snapshot_partial(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, change: str
) -> None:
    path = bench.source / "log"
    path.write_bytes(b"0" * size)
    (bench.source / "still").write_bytes(b"nothing happens here")

    def act(time: int) -> None:
        if change == "grows":
            with path.open("ab") as file:
                file.write(b"one more line")
        elif change == "shrinks":
            os.truncate(path, size - time)
        else:
            path.write_bytes(b"%d" % time * size)

    meddler = Meddler(monkeypatch, act, times=100)
    taken = bench.take(kind="full")
    assert meddler.done >= 3, "it is tried again"
    assert only(taken).kind is DefectKind.CHANGED
    assert only(taken).path.endswith(b"/log")
    assert taken.root.grade == "partial"
    meddler.done = 100
    found = restored(bench, taken, tmp_path / "out")
    assert found["still"] == b"nothing happens here"
    assert set(found) == {"log", "still"}
    again = bench.take(base=taken.root.id)
    assert again.defects == ()
    assert again.root.grade == "complete", "the next run reads it again"


def test_a_file_that_is_saved_anew_under_its_name_comes_back_as_one_of_both(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.source / "document"
    path.write_bytes(b"before")
    (bench.source.parent / "new").write_bytes(b"after, and longer")
    meddle_before(monkeypatch, lambda: os.replace(bench.source.parent / "new", path))
    taken = bench.take(kind="full")
    assert taken.defects == ()
    assert restored(bench, taken, tmp_path / "out") == {"document": b"after, and longer"}


def test_a_file_that_vanishes_before_its_turn_is_a_note(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.source / "a").write_bytes(b"goes")
    (bench.source / "b").write_bytes(b"stays")
    meddle_before(monkeypatch, (bench.source / "a").unlink)
    taken = bench.take(kind="full")
    assert only(taken).kind is DefectKind.VANISHED
    assert only(taken).path.endswith(b"/a")
    assert taken.root.grade == "complete"
    assert restored(bench, taken, tmp_path / "out") == {"b": b"stays"}


@pytest.mark.parametrize("size", SIZES)
def test_a_file_that_is_removed_while_it_is_read_is_still_whole(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = bench.source / "a"
    path.write_bytes(b"x" * size)
    Meddler(monkeypatch, lambda _: path.unlink(missing_ok=True), times=1)
    taken = bench.take(kind="full")
    assert restored(bench, taken, tmp_path / "out") == {"a": b"x" * size}


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_bytes(b"x")


@pytest.mark.parametrize("become", [_folder, lambda path: os.symlink("/etc/passwd", path), os.mkfifo], ids=["a folder", "a link", "a pipe"])
def test_a_file_that_becomes_something_else_is_a_change_and_never_followed(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, become: Callable[[Path], object]
) -> None:
    """What stands there now is not in the snapshot: a mere note would call it complete."""
    path = bench.source / "a"
    path.write_bytes(b"a file")
    (bench.source / "b").write_bytes(b"stays")

    def act() -> None:
        path.unlink()
        become(path)

    meddle_before(monkeypatch, act)
    taken = bench.take(kind="full")
    assert only(taken).kind is DefectKind.CHANGED
    assert only(taken).path.endswith(b"/a")
    assert taken.root.grade == "partial"
    assert restored(bench, taken, tmp_path / "out") == {"b": b"stays"}
    again = bench.take(base=taken.root.id)
    assert again.defects == ()
    assert again.root.grade == "complete"


@pytest.mark.parametrize(
    ("become", "kind"),
    [
        (lambda path: path.write_bytes(b"x"), DefectKind.CHANGED),
        (lambda path: os.symlink("/etc", path), DefectKind.CHANGED),
        (os.mkfifo, DefectKind.CHANGED),
        (lambda path: None, DefectKind.VANISHED),
    ],
    ids=["a file", "a link", "a pipe", "nothing"],
)
def test_a_folder_that_becomes_something_else_is_named_and_never_followed(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, become: Callable[[Path], object], kind: DefectKind
) -> None:
    folder = bench.source / "folder"
    folder.mkdir()
    (folder / "inside").write_bytes(b"x")
    (bench.source / "b").write_bytes(b"stays")
    real = scan_module.Scan._enter

    def entered(self: scan_module.Scan, path: bytes, row: object) -> object:
        if path.endswith(b"/folder") and folder.is_dir() and not folder.is_symlink():
            folder.rename(bench.source.parent / "moved away")
            become(folder)
        return real(self, path, row)  # type: ignore[arg-type]

    monkeypatch.setattr(scan_module.Scan, "_enter", entered)
    taken = bench.take(kind="full")
    assert only(taken).kind is kind
    assert only(taken).path.endswith(b"/folder")
    assert restored(bench, taken, tmp_path / "out") == {"b": b"stays"}
    assert not (bench.inside(tmp_path / "out") / "folder" / "inside").exists()


def test_a_link_that_becomes_a_file_is_a_change(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    link = bench.source / "link"
    os.symlink("nowhere", link)
    real = os.readlink

    def readlink(name: object, **more: object) -> object:
        link.unlink(missing_ok=True)
        link.write_bytes(b"a file")
        return real(name, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("reconciler.repository.compare.os.readlink", readlink)
    taken = bench.take(kind="full")
    assert only(taken).kind is DefectKind.CHANGED
    assert taken.root.grade == "partial"


def test_a_pipe_that_takes_the_place_of_a_file_never_blocks_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bench.source / "a"
    path.write_bytes(b"x" * 2_000_000)

    def act() -> None:
        path.unlink()
        os.mkfifo(path)

    meddle_before(monkeypatch, act)
    assert only(bench.take(kind="full")).kind is DefectKind.CHANGED
    assert stat.S_ISFIFO(path.lstat().st_mode)


@pytest.mark.parametrize("fault", [5, 13, 116])  # EIO, EACCES, ESTALE
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_stored(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    (bench.source / "bad").write_bytes(b"x" * 3_000_000)
    (bench.source / "good").write_bytes(b"stays")
    bad = (bench.source / "bad").stat().st_ino
    real = os.preadv

    def preadv(handle: int, buffers: list[memoryview], offset: int) -> int:
        if os.fstat(handle).st_ino == bad:
            raise OSError(fault, os.strerror(fault))
        return real(handle, buffers, offset)

    monkeypatch.setattr(content_module.os, "preadv", preadv)
    taken = bench.take(kind="full")
    assert only(taken).kind is DefectKind.UNREADABLE
    assert os.strerror(fault).lower() in only(taken).message.lower()
    assert taken.root.grade == "partial"
    done = bench.restore(taken.root.id, tmp_path / "out")
    assert [path.rpartition(b"/")[2] for path, _ in done.failures] == [b"bad"]
    assert (bench.inside(tmp_path / "out") / "good").read_bytes() == b"stays"
    monkeypatch.setattr(content_module.os, "preadv", real)
    assert bench.take(base=taken.root.id).root.grade == "complete"


@pytest.fixture(autouse=True)
def handles_closed() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    yield
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after <= before
