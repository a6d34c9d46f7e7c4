"""What runs in processes that are killed. Imported once by a server that forks a fresh process for each kill."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.base.errors import Cancelled
from reconciler.base.secret import Secret
from reconciler.repository import Keyring, Repository, TakeRequest
from reconciler.repository.store import LocalStore
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import Scan, ScanRoot
from tests.fakes.clocks import FakeClock
from tests.faults.disks import Counting, Deadly
from tests.unit.repository.conftest import WRITER, Bench

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def _repository(bench: Bench, disk: Counting) -> Repository:
    clock = FakeClock(datetime.now(UTC) + timedelta(days=2))  # so that a clean-up leaves nothing alone for being fresh
    return Repository.open(str(bench.place), bench.key(), store=LocalStore(str(bench.place), disk), clock=clock)


def backup(bench: Bench, disk: Counting) -> None:
    repository = _repository(bench, disk)
    bench.take(repository, base=repository.listing().roots[0].id)


class _Later(threading.Event):
    """Set once it was looked at so often: for each folder and before each file."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks

    def is_set(self) -> bool:
        self._looks -= 1
        return self._looks < 0


def full_backup(bench: Bench, disk: Counting) -> None:
    bench.take(_repository(bench, disk), kind="full")


def stopped_backup(bench: Bench, disk: Counting) -> None:
    """Writes a checkpoint after the first file and ends."""
    repository = _repository(bench, disk)
    stop = _Later(len(bench.source.parts))
    request = TakeRequest("realm", "system", "host", "full", NOW, "generation", b"{}", WRITER, (str(bench.source),))
    scan = Scan([ScanRoot(str(bench.source), Excludes(()))])
    with contextlib.suppress(Cancelled):
        repository.take(scan, request, base=None, judge=lambda defects: "complete", stop=stop)


def mark(bench: Bench, disk: Counting) -> None:
    repository = _repository(bench, disk)
    repository.mark(repository.listing().roots[0].id, "verified", NOW)


def forget(bench: Bench, disk: Counting) -> None:
    repository = _repository(bench, disk)
    repository.forget([repository.listing().roots[-1].id])


def clean_up(bench: Bench, disk: Counting) -> None:
    """Of what is there when each of these tests begins, the older snapshots go."""
    repository = _repository(bench, disk)
    repository.clean_up(confirm=repository.plan_clean_up().digest)


def copy(bench: Bench, disk: Counting) -> None:
    """From a repository beside it."""
    origin = Bench(bench.source, bench.place.parent / "origin").open()
    for _ in _repository(bench, disk).copy_from(origin, [root.id for root in origin.listing().roots]):
        continue


def hold(bench: Bench, disk: Counting) -> None:
    repository = _repository(bench, disk)
    repository.mark(repository.listing().roots[-1].id, "held", NOW, "for the auditors", sole=True)


def distrust(bench: Bench, disk: Counting) -> None:
    """A pack that nobody doubted yet is remarked upon."""
    _repository(bench, disk).distrust([f"packs/00/{os.urandom(32).hex()}"], NOW)


def examine(bench: Bench, disk: Counting) -> None:
    """Reads everything and writes down what it read."""
    repository = _repository(bench, disk)
    assert repository.examine([repository.listing().roots[0].id], deep=True, scope=os.urandom(4).hex()).intact


def change_keys(bench: Bench, disk: Counting) -> None:
    ring = Keyring.open(str(bench.place), bench.key(), store=LocalStore(str(bench.place), disk))
    ring.remove(ring.add(Secret(b"6b" * 32), "raw", NOW))


ACTS: dict[str, Callable[[Bench, Counting], None]] = {
    each.__name__: each
    for each in (backup, full_backup, stopped_backup, mark, hold, distrust, examine, change_keys, forget, clean_up, copy)
}


def die(act: str, source: str, place: str, at: int) -> None:
    """Ends by SIGKILL at the mutating call with the number ``at``, or well when there are fewer."""
    ACTS[act](Bench(Path(source), Path(place)), Deadly(at))
