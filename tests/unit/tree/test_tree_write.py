"""Writing trees: nothing lands outside the target, nothing is replaced unasked, nothing half written keeps a name."""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from reconciler.tree.errors import EntryInTheWay, TargetUnusable, UnsafeName
from reconciler.tree.write import HANDLES_MAX, Target
from tests.fakes.trees import NOBODY, as_nobody, everything, open_handles, open_to_all, plant, remove

HOSTILE_PATHS = [
    b"..",
    b".",
    b"a/..",
    b"a/../..",
    b"../outside",
    b"/etc",
    b"a//b",
    b"a/",
    b"/",
    b"//",
    b"a/./b",
    b"nul\0byte",
    b"a/\0",
    b"n" * 256,
    b"a/" + b"n" * 4096,
]
HOSTILE_NAMES = [*HOSTILE_PATHS, b""]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    plant(tmp_path / "outside", {"canary": "alive", "folder/canary": "alive"})
    with Target.open(str(tmp_path / "out")) as opened:
        yield opened


@pytest.fixture
def outside(tmp_path: Path, target: Target) -> Iterator[Path]:
    """A neighbour of the target, which no test may change."""
    before = everything(tmp_path / "outside")
    yield tmp_path / "outside"
    assert everything(tmp_path / "outside") == before


def write(target: Target, folder: bytes, name: bytes, content: bytes = b"restored") -> None:
    file = target.create(target.folder(folder), name)
    os.write(file.fd, content)
    target.finish(file)


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_no_folder_leads_outside(target: Target, outside: Path, path: bytes) -> None:
    with pytest.raises(UnsafeName):
        target.folder(path)
    assert everything(target.root) == []


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("make", ["create", "symlink", "hardlink", "hardlink-to", "special"])
def test_no_name_leads_outside(target: Target, outside: Path, name: bytes, make: str) -> None:
    write(target, b"a", b"file")
    before = everything(target.root)
    handle = target.folder(b"a")
    with pytest.raises(UnsafeName):
        _make_under(target, handle, name, make)
    assert everything(target.root) == before


def _make_under(target: Target, handle: int, name: bytes, make: str) -> None:
    match make:
        case "create":
            target.create(handle, name)
        case "symlink":
            target.symlink(handle, name, b"anywhere")
        case "hardlink":
            target.hardlink(handle, name, handle, b"file")
        case "hardlink-to":
            target.hardlink(handle, b"new", handle, name)
        case _:
            target.special(handle, name, stat.S_IFIFO)


@pytest.mark.parametrize("link", [b"../outside", b"../outside/folder", b".", b"gone"])
def test_a_link_that_was_there_before_is_not_a_way_out(target: Target, outside: Path, link: bytes) -> None:
    os.symlink(link, os.path.join(os.fsencode(target.root), b"a"))
    for path in (b"a", b"a/b", b"a/folder"):
        with pytest.raises(EntryInTheWay):
            target.folder(path)


def test_a_link_that_the_restore_itself_made_is_not_a_way_out(target: Target, outside: Path) -> None:
    target.symlink(target.folder(b""), b"a", os.fsencode(str(outside)))
    with pytest.raises(EntryInTheWay):
        target.folder(b"a")
    with pytest.raises(EntryInTheWay):
        write(target, b"", b"a")


def test_a_link_under_the_name_of_a_file_is_not_written_through(tmp_path: Path, target: Target, outside: Path) -> None:
    (Path(target.root) / "file").symlink_to(outside / "canary")
    with pytest.raises(EntryInTheWay):
        write(target, b"", b"file")
    with Target.open(target.root, replace=True) as replacing:
        write(replacing, b"", b"file")
    assert (Path(target.root) / "file").read_bytes() == b"restored"
    assert not (Path(target.root) / "file").is_symlink()


def test_a_hard_link_to_a_link_does_not_reach_what_it_points_to(target: Target, outside: Path) -> None:
    handle = target.folder(b"")
    target.symlink(handle, b"link", b"../outside/canary")
    target.hardlink(handle, b"second", handle, b"link")
    assert os.readlink(os.path.join(target.root, "second")) == "../outside/canary"


def _swap(folder: str, link: str, stop: str) -> None:
    """Somebody who exchanges a folder with a link to elsewhere, atomically, as fast as the machine allows."""
    exchange, here, both = ctypes.CDLL(None).renameat2, -100, 2
    while not os.path.exists(stop):
        assert exchange(here, folder.encode(), here, link.encode(), both) == 0


@pytest.fixture
def racer(tmp_path: Path, target: Target) -> Iterator[Path]:
    """The folder ``a/b`` of the target, while another process keeps exchanging it with a link to ``outside``."""
    if sys.platform != "linux":
        pytest.skip("the race is run with renameat2 of Linux")
    folder, link, stop = Path(target.root) / "a/b", Path(target.root) / "a/link", tmp_path / "stop"
    folder.mkdir(parents=True)
    link.symlink_to(tmp_path / "outside")
    process = get_context("fork").Process(target=_swap, args=(str(folder), str(link), str(stop)))
    process.start()
    yield folder
    stop.touch()
    process.join()
    assert process.exitcode == 0


def test_somebody_who_swaps_folders_for_links_gains_nothing(target: Target, outside: Path, racer: Path) -> None:
    written = refused = 0
    for number in range(20_000):
        with Target.open(target.root) as again:  # fresh handles: every file takes the way through the swapped folder
            try:
                write(again, b"a/b", b"file%d" % number)
                written += 1
            except EntryInTheWay:
                refused += 1
        if written > 200 and refused > 200:
            return
    pytest.fail(f"the race did not happen: {written} written, {refused} refused")


def test_the_swap_would_have_caught_a_writer_who_trusts_paths(tmp_path: Path, racer: Path) -> None:
    """The control of the test above: the same race leads a naive writer outside."""
    for number in range(20_000):
        with contextlib.suppress(OSError):
            (racer / f"file{number}").write_text("escaped")
        if (tmp_path / "outside" / f"file{number}").exists():
            return
    pytest.fail("the racer never won")


def test_a_file_has_no_name_until_it_is_whole(target: Target) -> None:
    file = target.create(target.folder(b"a"), b"file")
    os.write(file.fd, b"half")
    here = Path(target.root) / "a"
    (temporary,) = here.iterdir()
    assert temporary.name.endswith(".part")
    assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
    target.finish(file)
    assert [(path.name, path.read_bytes()) for path in here.iterdir()] == [("file", b"half")]


def test_an_abandoned_file_leaves_nothing(target: Target) -> None:
    target.abandon(target.create(target.folder(b""), b"file"))
    assert everything(target.root) == []


@pytest.mark.parametrize("make", ["file", "symlink", "hardlink", "fifo"])
def test_nothing_is_replaced_unasked(target: Target, make: str) -> None:
    handle = target.folder(b"")
    write(target, b"", b"other")
    write(target, b"", b"taken", b"old")
    before = everything(target.root)
    with pytest.raises(EntryInTheWay):
        _make(target, handle, make)
    assert everything(target.root) == before


@pytest.mark.parametrize("make", ["file", "symlink", "hardlink", "fifo"])
def test_what_is_replaced_on_request_is_never_missing(target: Target, make: str) -> None:
    write(target, b"", b"other")
    write(target, b"", b"taken", b"old")
    with Target.open(target.root, replace=True) as replacing:
        _make(replacing, replacing.folder(b""), make)
    assert sorted(os.listdir(target.root)) == ["other", "taken"]
    assert everything(target.root)[1][1] != "old"


def _make(target: Target, handle: int, make: str) -> None:
    match make:
        case "file":
            write(target, b"", b"taken", b"new")
        case "symlink":
            target.symlink(handle, b"taken", b"new")
        case "hardlink":
            target.hardlink(handle, b"taken", handle, b"other")
        case _:
            target.special(handle, b"taken", stat.S_IFIFO | 0o644)


def test_a_folder_in_the_way_of_a_file_stays(target: Target) -> None:
    write(target, b"taken", b"inside", b"old")
    with Target.open(target.root, replace=True) as replacing, pytest.raises(EntryInTheWay):
        write(replacing, b"", b"taken")
    assert [content[:3] for _, content in everything(target.root)] == ["0o4", "old"]


def test_a_file_in_the_way_of_a_folder_stays(target: Target) -> None:
    write(target, b"", b"taken", b"old")
    with pytest.raises(EntryInTheWay):
        target.folder(b"taken/below")
    assert (Path(target.root) / "taken").read_bytes() == b"old"


@pytest.mark.parametrize("link", [b"", b"nul\0"])
def test_a_link_that_no_file_system_can_hold_is_refused(target: Target, link: bytes) -> None:
    with pytest.raises(UnsafeName):
        target.symlink(target.folder(b""), b"link", link)


def test_a_kind_that_no_scan_yields_is_refused(target: Target) -> None:
    with pytest.raises(UnsafeName):
        target.special(target.folder(b""), b"odd", stat.S_IFDIR | 0o700)


def test_a_device_that_may_not_be_made_is_a_loss_and_no_failure(tmp_path: Path) -> None:
    open_to_all(tmp_path)
    with as_nobody(), Target.open(str(tmp_path / "mine")) as target:
        loss = target.special(target.folder(b""), b"disk", stat.S_IFBLK | 0o660, os.makedev(7, 0), path=b"dev/disk")
        assert loss is not None
        assert loss.path == b"dev/disk"
        assert target.special(target.folder(b""), b"pipe", stat.S_IFIFO) is None
        assert os.listdir(target.root) == ["pipe"]


def test_a_target_is_created_for_its_user_alone(tmp_path: Path) -> None:
    with Target.open(str(tmp_path / "new" / "out")) as target:
        target.folder(b"a")
    assert stat.S_IMODE((tmp_path / "new/out").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new/out/a").stat().st_mode) == 0o700


def test_a_target_that_is_a_link_or_a_file_is_refused(tmp_path: Path) -> None:
    plant(tmp_path, {"real/": None, "link": "-> real", "file": "x", "dangling": "-> gone"})
    for name in ("link", "file", "dangling", "file/below"):
        with pytest.raises(TargetUnusable, match=name.partition("/")[0]):
            Target.open(str(tmp_path / name))
    assert not (tmp_path / "gone").exists()


def test_a_place_where_everybody_writes_is_refused_to_all_but_its_owner(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs a folder of another user: run as root")
    open_to_all(tmp_path)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    os.chown(shared, NOBODY, NOBODY)
    with pytest.raises(TargetUnusable, match="everybody"):
        Target.open(str(shared))
    with as_nobody():
        Target.open(str(shared)).close()


def test_a_target_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    open_to_all(tmp_path)
    (tmp_path / "closed").mkdir(mode=0o555)
    with as_nobody(), pytest.raises(TargetUnusable, match="permission denied"):
        Target.open(str(tmp_path / "closed" / "out"))


def test_a_tree_deeper_than_any_path_is_written_with_few_handles(target: Target) -> None:
    before = open_handles()
    try:
        for depth in range(1, 600):
            target.folder(b"/".join([b"ten bytes!"] * depth))
        write(target, b"/".join([b"ten bytes!"] * 599), b"bottom")
        target.folder(b"/".join([b"ten bytes!"] * 300) + b"/e")
        assert open_handles() <= before + HANDLES_MAX
    finally:
        target.close()
        remove(Path(target.root))


def test_the_folders_asked_for_just_before_stay_open(target: Target) -> None:
    first = target.folder(b"/".join([b"a"] * 200))
    second = target.folder(b"/".join([b"b"] * 200))
    third = target.folder(b"/".join([b"c"] * 200))
    assert [stat.S_ISDIR(os.fstat(handle).st_mode) for handle in (first, second, third)] == [True] * 3
    assert len({os.fstat(handle).st_ino for handle in (first, second, third)}) == 3


def test_threads_write_side_by_side_and_every_handle_is_closed(tmp_path: Path) -> None:
    before = open_handles()
    with Target.open(str(tmp_path / "out")) as target:
        gate = threading.Barrier(4)

        def work(worker: int) -> None:
            gate.wait()
            for number in range(200):
                write(target, b"shared/%d" % (number % 100), b"%d-%d" % (worker, number))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        target.sync()
    assert open_handles() == before
    assert sum(len(files) for _, _, files in os.walk(tmp_path / "out")) == 800
