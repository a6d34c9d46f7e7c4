"""Restoring with any choice of entries, told batch by batch, over what is there already."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from reconciler.base.errors import Cancelled
from reconciler.repository import Entry, NoSuchPath, Restored
from reconciler.repository.entries import entries_of
from reconciler.repository.format import Type
from reconciler.repository.manifest import read_block
from reconciler.tree import write
from reconciler.tree.errors import TargetUnusable
from reconciler.tree.write import Target
from tests.fakes.trees import everything, plant
from tests.unit.repository.conftest import Bench, described


class Ending:
    """Chooses entries whose name ends so; knows nothing of paths and patterns."""

    everything = False

    def __init__(self, ending: bytes) -> None:
        self.ending = ending

    def __contains__(self, entry: Entry) -> bool:
        return entry.path.endswith(self.ending)


def filled(bench: Bench, files: int = 300) -> str:
    """A snapshot of files in folders, with a hard link, a link and a pipe."""
    plant(bench.source, {f"folder{number % 7}/file{number}": f"new {number}" * 50 for number in range(files)})
    os.link(bench.source / "folder0/file0", bench.source / "folder1/second name")
    plant(bench.source, {"link": "-> folder0"})
    os.mkfifo(bench.source / "pipe")
    root = bench.take(kind="full").root
    assert root is not None
    return root.id


def restored(
    bench: Bench,
    snapshot: str,
    place: Path,
    *,
    ending: bytes = b"",
    replace: bool = False,
    finished: Callable[[Sequence[Entry]], None] | None = None,
    stop: threading.Event | None = None,
) -> Restored:
    with Target.open(str(place), replace=replace) as target:
        return bench.open().restoring(snapshot, target, finished=finished, stop=stop).run(Ending(ending))


def test_any_choice_of_entries_is_restored_and_folders_on_the_way_get_their_metadata(bench: Bench, tmp_path: Path) -> None:
    snapshot = filled(bench)
    done = restored(bench, snapshot, tmp_path / "out", ending=b"/file9")
    inside = bench.inside(tmp_path / "out")
    assert [path.name for path in inside.rglob("*")] == ["folder2", "file9"]
    assert done.files == 1
    assert described(inside)["folder2"] == described(bench.source)["folder2"]


def test_one_path_is_restored_without_reading_the_rest_and_the_folders_above_it_are_as_they_were(bench: Bench, tmp_path: Path) -> None:
    plant(bench.source, {f"part{number % 50}/below/file{number}": f"{number}" for number in range(6000)})
    os.chmod(bench.source / "part7", 0o710)
    os.utime(bench.source / "part7", ns=(7, 7))
    root = bench.take(kind="full").root
    assert root is not None
    inside = bench.inside(tmp_path / "out")
    wanted = b"/part7/below/file57"
    prefix = os.fsencode(bench.source).strip(b"/") + wanted
    with Target.open(str(tmp_path / "out")) as target:
        restore = bench.open().restoring(root.id, target)
        read: list[bytes] = []
        chunk = restore.fetcher.chunk

        def counted(kind: Type, name: bytes) -> bytes:
            read.append(name)
            return chunk(kind, name)

        restore.fetcher.chunk = counted  # type: ignore[method-assign]
        done = restore.run(Ending(wanted), prefix)
        restore.fetcher.chunk = chunk  # type: ignore[method-assign]
    assert (done.files, done.failures, done.losses) == (1, (), ())
    assert {"part7", "part7/below", "part7/below/file57"} == set(described(inside))
    assert described(inside).items() <= described(bench.source).items()
    assert inside.parent.stat().st_mode == bench.source.parent.stat().st_mode
    leading = {b"/".join(path.split(b"/")[:depth]) for path in [prefix] for depth in range(1, prefix.count(b"/") + 2)}
    needed = {
        ref.id
        for ref in restore.record.blocks
        for piece in read_block(restore.fetcher, ref)
        for entry in entries_of(piece)
        if entry.path in leading
    }
    assert needed <= set(read)
    assert len(set(read)) <= len(needed) + 2  # a folder may begin in the block before and go on in the one after


def test_a_choice_of_nothing_is_no_error_and_a_path_that_matches_nothing_is(bench: Bench, tmp_path: Path) -> None:
    snapshot = filled(bench, 3)
    assert restored(bench, snapshot, tmp_path / "out", ending=b"/no such end").nothing
    assert everything(tmp_path / "out") == []
    with pytest.raises(NoSuchPath, match="matches no/such"):
        bench.restore(snapshot, tmp_path / "out", [b"no/such"])


@pytest.mark.parametrize("replace", [False, True])
def test_every_entry_is_told_once_when_it_is_whole_under_its_name(bench: Bench, tmp_path: Path, replace: bool) -> None:
    snapshot = filled(bench)
    told: list[bytes] = []
    at_once = threading.Lock()

    def finished(entries: Sequence[Entry]) -> None:
        assert at_once.acquire(blocking=False), "one thread at a time"
        for entry in entries:
            there = (os.fsencode(tmp_path / "out") + b"/" + entry.path, os.fsencode("/") + entry.path)
            here, source = (os.lstat(path) for path in there)
            if there[1].startswith(os.fsencode(bench.source)):  # of the folders above, only the mode is known
                assert (here.st_mode, here.st_mtime_ns) == (source.st_mode, source.st_mtime_ns), entry.path
            if os.path.isfile(there[0]) and not os.path.islink(there[0]):
                assert Path(os.fsdecode(there[0])).read_bytes() == Path(os.fsdecode(there[1])).read_bytes()
            told.append(entry.path)
        at_once.release()

    done = restored(bench, snapshot, tmp_path / "out", replace=replace, finished=finished)
    assert done.failures == done.losses == ()
    assert len(set(told)) == len(told) == done.files + done.others + done.folders
    assert set(told) == {entry.path for entry in bench.open().entries(snapshot)}


def test_what_a_failed_file_should_have_been_is_not_told(bench: Bench, tmp_path: Path) -> None:
    snapshot = filled(bench, 20)
    (bench.inside(tmp_path / "out") / "folder3/file3").mkdir(parents=True)
    told: list[bytes] = []
    done = restored(bench, snapshot, tmp_path / "out", replace=True, finished=lambda entries: told.extend(entry.path for entry in entries))
    assert [path.rpartition(b"/")[2] for path, _ in done.failures] == [b"file3"]
    assert [path for path in told if path.endswith(b"/file3")] == []
    assert (bench.inside(tmp_path / "out") / "folder3/file3").is_dir()
    assert not list((tmp_path / "out").rglob("*.part"))


def test_what_the_listener_raises_ends_the_restore_and_leaves_nothing_half(bench: Bench, tmp_path: Path) -> None:
    snapshot = filled(bench)

    def finished(entries: Sequence[Entry]) -> None:
        raise Cancelled("the journal is full")

    with pytest.raises(Cancelled, match="journal"):
        restored(bench, snapshot, tmp_path / "out", replace=True, finished=finished)
    assert not list((tmp_path / "out").rglob("*.part"))


def test_old_content_is_replaced_only_after_the_new_one_is_durable(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk that does not keep what it took says so at the sync; then every name still has its old content."""
    snapshot = filled(bench)
    inside = bench.inside(tmp_path / "out")
    plant(inside, {f"folder{number % 7}/file{number}": f"old {number}" for number in range(300)})
    before = everything(tmp_path / "out")

    def broken(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(write, "sync_file_system", broken)
        with pytest.raises(TargetUnusable, match="did not keep what was written: input/output error"):
            restored(bench, snapshot, tmp_path / "out", replace=True)
    assert everything(tmp_path / "out") == before
    restored(bench, snapshot, tmp_path / "out", replace=True)
    assert described(inside) == described(bench.source)


def test_a_stop_while_the_last_batch_is_written_is_no_success(bench: Bench, tmp_path: Path) -> None:
    """Nothing was left to be handed over, so nobody looked at the stop again, and the files left out were in no list."""
    snapshot = filled(bench, 600)
    stop = threading.Event()
    with pytest.raises(Cancelled, match="the files that are there are whole"):
        restored(bench, snapshot, tmp_path / "out", stop=stop, finished=lambda _: stop.set())


def test_folders_that_only_lead_to_what_is_replaced_are_left_alone(bench: Bench, tmp_path: Path) -> None:
    """In place, /tmp and /home are on the way to nearly everything."""
    snapshot = filled(bench, 3)
    inside = bench.inside(tmp_path / "out")
    plant(inside, {"folder1/": None})
    for folder in (inside.parent, inside / "folder1"):
        folder.chmod(0o711)
        os.utime(folder, ns=(7, 7))
    above = [inside.parent, *inside.parent.parents[:3]]
    before = [(path.stat().st_mode, path.stat().st_mtime_ns) for path in above]
    restored(bench, snapshot, tmp_path / "out", replace=True)
    assert [(path.stat().st_mode, path.stat().st_mtime_ns) for path in above] == before
    assert described(inside) == described(bench.source)
    (inside / "folder1").chmod(0o711)
    os.utime(inside / "folder1", ns=(7, 7))
    restored(bench, snapshot, tmp_path / "out", ending=b"/file1", replace=True)
    assert (inside / "folder1").stat().st_mode & 0o777 == 0o711
