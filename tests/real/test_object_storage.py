"""Repositories in a real S3 store and on a real OpenSSH server: the contract of places, and words that are wrong."""

from __future__ import annotations

import getpass
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from reconciler.base.proxy import Proxies
from reconciler.base.secret import Secret
from reconciler.model.declared.repository import Key
from reconciler.model.desired import DesiredRepository
from reconciler.model.observed import RepositoryState
from reconciler.model.problem import Place
from reconciler.observe.repositories import observe_one
from reconciler.repository import (
    AccessRefused,
    AlreadyInitialised,
    ClockApart,
    Credentials,
    NoSuchBucket,
    NotAStore,
    Repository,
    Store,
    Unreachable,
    WrongRegion,
    WrongRepository,
    store_at,
)
from reconciler.repository.errors import NotInitialised
from reconciler.repository.remote.s3 import S3Store
from tests.fakes.clocks import FakeClock
from tests.fakes.far import Far
from tests.fakes.place_contract import PlaceContract
from tests.fakes.proxies import web_proxy
from tests.fakes.s3_server import ACCESS, SECRET, S3Server, access_to
from tests.fakes.sftp_server import SftpServer
from tests.unit.repository.conftest import CREATED, KEY, Bench

pytestmark = pytest.mark.real


class TestBucket(PlaceContract):
    @pytest.fixture
    def place(self, s3: S3Server, tmp_path: Path) -> Iterator[Store]:
        store = store_at(f"s3://{s3.bucket('contract')}/{tmp_path.name}", access_to(s3.endpoint))
        store.prepare()
        yield store
        store.close()


class TestBucketBehindProxy(PlaceContract):
    """The proxy alone knows the name of the store."""

    @pytest.fixture
    def place(self, s3: S3Server, tmp_path: Path) -> Iterator[Store]:
        with web_proxy("Basic dXNlcjpwYXNz") as proxy:
            proxies = Proxies.of({"HTTP_PROXY": proxy.url.replace("//", "//user:pass@")})
            endpoint = s3.endpoint.replace("127.0.0.1", "store.example")
            store = store_at(f"s3://{s3.bucket('contract')}/proxied-{tmp_path.name}", access_to(endpoint, proxies=proxies))
            store.prepare()
            assert proxy.asked
            yield store
            store.close()


class TestOpenSsh(PlaceContract):
    @pytest.fixture
    def place(self, openssh: SftpServer, tmp_path: Path) -> Iterator[Store]:
        user = __import__("getpass").getuser()
        url = f"sftp://{user}@127.0.0.1:{openssh.port}{openssh.root}/{tmp_path.name}"
        deadline = datetime.now(UTC) + timedelta(seconds=10)
        while True:
            store = store_at(url, openssh.access())
            try:
                store.prepare()
                break
            except Unreachable:  # not listening yet
                store.close()
                if datetime.now(UTC) > deadline:
                    raise
        yield store
        store.close()


BAD = {
    "bucket": (NoSuchBucket, "s3://no-such-bucket/x", {}),
    "region": (WrongRegion, "", {"region": "mars-north-1"}),
    "key": (AccessRefused, "", {"credentials": lambda: Credentials("AKNOBODY", Secret(SECRET.encode()))}),
    "secret": (AccessRefused, "", {"credentials": lambda: Credentials(ACCESS, Secret(b"not the secret"))}),
    "nobody": (AccessRefused, "", {"credentials": None}),
    "prefix": (NotInitialised, "s3://faulty/elsewhere", {}),
}


@pytest.mark.parametrize("what", BAD)
def test_a_wrong_word_is_named(far: Far, what: str) -> None:
    kind, url, changes = BAD[what]
    access = access_to(far.gateway.url, **changes)  # type: ignore[arg-type]
    store = store_at(url or far.url, access)
    with pytest.raises(kind) as told:
        Repository.open(store.url, Secret(KEY), store=store)
    store.close()
    assert told.value.hint
    assert SECRET not in str(told.value)


def test_a_clock_that_is_wrong_is_named_with_the_time_there(far: Far) -> None:
    store = S3Store(far.url, access_to(far.gateway.url), FakeClock(datetime.now(UTC) - timedelta(hours=2)))
    with pytest.raises(ClockApart, match=r"there it is 20\d\d-"):
        store.get("header", 1000)
    store.close()


def test_a_bucket_with_foreign_objects_is_left_alone(s3: S3Server) -> None:
    bucket = s3.bucket("shared")
    (s3.folder / bucket / "holidays.jpg").write_bytes(b"a picture")
    store = store_at(f"s3://{bucket}", access_to(s3.endpoint))
    with pytest.raises(AlreadyInitialised, match=r"holidays\.jpg"):
        Repository.init(store.url, Secret(KEY), created_at=CREATED, store=store)
    below = store_at(f"s3://{bucket}/backups", access_to(s3.endpoint))
    Repository.init(below.url, Secret(KEY), created_at=CREATED, store=below).close()
    assert (s3.folder / bucket / "holidays.jpg").read_bytes() == b"a picture"
    store.close()
    below.close()


def test_a_plain_web_server_is_no_store(tmp_path: Path) -> None:
    import functools
    import http.server

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            """Nothing is printed."""

    (tmp_path / "index.html").write_text("<html><body>Welcome</body></html>")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        store = store_at("s3://bucket/x", access_to(f"http://127.0.0.1:{server.server_port}"))
        with pytest.raises(NotAStore) as told:
            Repository.init(store.url, Secret(KEY), created_at=CREATED, store=store)
        store.close()
        server.shutdown()
        thread.join()
    assert "endpoint" in told.value.hint


def test_another_repository_than_the_known_one_is_refused(far: Far) -> None:
    """Its header is what differs: the same place, another id."""
    with far.opened() as repository:
        known = repository.id
    shutil.rmtree(far.server.folder / far.url.removeprefix("s3://"))
    place = far.store()
    Repository.init(far.url, Secret(KEY), created_at=CREATED, store=place)
    place.close()
    wanted = DesiredRepository("far", far.url, Key(env="NOBODY"), Place("x.yaml", 1, 1))
    seen = observe_one(
        wanted,
        RepositoryState(name="far", listed_at=None, reachable=True, id=known),
        opener=lambda _: Repository.open(far.url, Secret(KEY), store=far.store(), owned=True),
        now=datetime.now(UTC),
    )
    assert seen.failure is not None
    assert seen.failure.code == WrongRepository.code


def test_a_run_that_finds_nothing_changed_asks_as_often_for_many_files_as_for_few(s3: S3Server, bench: Bench, tmp_path: Path) -> None:
    """The list of files is read by the MiB: some seven thousand files are one request more (docs/limits.md)."""
    asked = {}
    for many in (20, 2000):
        for number in range(many):
            (bench.source / f"file{number}").write_bytes(b"%d" % number)
        place = store_at(f"s3://{s3.bucket('counted')}/{many}", access_to(s3.endpoint))
        assert isinstance(place, S3Store)
        repository = Repository.init(place.url, Secret(KEY), created_at=CREATED, store=place)
        root = bench.take(repository, kind="full").root
        assert root is not None
        before = place.lines.asked
        assert bench.take(repository, base=root.id).unchanged
        asked[many] = place.lines.asked - before
        place.close()
    assert asked[2000] == asked[20] <= 11


def test_a_run_that_finds_nothing_changed_asks_a_server_as_often_for_many_files_as_for_few(
    openssh: SftpServer, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packets: of each list four or five, and an object three."""
    count = 0
    ask = asyncssh.sftp.SFTPClientHandler._make_request

    async def counted(client: Any, kind: Any, *words: bytes) -> object:
        nonlocal count
        count += 1
        return await ask(client, kind, *words)

    monkeypatch.setattr(asyncssh.sftp.SFTPClientHandler, "_make_request", counted)
    asked = {}
    for many in (20, 2000):
        for number in range(many):
            (bench.source / f"file{number}").write_bytes(b"%d" % number)
        url = f"sftp://{getpass.getuser()}@127.0.0.1:{openssh.port}{openssh.root}/{tmp_path.name}-{many}"
        place = store_at(url, openssh.access())
        repository = Repository.init(place.url, Secret(KEY), created_at=CREATED, store=place)
        root = bench.take(repository, kind="full").root
        assert root is not None
        count = 0
        assert bench.take(repository, base=root.id).unchanged
        asked[many] = count
        place.close()
    assert asked[2000] == asked[20] <= 55
