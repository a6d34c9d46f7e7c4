"""A disk without room: one sentence with a code, nothing already stored is lost, and the next run with room needs no help."""

from __future__ import annotations

import os
import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from e2e_world import World, codes, describe, fill

pytestmark = pytest.mark.slow
LIMITS = [2**power + extra for power in range(17, 25) for extra in (0, 1)]


@pytest.mark.timeout(900)
def test_writes_that_the_system_cuts_short_harm_nothing(world: World, report: list[str]) -> None:
    fill(world.source, small=200, large_bytes=8_000_000)
    world.declare()
    world.good("--init")
    before, first = describe(world.source), world.snapshots()[0]
    (world.source / "large.bin").write_bytes(random.Random(5).randbytes(40_000_000))
    seen = Counter[str]()
    for limit in LIMITS:
        ended = world.run("backup", "create", "orders", file_bytes_max=limit)
        assert ended.code == 1, f"limit {limit}: {ended.text}"
        assert codes(ended.text), f"limit {limit}: {ended.text}"
        seen.update(codes(ended.text))
    assert world.restored("--snapshot", first) == before
    world.good("backup", "create", "orders")
    assert world.restored("orders") == describe(world.source)
    report.append(f"{len(LIMITS)} limits on one repository: {dict(seen)}; the old snapshot and the next one restored bit for bit")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["bytes", "inodes"])
def test_a_full_file_system_is_said_and_survived(world: World, report: list[str], what: str) -> None:
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    world.repository.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(world.repository)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        _fill_up(world, report, what)
    finally:
        subprocess.run(["umount", str(world.repository)], check=True)


def _fill_up(world: World, report: list[str], what: str) -> None:
    fill(world.source, small=100, large_bytes=8_000_000)
    world.declare()
    world.good("--init")
    before, first = describe(world.source), world.snapshots()[0]
    (world.source / "large.bin").write_bytes(random.Random(6).randbytes(20_000_000))
    _squeeze(world.repository, what)
    ended = world.run("backup", "create", "orders")
    assert ended.code == 1, ended.text
    assert codes(ended.text), ended.text
    assert world.restored("--snapshot", first) == before
    report.append(f"no {what} left: {sorted(codes(ended.text))}, the earlier snapshot restored bit for bit")
    _mount(world.repository, "remount,size=200m,nr_inodes=0")
    world.good("backup", "create", "orders")
    assert world.restored("orders") == describe(world.source)


def _squeeze(repository: Path, what: str) -> None:
    """Take away the room: nearly all bytes are used already, or nearly all inodes."""
    state = os.statvfs(repository)
    if what == "bytes":
        used = (state.f_blocks - state.f_bfree) * state.f_frsize
        _mount(repository, f"remount,size={used + 3_000_000}")
    else:
        _mount(repository, f"remount,nr_inodes={state.f_files - state.f_ffree + 2}")


def _mount(repository: Path, options: str) -> None:
    subprocess.run(["mount", "-o", options, str(repository)], check=True)
