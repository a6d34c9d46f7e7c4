"""What a snapshot says of its age: never younger than anything in it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reconciler.model.snapshot import BackupKind
from tests.fakes.clocks import FakeClock
from tests.fakes.houses import WholeHouse
from tests.fakes.programs import program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a shell")


class ClockInAFile(FakeClock):
    """A clock that a program of the test sets: whatever it writes is the time."""

    def __init__(self, file: Path, at: datetime) -> None:
        super().__init__(at)
        self._file = file

    def now(self) -> datetime:
        minutes = len(self._file.read_bytes()) if self._file.exists() else 0
        return super().now() + timedelta(minutes=minutes)


def test_a_hook_may_have_dumped_from_its_beginning_on(house: WholeHouse) -> None:
    with closing(sqlite3.connect(house.source / "shop.db")) as db:
        db.execute("CREATE TABLE t (x)")
    with house.session() as session:
        session.init_repository("main")
    ages = []
    for hooks in (False, True):
        minute = house.folder / f"minutes-{hooks}"
        house.clock = ClockInAFile(minute, house.clock.now() + timedelta(hours=1))
        began = house.clock.now()
        passes = program(house.folder / "bin", f"printf x >> {minute}")  # a minute passes while it runs
        house.allowed = (house.folder / "bin",)
        extra = f"  hooks: {{before: [{{command: [{passes}]}}]}}\n" if hooks else ""
        sources = (
            f"[{{command: [{program(house.folder / 'bin', f'printf x >> {minute}; echo x')}], name: out}}, {{sqlite: ../orders/shop.db}}]"
        )
        house.write(
            "orders.yaml",
            "apiVersion: reconciler/v1\nkind: System\nmetadata: {name: orders}\nspec:\n  tier: low\n  policy: standard\n"
            f"  sources: {sources}\n{extra}",
        )
        with house.session() as session:
            (result,) = session.backup(["orders"], BackupKind.FULL)
        assert result.failure is None
        assert result.done.as_of is not None
        ages.append(result.done.as_of - began)
        assert house.clock.now() - began == timedelta(minutes=2 if hooks else 1)
    assert ages == [timedelta(0), timedelta(0)], "frozen, or begun to be prepared, before any time had passed"
