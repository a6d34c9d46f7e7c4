"""Listings in files beside the catalog: the same as its rows, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.base.clock import SystemClock
from reconciler.catalog import cache, listings
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.listings import Listings
from reconciler.model.listing import Listing
from reconciler.model.snapshot import Snapshot
from reconciler.model.turnover import Turnover
from tests.fakes.worlds import NOW, listed, snapshot
from tests.property.strategies import snapshots

HOSTS = ("shop1", "shop2")


@pytest.fixture(autouse=True)
def of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "SMALL", 0)


@pytest.fixture
def rows_are_read(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    count = 0
    right = cache._read_snapshots

    def counted(*given: object) -> object:
        nonlocal count
        count += 1
        return right(*given)  # type: ignore[arg-type]  # what the right one is given

    monkeypatch.setattr(cache, "_read_snapshots", counted)
    return lambda: count


def opened(path: Path) -> Catalog:
    return Catalog.open(path, clock=SystemClock())


def fill(path: Path, *ids: str, repository: str = "main") -> tuple[Snapshot, ...]:
    """What a process lists, remembers and keeps."""
    held = tuple(snapshot(NOW - timedelta(hours=n), id=each, repository=repository) for n, each in enumerate(ids))
    with opened(path) as catalog:
        catalog.put_repository(listed(repository, held))
        catalog.keep_listings()
    return held


def files(path: Path) -> list[Path]:
    return sorted((path.parent / "cache" / "listings").iterdir())


@given(st.lists(snapshots(("a", "b"), ("mine", "theirs")), max_size=12, unique_by=lambda s: s.id), st.data())
def test_what_is_kept_is_what_was_listed(tmp_path_factory: pytest.TempPathFactory, found: list[Snapshot], data: st.DataObject) -> None:
    counts = st.none() | st.builds(Turnover, st.integers(0, 9), lost := st.integers(0, 2**40), lost)
    held = Listing(
        tuple(
            replace(s, repository="main", turnover=data.draw(counts), host=data.draw(st.sampled_from(HOSTS)), parent=s.id[::-1])
            for s in found
        )
    )
    folder = tmp_path_factory.mktemp("kept")
    Listings(folder).keep({"main": ("r1", held)})
    again = Listings(folder).read("main", "r1")
    if not held:
        assert again is None
        return
    assert again is not None
    assert again == held
    assert again.groups == held.groups
    assert list(again.groups) == list(held.groups)
    assert all(of.tzinfo is UTC for s in again for of in (s.as_of, s.ended_at, s.arrived_at))
    assert Listings(folder).read("main", "r2") is None


def test_the_next_process_reads_no_rows_and_knows_the_same(path: Path, rows_are_read: Callable[[], int]) -> None:
    held = fill(path, "a", "b", "c")
    before = rows_are_read()
    with opened(path) as catalog:
        assert catalog.repositories()["main"].snapshots == held
    assert rows_are_read() == before
    (file,) = files(path)
    assert file.stat().st_mode & 0o777 == 0o600


def test_another_listing_than_was_kept_is_read_from_the_catalog(path: Path, rows_are_read: Callable[[], int]) -> None:
    held = fill(path, "a", "b")
    with opened(path) as catalog:
        catalog.put_repository(listed("main", held[1:]))  # and killed before anything was kept
    before = rows_are_read()
    with opened(path) as catalog:
        assert catalog.repositories()["main"].snapshots == held[1:]
    assert rows_are_read() == before + 1


@pytest.mark.parametrize("harm", ["torn", "flipped", "empty", "of another form", "gone"])
def test_a_file_that_is_harmed_counts_as_none(path: Path, harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = fill(path, "a", "b")
    (file,) = files(path)
    data = file.read_bytes()
    match harm:
        case "torn":
            file.write_bytes(data[:-40])
        case "flipped":
            file.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
        case "empty":
            file.write_bytes(b"")
        case "of another form":
            monkeypatch.setattr(listings, "_FORM", (2, "another version"))
        case _:
            file.unlink()
    with opened(path) as catalog:
        assert catalog.repositories()["main"].snapshots == held


def test_files_of_repositories_that_are_no_more_are_taken_away_and_written_ones_stay(path: Path) -> None:
    fill(path, "a", repository="main")
    fill(path, "b", repository="offsite")
    before = {file.name: file.stat().st_mtime_ns for file in files(path)}
    assert len(before) == 2
    (path.parent / "cache" / "listings" / "of-none").touch()
    with opened(path) as catalog:
        catalog.repositories()
        catalog.keep_listings()
    assert {file.name: file.stat().st_mtime_ns for file in files(path)} == before
    with opened(path) as catalog:
        catalog.keep_listings()  # nothing was asked, so nothing is known
    assert len(files(path)) == 2


def test_a_small_listing_has_no_file_and_a_disk_that_refuses_costs_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "SMALL", 2)
    fill(path, "a", "b")
    assert not (path.parent / "cache" / "listings").exists()
    (path.parent / "cache").write_text("in the way")
    held = fill(path, "a", "b", "c")
    with opened(path) as catalog:
        assert catalog.repositories()["main"].snapshots == held


def test_looking_at_a_catalog_writes_no_file(path: Path) -> None:
    with opened(path) as catalog:
        catalog.put_repository(listed("main", [snapshot(NOW, id="a")]))
    view = Catalog.peek(path)
    assert len(view.repositories()["main"].snapshots) == 1
    view.close()
    assert not (path.parent / "cache").exists()
