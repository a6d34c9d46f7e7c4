"""Large backups are sealed by helper processes: the same repository as by threads, and no process left behind."""

from __future__ import annotations

import os
import random
import threading
import time
from array import array
from pathlib import Path
from typing import Any

import pytest

from reconciler.base.arena import Arena
from reconciler.repository import Taken
from reconciler.repository.codec import Codec
from reconciler.repository.errors import Damaged
from reconciler.repository.format import Packed, Type
from reconciler.repository.helper import helpers_here
from reconciler.repository.seal import SegmentSealer, lengths_packed
from reconciler.repository.seal_crew import SealCrew
from tests.unit.repository.conftest import Bench, Children, Killer, described

pytestmark = [
    pytest.mark.usefixtures("children"),
    pytest.mark.skipif(not helpers_here() or not hasattr(os, "memfd_create"), reason="everything is sealed by threads here"),
]


@pytest.fixture
def full(bench: Bench) -> Bench:
    """Small files that fill many segments, and large ones that are cut: some shrink, some do not."""
    chance = random.Random(5)
    for number in range(700):
        place = bench.source / f"part{number % 9}"
        place.mkdir(exist_ok=True)
        (place / f"text{number}").write_text(" ".join(str(chance.getrandbits(30)) for _ in range(4000)))
    (bench.source / "noise").write_bytes(chance.randbytes(20 * 2**20))
    (bench.source / "lines").write_text("\n".join(str(number) for number in range(3_000_000)))
    return bench


def _proven(bench: Bench, taken: Taken, target: Path) -> None:
    assert taken.root is not None
    with bench.open() as repository:
        assert repository.verify(taken.root.id).damaged == ()
    assert bench.restore(taken.root.id, target).failures == ()
    assert described(bench.inside(target)) == described(bench.source)


def test_what_helpers_sealed_is_whole(full: Bench, tmp_path: Path, children: Children) -> None:
    at_work: set[int] = set()
    taken = full.take(kind="full", progress=lambda _: at_work.update(children()))
    assert at_work, "the tree is too small for helpers, and this test tests nothing"
    _proven(full, taken, tmp_path / "out")


def test_helpers_that_are_killed_cost_nothing_but_their_work(full: Bench, tmp_path: Path, children: Children) -> None:
    killer = Killer(children)
    taken = full.take(kind="full", progress=killer)
    assert killer.killed
    _proven(full, taken, tmp_path / "out")


def test_helpers_are_asked_by_as_many_threads_as_they_have_seats_for(full: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with many cores, threads with segments from before the helpers took their seats, and the shared memory was used up."""
    asking: set[str] = set()
    ask = SealCrew.seal

    def seen(self: SealCrew, kind: Type, start: int, length: int, ids: bytes, lengths: bytes) -> tuple[Packed, memoryview]:
        asking.add(threading.current_thread().name)
        return ask(self, kind, start, length, ids, lengths)

    def slow(*words: Any) -> Any:
        time.sleep(0.1)  # so that segments wait for the first threads when the helpers come
        return seal(*words)

    seal = SegmentSealer.seal
    monkeypatch.setattr(SealCrew, "seal", seen)
    monkeypatch.setattr(SegmentSealer, "seal", slow)
    assert full.take(kind="full").root is not None
    assert {name.rpartition("_")[0] for name in asking} == {"seal-helped"}


def test_without_shared_memory_threads_seal(full: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, children: Children) -> None:
    monkeypatch.delattr(os, "memfd_create")
    at_work: set[int] = set()
    taken = full.take(kind="full", progress=lambda _: at_work.update(children()))
    assert not at_work
    _proven(full, taken, tmp_path / "out")


def test_a_segment_that_does_not_decode_to_its_chunks_is_refused_in_the_words_of_this_process(bench: Bench) -> None:
    arena = Arena(2**24)
    seals = bench.open()._seals
    crew = SealCrew(seals, Codec(), arena, 2**20)
    try:
        region = arena.take(1000)
        region.view[:] = bytes(range(250)) * 4
        assert region.offset is not None
        lengths = lengths_packed(array("I", [1000]))
        good = seals.chunk_id(Type.DATA, region.view)
        packed, sealed = crew.seal(Type.DATA, region.offset, 1000, good, lengths)
        here = SegmentSealer(seals, Codec()).seal(Type.DATA, region.view, good, lengths)
        assert (packed, len(sealed)) == (here[0], len(here[1]))
        with pytest.raises(Damaged, match="nothing of it was written") as raised:
            crew.seal(Type.DATA, region.offset, 1000, bytes(32), lengths)
        assert "memory of this machine" in raised.value.hint
    finally:
        crew.close()
        arena.close()
