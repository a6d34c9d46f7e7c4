"""Drills in the catalog, and a catalog of a version that had none."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.drills import KEPT, OBSERVED
from reconciler.catalog.tables import SCHEMA_VERSION
from reconciler.model.drill import Asserted, Control, DrillOutcome, DrillRecord

DAY = timedelta(days=1)


def record(at: datetime, name: str = "d1", system: str = "orders") -> DrillRecord:
    return DrillRecord(name, system, "main", "s1", "newest", at, "loop", as_of=at - DAY, sandbox="/s/reconciler-drill-d1")


def ended(plain: DrillRecord) -> DrillRecord:
    return replace(
        plain,
        ended_at=plain.started_at + timedelta(seconds=9),
        outcome=DrillOutcome.PROVEN,
        expires_at=plain.started_at + 14 * DAY,
        restore_seconds=2.5,
        findings=("a", "b"),
        asserted=(Asserted("path x", True, "holds", on_older=True, seconds=0.5),),
        controls=(Control("flipped", True, "/x"), Control("swapped", None)),
        sandbox="",
    )


def test_a_record_comes_back_as_it_was(catalog: Catalog, noon: datetime) -> None:
    catalog.drills.begin(record(noon))
    assert catalog.drills.newest(5) == (record(noon),)
    assert catalog.drills.leftovers() == ()  # this process lives
    catalog.drills.end(ended(record(noon)))
    assert catalog.drills.newest(5) == catalog.drills.recent() == (ended(record(noon)),)
    assert catalog.drills.newest(5, "other") == ()


def test_some_are_observed_and_old_ones_go(catalog: Catalog, noon: datetime) -> None:
    for number in range(KEPT + 3):
        plain = record(noon + number * DAY, f"d{number}")
        catalog.drills.begin(plain)
        catalog.drills.end(ended(plain))
    other = record(noon, "other", "wiki")
    catalog.drills.begin(other)
    assert len(catalog.drills.newest(1000)) == KEPT + 1
    seen = catalog.drills.recent()
    assert (len(seen), seen[0].id, seen[-1]) == (OBSERVED + 1, f"d{KEPT + 2}", other)


def test_recent_drills_are_read_again_only_when_one_began_or_ended_in_any_process(path: Path, noon: datetime) -> None:
    """Thousands of them are asked for in each pass of a loop."""
    with Catalog.open(path, clock=SystemClock()) as mine, Catalog.open(path, clock=SystemClock()) as other:
        other.drills.begin(record(noon))
        known = mine.drills.recent()
        assert known == (record(noon),)
        assert mine.drills.recent() is known
        other.drills.end(ended(record(noon)))
        assert mine.drills.recent() == (ended(record(noon)),)
        for number in range(KEPT + 3):
            other.drills.begin(plain := record(noon + number * DAY, f"e{number}"))
            other.drills.end(ended(plain))
        assert mine.drills.recent() == other.drills.recent()
        assert len(mine.drills.recent()) == OBSERVED


def test_an_older_catalog_gets_the_table(path: Path, noon: datetime) -> None:
    with Catalog.open(path, clock=SystemClock()) as catalog:
        catalog.put_value("writer", "w1")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE drills")
        connection.execute("UPDATE settings SET text = '6' WHERE key = 'schema_version'")
    connection.close()
    with Catalog.peek(path) as view:
        assert view.drills.recent() == ()
    with Catalog.open(path, clock=SystemClock()) as catalog:
        catalog.drills.begin(record(noon))
        assert catalog.get_value("writer") == "w1"
        assert catalog.get_value("schema_version") == str(SCHEMA_VERSION)


def test_without_a_catalog_there_are_none(path: Path) -> None:
    with Catalog.peek(path) as view:
        assert (view.drills.recent(), view.drills.newest(5), view.drills.leftovers()) == ((), (), ())
