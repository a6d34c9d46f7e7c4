"""A backup and a clean-up at the same time: both come to their end, whoever was faster."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from reconciler.app.reports import RestoreRequest
from reconciler.model.snapshot import BackupKind
from tests.fakes.houses import quick_folder
from tests.unit.app.test_app_sources import Shop

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a shell")

CLEAN_UP = """\
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from reconciler.base.secret import Secret
from reconciler.repository import Repository
from reconciler.repository.collect import CleanUp

place, key = sys.argv[1:]
with Repository.open(place, Secret(Path(key).read_bytes().strip())) as repository:
    made = CleanUp(repository._store, repository._seals, datetime.now(UTC) + timedelta(days=9))
    digest = made.plan().digest
    CleanUp(repository._store, repository._seals, datetime.now(UTC) + timedelta(days=9)).run(digest)
"""


@pytest.fixture
def shop() -> Iterator[Shop]:
    with quick_folder() as folder:
        yield Shop(folder)


def test_a_backup_reads_again_what_a_clean_up_removed_while_it_ran(shop: Shop) -> None:
    """The dump prints what a forgotten snapshot held; the run finds it stored, and a clean-up removes it before the run ends."""
    script, runs, cleaned = (shop.folder / name for name in ("clean_up.py", "runs", "cleaned"))
    script.write_text(CLEAN_UP)
    dumped = f"seq 1 60000; echo run >> {runs}"
    clean = f"{sys.executable} {script} {shop.repository} {shop.folder}/keys/main.key >&2 && touch {cleaned}"
    quiet, racing = shop.program(dumped), shop.program(f"{dumped}\n[ -e {cleaned} ] || {{ {clean}; }}")
    shop.declare("{path: ../orders}")
    shop.one_pass(init=True)
    shop.declare("{path: ../orders}", f"{{command: [{quiet}], name: dump}}")
    first = shop.backup(BackupKind.FULL)
    assert first.done.snapshot_id is not None
    shop.declare("{path: ../orders}")
    shop.backup(BackupKind.FULL)
    with shop.session() as session:
        session.forget([first.done.snapshot_id], reason="test")
    shop.clock.advance(timedelta(hours=1))
    shop.declare("{path: ../orders}", f"{{command: [{racing}], name: dump}}")
    result = shop.backup(BackupKind.FULL)
    assert result.outcome == "succeeded", result.message
    assert cleaned.exists(), "the clean-up came between"
    assert runs.read_text().count("run") == 3, "once before, and twice now"
    target = shop.folder / "target"
    with shop.session() as session:
        session.restore(RestoreRequest(str(target), snapshot=result.done.snapshot_id))
    (dump,) = target.rglob("dump")
    assert dump.read_text().count("\n") == 60_000
    with shop.session() as session:
        assert all(each.outcome == "succeeded" for each in session.verify(["orders"], deep=True))
