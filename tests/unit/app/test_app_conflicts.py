"""What becomes of entries that are there already: refused, kept, replaced, removed; and what mirroring must never remove."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from reconciler.app.errors import (
    MirrorUnconfirmed,
    MirrorUnsafe,
    NotFound,
    RestoreConflicts,
)
from reconciler.app.reports import RestoreRequest
from reconciler.app.restoring.scope import scope_of
from reconciler.tree.standing import Standing
from tests.fakes.houses import WholeHouse
from tests.fakes.restores import HOUR, backed_up, mirrored, planned, restored
from tests.fakes.trees import plant, portrait


def test_a_plan_counts_what_would_happen_and_changes_nothing(house: WholeHouse) -> None:
    backed_up(house)
    plant(house.source, {"a/one": "changed", "a/new": "extra"})
    (house.source / "b/three").unlink()
    before = house.traces()
    outlook = planned(house, on_conflict="mirror").outlook
    assert house.traces() == before
    assert outlook is not None
    assert (outlook.create, outlook.replace, outlook.delete, outlook.files, outlook.bytes) == (1, 1, 1, 2, 8)
    assert [(Path(each.path).name, each.why) for each in outlook.replacements] == [("one", "size")]
    assert [Path(path).name for path in outlook.removals] == ["new"]
    (room,) = outlook.rooms
    assert room.fits
    assert room.needed_bytes >= 2 * 4096
    assert outlook.expected is None


def test_by_default_nothing_is_written_when_something_differs(house: WholeHouse) -> None:
    backed_up(house)
    (house.source / "b/three").unlink()
    (house.source / "a/one").write_text("changed")
    before = portrait(house.source)
    with pytest.raises(RestoreConflicts, match="a/one is in conflict with the snapshot: size; nothing was written"):
        restored(house)
    assert portrait(house.source) == before
    with house.session() as session:
        assert session.restores().restores == ()


def test_what_is_only_missing_comes_back_without_further_words(house: WholeHouse) -> None:
    backed_up(house)
    before = portrait(house.source)
    (house.source / "a/one").unlink()
    (house.source / "link").unlink()
    report = restored(house)
    assert portrait(house.source) == before
    assert (report.files, report.whole) == (1, True)


def test_keep_writes_what_is_missing_and_leaves_the_rest_as_it_is(house: WholeHouse) -> None:
    backed_up(house)
    (house.source / "a/one").write_text("mine")
    (house.source / "b").chmod(0o700)
    (house.source / "b/three").unlink()
    (house.source / "b/three").mkdir()
    (house.source / "a/two").unlink()
    report = restored(house, on_conflict="keep")
    assert (house.source / "a/one").read_text() == "mine"
    assert (house.source / "b").stat().st_mode & 0o777 == 0o700
    assert (house.source / "b/three").is_dir()
    assert (house.source / "a/two").read_text() == "two"
    assert (report.files, report.whole) == (1, True)
    assert report.kept >= 3


def test_keep_leaves_a_file_where_the_snapshot_has_a_folder(house: WholeHouse) -> None:
    backed_up(house)
    for path in ("a/one", "a/two"):
        (house.source / path).unlink()
    (house.source / "a").rmdir()
    (house.source / "a").write_text("a file by now")
    report = restored(house, on_conflict="keep")
    assert (house.source / "a").read_text() == "a file by now"
    assert report.failures == ()


def test_overwrite_replaces_what_differs_and_touches_nothing_that_is_the_same(house: WholeHouse) -> None:
    backed_up(house)
    before = portrait(house.source)
    same = (house.source / "a/two").stat()
    (house.source / "a/one").write_text("changed")
    (house.source / "b/three").chmod(0o600)
    (house.source / "link").unlink()
    (house.source / "link").write_text("no link any more")
    (house.source / "new").write_text("stays")
    report = restored(house, on_conflict="overwrite")
    assert (house.source / "new").read_text() == "stays"
    (house.source / "new").unlink()
    assert {name: seen for name, seen in portrait(house.source).items() if name != "."} == {k: v for k, v in before.items() if k != "."}
    again = (house.source / "a/two").stat()
    assert (again.st_ino, again.st_ctime_ns) == (same.st_ino, same.st_ctime_ns)
    assert report.files == 2


def test_a_change_behind_the_same_size_and_time_is_found_and_replaced(house: WholeHouse) -> None:
    backed_up(house)
    file = house.source / "a/one"
    times = file.stat().st_mtime_ns
    file.write_text("eno")
    os.utime(file, ns=(times, times))
    assert restored(house, on_conflict="overwrite").files == 1
    assert file.read_text() == "one"


def test_a_folder_in_the_way_of_a_file_is_only_removed_by_mirror(house: WholeHouse) -> None:
    backed_up(house)
    (house.source / "a/one").unlink()
    plant(house.source, {"a/one/inside/deep": "x"})
    with pytest.raises(RestoreConflicts, match="a folder stands there, which only mirror removes"):
        restored(house, on_conflict="overwrite")
    assert (house.source / "a/one/inside/deep").read_text() == "x"
    mirrored(house)
    assert (house.source / "a/one").read_text() == "one"


def test_a_file_in_the_way_of_a_folder_is_replaced(house: WholeHouse) -> None:
    backed_up(house)
    before = portrait(house.source)
    (house.source / "b/three").unlink()
    (house.source / "b").rmdir()
    (house.source / "b").write_text("a file")
    restored(house, on_conflict="overwrite")
    assert portrait(house.source) == before


class TestMirror:
    """Each test has a decoy: the thing that looks like an extra one and must survive."""

    def test_it_ends_with_exactly_what_the_snapshot_has(self, house: WholeHouse) -> None:
        backed_up(house)
        before = portrait(house.source)
        plant(house.source, {"a/one": "changed", "new/deep/file": "x", "a/extra": "-> nowhere", "empty/not": "y"})
        report = mirrored(house)
        assert portrait(house.source) == before
        assert report.deleted == 5

    def test_nothing_happens_without_the_digest_or_with_that_of_another_plan(self, house: WholeHouse) -> None:
        backed_up(house)
        plant(house.source, {"new": "x"})
        outlook = planned(house, on_conflict="mirror").outlook
        assert outlook is not None
        with pytest.raises(MirrorUnconfirmed, match="would remove 1 entry and replace 0; it was not confirmed") as caught:
            restored(house, on_conflict="mirror")
        assert outlook.digest in caught.value.hint
        plant(house.source, {"another": "y"})
        with pytest.raises(MirrorUnconfirmed, match="is not its digest"):
            restored(house, on_conflict="mirror", confirm=outlook.digest)
        assert (house.source / "new").exists()

    def test_what_the_backup_excludes_stays(self, house: WholeHouse) -> None:
        house.system("orders", more=', exclude: ["*.tmp", "cache/"]')
        backed_up(house)
        kept = {"a.tmp": "1", "cache/x/y": "2", "new/inner.tmp": "3"}
        plant(house.source, {**kept, "new/gone": "4", "cachet": "5"})
        mirrored(house)
        assert {name: (house.source / name).read_text() for name in kept} == kept
        assert not (house.source / "new/gone").exists()
        assert not (house.source / "cachet").exists()

    def test_sockets_and_what_lies_beside_the_source_stay(self, house: WholeHouse) -> None:
        backed_up(house)
        beside = house.folder / "orders-of-somebody-else"
        beside.write_text("x")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(house.source / "s"))
            mirrored(house)
            assert (house.source / "s").is_socket()
        assert beside.read_text() == "x"

    def test_a_repository_in_the_source_and_what_could_not_be_read_by_the_backup_stay(self, house: WholeHouse) -> None:
        backed_up(house)
        plant(house.source, {"store/header": "x", "new": "y", "locked/inside": "precious", "lock/inside": "z"})
        store = (house.source / "store").stat()
        below = os.fsencode(house.source).strip(b"/")
        with house.session(read_only=True) as session, Standing("/") as standing:
            with closing(session.house.open_repository(session.load().desired.repositories[0])) as repository:
                (root,) = repository.listing().roots
            root = replace(root, defects=(f"unreadable {os.fsdecode(below)}/locked: permission denied",), defect_count=1)
            scope = scope_of(root, standing, frozenset({(store.st_dev, store.st_ino)}), mirror=True)

            def is_extra(name: bytes) -> bool:
                seen = standing.at(below + b"/" + name)
                assert seen is not None
                return scope.is_extra(below + b"/" + name, seen)

            assert [is_extra(name) for name in (b"store", b"new", b"locked/inside", b"lock/inside")] == [False, True, False, True]
            with pytest.raises(MirrorUnsafe, match="more defects than it names"):
                scope_of(replace(root, defect_count=2), standing, frozenset(), mirror=True)

    def test_a_partial_snapshot_is_no_ground_to_remove_anything(self, house: WholeHouse) -> None:
        backed_up(house)
        with house.session() as session:
            (snapshot,) = session.snapshots().snapshots
        root = SimpleNamespace(id=snapshot.id, grade="partial", specs=b"{}", paths=(), system="orders", defect_count=0, defects=())
        with pytest.raises(MirrorUnsafe, match="is partial"):
            scope_of(root, None, frozenset(), mirror=True)  # type: ignore[arg-type]
        root.grade = "complete"
        with pytest.raises(MirrorUnsafe, match="does not say what its sources excluded"):
            scope_of(root, None, frozenset(), mirror=True)  # type: ignore[arg-type]

    def test_only_below_the_paths_that_were_asked_for(self, house: WholeHouse) -> None:
        backed_up(house)
        plant(house.source, {"a/new": "goes", "b/new": "stays", "new": "stays"})
        mirrored(house, paths=(str(house.source / "a"),))
        assert sorted(path.name for path in house.source.rglob("new")) == ["new", "new"]
        assert not (house.source / "a/new").exists()


class TestChangedSince:
    """Differential recovery: only what changed between two snapshots."""

    def two(self, house: WholeHouse) -> tuple[str, str]:
        backed_up(house)
        (house.source / "a/one").write_text("newer")
        (house.source / "a/two").unlink()
        plant(house.source, {"c/four": "four"})
        house.one_pass()
        house.clock.advance(HOUR)
        with house.session() as session:
            newer, older = (s.id for s in session.snapshots().snapshots)
        return older, newer

    @pytest.mark.parametrize("word", ["last-full", "id"])
    def test_only_that_comes_back_and_what_went_is_named(self, house: WholeHouse, word: str) -> None:
        older, _ = self.two(house)
        report = restored(house, house.folder / "out", changed_since=word if word == "last-full" else older[:9])
        back = house.folder / "out" / str(house.source).lstrip("/")
        assert sorted(str(p.relative_to(back)) for p in back.rglob("*") if p.is_file()) == ["a/one", "c/four"]
        assert report.files == 2
        assert any("gone since then: 1, such as /" in note and "a/two" in note for note in report.notes)

    def test_mirror_applies_the_deletions_and_no_others(self, house: WholeHouse) -> None:
        older, _ = self.two(house)
        target = house.folder / "out"
        with house.session() as session:
            session.restore(RestoreRequest(str(target), snapshot=older))
        back = target / str(house.source).lstrip("/")
        (back / "of somebody else").write_text("stays")
        mirrored(house, target, changed_since=older)
        assert not (back / "a/two").exists()
        assert (back / "of somebody else").exists()
        assert (back / "a/one").read_text() == "newer"
        assert (back / "b/three").read_text() == "three"

    def test_a_snapshot_that_is_not_there_is_one_sentence(self, house: WholeHouse) -> None:
        backed_up(house)
        with pytest.raises(NotFound, match="begins with 'zz'"):
            planned(house, changed_since="zz")
        with pytest.raises(NotFound, match="no full snapshot of system orders before"):
            planned(house, changed_since="last-full")
