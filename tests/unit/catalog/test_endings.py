"""How long actions took and when one last went well: what is counted outlives the log of runs, and no run is counted twice."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.endings import Endings
from reconciler.catalog.records import RunOutcome
from reconciler.catalog.runs import RUNS_KEPT
from reconciler.catalog.tables import SCHEMA_VERSION
from reconciler.model.durations import BOUNDS, Durations


def run(
    catalog: Catalog, at: datetime, seconds: float, outcome: RunOutcome = RunOutcome.SUCCEEDED, kind: str = "backup", to: str = "main"
) -> str:
    known = {"kind": kind, "system": "orders", "repository": to, "lane": "objective", "backup_kind": None, "generation": "g", "reason": "r"}
    found = catalog.begin_run(**known, at=at)
    catalog.end_run(found, outcome=outcome, at=at + timedelta(seconds=seconds))
    return found


def test_durations_fall_between_bounds_and_a_clock_that_was_set_back_counts_as_nothing() -> None:
    took = Durations()
    for seconds in (0.2, 1.0, 1.1, 59, 60, 61, 1e9, -5):
        took = took.and_one(seconds)
    assert dict(zip([*BOUNDS, None], took.counts, strict=True)) == {
        1.0: 3, 5.0: 1, 15.0: 0, 60.0: 2, 300.0: 1, 900.0: 0, 3600.0: 0, 14400.0: 0, 43200.0: 0, None: 1,
    }  # fmt: skip
    assert took.seconds == pytest.approx(0.2 + 1 + 1.1 + 59 + 60 + 61 + 1e9)
    assert (took + took).counts == tuple(2 * count for count in took.counts)


def test_what_ended_is_counted_by_kind_over_all_repositories_and_the_last_good_end_by_both(catalog: Catalog, noon: datetime) -> None:
    hour = timedelta(hours=1)
    run(catalog, noon, 3)
    run(catalog, noon + hour, 30, RunOutcome.UNCHANGED, to="offsite")
    run(catalog, noon + 2 * hour, 3, RunOutcome.FAILED)
    run(catalog, noon + 3 * hour, 4000, RunOutcome.PARTIAL, kind="prune")
    found = catalog.endings.read()
    assert found.durations["backup"] == Durations((0, 2, 0, 1, 0, 0, 0, 0, 0, 0), 36.0)
    assert found.durations["prune"].seconds == 4000
    assert found.well == {
        "main": {"backup": noon + timedelta(seconds=3)},
        "offsite": {"backup": noon + hour + timedelta(seconds=30)},
    }, "neither a failure nor half of it is well"


def test_an_outcome_that_is_written_twice_counts_once_and_one_that_was_interrupted_not_at_all(catalog: Catalog, noon: datetime) -> None:
    first = run(catalog, noon, 3)
    catalog.end_run(first, outcome=RunOutcome.SUCCEEDED, at=noon + timedelta(days=1))
    run(catalog, noon, 86400, RunOutcome.INTERRUPTED)
    assert sum(catalog.endings.read().durations["backup"].counts) == 1


def test_what_is_counted_outlives_the_log_of_runs(catalog: Catalog, noon: datetime) -> None:
    for number in range(RUNS_KEPT + 5):
        run(catalog, noon + timedelta(minutes=number), 2)
    assert len(catalog.runs(10_000)) == RUNS_KEPT
    assert sum(catalog.endings.read().durations["backup"].counts) == RUNS_KEPT + 5


def test_what_was_counted_between_other_bounds_begins_anew(path: Path, noon: datetime) -> None:
    with Catalog.open(path, clock=SystemClock()) as catalog:
        run(catalog, noon, 3)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE endings SET counts = '[1, 2]'")
    connection.close()
    with Catalog.open(path, clock=SystemClock()) as catalog:
        assert catalog.endings.read().durations["backup"] == Durations()
        run(catalog, noon, 7)
        assert sum(catalog.endings.read().durations["backup"].counts) == 1


def test_an_older_catalog_gets_the_table(path: Path, noon: datetime) -> None:
    with Catalog.open(path, clock=SystemClock()) as catalog:
        catalog.put_value("writer", "w1")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE endings")
        connection.execute("UPDATE settings SET text = '9' WHERE key = 'schema_version'")
    connection.close()
    with Catalog.peek(path) as view:
        assert view.endings.read() == Endings()
    with Catalog.open(path, clock=SystemClock()) as catalog:
        run(catalog, noon, 3)
        assert catalog.get_value("writer") == "w1"
        assert catalog.get_value("schema_version") == str(SCHEMA_VERSION)
        assert list(catalog.endings.read().durations) == ["backup"]


def test_without_a_catalog_nothing_was_done(path: Path) -> None:
    with Catalog.peek(path) as view:
        assert (view.endings.read(), view.newest_lease()) == (Endings(), 0)
