"""What was seen of the host, kept: look by look, hour by hour, and no longer than it should be."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from reconciler.base.clock import SystemClock
from reconciler.catalog import looks, tables
from reconciler.catalog.catalog import Catalog
from reconciler.model.health import HealthState, Held, Seen

BAD, WARNING, GOOD = HealthState.BAD, HealthState.WARNING, HealthState.GOOD
SPACE = ("space", "state")
KEPT = timedelta(days=90)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def put(catalog: Catalog, at: datetime, value: float | None = 0.5, state: HealthState = GOOD, kept: timedelta = KEPT) -> None:
    catalog.looks.put(Seen(at, {SPACE: (value, state)}), {}, kept=kept)


def rows(catalog: Catalog) -> int:
    with catalog._store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(tables.looks)).scalar() or 0)


def test_a_look_comes_back_as_it_was(catalog: Catalog, noon: datetime) -> None:
    put(catalog, noon, 0.123456, WARNING)
    put(catalog, noon + 5 * MINUTE, None, BAD)
    assert catalog.looks.since(noon) == (
        Seen(noon, {SPACE: (0.1235, WARNING)}),
        Seen(noon + 5 * MINUTE, {SPACE: (None, BAD)}),
    )
    assert catalog.looks.since(noon + MINUTE)[0].at == catalog.looks.last_at() == noon + 5 * MINUTE


def test_the_memory_of_the_checks_survives_and_what_cannot_be_read_is_none(path: Path, noon: datetime) -> None:
    memory = {SPACE: Held(BAD, 2), ("memory", "host"): Held(WARNING)}
    with Catalog.open(path, clock=SystemClock()) as catalog:
        catalog.looks.put(Seen(noon, {}), memory, kept=KEPT)
    with Catalog.open(path, clock=SystemClock()) as catalog:
        assert catalog.looks.memory() == memory
        catalog.put_value("health.memory", '[["space", "state", {"state": "purple"}]]')
        assert catalog.looks.memory() == {}


def test_after_two_days_an_hour_is_one_row_with_its_mean_and_its_worst(catalog: Catalog, noon: datetime) -> None:
    first = noon.replace(minute=0, second=0, microsecond=0)
    for number in range(12):
        put(catalog, first + number * 5 * MINUTE, number / 10, BAD if number == 3 else GOOD)
    put(catalog, first + 2 * DAY + 2 * HOUR)
    assert catalog.looks.since(first)[0] == Seen(first, {SPACE: (0.55, BAD)})
    assert rows(catalog) == 2


def test_a_quarter_of_looks_every_five_minutes_stays_small_and_ends_with_its_retention(catalog: Catalog, noon: datetime) -> None:
    """A look every five minutes, of which one per half day is taken here: what is old goes, and every hour at most one row is left."""
    for number in range(120):
        put(catalog, noon + number * 12 * HOUR, kept=30 * DAY)
    assert rows(catalog) <= 61 + 4
    kept = catalog.looks.since(noon)
    assert kept[0].at >= noon + 59 * DAY + 12 * HOUR - 30 * DAY - HOUR


def test_looks_in_the_same_minute_are_one_and_rows_are_bounded(catalog: Catalog, noon: datetime, monkeypatch: object) -> None:
    for number in range(50):
        put(catalog, noon + number * timedelta(seconds=1))
    assert rows(catalog) == 1


def test_whatever_the_specs_say_there_are_only_so_many_rows(catalog: Catalog, noon: datetime) -> None:
    hundred_years = timedelta(days=36525)
    many = [{"at": noon - n * HOUR, "hourly": True, "body": "[]"} for n in range(1, looks.ROWS_MAX + 50)]
    with catalog._store.writing() as connection:
        connection.execute(tables.looks.insert(), many)
    put(catalog, noon + HOUR, kept=hundred_years)
    assert rows(catalog) == looks.ROWS_MAX


def test_an_empty_catalog_was_never_looked_at(tmp_path: Path, noon: datetime) -> None:
    with Catalog.peek(tmp_path / "none.sqlite") as catalog:
        assert (catalog.looks.memory(), catalog.looks.last_at(), catalog.looks.since(noon)) == ({}, None, ())
