"""Reading trees: order, ancestors, links, hostile shapes, and what changes while it is read."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

import reconciler.tree.scan as scan_module
from reconciler.tree.entry import MODE, NAME, NLINK, SIZE, DefectKind, Row, join, path_of, walk_key
from reconciler.tree.errors import RootUnusable
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import HANDLES_MAX, Scan, ScanRoot
from tests.fakes.trees import as_nobody, deep_chain, open_handles, open_to_all, paths_below, plant, remove, scan_of


def test_a_folder_comes_directly_before_what_it_holds(tmp_path: Path) -> None:
    plant(tmp_path, {"a/x": "", "a/y/z": "", "a.b/x": "", "a-b/x": "", "b": "", "Ä/x": ""})
    paths = [listing.path for listing in scan_of(tmp_path)]
    assert paths == sorted(paths, key=walk_key)
    names = [os.fsdecode(path[len(path_of(str(tmp_path))) + 1 :]) for path in paths if path.startswith(path_of(str(tmp_path)) + b"/")]
    assert names == ["a", "a/y", "a-b", "a.b", "Ä"]


def test_the_folders_above_a_root_are_listed_with_only_the_way_to_it(tmp_path: Path) -> None:
    plant(tmp_path, {"here/file": "1", "beside/secret": "2", "other": "3"})
    listings = {listing.path: [row[NAME] for row in listing.rows] for listing in scan_of(tmp_path / "here")}
    folder = path_of(str(tmp_path))
    assert listings[b""] == [folder.split(b"/")[0]]
    assert listings[folder] == [b"here"]
    assert listings[folder + b"/here"] == [b"file"]
    assert len(listings) == folder.count(b"/") + 3


def test_several_roots_share_their_way(tmp_path: Path) -> None:
    plant(tmp_path, {"a/1": "", "b/2": "", "c/3": "", "d.txt": "alone"})
    scan = scan_of(tmp_path / "c", tmp_path / "a", tmp_path / "d.txt")
    assert paths_below(tmp_path, scan) == ["a", "c", "d.txt", "a/1", "c/3"]


def test_a_root_inside_an_excluded_folder_is_still_read(tmp_path: Path) -> None:
    plant(tmp_path, {"keep": "", "cache/junk": "", "cache/precious/x": ""})
    roots = [ScanRoot(str(tmp_path), Excludes(["cache"])), ScanRoot(str(tmp_path / "cache/precious"), Excludes([]))]
    assert paths_below(tmp_path, Scan(roots)) == ["cache", "keep", "cache/precious", "cache/precious/x"]


def test_links_are_rows_and_never_followed(tmp_path: Path) -> None:
    plant(tmp_path, {"real/x": "", "root/link": "-> ../real", "root/up": "-> ..", "root/gone": "-> nowhere", "root/self": "-> self"})
    scan = scan_of(tmp_path / "root")
    listing = list(scan)[-1]
    assert [row[NAME] for row in listing.rows] == [b"gone", b"link", b"self", b"up"]
    assert all(stat.S_ISLNK(row[MODE]) and row[SIZE] == 0 for row in listing.rows)
    assert scan.defects == []


def test_a_root_that_is_a_link_is_a_row_and_nothing_more(tmp_path: Path) -> None:
    plant(tmp_path, {"real/secret": "", "root": "-> real"})
    listing = list(scan_of(tmp_path / "root"))[-1]
    assert [(row[NAME], stat.S_ISLNK(row[MODE])) for row in listing.rows] == [(b"root", True)]


def test_a_link_above_a_root_is_followed_because_the_path_was_named(tmp_path: Path) -> None:
    plant(tmp_path, {"real/root/x": "", "alias": "-> real"})
    scan = scan_of(tmp_path / "alias/root")
    listings = list(scan)
    assert paths_below(tmp_path, listings) == ["alias", "alias/root", "alias/root/x"]
    assert stat.S_ISDIR(listings[-3].rows[0][MODE])


def test_hostile_names_arrive_byte_by_byte(tmp_path: Path) -> None:
    names = [b"\xff\xfe", b"new\nline", b"\x1b[31mred", b"\xe2\x80\xaertl", b"-rf", b" ", b"a:b", b"back\\slash", b"n" * 255, b"CON"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    listing = list(scan_of(tmp_path))[-1]
    assert [row[NAME] for row in listing.rows] == sorted(names)


def test_what_holds_no_content_has_no_size(tmp_path: Path) -> None:
    plant(tmp_path, {"file": "abc", "folder/": None})
    os.link(tmp_path / "file", tmp_path / "twin")
    os.mkfifo(tmp_path / "pipe")
    rows = {row[NAME]: row for row in list(scan_of(tmp_path))[-2].rows}
    assert {name: (row[SIZE], row[NLINK]) for name, row in rows.items()} == {
        b"file": (3, 2),
        b"folder": (0, 0),
        b"pipe": (0, 0),
        b"twin": (3, 2),
    }


def test_a_socket_is_noted_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, {"file": ""})
    monkeypatch.chdir(tmp_path)  # the name of a socket may be 107 bytes long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("talk")
        scan = scan_of(tmp_path)
        assert paths_below(tmp_path, scan) == ["file"]
    assert [(defect.kind, defect.kind.is_note) for defect in scan.defects] == [(DefectKind.SOCKET, True)]


def test_excluded_folders_are_not_entered(tmp_path: Path) -> None:
    plant(tmp_path, {"a.tmp": "", "src/a.tmp": "", "src/a.c": "", "cache/deep/x": "", "src/cache": "a file"})
    scan = scan_of(tmp_path, exclude=("*.tmp", "cache/"))
    assert paths_below(tmp_path, scan) == ["src", "src/a.c", "src/cache"]
    assert scan.excluded == 3


def test_a_repository_inside_the_source_does_not_exist_for_the_scan(tmp_path: Path) -> None:
    plant(tmp_path, {"data/x": "", "repository/packs/p": ""})
    status = os.stat(tmp_path / "repository")
    scan = scan_of(tmp_path, skip=frozenset({(status.st_dev, status.st_ino)}))
    assert paths_below(tmp_path, scan) == ["data", "data/x"]


def test_a_missing_root_stops_the_scan(tmp_path: Path) -> None:
    with pytest.raises(RootUnusable, match="not-mounted"):
        list(scan_of(tmp_path / "not-mounted" / "data"))


def test_a_root_that_disappears_during_the_scan_stops_it(tmp_path: Path) -> None:
    plant(tmp_path, {"a/x": "", "b/x": ""})
    walk = iter(scan_of(tmp_path / "a", tmp_path / "b"))
    for listing in walk:
        if listing.path.endswith(b"/a"):
            break
    remove(tmp_path / "b")
    with pytest.raises(RootUnusable):
        list(walk)


def test_a_root_that_nobody_may_read_stops_the_scan(tmp_path: Path) -> None:
    open_to_all(tmp_path)
    plant(tmp_path, {"closed/x": ""})
    (tmp_path / "closed").chmod(0)
    with as_nobody(), pytest.raises(RootUnusable, match="permission denied"):
        list(scan_of(tmp_path / "closed"))
    (tmp_path / "closed").chmod(0o700)


def test_an_ancestor_needs_to_be_passable_not_readable(tmp_path: Path) -> None:
    open_to_all(tmp_path)
    plant(tmp_path, {"home/me/x": ""})
    (tmp_path / "home/me").chmod(0o755)
    (tmp_path / "home").chmod(0o711)
    with as_nobody():
        assert paths_below(tmp_path, scan_of(tmp_path / "home/me")) == ["home", "home/me", "home/me/x"]


def test_a_folder_that_nobody_may_read_is_a_defect_and_the_rest_is_read(tmp_path: Path) -> None:
    open_to_all(tmp_path)
    plant(tmp_path, {"a/x": "", "closed/x": "", "z": ""})
    (tmp_path / "closed").chmod(0)
    (tmp_path / "a").chmod(0o755)
    with as_nobody():
        scan = scan_of(tmp_path)
        assert paths_below(tmp_path, scan) == ["a", "closed", "z", "a/x"]
    assert [(d.path.rpartition(b"/")[2], d.kind) for d in scan.defects] == [(b"closed", DefectKind.UNREADABLE)]
    (tmp_path / "closed").chmod(0o700)


@pytest.mark.parametrize(
    ("happens", "kind"),
    [
        (remove, DefectKind.VANISHED),
        (lambda folder: (remove(folder), folder.write_text("a file now")), DefectKind.CHANGED),
        (lambda folder: (remove(folder), folder.symlink_to("/etc")), DefectKind.CHANGED),
        (lambda folder: (folder.rename(folder.parent / "kept"), folder.mkdir()), DefectKind.CHANGED),
    ],
    ids=["removed", "file", "link", "another-folder"],
)
def test_a_folder_swapped_between_listing_and_entering_is_named(tmp_path: Path, happens: object, kind: DefectKind) -> None:
    plant(tmp_path, {"root/sub/x": ""})
    scan = scan_of(tmp_path / "root")
    seen = []
    for listing in scan:
        seen.append(listing.path)
        if listing.path.endswith(b"/root"):
            happens(tmp_path / "root" / "sub")  # type: ignore[operator]
    assert [defect.kind for defect in scan.defects] == [kind]
    assert not any(b"etc" in path for path in seen)


@pytest.mark.parametrize("depth", [2200, pytest.param(5000, marks=pytest.mark.slow)])
def test_a_tree_deeper_than_any_path_is_read_with_few_handles(tmp_path: Path, depth: int) -> None:
    deep_chain(tmp_path, depth, decorate=True)
    try:
        before, most, found = open_handles(), 0, 0
        scan = scan_of(tmp_path)
        for listing in scan:
            found += len(listing.rows)
            if found % 50 == 0:  # counting takes longer than scanning
                most = max(most, open_handles())
        assert scan.defects == []
        assert found == depth * 2 + 1 + path_of(str(tmp_path)).count(b"/") + 1
        assert most - before <= HANDLES_MAX + path_of(str(tmp_path)).count(b"/") + 4
        assert open_handles() == before
    finally:
        remove(tmp_path)


def test_a_deep_folder_that_is_moved_away_is_named_and_not_taken_for_complete(tmp_path: Path) -> None:
    deep_chain(tmp_path / "", HANDLES_MAX * 2, decorate=True)
    scan = scan_of(tmp_path)
    for listing in scan:
        if any(row[NAME] == b"bottom" for row in listing.rows):
            os.rename(tmp_path / "d/d/d/d", tmp_path / "elsewhere")
    assert [defect.kind for defect in scan.defects].count(DefectKind.CHANGED) >= 1


def test_a_scan_that_is_left_early_closes_its_handles(tmp_path: Path) -> None:
    plant(tmp_path, {"a/b/c/d/e": ""})
    before = open_handles()
    walk = iter(scan_of(tmp_path))
    for _ in range(len(tmp_path.parts) + 2):
        next(walk)
    walk.close()  # type: ignore[attr-defined]
    assert open_handles() == before


def test_other_file_systems_are_left_alone_when_asked(tmp_path: Path) -> None:
    if not os.path.ismount("/dev/shm"):
        pytest.skip("needs /dev/shm as a mount below /dev")
    below = join(b"dev", b"shm")
    listed = [listing.path for listing in Scan([ScanRoot("/dev", Excludes([]), one_file_system=True)])]
    assert below not in listed
    assert b"dev" in listed
    assert any(listing.path == below for listing in Scan([ScanRoot("/dev", Excludes([]))])), "looked at no further: others work there"


def test_the_handle_of_a_listing_opens_its_files(tmp_path: Path) -> None:
    plant(tmp_path, {"a/x": "content"})
    for listing in scan_of(tmp_path):
        if listing.path.endswith(b"/a"):
            handle = os.open(b"x", os.O_RDONLY, dir_fd=listing.handle)
            assert os.read(handle, 99) == b"content"
            os.close(handle)
            return
    pytest.fail("a was not listed")


def test_a_platform_without_folder_handles_sees_the_same_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, {"a/x": "1", "a/b/c": "2", "link": "-> a", "z.tmp": "", "other/x": ""})

    def look() -> list[tuple[bytes, list[Row]]]:
        return [(listing.path, list(listing.rows)) for listing in scan_of(tmp_path, exclude=("*.tmp",))]

    with_handles = look()
    monkeypatch.setattr(scan_module, "_HAS_HANDLES", False)
    assert look() == with_handles


def test_no_roots_yield_nothing() -> None:
    assert list(Scan([])) == []
