"""Runs and tests of recovery plans in the catalog: as they were, interrupted when their process is gone, and not kept for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.recoveries import KEPT, OBSERVED
from reconciler.catalog.tables import SCHEMA_VERSION
from reconciler.model.recovery import RecoveryOutcome, RecoveryRun, RunMode, StepRecord, StepState

HOUR = timedelta(hours=1)


def run(at: datetime, name: str = "r1", mode: RunMode = RunMode.RUN, **changes: object) -> RecoveryRun:
    steps = (
        StepRecord("data", "restore", StepState.DONE, at, at + HOUR, 2, 3600.0, "back", "x" * 32, "/new", 3, 40, digest="d"),
        StepRecord("check", "assert", StepState.RUNNING, at + HOUR, attempts=1),
    )
    made = RecoveryRun(name, "shop", mode, "human_error", "g1", at, "ada", steps, at=at - HOUR, rto_seconds=60.0, predicted_seconds=1.5)
    return replace(made, **changes)  # type: ignore[arg-type]


def over(made: RecoveryRun, outcome: RecoveryOutcome = RecoveryOutcome.RECOVERED) -> RecoveryRun:
    return replace(
        made, outcome=outcome, ended_at=made.started_at + HOUR, expires_at=made.started_at + 9 * HOUR, findings=("é",), resumed=1
    )


def test_what_was_written_is_read_again(catalog: Catalog, noon: datetime) -> None:
    catalog.recoveries.begin(run(noon))
    assert catalog.recoveries.newest(5) == (run(noon),)
    catalog.recoveries.put(over(run(noon)))
    assert catalog.recoveries.newest(5, "shop", RunMode.RUN) == catalog.recoveries.recent() == (over(run(noon)),)
    assert catalog.recoveries.newest(5, "other") == catalog.recoveries.newest(5, None, RunMode.TEST) == ()


def test_a_run_whose_process_is_gone_was_interrupted(catalog: Catalog, noon: datetime, tmp_path: Path) -> None:
    code = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from tests.unit.catalog.test_recorded_recoveries import run
Catalog.open(Path(sys.argv[1]), clock=SystemClock()).recoveries.begin(run(datetime(2026, 11, 23, tzinfo=UTC)))
"""
    place = tmp_path / "other.sqlite"
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code, place], check=True, env={"PYTHONPATH": str(root), "PATH": os.environ["PATH"]})
    with Catalog.peek(place) as view:
        (found,) = view.recoveries.newest(5)
    assert (found.outcome, found.can_resume) == (RecoveryOutcome.INTERRUPTED, True)
    assert [step.state for step in found.steps] == [StepState.DONE, StepState.INTERRUPTED]


def test_the_newest_are_kept_and_what_can_be_gone_on_with_beyond(catalog: Catalog, noon: datetime) -> None:
    waiting = over(run(noon - HOUR, "waits"), RecoveryOutcome.WAITING)
    catalog.recoveries.begin(waiting)
    catalog.recoveries.put(waiting)
    for number in range(KEPT + 2):
        made = run(noon + number * HOUR, f"r{number}")
        catalog.recoveries.begin(made)
        catalog.recoveries.put(over(made))
    kept = catalog.recoveries.newest(1000)
    assert len(kept) == KEPT + 1
    assert kept[-1].id == "waits"
    assert [each.id for each in catalog.recoveries.recent()] == [f"r{KEPT + 1 - number}" for number in range(OBSERVED)]


def test_only_tests_leave_sandboxes(catalog: Catalog, noon: datetime) -> None:
    place = "/s/reconciler-drill-t1"
    catalog.recoveries.begin(run(noon, "r1"))
    catalog.recoveries.begin(run(noon, "t1", RunMode.TEST, sandbox=place))
    assert catalog.recoveries.leftovers() == ()  # this process lives
    catalog.recoveries.put(over(run(noon, "t1", RunMode.TEST, sandbox=place)))
    assert [each.sandbox for each in catalog.recoveries.leftovers()] == [place]


def test_an_older_catalog_gets_the_table(tmp_path: Path, noon: datetime) -> None:
    place = tmp_path / "catalog.sqlite"
    with Catalog.open(place, clock=SystemClock()) as catalog:
        catalog.put_value("schema_version", "7")
        with catalog._store.writing() as connection:
            connection.exec_driver_sql("DROP TABLE recoveries")
    with Catalog.peek(place) as view:
        assert view.recoveries.recent() == ()
    with Catalog.open(place, clock=SystemClock()) as catalog:
        catalog.recoveries.begin(run(noon))
        assert catalog.get_value("schema_version") == str(SCHEMA_VERSION)


def test_no_catalog_knows_no_run(tmp_path: Path) -> None:
    with Catalog.peek(tmp_path / "none.sqlite") as view:
        assert (view.recoveries.recent(), view.recoveries.newest(5), view.recoveries.leftovers()) == ((), (), ())
