"""The local cache of roots and marks: a listing reads only what is new, and the cache is never believed against the repository."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.repository import Cache, Repository, RootListing
from reconciler.repository import known as known_module
from reconciler.repository.store import LocalStore
from tests.unit.repository.conftest import Bench

AT = datetime(2026, 3, 2, tzinfo=UTC)


class Counting(LocalStore):
    """Counts objects read, by folder."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.read: list[str] = []

    def get(self, name: str, limit: int) -> bytes:
        self.read.append(name)
        return super().get(name, limit)

    @property
    def roots_and_marks(self) -> int:
        return sum(name.startswith(("snapshots/", "marks/")) for name in self.read)


@pytest.fixture(autouse=True)
def every_change_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_module, "_SAVED_FROM", 1)


@pytest.fixture
def full(bench: Bench) -> Bench:
    """Three snapshots, two of them with a mark."""
    (bench.source / "a").write_bytes(b"one")
    with bench.open() as repository:
        for number in range(3):
            (bench.source / "a").write_bytes(b"%d" % number)
            taken = bench.take(repository, kind="full")
            assert taken.root is not None
            if number:
                repository.mark(taken.root.id, "verified", AT)
    return bench


@pytest.fixture
def listed(full: Bench, tmp_path: Path) -> Callable[..., tuple[RootListing, int]]:
    """List with a cache in a fresh process, as far as the repository knows: the listing and how many objects it read."""

    def look(*, keeps: bool = True, anew: bool = False) -> tuple[RootListing, int]:
        store = Counting(str(full.place))
        cache = Cache(str(tmp_path / "cache"))
        cache.keeps = keeps
        with Repository.open(str(full.place), full.key(), store=store, cache=cache) as repository:
            return repository.listing(anew=anew), store.roots_and_marks

    return look


def _cache(tmp_path: Path) -> Path:
    (file,) = (tmp_path / "cache").iterdir()
    return file


def test_what_was_listed_once_is_not_read_again(listed: Callable[..., tuple[RootListing, int]]) -> None:
    first, read = listed()
    assert (read, len(first.roots), len(first.marks)) == (5, 3, 2)
    again, read = listed()
    assert read == 0
    assert again == first


def test_only_what_is_new_is_read(full: Bench, listed: Callable[..., tuple[RootListing, int]]) -> None:
    listed()
    with full.open() as repository:
        newest = full.take(repository, kind="full").root
        assert newest is not None
        repository.mark(newest.id, "held", AT)
    listing, read = listed()
    assert read == 2
    assert listing.roots[0].id == newest.id
    assert [mark.kind for mark in listing.marks[newest.id]] == ["held"]


def test_what_was_forgotten_is_gone_although_the_cache_knows_it(full: Bench, listed: Callable[..., tuple[RootListing, int]]) -> None:
    first, _ = listed()
    with full.open() as repository:
        repository.forget([first.roots[0].id])
    listing, read = listed()
    assert (read, [root.id for root in listing.roots]) == (0, [root.id for root in first.roots[1:]])
    assert first.roots[0].id not in listing.marks


def test_a_listing_that_decides_about_removing_reads_everything(full: Bench, listed: Callable[..., tuple[RootListing, int]]) -> None:
    """A root that rotted since it was listed must not count as one that is left."""
    first, _ = listed()
    victim = full.place / "snapshots" / first.roots[0].id
    info = victim.stat()
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.chmod(0o600)
    victim.write_bytes(content)
    os.utime(victim, ns=(info.st_atime_ns, info.st_mtime_ns))  # the worst case: nothing of it shows in a list
    assert listed()[0].complete
    listing, _ = listed(anew=True)
    assert [name for name, _ in listing.damaged] == [f"snapshots/{first.roots[0].id}"]


def test_an_object_of_another_size_or_time_is_read(full: Bench, listed: Callable[..., tuple[RootListing, int]]) -> None:
    first, _ = listed()
    (full.place / "snapshots" / first.roots[0].id).touch()
    listing, read = listed()
    assert (read, listing.complete) == (1, True)
    assert listing.roots[0].arrived_at > first.roots[0].arrived_at


@pytest.mark.parametrize("harm", ["gone", "empty", "flipped", "cut", "foreign"])
def test_a_cache_that_cannot_be_read_is_no_cache(
    full: Bench, tmp_path: Path, listed: Callable[..., tuple[RootListing, int]], harm: str
) -> None:
    first, _ = listed()
    file = _cache(tmp_path)
    content = bytearray(file.read_bytes())
    match harm:
        case "gone":
            shutil.rmtree(file.parent)
        case "empty":
            file.write_bytes(b"")
        case "flipped":
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        case "cut":
            file.write_bytes(content[:-1])
        case _:
            file.write_bytes((full.place / "snapshots" / first.roots[0].id).read_bytes())
    assert listed() == (first, 5)
    assert listed() == (first, 0)


def test_who_only_reads_writes_no_cache(tmp_path: Path, listed: Callable[..., tuple[RootListing, int]]) -> None:
    assert listed(keeps=False)[1] == 5
    assert not (tmp_path / "cache").exists()
    listed()
    before = _cache(tmp_path).stat()
    assert listed(keeps=False)[1] == 0
    assert _cache(tmp_path).stat().st_mtime_ns == before.st_mtime_ns


def test_a_cache_that_cannot_be_written_stops_nobody(tmp_path: Path, listed: Callable[..., tuple[RootListing, int]]) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert listed()[1] == 5
    assert listed()[1] == 5


def test_whoever_opens_a_repository_next_in_this_process_reads_nothing_again(full: Bench) -> None:
    cache = Cache(None)
    reads = []
    for _ in range(2):
        store = Counting(str(full.place))
        with Repository.open(str(full.place), full.key(), store=store, cache=cache) as repository:
            repository.listing()
        reads.append(store.roots_and_marks)
    assert reads == [5, 0]


def test_two_repositories_share_a_cache_and_not_what_it_knows(full: Bench, tmp_path: Path) -> None:
    cache = Cache(None)
    other = Bench(full.source, tmp_path / "other")
    other.init().close()
    with Repository.open(str(full.place), full.key(), cache=cache) as repository:
        assert len(repository.listing().roots) == 3
    with Repository.open(str(other.place), other.key(), cache=cache) as repository:
        assert repository.listing().roots == ()


def test_the_cache_shows_nothing_of_what_is_backed_up(full: Bench, tmp_path: Path, listed: Callable[..., tuple[RootListing, int]]) -> None:
    listed()
    file = _cache(tmp_path)
    content = file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    assert str(full.source).encode() not in content
    assert b"system" not in content


def test_few_new_objects_are_read_again_rather_than_the_whole_file_written(
    full: Bench, tmp_path: Path, listed: Callable[..., tuple[RootListing, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_module, "_SAVED_FROM", 32)
    listed()
    assert not (tmp_path / "cache").exists()
