"""What runs in processes that are killed. Imported once by a server that forks a fresh process for each kill."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from reconciler.base.errors import Cancelled
from reconciler.repository import Repository, TakeRequest
from reconciler.repository.store import LocalStore
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import Scan, ScanRoot
from tests.faults.disks import Counting, Deadly
from tests.unit.repository.conftest import WRITER, Bench

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def _repository(bench: Bench, disk: Counting) -> Repository:
    return Repository.open(str(bench.place), bench.key(), store=LocalStore(str(bench.place), disk))


def backup(bench: Bench, disk: Counting) -> None:
    repository = _repository(bench, disk)
    bench.take(repository, base=repository.listing().roots[0].id)


def full_backup(bench: Bench, disk: Counting) -> None:
    bench.take(_repository(bench, disk), kind="full")


def stopped_backup(bench: Bench, disk: Counting) -> None:
    """Writes a checkpoint and ends."""
    repository = _repository(bench, disk)
    stop = threading.Event()
    stop.set()
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


ACTS: dict[str, Callable[[Bench, Counting], None]] = {each.__name__: each for each in (backup, full_backup, stopped_backup, mark, forget)}


def die(act: str, source: str, place: str, at: int) -> None:
    """Ends by SIGKILL at the mutating call with the number ``at``, or well when there are fewer."""
    ACTS[act](Bench(Path(source), Path(place)), Deadly(at))
