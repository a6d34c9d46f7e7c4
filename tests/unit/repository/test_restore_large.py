"""A file of many chunks is written by several threads: the same bytes, and one bad chunk costs this file and nothing else."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from reconciler.repository import restore_large
from reconciler.repository.entries import Cold
from reconciler.repository.places import Places
from reconciler.repository.restore_large import LargeWriter
from reconciler.tree.write import Target
from tests.fakes.trees import open_handles
from tests.unit.repository.conftest import Bench, described

MIB = 2**20


@pytest.fixture
def large(bench: Bench) -> str:
    """Two files of some two dozen chunks, one of them with holes, and small ones beside."""
    (bench.source / "large").write_bytes(os.urandom(24 * MIB))
    with open(bench.source / "sparse", "wb") as file:
        for number in range(16):
            file.seek(number * 3 * MIB)
            file.write(os.urandom(MIB + number * 4096))
        file.truncate(70 * MIB)
    for number in range(20):
        (bench.source / f"small{number}").write_text(f"{number}" * 100)
    root = bench.take(kind="full").root
    assert root is not None
    return root.id


def test_what_several_threads_wrote_is_what_was_there(bench: Bench, large: str, tmp_path: Path) -> None:
    done = bench.restore(large, tmp_path / "out")
    assert not done.failures
    assert described(bench.inside(tmp_path / "out")) == described(bench.source)
    for name in ("large", "sparse"):
        assert (bench.inside(tmp_path / "out") / name).read_bytes() == (bench.source / name).read_bytes()


def test_a_damaged_chunk_in_the_middle_costs_its_file_alone_and_nothing_half_is_left(bench: Bench, large: str, tmp_path: Path) -> None:
    with bench.open() as repository:
        entry = next(each for each in repository.entries(large) if each.path.endswith(b"/large"))
        index = repository._index()
        middle = index.find(entry.cold.chunks[32 * 12 : 32 * 13])
        assert middle is not None
        place = index.segment(middle.segment)
    with open(bench.place / place.pack_name, "r+b") as pack:
        pack.seek(place.offset + place.stored_bytes // 2)
        byte = pack.read(1)
        pack.seek(-1, os.SEEK_CUR)
        pack.write(bytes([byte[0] ^ 1]))
    before = open_handles()
    done = bench.restore(large, tmp_path / "out")
    inside = bench.inside(tmp_path / "out")
    assert {os.path.basename(path) for path, _ in done.failures} == {b"large"}
    assert all("authentication" in why for _, why in done.failures)
    assert not (inside / "large").exists()
    assert (inside / "sparse").read_bytes() == (bench.source / "sparse").read_bytes()
    assert len(list(inside.iterdir())) == 21
    assert open_handles() == before


def test_nobody_writes_any_more_when_a_chunk_has_failed(bench: Bench, large: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a handle that is closed and given to another file would be written to."""
    monkeypatch.setattr(restore_large, "_THREADS", 4)
    writing, failed = threading.Semaphore(0), threading.Event()
    really = os.pwrite

    def pwrite(handle: int, data: bytes, offset: int) -> int:
        assert not failed.is_set()
        if offset >= 8 * MIB:
            raise OSError(28, "full")
        writing.release()
        return really(handle, data, offset)

    with bench.open() as repository, Target.open(str(tmp_path / "out")) as target:
        restore = repository.restoring(large, target)
        entry = next(each for each in repository.entries(large) if each.path.endswith(b"/large"))
        writer = LargeWriter(restore.fetcher, restore.seals)
        monkeypatch.setattr(restore_large.os, "pwrite", pwrite)
        with open(tmp_path / "file", "w+b") as file:
            with pytest.raises(OSError, match="full"):
                writer.write(file.fileno(), entry)
            failed.set()
        assert writing.acquire(timeout=1)
        writer._threads.shutdown()  # raises nothing, and nothing was left to be done
        restore.fetcher.end()


@pytest.mark.parametrize("reads", [0, 100])
def test_content_that_cannot_be_read_back_is_not_taken_from_the_chunk_before(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    """Two equal chunks: what the buffer holds of the first would prove the second."""
    (bench.source / "same").write_bytes(bytes(range(256)) * (4 * MIB // 256) * 10)
    root = bench.take(kind="full").root
    assert root is not None
    really, calls = restore_large.read_into, 0

    def read_into(handle: int, room: memoryview, position: int) -> int:
        nonlocal calls
        calls += 1
        return really(handle, room[: max(1, len(room) // 3)], position) if calls <= reads else 0

    monkeypatch.setattr(restore_large, "_THREADS_FROM", 10**9)
    monkeypatch.setattr(restore_large, "read_into", read_into)
    done = bench.restore(root.id, tmp_path / "out")
    assert [os.path.basename(path) for path, _ in done.failures] == [b"same"]
    assert "differs" in done.failures[0][1]


def test_parts_of_a_chunk_are_the_same_whether_it_is_there_or_only_its_length(bench: Bench, large: str) -> None:
    with bench.open() as repository:
        entry = next(each for each in repository.entries(large) if each.path.endswith(b"/sparse"))
        index = repository._index()
    assert isinstance(entry.cold, Cold)
    by_length, by_view = Places(entry), Places(entry)
    for start in range(0, len(entry.cold.chunks), 32):
        position = index.find(entry.cold.chunks[start : start + 32])
        assert position is not None
        parts = list(by_length.take(position.length))
        assert [(offset, len(view)) for offset, view in by_view.split(memoryview(bytes(position.length)))] == parts
    assert by_length.complete
    assert by_view.complete
