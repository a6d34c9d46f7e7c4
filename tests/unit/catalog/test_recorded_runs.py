"""The intent before, the outcome after, and what the decision remembers of it."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.catalog import runs
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.errors import LeaseLost
from reconciler.catalog.history import Ending
from reconciler.catalog.records import RunOutcome
from reconciler.catalog.runs import RUNS_KEPT
from reconciler.model.observed import Failure
from reconciler.model.snapshot import BackupKind

MINUTE = timedelta(minutes=1)
HERE = ("orders", "main")
NO_SPACE = Failure("repository-no-space", "the disk of main is full", "make room")


def begin(catalog: Catalog, at: datetime, *, kind: str = "backup", generation: str = "g1", lease: int | None = None) -> str:
    return catalog.begin_run(
        kind=kind,
        system="orders",
        repository="main",
        lane="objective",
        backup_kind="incremental" if kind == "backup" else None,
        generation=generation,
        reason="rpo-due",
        at=at,
        lease=lease,
    )


def backup(catalog: Catalog, at: datetime, outcome: RunOutcome, **ending: object) -> str:
    run = begin(catalog, at)
    catalog.end_run(run, outcome=outcome, at=at + MINUTE, **ending)
    return run


def test_an_intent_is_readable_before_its_outcome(catalog: Catalog, noon: datetime) -> None:
    begin(catalog, noon)
    (run,) = catalog.runs(10)
    assert (run.started_at, run.outcome, run.backup_kind, run.duration) == (noon, None, BackupKind.INCREMENTAL, None)
    history = catalog.histories()[HERE]
    assert (history.last_attempt_at, history.last_attempt_kind, history.last_success_at) == (noon, BackupKind.INCREMENTAL, None)


def test_a_success_is_remembered_with_its_figures(catalog: Catalog, noon: datetime) -> None:
    backup(catalog, noon, RunOutcome.SUCCEEDED, snapshot_id="s1", bytes=100, added_bytes=7, files=3, as_of=noon)
    (run,) = catalog.runs(10, "orders")
    assert (run.outcome, run.snapshot_id, run.bytes, run.added_bytes, run.files, run.duration) == (
        RunOutcome.SUCCEEDED, "s1", 100, 7, 3, MINUTE,
    )  # fmt: skip
    history = catalog.histories()[HERE]
    assert (history.last_success_at, history.last_duration, history.durations) == (noon + MINUTE, MINUTE, (MINUTE,))
    assert (history.last_bytes, history.last_added_bytes) == (100, 7)


def test_an_unchanged_run_confirms_and_keeps_the_figures_of_the_last_stored_one(catalog: Catalog, noon: datetime) -> None:
    backup(catalog, noon, RunOutcome.SUCCEEDED, snapshot_id="s1", bytes=100, added_bytes=7)
    later = noon + 10 * MINUTE
    backup(catalog, later, RunOutcome.UNCHANGED, snapshot_id="s1", as_of=later)
    history = catalog.histories()[HERE]
    assert history.confirmed == ("s1", later)
    assert (history.last_success_at, history.last_added_bytes) == (later + MINUTE, 7)


def test_failures_count_up_under_their_generation_until_a_success(catalog: Catalog, noon: datetime) -> None:
    for minute in range(3):
        backup(catalog, noon + minute * MINUTE, RunOutcome.FAILED, failure=NO_SPACE)
    history = catalog.histories()[HERE]
    assert (history.consecutive_failures, history.failed_generation) == (3, "g1")
    assert (history.last_failure, history.last_failure_at) == (NO_SPACE, noon + 3 * MINUTE)
    backup(catalog, noon + 5 * MINUTE, RunOutcome.SUCCEEDED)
    assert catalog.histories()[HERE].consecutive_failures == 0


def test_a_partial_run_is_an_attempt_and_no_success(catalog: Catalog, noon: datetime) -> None:
    backup(catalog, noon, RunOutcome.PARTIAL, snapshot_id="s1")
    history = catalog.histories()[HERE]
    assert (history.last_partial_at, history.last_success_at, history.durations) == (noon, None, ())


@pytest.mark.parametrize("outcome", [RunOutcome.CANCELLED, RunOutcome.INTERRUPTED])
def test_a_run_that_was_stopped_says_nothing_about_the_system(catalog: Catalog, noon: datetime, outcome: RunOutcome) -> None:
    backup(catalog, noon, RunOutcome.FAILED, failure=NO_SPACE)
    before = catalog.histories()[HERE]
    backup(catalog, noon + 5 * MINUTE, outcome)
    after = catalog.histories()[HERE]
    assert after.consecutive_failures == before.consecutive_failures == 1
    assert after.last_success_at is None


def test_only_the_last_ten_durations_are_kept_newest_first(catalog: Catalog, noon: datetime) -> None:
    for number in range(12):
        run = begin(catalog, noon + number * MINUTE)
        catalog.end_run(run, outcome=RunOutcome.SUCCEEDED, at=noon + number * MINUTE + timedelta(seconds=number))
    assert catalog.histories()[HERE].durations == tuple(timedelta(seconds=n) for n in range(11, 1, -1))


def test_the_first_outcome_stands(catalog: Catalog, noon: datetime) -> None:
    run = backup(catalog, noon, RunOutcome.SUCCEEDED)
    catalog.end_run(run, outcome=RunOutcome.FAILED, at=noon + 2 * MINUTE, failure=NO_SPACE)
    assert catalog.runs(1)[0].outcome is RunOutcome.SUCCEEDED
    assert catalog.counters() == ({"backup": 1}, {"backup": 0})


def test_counters_count_every_kind_of_action(catalog: Catalog, noon: datetime) -> None:
    backup(catalog, noon, RunOutcome.SUCCEEDED)
    backup(catalog, noon, RunOutcome.FAILED, failure=NO_SPACE)
    catalog.end_run(begin(catalog, noon, kind="forget"), outcome=RunOutcome.SUCCEEDED, at=noon)
    assert catalog.counters() == ({"backup": 2, "forget": 1}, {"backup": 1, "forget": 0})


def test_a_forget_is_not_an_attempt_of_a_backup(catalog: Catalog, noon: datetime) -> None:
    catalog.end_run(begin(catalog, noon, kind="forget"), outcome=RunOutcome.FAILED, at=noon, failure=NO_SPACE)
    assert catalog.histories() == {}


def test_cutting_the_log_never_changes_the_history(catalog: Catalog, noon: datetime) -> None:
    first = begin(catalog, noon - MINUTE)  # under way all the time: must stay, however old
    with catalog._store.writing() as connection:  # one transaction: hundreds of them would wait for the disk
        for number in range(RUNS_KEPT + 5):
            at = noon + number * MINUTE
            run = runs.begin(connection, runs.Intent("backup", *HERE, "objective", "full", "g1", "rpo-due", at))
            runs.end(connection, run, Ending(RunOutcome.FAILED, at, failure=NO_SPACE))
    kept = catalog.runs(1000)
    assert len(kept) == RUNS_KEPT + 1
    assert first in {run.id for run in kept}
    assert catalog.histories()[HERE].consecutive_failures == RUNS_KEPT + 5


KILLED = """
import os, sys, datetime
from pathlib import Path
from reconciler.base.clock import SystemClock
from reconciler.catalog import runs
from reconciler.catalog.catalog import Catalog
catalog = Catalog.open(Path(sys.argv[1]), clock=SystemClock())
now = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
where = {"system": "orders", "repository": "main", "lane": "objective"}
catalog.begin_run(kind="backup", backup_kind="full", generation="g", reason="x", at=now, **where)
catalog.claim(**where, what="backup of orders", at=now)
os.kill(os.getpid(), 9)
"""


def test_a_killed_run_becomes_interrupted_and_its_claim_is_free(path: Path, noon: datetime) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    with Catalog.open(path, clock=SystemClock()) as catalog:
        mine = begin(catalog, noon + MINUTE)
        assert catalog.busy() == frozenset()
        (gone,) = catalog.mark_interrupted(noon + 2 * MINUTE)
        assert (gone.outcome, gone.ended_at) == (RunOutcome.INTERRUPTED, noon + 2 * MINUTE)
        assert {run.id: run.outcome for run in catalog.runs(10)} == {gone.id: RunOutcome.INTERRUPTED, mine: None}
        assert catalog.recovered is None


def test_a_loop_that_lost_its_lease_starts_nothing(catalog: Catalog, noon: datetime) -> None:
    old = catalog.take_lease(noon)
    new = catalog.take_lease(noon + MINUTE)
    with pytest.raises(LeaseLost):
        begin(catalog, noon, lease=old)
    assert catalog.runs(10) == ()
    begin(catalog, noon, lease=new)
    assert len(catalog.runs(10)) == 1


def test_runs_of_the_same_instant_are_listed_in_the_order_in_which_they_began(catalog: Catalog, noon: datetime) -> None:
    begun = [begin(catalog, noon) for _ in range(20)]
    assert [run.id for run in catalog.runs(20)] == begun[::-1]
