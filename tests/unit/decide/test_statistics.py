"""What the snapshots amount to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.decide.scene import Scene
from reconciler.decide.statistics import Attempt, of_repositories, of_systems
from reconciler.model.snapshot import Grade, Snapshot
from reconciler.model.statistics import Stored
from tests.fakes.worlds import desired, listed, observed, snapshot, system

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MB = 1_000_000


def scene(*snapshots: Snapshot) -> Scene:
    return Scene.of(desired(system("orders")), observed(listed("main", snapshots)), NOW)


def taken(age: timedelta, size: int, added: int, **changes: object) -> Snapshot:
    return snapshot(NOW - age, bytes=size, added_bytes=added, files=size // MB, **changes)


def test_growth_is_what_came_between_the_oldest_and_the_newest_of_thirty_days() -> None:
    (row,) = of_systems(
        scene(
            taken(timedelta(0), 30 * MB, 2 * MB), taken(5 * DAY, 25 * MB, 3 * MB), taken(10 * DAY, 20 * MB, 20 * MB), taken(40 * DAY, 1, 1)
        ),
        (),
    )
    assert row.growth_bytes_per_day == pytest.approx(MB)
    assert row.added_bytes_per_day == pytest.approx(0.5 * MB), "the first of them is where it begins"
    assert (row.snapshots, row.good, row.files, row.bytes) == (4, 4, 30, 30 * MB)
    assert (row.logical_bytes, row.added_bytes) == (75 * MB + 1, 25 * MB + 1)


@pytest.mark.parametrize("ages", [(), (timedelta(0),), (timedelta(0), timedelta(hours=1))])
def test_no_growth_is_made_up_from_too_little(ages: tuple[timedelta, ...]) -> None:
    (row,) = of_systems(scene(*(taken(age, MB, MB) for age in ages)), ())
    assert row.growth_bytes_per_day is None
    assert row.added_bytes_per_day is None


def test_the_newest_good_one_gives_size_and_files() -> None:
    (row,) = of_systems(scene(taken(timedelta(0), 99 * MB, MB, grade=Grade.PARTIAL), taken(DAY, 10 * MB, MB)), ())
    assert (row.snapshots, row.good, row.bytes) == (2, 1, 10 * MB)


def test_the_failure_rate_is_of_seven_days() -> None:
    attempts = [Attempt("orders", "main", NOW - age, failed=failed) for age, failed in ((DAY, True), (2 * DAY, False), (8 * DAY, True))]
    (row,) = of_systems(scene(), [*attempts, Attempt("mail", "main", NOW, failed=True)])
    assert (row.backups, row.failed, row.failure_rate) == (2, 1, 0.5)
    assert of_systems(scene(), ())[0].failure_rate is None
    assert of_systems(scene(), (), "mail") == ()


def test_a_repository_counts_what_takes_room_and_says_how_well_it_is_used() -> None:
    found = scene(taken(timedelta(0), 30 * MB, MB), taken(DAY, 30 * MB, MB), taken(DAY, 40 * MB, MB, system="gone"))
    (row,) = of_repositories(found, {"main": Stored(bytes=12 * MB, unique_bytes=50 * MB, packed_bytes=10 * MB)})
    assert (row.snapshots, row.systems, row.logical_bytes) == (3, 2, 100 * MB)
    assert (row.deduplication, row.compression) == (2.0, 5.0)
    (row,) = of_repositories(found, {})
    assert (row.deduplication, row.compression, row.stored) == (None, None, None)
