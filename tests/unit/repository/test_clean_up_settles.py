"""A clean-up comes to an end: what it has just written it does not write again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.repository import Repository
from tests.fakes.clocks import FakeClock
from tests.unit.repository.conftest import Bench


def test_a_small_pack_was_written_again_by_every_clean_up(bench: Bench) -> None:
    (bench.source / "small").write_bytes(b"small")
    assert bench.take(kind="full").root is not None
    later = FakeClock(datetime.now(UTC) + timedelta(days=2))
    plan = Repository.open(str(bench.place), bench.key(), clock=later).plan_clean_up()
    assert plan.empty, plan.packs
