"""Rows whose content comes from elsewhere than a file: read each time, cut like files, and published only when they end well."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.repository import Taken, TakeRequest
from reconciler.tree.entry import Given, Listing, Stream
from tests.unit.repository.conftest import WRITER, Bench

MIB = 2**20


class Slow(io.RawIOBase):
    """Gives a little at a time, as pipes do, and may break at its end."""

    def __init__(self, content: bytes, fault: Exception | None = None) -> None:
        self._content, self._at, self._fault = content, 0, fault

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        piece = self._content[self._at : self._at + min(len(buffer), 65536)]
        if not piece and self._fault is not None:
            raise self._fault
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def printed(content: bytes, *, at: int, fault: Exception | None = None) -> Iterator[Listing]:
    @contextmanager
    def begin() -> Iterator[Stream]:
        yield Slow(content, fault)

    def opened() -> AbstractContextManager[Stream]:
        return begin()

    row = (b"dump.sql", stat.S_IFREG | 0o600, 0, at, 0, 0, os.getuid(), os.getgid(), 1)
    yield Listing(b"", 0, [row], None, b"/", {b"dump.sql": Given(opened, is_file=False)})


def take(bench: Bench, content: bytes, *, base: str | None = None, at: int = 1, fault: Exception | None = None) -> Taken:
    kind = "full" if base is None else "incremental"
    request = TakeRequest("realm", "system", "host", kind, datetime.now(UTC), "generation", b"{}", WRITER, ("/dump.sql",))
    return bench.open().take(printed(content, at=at, fault=fault), request, base=base, judge=lambda _defects: "complete")


@pytest.mark.parametrize("size", [1, MIB - 1, MIB, MIB + 1, 5 * MIB, 16 * MIB, 16 * MIB + 1])
def test_a_stream_comes_back_whatever_its_length(bench: Bench, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    taken = take(bench, content)
    assert taken.root is not None
    assert (taken.files, taken.bytes, taken.read_bytes) == (1, size, size)
    bench.restore(taken.root.id, tmp_path / "target")
    assert (tmp_path / "target" / "dump.sql").read_bytes() == content


def test_the_same_output_is_nothing_new_although_it_was_read_later(bench: Bench) -> None:
    first = take(bench, b"x" * 3 * MIB, at=1)
    assert first.root is not None
    again = take(bench, b"x" * 3 * MIB, base=first.root.id, at=2)
    assert again.unchanged
    assert take(bench, b"x" * 3 * MIB + b"y", base=first.root.id, at=3).root is not None


def test_an_edit_in_a_long_output_stores_little(bench: Bench) -> None:
    content = bytearray(os.urandom(24 * MIB))
    first = take(bench, bytes(content))
    assert first.root is not None
    content[12 * MIB : 12 * MIB] = b"an inserted line\n"
    second = take(bench, bytes(content), base=first.root.id)
    assert second.added_bytes < 9 * MIB


def test_a_stream_that_breaks_at_its_end_publishes_nothing(bench: Bench) -> None:
    with pytest.raises(ValueError, match="ended with 3"):
        take(bench, os.urandom(20 * MIB), fault=ValueError("ended with 3"))
    assert bench.open().listing().roots == ()
    assert take(bench, b"whole").root is not None


def test_many_large_files_that_cannot_be_read_do_not_hold_the_run_for_ever(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each took a reading window with it, and the fourth waited for one that never came back."""
    for number in range(5):
        (bench.source / f"large-{number}").write_bytes(bytes([number]) * (2 * MIB))
    (bench.source / "small").write_text("good")

    def broken(_handle: int, rooms: list[memoryview], _offset: int) -> int:
        if len(rooms[0]) > MIB:
            raise OSError(errno.EIO, "Input/output error")
        rooms[0][:4] = b"good"
        return 4

    monkeypatch.setattr(os, "preadv", broken)
    taken = bench.take(kind="full")
    assert sorted(defect.path.rpartition(b"/")[2] for defect in taken.defects) == [b"large-%d" % number for number in range(5)]
