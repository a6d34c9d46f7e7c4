"""A clean-up comes to an end: what it has just written it does not write again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.repository import PackFate, Repository, collect_plan, sink
from reconciler.repository import pack as pack_module
from tests.fakes.clocks import FakeClock
from tests.unit.repository.conftest import Bench
from tests.unit.repository.test_clean_up import clean_up, noise, packs, plan, taken


def test_a_small_pack_was_written_again_by_every_clean_up(bench: Bench) -> None:
    (bench.source / "small").write_bytes(b"small")
    assert bench.take(kind="full").root is not None
    later = FakeClock(datetime.now(UTC) + timedelta(days=2))
    planned = Repository.open(str(bench.place), bench.key(), clock=later).plan_clean_up()
    assert planned.empty, planned.packs


def test_packs_that_tiny_files_filled_are_not_written_anew_by_each_clean_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pack_module, collect_plan):
        monkeypatch.setattr(module, "PACK_CHUNKS", 20)
    monkeypatch.setattr(sink, "SEGMENT_CHUNKS", 10)
    for number in range(200):
        (bench.source / f"{number:03}").write_text(f"{number}")
    repository = bench.open()
    snapshot = taken(bench, repository)
    before = packs(bench)
    assert len(before) >= 10
    assert plan(repository).empty
    base = snapshot
    for number in range(8):  # and those that are small for another reason are merged without them
        noise(bench.source / f"file-{number}", 3_000)
        base = taken(bench, repository, base)
    assert clean_up(repository).plan.count(PackFate.SMALL) >= 8
    assert len(before - packs(bench)) <= 1  # the last one was not full
    assert repository.verify(snapshot).intact
    assert repository.verify(base).intact
