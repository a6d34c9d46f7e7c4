"""Who brought what back, when, and what came of it; also in a catalog that was made before such things were written down."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.base.clock import SystemClock
from reconciler.catalog import restores
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.records import RestoreRecord, RunOutcome
from reconciler.catalog.tables import SCHEMA_VERSION
from reconciler.model.observed import Failure

HOUR = timedelta(hours=1)


def record(at: datetime, name: str = "r1", **changes: object) -> RestoreRecord:
    plain = RestoreRecord(name, "restore", "orders", "main", "s1", "/back", False, "refuse", "maria (cli)", at)
    return replace(plain, **changes)  # type: ignore[arg-type]


def done(catalog: Catalog, at: datetime, name: str, **changes: object) -> RestoreRecord:
    begun = record(at, name, **changes)
    catalog.begin_restore(begun)
    ended = replace(begun, ended_at=at + HOUR, outcome=changes.get("outcome", RunOutcome.SUCCEEDED), files=3, bytes=70, seconds=1.5)
    catalog.end_restore(ended)
    return ended


def test_an_intent_is_readable_before_its_outcome(catalog: Catalog, noon: datetime) -> None:
    catalog.begin_restore(record(noon))
    assert catalog.restores(10) == (record(noon),)
    ended = record(
        noon, ended_at=noon + HOUR, outcome=RunOutcome.PARTIAL, files=7, bytes=9, deleted=2, failures=1, losses=3, seconds=2.5,
        safety_id="s0", undoes="r0", failure=Failure("tree-failed", "it failed", "look"),
    )  # fmt: skip
    catalog.end_restore(ended)
    assert catalog.restores(10) == (ended,)
    assert ended.duration == HOUR


def test_newest_first_and_of_one_system(catalog: Catalog, noon: datetime) -> None:
    for number in range(4):
        catalog.begin_restore(record(noon + number * HOUR, f"r{number}", system="ledger" if number % 2 else "orders"))
    assert [r.id for r in catalog.restores(3)] == ["r3", "r2", "r1"]
    assert [r.id for r in catalog.restores(9, "orders")] == ["r2", "r0"]


BEGIN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.records import RestoreRecord
record = RestoreRecord("r1", "restore", "orders", "main", "s1", "", True, "overwrite", "x", datetime(2026, 3, 1, tzinfo=UTC))
Catalog.open(Path(sys.argv[1]), clock=SystemClock()).begin_restore(record)
"""


def test_one_whose_process_is_gone_is_interrupted_until_it_is_continued(path: Path) -> None:
    subprocess.run([sys.executable, "-c", BEGIN, str(path)], check=True)
    with Catalog.peek(path) as view:
        (found,) = view.restores(10)
        assert found.outcome is RunOutcome.INTERRUPTED
    with Catalog.open(path, clock=SystemClock()) as catalog:
        catalog.begin_restore(found)
        (again,) = catalog.restores(10)
        assert (again.outcome, again.started_at) == (None, found.started_at)


def test_what_was_measured_is_of_the_system_or_else_of_the_repository(catalog: Catalog, noon: datetime) -> None:
    for number in range(7):
        done(catalog, noon + number * HOUR, f"r{number}")
    done(catalog, noon + 8 * HOUR, "other", system="ledger")
    done(catalog, noon + 9 * HOUR, "partial", outcome=RunOutcome.PARTIAL)
    done(catalog, noon + 9 * HOUR, "elsewhere", system="ledger", repository="offsite")
    assert [r.id for r in catalog.measured_restores("orders", "main", noon)] == ["r6", "r5", "r4", "r3", "r2"]
    assert next(r.id for r in catalog.measured_restores("unknown", "main", noon)) == "other"
    assert catalog.measured_restores("orders", "main", noon + 10 * HOUR) == ()
    assert catalog.measured_restores("unknown", "unknown", noon) == ()


def test_only_the_newest_are_kept(catalog: Catalog, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restores, "KEPT", 3)
    catalog.begin_restore(record(noon - HOUR, "under way"))
    for number in range(5):
        done(catalog, noon + number * HOUR, f"r{number}")
    assert [r.id for r in catalog.restores(10)] == ["r4", "r3", "r2", "under way"]


@pytest.fixture
def of_version_1(path: Path) -> Path:
    """A catalog as it was before restores were recorded."""
    with Catalog.open(path, clock=SystemClock()) as catalog:
        catalog.put_value("writer", "w1")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE restores")
        connection.execute("UPDATE settings SET text = '1' WHERE key = 'schema_version'")
    connection.close()
    return path


def test_an_older_catalog_gets_the_new_table_and_keeps_what_it_has(of_version_1: Path, noon: datetime) -> None:
    with Catalog.open(of_version_1, clock=SystemClock()) as catalog:
        assert catalog.recovered is None
        catalog.begin_restore(record(noon))
        assert catalog.restores(10) == (record(noon),)
        assert catalog.get_value("writer") == "w1"
    with Catalog.open(of_version_1, clock=SystemClock()) as catalog:
        assert catalog.get_value("schema_version") == str(SCHEMA_VERSION)


def test_looking_at_an_older_catalog_changes_nothing_in_it(of_version_1: Path) -> None:
    before = of_version_1.read_bytes()
    with Catalog.peek(of_version_1) as view:
        assert view.restores(10) == ()
        assert view.get_value("writer") == "w1"
    assert of_version_1.read_bytes() == before
