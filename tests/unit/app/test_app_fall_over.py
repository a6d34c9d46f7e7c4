"""A restore whose first repository fails in any way gets the data from the next one, and says so."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.app.errors import RestoreConflicts
from reconciler.app.reports import RestoreReport, RestoreRequest
from reconciler.base.words import count
from reconciler.repository import HeaderLost
from reconciler.repository.format import BLOCK_ENTRIES_MAX
from tests.fakes.houses import WholeHouse
from tests.unit.app.test_app_copy import flip, with_repositories


@pytest.fixture
def twice(house: WholeHouse) -> WholeHouse:
    """A snapshot of many files in two repositories, with nothing remembered of what they hold."""
    with_repositories(house, "offsite")
    for number in range(40):
        (house.source / f"file{number:02} [a]*.txt").write_bytes(os.urandom(20_000))
    house.one_pass(init=True)
    house.one_pass()
    return house


def back(house: WholeHouse, **words: object) -> tuple[RestoreReport, Path]:
    target = house.folder / f"back-{os.urandom(8).hex()}"
    with house.session() as session:
        report = session.restore(RestoreRequest(str(target), system="orders", **words))  # type: ignore[arg-type]
    return report, target / str(house.source).lstrip("/")


def same(left: Path, right: Path) -> bool:
    return {p.name: p.read_bytes() for p in left.iterdir()} == {p.name: p.read_bytes() for p in right.iterdir()}


def flip_everywhere(house: WholeHouse) -> None:
    """A byte in the middle of every pack of the first repository that holds content."""
    flip(house.repository)


def lose_packs(house: WholeHouse) -> None:
    for pack in (house.repository / "packs").rglob("*"):
        if pack.is_file():
            pack.unlink()


def lose_what_is_new(house: WholeHouse, older: str, newer: str) -> int:
    """Damage the parts of the list of entries that only the newer snapshot has; how many they are."""
    with house.session(read_only=True) as session:
        declared = session.load().desired.repository("main")
        assert declared is not None
        with session.house.open_repository(declared) as repository:
            browser = repository.browse()
            old, new = (browser.tree(snapshot) for snapshot in (older, newer))
            parts = [ref.id for ref in new.refs if ref.id not in {known.id for known in old.refs}]
            places = {new.fetcher.place(new.fetcher.locate(part).segment) for part in parts}
    for place in places:
        pack = house.repository / place.pack_name
        data = bytearray(pack.read_bytes())
        data[place.offset + place.stored_bytes // 2] ^= 1
        pack.chmod(0o600)
        pack.write_bytes(data)
    assert 0 < len(parts) < len(new.refs)
    return len(parts)


def lose_root(house: WholeHouse) -> None:
    """Listed from the cache a moment ago, and gone when it is read."""
    for root in (house.repository / "snapshots").iterdir():
        root.write_bytes(b"nothing of the kind")


def lose_index(house: WholeHouse) -> None:
    shutil.rmtree(house.repository / "index")
    lose_packs(house)


def lose_header(house: WholeHouse) -> None:
    (house.repository / "header").unlink()


@pytest.mark.parametrize("harm", [flip_everywhere, lose_packs, lose_root, lose_index, lose_header])
def test_what_the_first_repository_cannot_give_comes_from_the_second(twice: WholeHouse, harm: Callable[[WholeHouse], None]) -> None:
    harm(twice)
    report, folder = back(twice)
    assert report.whole
    assert same(folder, twice.source)
    assert any("main" in note for note in report.notes), report.notes


def test_damage_that_shows_in_the_middle_is_made_good_and_said(twice: WholeHouse) -> None:
    flip(twice.repository)
    report, folder = back(twice)
    assert report.damaged == 0
    assert report.plan.repository == "main"
    assert any("came from offsite" in note for note in report.notes), report.notes
    assert report.files == 41
    assert same(folder, twice.source)


def test_where_the_list_of_entries_is_damaged_nothing_is_missing_in_silence(house: WholeHouse) -> None:
    """A lost part of the list fails as one entry, its first; what else it held has to come, too. Where parts end depends on the key, so
    there are more entries than one part can hold."""
    with_repositories(house, "offsite")
    folders, each = 14, 300
    assert folders * each > BLOCK_ENTRIES_MAX
    for folder in range(folders):
        (house.source / f"folder{folder:02}").mkdir()
        for number in range(each):
            (house.source / f"folder{folder:02}" / f"{number:03}").write_text(f"{folder} {number}")
    older = house.one_pass(init=True).results[0].done.snapshot_id
    house.clock.advance(timedelta(hours=2))
    (house.source / "folder11" / "060").write_text("changed")
    newer = house.one_pass().results[0].done.snapshot_id
    house.one_pass()
    assert older is not None
    assert newer is not None
    lost = lose_what_is_new(house, older, newer)
    report, back_again = back(house)
    assert any(f"main could not give {count(lost, 'entry', 'entries')}" in note for note in report.notes), report.notes
    assert report.whole
    files = {str(p.relative_to(back_again)): p.read_text() for p in back_again.rglob("*") if p.is_file()}
    assert files == {str(p.relative_to(house.source)): p.read_text() for p in house.source.rglob("*") if p.is_file()}


def test_a_list_of_hashes_names_everything_wherever_it_came_from(twice: WholeHouse) -> None:
    flip(twice.repository)
    listed = twice.folder / "sums"
    report, folder = back(twice, checksums=str(listed))
    assert report.checksums == (str(listed), 41)
    lines = listed.read_text().splitlines()
    assert len(lines) == 41
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() in listed.read_text() for path in folder.iterdir())


def test_in_place_too(twice: WholeHouse) -> None:
    wanted = {path.name: path.read_bytes() for path in twice.source.iterdir()}
    for path in twice.source.iterdir():
        path.write_text("overwritten by mistake")
    flip(twice.repository)
    with twice.session() as session:
        report = session.restore(RestoreRequest("", system="orders", in_place=True, on_conflict="overwrite"))
    assert report.whole
    assert {path.name: path.read_bytes() for path in twice.source.iterdir()} == wanted


def test_a_repository_that_was_named_is_the_only_one_that_is_asked(twice: WholeHouse) -> None:
    flip(twice.repository)
    report, _ = back(twice, repository="main")
    assert report.damaged > 0
    lose_header(twice)
    with pytest.raises(HeaderLost):
        back(twice, repository="main")


def test_damage_in_both_is_told_for_what_neither_can_give(twice: WholeHouse) -> None:
    lose_packs(twice)
    for pack in (twice.folder / "offsite" / "packs").rglob("*"):
        if pack.is_file():
            pack.unlink()
    report, folder = back(twice)
    assert report.damaged == len(report.failures) > 0
    assert any("0 files came from offsite" in note for note in report.notes), report.notes
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_conflict_is_no_fault_of_the_repository(twice: WholeHouse) -> None:
    _, folder = back(twice)
    (folder / "one.txt").write_text("other")
    with twice.session() as session, pytest.raises(RestoreConflicts):
        session.restore(RestoreRequest(str(folder).removesuffix(str(twice.source)), system="orders"))


def test_the_reason_names_the_repository_that_is_read(twice: WholeHouse) -> None:
    with twice.session() as session:
        for repository in ("main", "offsite"):
            plan = session.plan_restore(RestoreRequest(str(twice.folder / "new"), system="orders", repository=repository))
            assert plan.repository == repository
            assert f"the newest good one in {repository}," in plan.why
        plan = session.plan_restore(RestoreRequest(str(twice.folder / "new"), system="orders"))
        assert (plan.repository, "the newest good one in main," in plan.why) == ("main", True)
