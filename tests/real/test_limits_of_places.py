"""`limits` of a place on the network hold for what goes there and for what comes from there, whoever asks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.repository import Store, store_at
from tests.fakes.far import Far
from tests.fakes.s3_server import S3Server, access_to
from tests.fakes.sftp_server import SftpServer
from tests.unit.repository.conftest import Bench

pytestmark = pytest.mark.real

RATE = 2 * 2**20
SIZE = 3 * 2**20

Open = Callable[..., Store]


@pytest.fixture(params=["bucket", "server"])
def limited(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """``limited(bandwidth=…)`` opens a place of this kind, prepared."""

    def bucket(**limits: int) -> Store:
        server: S3Server = request.getfixturevalue("s3")
        return store_at(f"s3://{server.bucket('limits')}/{tmp_path.name}", access_to(server.endpoint, **limits))

    def server(**limits: int) -> Store:
        openssh: SftpServer = request.getfixturevalue("openssh")
        user = __import__("getpass").getuser()
        return store_at(f"sftp://{user}@127.0.0.1:{openssh.port}{openssh.root}/{tmp_path.name}", openssh.access(**limits))

    return bucket if request.param == "bucket" else server


def test_bandwidth_holds_up_and_down_and_for_all_together(limited: Open) -> None:
    free = limited()
    free.prepare()
    names = [f"keys/{number}" for number in range(3)]
    content = os.urandom(SIZE // 3)
    bound = limited(bandwidth=RATE)
    least = SIZE / RATE * 0.6  # the first piece goes at once, and over SFTP it is a MiB

    def timed(work: Callable[[str], object]) -> float:
        began = time.monotonic()
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(work, names))
        return time.monotonic() - began

    assert timed(lambda name: bound.put(name, content)) >= least
    assert timed(lambda name: bound.get(name, SIZE)) >= least
    assert timed(lambda name: bound.get_range(name, 1, len(content) - 1)) >= least
    assert [free.get(name, SIZE) for name in names] == [content] * 3
    free.close()
    bound.close()


@pytest.mark.parametrize("connections", [1, 3])
def test_no_more_questions_are_under_way_than_connections_are_allowed(far: Far, tmp_path: Path, connections: int) -> None:
    far.gateway.most = 0
    bench: Bench = far.bench
    with far.opened(connections=connections) as repository:
        (bench.source / "another").write_bytes(os.urandom(5000))
        root = bench.take(repository, base=far.newest).root
        assert root is not None
        assert not bench.restored(repository, root.id, tmp_path / "target").failures
    assert far.gateway.most <= connections
    assert connections == 1 or far.gateway.most > 1
