"""Statistics of a real repository: what is counted, and what is said of one that cannot be looked at."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta

import pytest

from reconciler.app.errors import NotFound
from tests.fakes.houses import WholeHouse


def test_a_repository_says_what_is_different_in_it_and_what_that_takes(house: WholeHouse) -> None:
    (house.source / "noise").write_bytes(os.urandom(500_000))
    (house.source / "text").write_bytes(b"the same line again\n" * 25_000)
    house.one_pass(init=True)
    house.clock.advance(timedelta(hours=2))
    (house.source / "one.txt").write_text("two")
    house.one_pass()
    with house.session(read_only=True) as session:
        found = session.statistics()
        cached = session.statistics(cached=True)
    row = next(row for row in found.systems if row.system == "orders")
    assert (row.snapshots, row.good, row.backups, row.failed) == (2, 2, 2, 0)
    assert row.logical_bytes > 2_000_000
    (main,) = found.repositories
    assert main.stored is not None
    assert 1_000_000 <= main.stored.unique_bytes < 1_100_000
    assert main.stored.packed_bytes < main.stored.bytes < 600_000
    assert main.deduplication == pytest.approx(main.logical_bytes / main.stored.unique_bytes)
    assert main.compression is not None
    assert main.compression > 1.7
    assert cached.repositories[0].stored is None
    assert [r.logical_bytes for r in cached.repositories] == [r.logical_bytes for r in found.repositories]


def test_a_repository_that_is_gone_is_named_and_the_rest_stands(house: WholeHouse) -> None:
    house.one_pass(init=True)
    shutil.rmtree(house.repository)
    with house.session(read_only=True) as session:
        found = session.statistics()
    assert [name for name, _ in found.unseen] == ["main"]
    assert found.systems


def test_a_system_that_nobody_declares(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session(read_only=True) as session, pytest.raises(NotFound, match="no system 'ghost' is declared"):
        session.statistics("ghost")
