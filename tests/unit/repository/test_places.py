"""The contract of places: a disk, and a server for SFTP inside of this process. A bucket: tests/real/test_object_storage.py."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
import pytest

from reconciler.base.secret import Secret
from reconciler.repository import Credentials, ExtraMissing, Repository, Store, Unreachable, store_at
from reconciler.repository.errors import AccessRefused, NotInitialised
from reconciler.repository.format import FOLDERS
from reconciler.repository.store import LocalStore
from tests.fakes.place_contract import PlaceContract
from tests.fakes.sftp_server import SftpServer, sftp_server
from tests.unit.repository.conftest import KEY


class TestDisk(PlaceContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Store:
        store = LocalStore(str(tmp_path / "disk"))
        store.prepare()
        return store


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with sftp_server(tmp_path_factory.mktemp("sftp")) as running:
        yield running


class TestSftp(PlaceContract):
    @pytest.fixture
    def place(self, server: SftpServer, tmp_path: Path) -> Iterator[Store]:
        store = store_at(server.url(tmp_path.name), server.access())
        store.prepare()
        yield store
        store.close()


@pytest.mark.parametrize("allowed", [1, 3, None])
def test_no_more_questions_are_under_way_over_sftp_than_are_allowed(
    server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int | None
) -> None:
    place = store_at(server.url(tmp_path.name), server.access(connections=allowed))
    place.prepare()
    names = [f"marks/{number}/one" for number in range(9)]
    for name in names:
        place.put(name, b"1")
    under_way: list[str] = []
    most = 0

    def counted(what: str) -> None:
        asked = getattr(asyncssh.SFTPClient, what)

        async def ask(*words: object, **more: object) -> object:
            nonlocal most
            under_way.append(what)
            most = max(most, len(under_way))
            await asyncio.sleep(0.005)
            try:
                return await asked(*words, **more)
            finally:
                under_way.remove(what)

        monkeypatch.setattr(asyncssh.SFTPClient, what, ask)

    for what in ("readdir", "lstat", "rename"):
        counted(what)
    with ThreadPoolExecutor(9) as threads:
        threads.submit(place.put, "keys/one", b"1")
        listed = threads.submit(lambda: [found.name for found in place.list("marks")])
        assert all(threads.map(place.find, names))
    assert listed.result() == names
    place.close()
    assert most <= (allowed or 64)
    assert most > 3 or allowed is not None


def test_a_new_folder_over_sftp_is_asked_for_once_and_not_from_the_root_on(
    server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = store_at(server.url(tmp_path.name), server.access())
    made: list[object] = []
    mkdir = asyncssh.SFTPClient.mkdir

    async def making(client: asyncssh.SFTPClient, path: str, *words: object) -> object:
        made.append(path)
        return await mkdir(client, path, *words)

    monkeypatch.setattr(asyncssh.SFTPClient, "mkdir", making)
    place.prepare()
    assert len(made) <= 2 + len(FOLDERS)
    made.clear()
    place.put("packs/aa/one", b"1")
    place.put("packs/aa/two", b"2")
    assert place.get("packs/aa/two", 10) == b"2"
    place.close()
    assert len(made) == 1


def test_a_stranger_is_refused_in_a_sentence(server: SftpServer) -> None:
    store = store_at(server.url("x"), server.access(credentials=lambda: Credentials(secret=Secret(b"a wrong password"))))
    with pytest.raises(AccessRefused):
        store.top()
    store.close()


def test_a_server_that_is_not_the_known_one_is_refused(server: SftpServer, tmp_path: Path) -> None:
    (tmp_path / "nobody").write_text("")
    store = store_at(server.url("x"), server.access(known_hosts=str(tmp_path / "nobody")))
    with pytest.raises(AccessRefused, match="cannot be told from another one") as told:
        store.top()
    assert "known hosts" in told.value.hint
    store.close()


def test_a_folder_that_is_not_there_is_no_repository(server: SftpServer) -> None:
    store = store_at(server.url("never/made"), server.access())
    with pytest.raises(NotInitialised):
        Repository.open(store.url, Secret(KEY), store=store)
    store.close()


def test_a_connection_that_breaks_is_opened_again(server: SftpServer, tmp_path: Path) -> None:
    store = store_at(server.url(tmp_path.name), server.access())
    store.prepare()
    store.put("keys/one", b"1")
    assert store.get_range("keys/one", 0, 1) == b"1"
    store._line._connection.abort()  # type: ignore[attr-defined]
    assert store.get_range("keys/one", 0, 1) == b"1"
    store.put("keys/two", b"2")
    assert [found.name for found in store.list("keys")] == ["keys/one", "keys/two"]
    store.close()


def test_nobody_at_the_other_end_is_told_soon() -> None:
    store = store_at("sftp://somebody@127.0.0.1:1/x")
    store._line.patience._seconds = 0.3  # type: ignore[attr-defined]
    with pytest.raises(Unreachable, match="cannot be reached"):
        store.top()
    store.close()


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(Unreachable) as told:
        store_at("ftp://somewhere/else")
    assert "s3://" in told.value.hint


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "asyncssh", None)
    with pytest.raises(ExtraMissing) as told:
        store_at("sftp://somebody@host/x")
    assert "reconciler[sftp]" in told.value.hint
