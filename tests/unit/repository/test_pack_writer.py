"""Writing packs: on a disk that fails what one thread ran into holds for all of them, and a directory never grows too large to be read."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from reconciler.base.files import Buffer, Disk
from reconciler.repository import NoSpace
from reconciler.repository.format import Type
from reconciler.repository.pack import PackWriter, read_directory
from reconciler.repository.store import LocalStore
from tests.unit.repository.conftest import Bench


class FullAt(Disk):
    """The write with this number ends in the middle."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.writes = 0

    def write(self, handle: int, data: Buffer) -> None:
        self.writes += 1
        if self.writes == self.at:
            super().write(handle, memoryview(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(handle, data)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_second_thread_went_on_in_a_pack_that_a_full_disk_had_torn(bench: Bench, at: int) -> None:
    writer = PackWriter(LocalStore(str(bench.place), FullAt(at)), bench.open()._seals)

    def append() -> None:
        writer.append(Type.DATA, 0, 5, bytes(32), (5).to_bytes(4, "little"), memoryview(b"sealed" * 10))

    for _ in range(at - 2):
        append()
    acts: list[Callable[[], object]] = [append, append, writer.flush]
    for act in acts:
        with pytest.raises(NoSpace):
            act()
    writer.abort()
    assert not any((bench.place / "packs").glob("*/*"))
    assert not any((bench.place / "tmp").iterdir())


def test_two_million_tiny_files_made_a_pack_whose_directory_nobody_could_read(bench: Bench) -> None:
    store, seals = LocalStore(str(bench.place)), bench.open()._seals
    writer = PackWriter(store, seals)
    chunks = 2**17
    for _ in range(16):
        writer.append(Type.DATA, 0, chunks, os.urandom(32 * chunks), (1).to_bytes(4, "little") * chunks, memoryview(b"sealed" * 10))
    entries = writer.flush()
    assert [read_directory(store, seals, entry.name, entry.size) for entry in entries] == entries
    assert sum(len(segment.ids) for entry in entries for segment in entry.segments) == 16 * 32 * chunks
