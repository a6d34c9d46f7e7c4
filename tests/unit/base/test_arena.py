"""Memory that a child sees."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reconciler.base.arena import Arena

needs_sharing = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system shares no memory that way")


@needs_sharing
def test_a_child_reads_and_writes_the_same_bytes() -> None:
    arena = Arena(2**20)
    first, second = arena.take(100), arena.take(100)
    assert first.offset is not None
    assert second.offset is not None
    first.view[:5] = b"hello"
    program = (
        "from reconciler.base.arena import attach;"
        f"memory = attach({arena.handle}, {arena.size});"
        f"memory[{second.offset} : {second.offset} + 5] = bytes(memory[{first.offset} : {first.offset} + 5]).upper()"
    )
    subprocess.run([sys.executable, "-c", program], pass_fds=(arena.handle,), check=True)
    assert bytes(second.view[:5]) == b"HELLO"
    assert bytes(first.view[:5]) == b"hello"
    arena.close()
    assert not arena.is_shared


@needs_sharing
def test_a_closed_arena_leaves_no_handle_and_no_memory() -> None:
    before = len(os.listdir("/proc/self/fd"))
    arena = Arena(2**20)
    region = arena.take(100)
    assert len(os.listdir("/proc/self/fd")) > before
    arena.close()
    assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ValueError, match="released"):
        region.view[0]


@needs_sharing
def test_regions_do_not_overlap_and_private_ones_follow_when_it_is_full() -> None:
    arena = Arena(2**16)
    regions = [arena.take(9000) for _ in range(8)]
    for number, region in enumerate(regions):
        region.view[:] = bytes([number]) * 9000
    assert [set(region.view) for region in regions] == [{number} for number in range(8)]
    assert [region.offset is None for region in regions] == [False] * 5 + [True] * 3
    arena.close()


def test_where_nothing_can_be_shared_every_region_is_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    arena = Arena(2**16)
    region = arena.take(100)
    region.view[:3] = b"abc"
    assert (arena.is_shared, region.offset, bytes(region.view[:3])) == (False, None, b"abc")
    arena.close()
