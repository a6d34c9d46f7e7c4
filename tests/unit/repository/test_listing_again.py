"""A listing after a listing: folders that did not change are not listed again, and nothing that happened in one is missed."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.repository import Cache, Repository, RootListing, stamps
from reconciler.repository import known as known_module
from reconciler.repository import store as store_module
from reconciler.repository.store import Found, LocalStore
from tests.fakes.clocks import FakeClock
from tests.unit.repository.conftest import Bench

AT = datetime(2026, 3, 2, tzinfo=UTC)
REST = 0.02  # seconds; folders are dated in steps of 4 ms


class Listing(LocalStore):
    """Counts what is listed."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.lists: list[str] = []
        self.looks: list[str] = []

    def list(self, prefix: str) -> Iterator[Found]:
        self.lists.append(prefix)
        return super().list(prefix)

    def names(self, folder: str) -> tuple[str, ...] | None:
        names = super().names(folder)
        self.lists += [folder] if names is not None else []
        return names

    def find(self, name: str) -> Found | None:
        self.looks.append(name)
        return super().find(name)


@pytest.fixture(autouse=True)
def disk_that_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "is_telling", lambda _: True)
    monkeypatch.setattr(stamps, "_REST_SECONDS", REST)
    monkeypatch.setattr(known_module, "_SAVED_FROM", 1)


class Looker:
    """Lists one repository again and again with what it knows of it. ``folder``: from one process to the next."""

    def __init__(self, bench: Bench, folder: Path | None = None) -> None:
        self.bench = bench
        self.clock = FakeClock(AT)
        self.folder = folder
        self.cache = Cache(None)
        self.looks: list[str] = []
        """Of the last time: objects that were looked at one by one."""

    def look(self, *, rested: bool = True, anew: bool = False) -> tuple[RootListing, list[str]]:
        if rested:
            time.sleep(2 * REST)
        store = Listing(str(self.bench.place))
        if self.folder is not None:
            self.cache = Cache(str(self.folder))
            self.cache.keeps = True
        with Repository.open(str(self.bench.place), self.bench.key(), store=store, cache=self.cache, clock=self.clock) as repository:
            listing = repository.listing(anew=anew)
        self.looks = [name for name in store.looks if name.startswith("snapshots")]
        return listing, [prefix for prefix in store.lists if prefix.startswith(("snapshots", "marks"))]


@pytest.fixture
def full(bench: Bench) -> Bench:
    """Three snapshots, two of them with a mark."""
    for number in range(3):
        (bench.source / "a").write_bytes(b"%d" % number)
        with bench.open() as repository:
            root = bench.take(repository, kind="full").root
            assert root is not None
            if number:
                repository.mark(root.id, "verified", AT)
    return bench


@pytest.mark.parametrize("processes", ["one", "several"])
def test_what_did_not_change_is_not_listed_again(full: Bench, tmp_path: Path, processes: str) -> None:
    looker = Looker(full, tmp_path / "cache" if processes == "several" else None)
    first, lists = looker.look()
    assert lists[0] == "snapshots"
    assert len(lists) == 3  # and both folders of marks
    assert looker.look() == (first, [])


def test_whoever_looks_twice_gets_the_same_listing(full: Bench) -> None:
    looker = Looker(full)
    first, _ = looker.look()
    assert looker.look()[0] is first
    assert first.recall("number", lambda: 1) == 1
    assert looker.look()[0].recall("number", lambda: 2) == 1


def test_a_new_mark_in_an_old_folder_is_seen_and_only_its_folder_listed(full: Bench) -> None:
    looker = Looker(full)
    newest = looker.look()[0].roots[0].id
    with full.open() as repository:
        repository.mark(newest, "held", AT)
    listing, lists = looker.look()
    assert sorted(mark.kind for mark in listing.marks[newest]) == ["held", "verified"]
    assert lists == [f"marks/{newest}"]


def test_the_first_mark_of_a_snapshot_and_a_mark_that_was_taken_back_are_seen(full: Bench) -> None:
    looker = Looker(full)
    newest, _, oldest = (root.id for root in looker.look()[0].roots)
    with full.open() as repository:
        repository.mark(oldest, "held", AT)
        repository.unmark(newest, "verified")
    listing, lists = looker.look()
    assert [mark.kind for mark in listing.marks[oldest]] == ["held"]
    assert newest not in listing.marks
    assert sorted(lists) == sorted([f"marks/{oldest}", f"marks/{newest}"])


def test_a_new_snapshot_and_one_that_was_forgotten_are_seen(full: Bench) -> None:
    looker = Looker(full)
    before = [root.id for root in looker.look()[0].roots]
    with full.open() as repository:
        (full.source / "a").write_bytes(b"new")
        new = full.take(repository, kind="full").root
        assert new is not None
        repository.forget([before[0]])
    assert [root.id for root in looker.look()[0].roots] == [new.id, *before[1:]]


def test_beside_a_new_snapshot_the_others_are_not_looked_at_for_an_hour(full: Bench) -> None:
    looker = Looker(full)
    oldest = looker.look()[0].roots[-1].id
    with full.open() as repository:
        (full.source / "a").write_bytes(b"new")
        new = full.take(repository, kind="full").root
    assert new is not None
    (full.place / "snapshots" / oldest).write_bytes(b"")
    listing, lists = looker.look()
    assert listing.complete
    assert listing.roots[0].id == new.id
    assert (lists, looker.looks) == (["snapshots"], [f"snapshots/{new.id}"])
    looker.clock.advance(timedelta(hours=1))
    assert [name for name, _ in looker.look()[0].damaged] == [f"snapshots/{oldest}"]


def test_a_folder_among_the_snapshots_is_listed_as_ever(full: Bench) -> None:
    looker = Looker(full)
    first = looker.look()[0]
    (full.place / "snapshots" / "below").mkdir()
    (full.place / "snapshots" / "below" / "stray").write_bytes(b"")
    listing, _ = looker.look()
    assert listing.roots == first.roots
    assert [name for name, _ in listing.damaged] == ["snapshots/below/stray"]


def test_what_changed_a_moment_ago_is_listed_again(full: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two changes within one tick of the clock leave one time: a folder is believed only after it rested."""
    monkeypatch.setattr(stamps, "_REST_SECONDS", 3600.0)
    looker = Looker(full)
    first, lists = looker.look(rested=False)
    assert looker.look(rested=False) == (first, lists)


def test_where_folders_need_not_tell_everything_is_listed(full: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "is_telling", lambda _: False)
    looker = Looker(full)
    for _ in range(2):
        assert looker.look()[1] == ["snapshots", "marks"]


def test_after_an_hour_every_object_is_looked_at_whatever_the_folders_say(full: Bench) -> None:
    looker = Looker(full)
    newest = looker.look()[0].roots[0].id
    (mark,) = (full.place / "marks" / newest).iterdir()
    mark.write_bytes(b"")  # shows in no folder
    assert looker.look()[0].complete
    looker.clock.advance(timedelta(hours=1))
    listing, lists = looker.look()
    assert [name for name, _ in listing.damaged] == [f"marks/{newest}/{mark.name}"]
    assert len(lists) == 3


def test_a_listing_that_decides_about_removing_believes_no_folder(full: Bench) -> None:
    looker = Looker(full)
    newest = looker.look()[0].roots[0].id
    (full.place / "snapshots" / newest).write_bytes(b"")
    assert looker.look()[0].complete
    assert [name for name, _ in looker.look(anew=True)[0].damaged] == [f"snapshots/{newest}"]


@pytest.mark.parametrize("victim", ["snapshots", "marks"])
def test_what_cannot_be_read_is_named_every_time(full: Bench, tmp_path: Path, victim: str) -> None:
    newest = Looker(full).look()[0].roots[0].id
    path = full.place / "snapshots" / newest if victim == "snapshots" else next((full.place / "marks" / newest).iterdir())
    path.write_bytes(path.read_bytes()[:-1])
    name = str(path.relative_to(full.place))
    for folder in (None, tmp_path / "cache"):
        looker = Looker(full, folder)
        for _ in range(3):
            listing, _ = looker.look()
            assert [damaged for damaged, _ in listing.damaged] == [name]
            assert len(listing.roots) == (2 if victim == "snapshots" else 3)


def test_a_stray_file_among_the_marks_ends_the_believing(full: Bench) -> None:
    (full.place / "marks" / "stray").write_bytes(b"")
    looker = Looker(full)
    for expected in (["snapshots", "marks"], ["marks"]):
        listing, lists = looker.look()
        assert lists == expected
        assert [name for name, _ in listing.damaged] == ["marks/stray"]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_a_listing_says_what_a_first_look_says(full: Bench, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lookers = [Looker(full), Looker(full, tmp_path / "cache")]
    with full.open() as repository:
        for step in range(12):
            known = [root.id for root in repository.listing().roots]
            match chance.randrange(5):
                case 0:
                    (full.source / "a").write_bytes(b"step %d" % step)
                    full.take(repository, kind="full")
                case 1 if len(known) > 1:
                    repository.forget([chance.choice(known)])
                case 2:
                    repository.unmark(chance.choice(known), "held")
                case _:
                    repository.mark(chance.choice(known), "held", AT)
            rested = chance.random() < 0.5
            truth, _ = Looker(full).look(rested=rested)
            for looker in lookers:
                seen, _ = looker.look(rested=False)
                assert seen.roots == truth.roots
                assert {snapshot: set(marks) for snapshot, marks in seen.marks.items()} == {
                    snapshot: set(marks) for snapshot, marks in truth.marks.items()
                }


MOUNTS = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /srv/far rw - nfs4 server:/export rw
24 23 254:1 / /srv/far/near rw shared:7 master:2 - xfs /dev/vdb rw
25 22 0:33 / /srv/with\040space rw - fuse.sshfs other: rw
26 22 0:40 / /srv/twice rw - ext4 /dev/vdc rw
27 26 0:41 / /srv/twice rw - nfs server:/other rw
"""


@pytest.mark.parametrize(
    ("place", "tells"),
    [
        ("/srv/backup", True),
        ("/srv/far", False),
        ("/srv/far/deep/inside", False),
        ("/srv/farther", True),
        ("/srv/far/near/backup", True),
        ("/srv/with space/x", False),
        ("/srv/twice/x", False),
    ],
)
def test_only_disks_of_this_machine_are_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, tells: bool) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    monkeypatch.setattr(stamps, "_MOUNTS", str(mounts))
    assert stamps._is_telling.__wrapped__(place, 0) is tells


def test_without_a_list_of_mounts_nothing_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (None, "what nobody expects\n"):
        if content is not None:
            (tmp_path / "mountinfo").write_text(content)
        monkeypatch.setattr(stamps, "_MOUNTS", str(tmp_path / "mountinfo"))
        assert not stamps._is_telling.__wrapped__(os.sep, 0)
