"""One loop per state directory, and no lock that ever needs a person."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from reconciler.loop.errors import LoopBusy
from reconciler.loop.lease import Lease

CLOCK = SystemClock()
HOLDER = """
import sys
from pathlib import Path
from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from reconciler.loop.lease import Lease
state = Path(sys.argv[1])
lease = Lease.take(state, Catalog.open(state / "catalog.sqlite", clock=SystemClock()), SystemClock())
print(lease.token, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "catalog.sqlite", clock=CLOCK) as opened:
        yield opened


@pytest.fixture
def other_loop(tmp_path: Path, catalog: Catalog) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "1"
        yield process
        process.kill()


def test_a_second_loop_is_refused_with_the_name_of_the_first(tmp_path: Path, catalog: Catalog, other_loop: subprocess.Popen[str]) -> None:
    with pytest.raises(LoopBusy, match=f"process {other_loop.pid}"):
        Lease.take(tmp_path, catalog, CLOCK)


def test_a_killed_loop_gives_way_at_once(tmp_path: Path, catalog: Catalog, other_loop: subprocess.Popen[str]) -> None:
    other_loop.kill()
    other_loop.wait()
    with Lease.take(tmp_path, catalog, CLOCK) as lease:
        assert lease.token == 2
        holder = catalog.lease_holder()
        assert holder is not None
        assert holder.pid == os.getpid()


def test_a_released_lease_is_free_and_its_token_never_comes_again(tmp_path: Path, catalog: Catalog) -> None:
    lease = Lease.take(tmp_path, catalog, CLOCK)
    lease.release()
    lease.release()
    assert catalog.lease_holder() is None
    with Lease.take(tmp_path, catalog, CLOCK) as again:
        assert again.token > lease.token
