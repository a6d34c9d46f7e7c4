"""Places on the network, as everybody in a process shares them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.app.memory import Memory
from reconciler.app.reach import access_bare, access_to
from reconciler.base.clock import SystemClock
from reconciler.base.secret import Secret
from reconciler.model.declared.repository import Credentials, Key, Limits
from reconciler.model.declared.secret import SecretFrom
from reconciler.model.desired import DesiredRepository
from reconciler.model.problem import Place
from tests.fakes.sftp_server import SftpServer, sftp_server

BUCKET = DesiredRepository("bucket", "s3://backups/x", Key(env="NOBODY"), Place("x.yaml", 1, 1))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with sftp_server(tmp_path_factory.mktemp("sftp")) as running:
        yield running


def test_a_spec_that_changes_leaves_what_is_under_way_its_connection(server: SftpServer, tmp_path: Path) -> None:
    said = Credentials(identity=SecretFrom(file=str(server.identity)), known_hosts=str(server.known_hosts))
    before = DesiredRepository("far", server.url("shared"), Key(env="NOBODY"), Place("x.yaml", 1, 1), credentials=said)
    memory = Memory(tmp_path / "state", SystemClock(), read_only=True)
    with ThreadPoolExecutor(4) as pool:
        places = set(pool.map(lambda _: memory.place(before, ()), range(16)))
    assert len(places) == 1
    (place,) = places
    place.prepare()
    after = memory.place(replace(before, limits=Limits(connections=2)), ())
    assert after is not place
    assert after.at_once == 2
    place.put("keys/one", b"1")
    assert after.get("keys/one", 10) == b"1"
    memory.close()


def test_what_no_spec_says_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKENVIRONMENT",
        "AWS_SECRET_ACCESS_KEY": "secret of the environment",
        "AWS_SESSION_TOKEN": "token of the environment",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "https://s3.example.com",
    }.items():
        monkeypatch.setenv(name, value)
    bare = access_bare("s3://backups/x")
    assert (bare.endpoint, bare.region) == ("https://s3.example.com", "eu-west-1")
    assert bare.credentials is not None
    who = bare.credentials()
    assert who.access == "AKENVIRONMENT"
    assert who.secret is not None
    assert who.secret.reveal() == b"secret of the environment"
    assert who.token is not None
    server = access_bare("sftp://somebody@host/x")
    assert (server.endpoint, server.region) == (None, None)
    assert server.credentials is not None
    assert server.credentials().secret is None, "a server is not told the keys of a bucket"


def test_a_spec_goes_before_the_environment_and_files_are_read_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token of another key")
    for name in ("access", "secret"):
        (tmp_path / name).write_text(f"{name} of today\n")
        (tmp_path / name).chmod(0o600)
    said = Credentials(access=SecretFrom(file=str(tmp_path / "access")), secret=SecretFrom(file=str(tmp_path / "secret")))
    access = access_to(replace(BUCKET, credentials=said, limits=Limits(bandwidth=2**20, connections=7)), ())
    assert (access.bandwidth, access.connections) == (2**20, 7)
    assert access.credentials is not None
    first = access.credentials()
    assert (first.access, first.secret and first.secret.reveal(), first.token) == ("access of today", b"secret of today", None)
    (tmp_path / "secret").write_bytes(Secret(b"secret of tomorrow").reveal())
    second = access.credentials().secret
    assert second is not None
    assert second.reveal() == b"secret of tomorrow"
