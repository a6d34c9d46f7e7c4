"""A run that is stopped keeps what it stored, and the next one continues from there."""

import random
import threading
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.base.errors import Cancelled
from reconciler.repository import TakeRequest
from reconciler.repository import take as take_module
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import Scan, ScanRoot


class AsksToStop(threading.Event):
    """Set once it was looked at so often."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def test_a_stop_in_the_middle_of_a_large_file_leaves_a_checkpoint_that_the_next_run_continues_from(bench, tmp_path):
    (bench.source / "a small one").write_bytes(b"first in order")
    (bench.source / "large").write_bytes(random.Random(2).randbytes(90 * 2**20))
    request = TakeRequest("realm", "system", "host", "full", datetime.now(UTC), "g", b"", "f" * 32, (str(bench.source),))

    scan = Scan([ScanRoot(str(bench.source), Excludes(()))])
    with pytest.raises(Cancelled):  # after each folder above the source, the small file, the large one, and some of its windows
        bench.open().take(scan, request, base=None, judge=lambda _: "complete", stop=AsksToStop(len(bench.source.parents) + 5))
    assert bench.open().listing().roots == ()
    assert [path.name.rpartition("-")[2] for path in (bench.place / "pending").iterdir()] == ["1"]
    stored = sum(path.stat().st_size for path in (bench.place / "packs").rglob("*") if path.is_file())
    assert stored > 10 * 2**20
    again = bench.take(kind="full")
    assert again.added_bytes < 92 * 2**20 - stored
    assert bench.restore(again.root.id, tmp_path / "out").failures == ()
    assert (bench.inside(tmp_path / "out") / "large").read_bytes() == (bench.source / "large").read_bytes()


def test_a_run_of_many_tiny_files_leaves_checkpoints_by_their_number(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(take_module, "CHECKPOINT_CHUNKS", 40)
    for number in range(100):
        (bench.source / f"{number:03}").write_bytes(b"%d" % number)
    request = TakeRequest(
        "realm", "system", "host", "full", datetime.now(UTC) + timedelta(seconds=30), "g", b"", "f" * 32, (str(bench.source),)
    )
    scan = Scan([ScanRoot(str(bench.source), Excludes(()))])
    with pytest.raises(Cancelled):
        bench.open().take(scan, request, base=None, judge=lambda _: "complete", stop=AsksToStop(len(bench.source.parents) + 90))
    assert sorted(path.name.rpartition("-")[2] for path in (bench.place / "pending").iterdir()) == ["1", "2", "3"]
    again = bench.take(kind="full")
    assert again.continued
    assert again.read_bytes < sum(path.stat().st_size for path in bench.source.iterdir()) / 2
    assert not list((bench.place / "pending").iterdir())
    assert bench.restore(again.root.id, tmp_path / "out").failures == ()
    assert (bench.inside(tmp_path / "out") / "057").read_bytes() == b"57"
