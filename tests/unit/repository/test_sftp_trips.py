"""Few round trips over SFTP: what is on its way at once, and that whatever a server does in between is still noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.repository import Store, store_at
from reconciler.repository.errors import Damaged, Unreachable
from reconciler.repository.remote.sftp_trips import _blocks
from tests.fakes.sftp_server import SftpServer, sftp_server

MIB = 2**20


class _Grudging(asyncssh.SFTPServer):
    """Gives a third of what is asked for, and refuses what is written beyond the fifth MiB."""

    def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        return bytes(super().read(file_obj, offset, max(1, size // 3)))  # type: ignore[arg-type]

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        if offset > 5 * MIB:
            raise asyncssh.SFTPFailure("the fifth MiB is full")
        return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with sftp_server(tmp_path_factory.mktemp("sftp")) as running:
        yield running


@pytest.fixture(scope="module")
def grudging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with sftp_server(tmp_path_factory.mktemp("grudging"), _Grudging) as running:
        yield running


@pytest.fixture
def place(server: SftpServer, tmp_path: Path) -> Iterator[Store]:
    with closing(store_at(server.url(tmp_path.name), server.access())) as store:
        store.prepare()
        yield store


class _Trips:
    """Questions to a server as steps: one begins when something is asked and nothing asked before is unanswered any more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps = self.asked = self.under_way = self.most = 0
        handler = asyncssh.sftp.SFTPClientHandler
        ask = handler._make_request

        async def counted(client: Any, kind: Any, *words: bytes) -> object:
            self.asked += 1
            self.steps += not self.under_way
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            try:
                return await ask(client, kind, *words)
            finally:
                self.under_way -= 1

        monkeypatch.setattr(handler, "_make_request", counted)


def test_an_object_of_any_size_takes_three_steps_and_its_parts_do_not_wait_for_each_other(
    place: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("packs/aa/first", b"x")
    place._line._client.limits.max_write_len = 100_000  # type: ignore[attr-defined]
    trips = _Trips(monkeypatch)
    draft = place.draft()
    for _ in range(40):
        draft.write(os.urandom(100_000))
    draft.commit("packs/aa/whole")
    assert trips.steps == 3, "open; write, sync and close; rename"
    assert trips.most > 10


def test_the_first_object_of_a_folder_does_not_wait_to_be_refused(place: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    trips = _Trips(monkeypatch)
    place.put("packs/bb/first", b"x")
    assert trips.asked == 6, "open and the folder; write, sync and close; rename"
    assert place.get("packs/bb/first", 10) == b"x"


def test_a_small_object_and_a_small_folder_are_read_in_two_steps(place: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    place.put("keys/one", b"word")
    trips = _Trips(monkeypatch)
    assert place.get("keys/one", 100) == b"word"
    assert trips.steps <= 3, "open; read and size; the close, for which nobody waits"
    trips.steps = 0
    assert [found.name for found in place.list("keys")] == ["keys/one"]
    assert trips.steps <= 3


def test_a_folder_of_many_is_listed_whole(place: Store, server: SftpServer, tmp_path: Path) -> None:
    folder = server.root / tmp_path.name / "snapshots"
    for number in range(1234):
        (folder / f"{number:032x}").write_bytes(b"x" * (number % 7))
    found = list(place.list("snapshots"))
    assert [(each.name, each.size) for each in found] == [(f"snapshots/{n:032x}", n % 7) for n in range(1234)]


def test_what_is_larger_than_it_may_be_is_refused_and_not_read_whole(place: Store) -> None:
    place.put("keys/large", bytes(3 * MIB))
    with pytest.raises(Damaged, match="larger"):
        place.get("keys/large", MIB)
    assert place.get("keys/large", 3 * MIB) == bytes(3 * MIB)
    place.put("keys/empty", b"")
    assert place.get("keys/empty", 10) == b""


def test_a_server_that_gives_less_than_it_is_asked_for_is_asked_on(grudging: SftpServer, tmp_path: Path) -> None:
    with closing(store_at(grudging.url(tmp_path.name), grudging.access())) as place:
        place.prepare()
        data = os.urandom(2 * MIB + 17)
        place.put("keys/two", data)
        assert place.get("keys/two", len(data)) == data
        assert place.get_range("keys/two", 5, MIB) == data[5 : 5 + MIB]


def test_a_part_that_is_refused_leaves_neither_object_nor_remains(grudging: SftpServer, tmp_path: Path) -> None:
    with closing(store_at(grudging.url(tmp_path.name), grudging.access())) as place:
        place.prepare()
        draft = place.draft()
        for _ in range(9):
            draft.write(os.urandom(MIB))
        with pytest.raises(Unreachable, match="the fifth MiB is full"):
            draft.commit("packs/cc/torn")
        assert place.find("packs/cc/torn") is None
        assert list(place.list("tmp")) == []
        place.put("packs/cc/torn", b"small enough")
        assert place.get("packs/cc/torn", 100) == b"small enough"


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(1, 40))
def test_blocks_are_the_pieces_in_other_lengths(pieces: list[bytes], size: int) -> None:
    blocks = list(_blocks(pieces, size))
    assert b"".join(blocks) == b"".join(pieces)
    assert all(len(block) == size for block in blocks[:-1])
    assert all(blocks)
