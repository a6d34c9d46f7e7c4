"""Reading while a clean-up runs: nothing is locked, so what was just listed may have moved."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from reconciler.repository import Repository
from reconciler.repository.store import LocalStore
from tests.fakes.clocks import FakeClock
from tests.unit.repository.conftest import Bench


class Overtaken(LocalStore):
    """When the first pack is about to be read, something else happens first."""

    def __init__(self, root: str, first: Callable[[], object]) -> None:
        super().__init__(root)
        self.first: list[Callable[[], object]] = [first]

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        if self.first:
            self.first.pop()()
        return super().get_range(name, offset, length)


def test_a_verification_called_a_snapshot_damaged_because_a_clean_up_had_moved_its_data(bench: Bench) -> None:
    (bench.source / "large").write_bytes(os.urandom(100_000))
    (bench.source / "small").write_bytes(os.urandom(500))
    first = bench.take(kind="full").root
    assert first is not None
    (bench.source / "large").unlink()
    second = bench.take(base=first.id).root
    assert second is not None
    later = FakeClock(datetime.now(UTC) + timedelta(days=2))
    other = Repository.open(str(bench.place), bench.key(), clock=later)
    other.forget([first.id])
    removed = []

    def clean_up() -> None:
        removed.append(other.clean_up(confirm=other.plan_clean_up().digest).removed_packs)

    repository = Repository.open(str(bench.place), bench.key(), store=Overtaken(str(bench.place), clean_up))
    verified = repository.verify(second.id)
    assert removed[0] >= 1, "nothing was moved, so nothing was shown"
    assert verified.intact, verified.damaged
