"""What every place of a repository promises, whatever it is made of: the same tests for a disk, a bucket and a server."""

from __future__ import annotations

import hashlib
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.secret import Secret
from reconciler.repository import Repository, Store
from reconciler.repository.collect import CleanUp
from reconciler.repository.errors import AlreadyInitialised, Damaged, NotInitialised, ObjectMissing
from reconciler.repository.format import FOLDERS
from tests.unit.repository.conftest import CREATED, KEY, Bench, described


class PlaceContract:
    """Derive from it and give it a fixture ``place``: an empty place that is prepared."""

    def test_what_is_put_is_there_under_its_name(self, place: Store) -> None:
        place.put("keys/one", b"first")
        place.put("keys/empty", b"")
        place.barrier()
        assert place.get("keys/one", 100) == b"first"
        assert place.get("keys/empty", 100) == b""
        found = place.find("keys/one")
        assert found is not None
        assert (found.name, found.size) == ("keys/one", 5)
        assert abs(found.stored_at - datetime.now(UTC)) < timedelta(minutes=5)
        assert place.find("keys/two") is None

    def test_a_taken_name_stays_what_it_is(self, place: Store) -> None:
        place.put("snapshots/one", b"first")
        with pytest.raises(FileExistsError):
            place.put("snapshots/one", b"second")
        with pytest.raises(FileExistsError):
            place.put("snapshots/one", b"other")  # of equal length
        assert place.get("snapshots/one", 100) == b"first"

    def test_of_many_who_create_one_name_one_wins(self, place: Store) -> None:
        won: list[bytes] = []

        def create(content: bytes) -> None:
            try:
                place.put("snapshots/race", content)
            except FileExistsError:
                return
            won.append(content)

        threads = [threading.Thread(target=create, args=(b"writer %d" % number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [place.get("snapshots/race", 100)]

    def test_what_is_missing_is_missing(self, place: Store) -> None:
        with pytest.raises(ObjectMissing):
            place.get("snapshots/nothing", 100)
        with pytest.raises(ObjectMissing):
            place.get_range("packs/00/nothing", 0, 5)
        place.delete("snapshots/nothing")

    def test_no_more_comes_than_is_asked_for(self, place: Store) -> None:
        content = bytes(range(256)) * 40
        name = _pack(place, content)
        assert place.get_range(name, 0, 4) == content[:4]
        assert place.get_range(name, 5000, 300) == content[5000:5300]
        assert place.get_range(name, len(content) - 3, 3) == content[-3:]
        for offset, length in ((len(content) - 3, 4), (len(content) + 10, 1)):
            with pytest.raises(Damaged):
                place.get_range(name, offset, length)
        with pytest.raises(Damaged):
            place.get(name, len(content) - 1)
        assert place.get(name, len(content)) == content

    def test_a_draft_has_a_name_only_when_it_is_whole(self, place: Store) -> None:
        draft = place.draft()
        draft.write(b"begun")
        draft.discard()
        assert list(place.list("packs")) == []
        content = os.urandom(3_000_000)
        name = _pack(place, content)
        assert [found.size for found in place.list("packs")] == [len(content)]
        assert place.get(name, len(content)) == content

    def test_lists_are_whole_and_in_order(self, place: Store) -> None:
        names = [f"marks/{snapshot:032x}/{mark:032x}" for snapshot in range(6) for mark in range(3)]
        for name in reversed(names):
            place.put(name, name.encode())
        place.barrier()
        assert [found.name for found in place.list("marks")] == names
        assert [found.size for found in place.list("marks")] == [len(name) for name in names]
        assert [found.name for found in place.list(f"marks/{2:032x}")] == names[6:9]
        assert list(place.list(f"marks/{77:032x}")) == []
        assert list(place.folders("marks")) == [f"{snapshot:032x}" for snapshot in range(6)]
        assert list(place.list("holds")) == []

    def test_a_folder_is_not_another_one_that_begins_like_it(self, place: Store) -> None:
        place.put("marks/ab/one", b"")
        place.put("marks/abc/two", b"")
        assert [found.name for found in place.list("marks/ab")] == ["marks/ab/one"]

    def test_what_is_deleted_is_gone_and_its_neighbour_is_not(self, place: Store) -> None:
        place.put("marks/ab/one", b"1")
        place.put("marks/ab/two", b"2")
        place.delete("marks/ab/one")
        place.delete("marks/ab/one")
        assert [found.name for found in place.list("marks")] == ["marks/ab/two"]
        assert place.find("marks/ab/one") is None

    def test_what_is_moved_has_another_name(self, place: Store) -> None:
        place.put("index/rotten", b"what was here")
        place.move("index/rotten", "tmp/set-aside")
        assert place.find("index/rotten") is None
        assert place.get("tmp/set-aside", 100) == b"what was here"

    def test_its_top_holds_the_folders_of_a_repository_and_nothing_else(self, place: Store) -> None:
        place.put("config/0", b"x")
        assert place.top() <= set(FOLDERS)
        assert "config" in place.top()
        place.try_listing()

    def test_a_life_of_a_repository(self, place: Store, bench: Bench, tmp_path: Path) -> None:
        with pytest.raises(NotInitialised):
            Repository.open(place.url, Secret(KEY), store=place)
        repository = Repository.init(place.url, Secret(KEY), created_at=CREATED, store=place)
        with pytest.raises(AlreadyInitialised):
            Repository.init(place.url, Secret(KEY), created_at=CREATED, store=place)
        for number in range(40):
            (bench.source / f"file{number}").write_bytes(os.urandom(20_000))
        first = bench.take(repository, kind="full").root
        (bench.source / "file1").write_bytes(os.urandom(50_000))
        for number in range(2, 30):
            (bench.source / f"file{number}").unlink()
        assert first is not None
        second = bench.take(repository, base=first.id).root
        assert second is not None
        assert bench.take(repository, base=second.id).unchanged
        repository.mark(second.id, "verified", datetime.now(UTC))
        assert repository.verify(second.id).intact
        bench.restored(repository, second.id, tmp_path / "back")
        assert described(bench.inside(tmp_path / "back")) == described(bench.source)
        assert repository.forget([first.id]) == (first.id,)
        later = datetime.now(UTC) + timedelta(days=2)
        clean = CleanUp(place, repository._seals, later)
        assert clean.run(CleanUp(place, repository._seals, later).plan().digest).removed_packs
        assert [root.id for root in repository.listing(anew=True).roots] == [second.id]
        assert repository.verify(second.id).intact
        assert repository.check(deep=True).intact


def _pack(place: Store, content: bytes) -> str:
    digits = hashlib.sha256(content).hexdigest()
    draft = place.draft()
    for start in range(0, len(content), 1_000_000):
        draft.write(memoryview(content)[start : start + 1_000_000])
    name = f"packs/{digits[:2]}/{digits}"
    draft.commit(name)
    place.barrier()
    return name
