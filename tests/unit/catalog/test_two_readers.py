"""What one process remembers in memory never hides what another one wrote."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.errors import CatalogError
from reconciler.catalog.records import RunOutcome
from reconciler.model.observed import Failure, RepositoryState
from reconciler.model.snapshot import BackupKind, Grade, Snapshot
from reconciler.model.status import Condition, ConditionType, Truth

MINUTE = timedelta(minutes=1)


@pytest.fixture
def other(path: Path, catalog: Catalog) -> Iterator[Catalog]:
    with Catalog.open(path, clock=SystemClock()) as opened:
        yield opened


def listing(noon: datetime, *ids: str) -> RepositoryState:
    held = tuple(Snapshot(i, "main", "r", "orders", "h", BackupKind.FULL, noon, noon, noon, Grade.COMPLETE, 1, 1, 1) for i in ids)
    return RepositoryState("main", noon, reachable=True, id="x", snapshots=held)


def ids(catalog: Catalog) -> list[str]:
    return [snapshot.id for snapshot in catalog.repositories()["main"].snapshots]


def test_a_listing_of_the_other_is_seen(catalog: Catalog, other: Catalog, noon: datetime) -> None:
    catalog.put_repository(listing(noon, "a"))
    assert ids(other) == ["a"]
    other.put_repository(listing(noon, "a", "b"))
    assert ids(catalog) == ["a", "b"]
    other.clear_cache()
    assert catalog.repositories() == {}
    other.put_repository(listing(noon, "c"))
    assert ids(catalog) == ["c"]


def test_a_listing_replaces_what_the_other_wrote_meanwhile(catalog: Catalog, other: Catalog, noon: datetime) -> None:
    catalog.put_repository(listing(noon, "a"))
    other.put_repository(listing(noon, "a", "b"))
    catalog.put_repository(listing(noon, "a", "c"))
    assert ids(catalog) == ids(other) == ["a", "c"]


def test_a_listing_that_could_not_be_written_is_not_remembered(catalog: Catalog, noon: datetime) -> None:
    catalog.put_repository(listing(noon, "a"))
    with catalog._store.writing() as connection:
        connection.exec_driver_sql("CREATE TRIGGER full BEFORE INSERT ON cache_snapshots BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(CatalogError):
        catalog.put_repository(listing(noon, "a", "b"))
    assert ids(catalog) == ["a"]


def test_reachability_of_the_other_is_seen_without_reading_the_snapshots_again(catalog: Catalog, other: Catalog, noon: datetime) -> None:
    catalog.put_repository(listing(noon, "a"))
    before = catalog.repositories()["main"].snapshots
    other.put_repository(RepositoryState("main", None, reachable=False, failure=Failure("x", "gone")))
    after = catalog.repositories()["main"]
    assert (after.reachable, after.snapshots is before) == (False, True)


def test_histories_of_the_other_are_seen(catalog: Catalog, other: Catalog, noon: datetime) -> None:
    for number, writer in enumerate([catalog, other, other, catalog]):
        run = writer.begin_run(
            kind="backup", system=f"s{number % 2}", repository="main", lane="objective", backup_kind="full", generation="g", reason="r",
            at=noon + number * MINUTE,
        )  # fmt: skip
        writer.end_run(run, outcome=RunOutcome.SUCCEEDED, at=noon + number * MINUTE)
        assert catalog.histories() == other.histories()
    assert catalog.histories()[("s1", "main")].last_success_at == noon + 3 * MINUTE


def test_conditions_of_the_other_are_seen(catalog: Catalog, other: Catalog, noon: datetime) -> None:
    fresh = Condition("System", "orders", ConditionType.BACKUP_FRESH, Truth.TRUE, "WithinRpo", "")
    catalog.put_conditions([fresh], noon)
    assert len(other.conditions()) == 1
    catalog.put_conditions([replace(fresh, status=Truth.FALSE)], noon + MINUTE)
    dated, flips = other.put_conditions([replace(fresh, status=Truth.FALSE)], noon + 2 * MINUTE)
    assert (dated[0].since, flips) == (noon + MINUTE, ())
