"""The cache of what repositories hold."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from reconciler.catalog.catalog import Catalog
from reconciler.model.observed import Failure, RepositoryState
from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind, Snapshot

HOUR = timedelta(hours=1)


def snapshot(number: int, noon: datetime, repository: str = "main") -> Snapshot:
    at = noon + number * HOUR
    return Snapshot(
        id=f"{number:032x}",
        repository=repository,
        realm="quiet-otter-41",
        system="orders",
        host="shop1",
        kind=BackupKind.INCREMENTAL,
        as_of=at,
        ended_at=at + timedelta(microseconds=1),
        arrived_at=at + timedelta(seconds=1),
        grade=Grade.PARTIAL if number % 2 else Grade.COMPLETE,
        files=number,
        bytes=2**40 + number,
        added_bytes=7,
        parent=f"{number - 1:032x}" if number else None,
        defects=number % 2,
        marks=(Mark(MarkKind.VERIFIED, at + HOUR, "read whole: “gut”"),) if number == 3 else (),
    )


def listing(noon: datetime, *numbers: int) -> RepositoryState:
    held = tuple(snapshot(number, noon) for number in sorted(numbers, reverse=True))
    return RepositoryState("main", noon, reachable=True, fresh=True, id="r" * 32, snapshots=held, free_bytes=10**13)


def test_a_listing_comes_back_as_it_was_but_never_fresh(catalog: Catalog, noon: datetime) -> None:
    catalog.put_repository(listing(noon, 0, 1, 2, 3))
    assert catalog.repositories() == {"main": replace(listing(noon, 0, 1, 2, 3), fresh=False)}


def test_a_later_listing_replaces_the_earlier_one(catalog: Catalog, noon: datetime) -> None:
    catalog.put_repository(listing(noon, 0, 1, 2))
    marked = replace(snapshot(2, noon), marks=(Mark(MarkKind.REMOVE, noon),))
    later = replace(listing(noon, 2, 5), snapshots=(snapshot(5, noon), marked), listed_at=noon + HOUR, fresh=False)
    catalog.put_repository(later)
    assert catalog.repositories() == {"main": later}


def test_an_unreachable_repository_keeps_what_was_listed_last(catalog: Catalog, noon: datetime) -> None:
    catalog.put_repository(listing(noon, 0, 1))
    gone = Failure("repository-unreachable", "main cannot be reached", "is it mounted?")
    catalog.put_repository(RepositoryState("main", None, reachable=False, failure=gone))
    state = catalog.repositories()["main"]
    assert (state.reachable, state.failure, state.listed_at) == (False, gone, noon)
    assert state.snapshots == listing(noon, 0, 1).snapshots


def test_one_never_reached_is_remembered_as_never_listed(catalog: Catalog, noon: datetime) -> None:
    gone = Failure("repository-unreachable", "main cannot be reached")
    catalog.put_repository(RepositoryState("main", None, reachable=False, failure=gone))
    assert catalog.repositories()["main"].listed_at is None


def test_a_copy_with_the_same_id_in_another_repository_is_its_own_row(catalog: Catalog, noon: datetime) -> None:
    catalog.put_repository(listing(noon, 0))
    elsewhere = RepositoryState("offsite", noon, reachable=True, snapshots=(snapshot(0, noon, "offsite"),))
    catalog.put_repository(elsewhere)
    catalog.put_repository(listing(noon))
    assert catalog.repositories()["main"].snapshots == ()
    assert catalog.repositories()["offsite"] == elsewhere


def test_clearing_the_cache_keeps_the_record(catalog: Catalog, noon: datetime) -> None:
    catalog.put_repository(listing(noon, 0, 1))
    catalog.put_value("writer", "w1")
    catalog.clear_cache()
    assert catalog.repositories() == {}
    assert catalog.get_value("writer") == "w1"
