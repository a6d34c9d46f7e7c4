"""A restore into a folder that was killed, and is typed again: it ends whole, and nothing half written stays."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

from reconciler.app.reports import RestoreRequest
from reconciler.app.restoring.leftovers import prefix_of
from reconciler.catalog.records import RunOutcome
from tests.fakes.houses import WholeHouse

FOREIGN = ".0123456789abcdef0.part"


def killed(house: WholeHouse, target: Path) -> None:
    """A restore whose process ends with the first sign of progress, as by SIGKILL."""

    def run() -> None:
        with house.session() as session:
            session.restore(RestoreRequest(str(target), system="orders"), progress=lambda _amount: os._exit(9))
        os._exit(0)

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    child.join(60)
    assert child.exitcode == 9


def test_what_a_killed_restore_left_half_written_goes_with_the_next_one(house: WholeHouse) -> None:
    (house.source / "folder").mkdir()
    for number in range(20):
        (house.source / "folder" / f"file{number:02}").write_bytes(os.urandom(20_000))
    house.one_pass(init=True)
    target = house.folder / "back"
    killed(house, target)
    with house.session() as session:
        (record,) = session.restores().restores
        assert record.outcome is RunOutcome.INTERRUPTED
        folder = target / str(house.source).lstrip("/") / "folder"
        folder.mkdir(parents=True, exist_ok=True)
        half = folder / f"{prefix_of(record.id).decode()}.1.3.part"
        half.write_bytes(b"half of it")
        (folder / FOREIGN).write_bytes(b"somebody else's")
        report = session.restore(RestoreRequest(str(target), system="orders"))
    assert report.whole
    assert not half.exists()
    assert (folder / FOREIGN).read_bytes() == b"somebody else's"
    assert {p.name for p in folder.iterdir()} == {FOREIGN, *(p.name for p in (house.source / "folder").iterdir())}
