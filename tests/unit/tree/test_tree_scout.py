"""A scan of which another process lists a part sees what one alone sees, whatever becomes of that process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.tree import scout as scout_module
from reconciler.tree.entry import INO, NAME, DefectKind, Listing, Row, count, encode_rows, path_of, walk_key
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import HANDLES_MAX, Scan, ScanRoot
from reconciler.tree.scout import Scout
from reconciler.tree.shares import Shares
from tests.fakes import babbling_scout
from tests.fakes.trees import deep_chain, open_handles, plant, remove, scan_of

pytestmark = pytest.mark.skipif(not hasattr(os, "setpgid"), reason="no groups of processes here")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scout_module, "_PATIENCE_SECONDS", 60.0)  # on a busy machine a process takes long to start


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Some two hundred folders on three levels, with what scans stumble over."""
    content: dict[str, str | bytes | None] = {}
    for first in range(6):
        for second in range(6):
            for third in range(5):
                folder = f"root/{first}/{second}/{third}"
                content |= {f"{folder}/file{n}": f"{first}{second}{third}{n}" for n in range(3)}
            content[f"root/{first}/{second}/junk.tmp"] = ""
            content[f"root/{first}/{second}/link"] = "-> ../../0"
    content |= {
        "root/3/empty/": None,
        "root/4/cache/junk": "",
        "root/4/cache/precious/x": "",
        "root/5/names\udcff/x": "",
        "outside/secret": "s",
    }
    plant(tmp_path, content)
    (tmp_path / "root/2/3/4/CACHEDIR.TAG").write_bytes(b"Signature: 8a477f597d28d172789f06886806bc55")
    return tmp_path / "root"


def _roots(tree: Path) -> list[ScanRoot]:
    return [
        ScanRoot(str(tree), Excludes(["*.tmp", "cache"]), leave_caches=True),
        ScanRoot(str(tree / "4/cache/precious"), Excludes([])),
    ]


def _marks(tree: Path) -> list[bytes]:
    """Every third folder, as the blocks of a manifest begin with some."""
    return [listing.path for listing in Scan(_roots(tree))][::3]


@contextlib.contextmanager
def scouted(roots: Sequence[ScanRoot], marks: Sequence[bytes], ready: bool = True) -> Iterator[tuple[Scan, Scout]]:
    """``ready``: begin when the other process has listed everything."""
    scout = Scout(roots, frozenset(), marks)
    if ready:
        assert scout._receive()  # one message: so small a tree is told at the end
    try:
        yield Scan(roots, scout=scout), scout
    finally:
        scout.close()


def _plain(tree: Path) -> tuple[dict[bytes, list[Row]], int, set[tuple[bytes, DefectKind]]]:
    scan = Scan(_roots(tree))
    rows = {listing.path: listing.rows for listing in scan}
    return rows, scan.excluded, {(defect.path, defect.kind) for defect in scan.defects}


def test_a_scouted_scan_sees_what_a_plain_one_sees(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree / "1/2/3")  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as gate:
        gate.bind("gate")
    plain, excluded, defects = _plain(tree)
    with scouted(_roots(tree), _marks(tree)) as (scan, _):
        seen = []
        taken = 0
        for listing in scan:
            seen.append(listing.path)
            if listing.encoded is not None:
                taken += 1
                assert listing.encoded == encode_rows(plain[listing.path])
                assert listing.counts == count(plain[listing.path])
            elif b"root" in listing.path:  # the folders above change while others work in them
                assert listing.rows == plain[listing.path]
    assert seen == list(plain)
    assert (scan.excluded, {(defect.path, defect.kind) for defect in scan.defects}) == (excluded, defects)
    assert taken > len(plain) // 3


def test_rows_of_a_scouted_folder_are_those_of_this_moment_and_its_files_can_be_opened(tree: Path) -> None:
    plain, excluded, _ = _plain(tree)
    with scouted(_roots(tree), _marks(tree)) as (scan, _):
        asked = 0
        for listing in scan:
            if listing.encoded is not None and any(row[NAME] == b"file1" for row in listing.rows):
                asked += 1
                assert listing.encoded is None
                assert listing.rows == plain[listing.path]
                assert listing.handle is not None
                assert os.stat(b"file1", dir_fd=listing.handle).st_ino == next(row[INO] for row in listing.rows if row[NAME] == b"file1")
    assert asked > 10
    assert scan.excluded == excluded
    assert scan.defects == []


def test_what_changed_since_it_was_scouted_is_seen_by_who_asks(tree: Path) -> None:
    with scouted(_roots(tree), _marks(tree)) as (scan, _):
        for listing in scan:
            if listing.encoded is not None and listing.path.endswith(b"/0"):
                plant("/" + os.fsdecode(listing.path), {"late": "", "below/x": ""})
                assert b"late" in [row[NAME] for row in listing.rows]
                assert next(iter(scan.innermost[1]))[NAME] in {b"0", b"below"}
                return
    pytest.fail("nothing was scouted")


def _to_a_link(folder: str, outside: Path) -> None:
    os.rename(folder, f"{folder}.old")
    os.symlink(outside, folder)


def _to_another(folder: str, outside: Path) -> None:
    os.rename(folder, f"{folder}.old")
    plant(folder, {"secret": ""})


@pytest.mark.parametrize(
    ("happens", "kind"),
    [
        (_to_a_link, DefectKind.CHANGED),
        (_to_another, DefectKind.CHANGED),
        (lambda folder, _: os.rename(folder, f"{folder}.old"), DefectKind.VANISHED),
    ],
)
def test_a_folder_that_was_replaced_since_it_was_scouted_is_not_read(
    tree: Path, happens: Callable[[str, Path], None], kind: DefectKind
) -> None:
    with scouted(_roots(tree), _marks(tree)) as (scan, _):
        walk = iter(scan)
        listing = next(listing for listing in walk if listing.encoded is not None and listing.path.endswith(b"/2"))
        happens("/" + os.fsdecode(listing.path), tree.parent / "outside")
        assert listing.rows == []
        assert listing.handle is None
        assert [(defect.path, defect.kind) for defect in scan.defects] == [(listing.path, kind)]


def test_a_listing_that_is_left_is_not_asked_later(tree: Path) -> None:
    with scouted(_roots(tree), _marks(tree)) as (scan, _):
        walk = iter(scan)
        left = next(listing for listing in walk if listing.encoded is not None)
        next(walk)
        with pytest.raises(RuntimeError):
            _ = left.rows


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("after", [0, 20])
def test_a_scan_goes_on_without_a_scout_that_died_or_says_nothing(
    tree: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals, after: int
) -> None:
    monkeypatch.setattr(scout_module, "_PATIENCE_SECONDS", 0.1)
    plain, excluded, _ = _plain(tree)
    with scouted(_roots(tree), _marks(tree), ready=False) as (scan, scout):
        seen = {}
        for number, listing in enumerate(scan):
            if number == after:
                assert scout._process is not None
                os.kill(scout._process.pid, how)
            seen[listing.path] = listing.encoded or encode_rows(listing.rows)
    assert {path: seen[path] for path in seen if b"root" in path} == {p: encode_rows(rows) for p, rows in plain.items() if b"root" in p}
    assert list(seen) == list(plain)
    assert scan.excluded == excluded


def test_a_scan_goes_on_without_a_scout_that_could_not_be_started(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tree / "nothing"))
    scan = Scan(_roots(tree), scout=Scout(_roots(tree), frozenset(), _marks(tree)))
    assert [listing.path for listing in scan if listing.encoded is None] == list(_plain(tree)[0])


_TOO_FEW_FIELDS = msgspec.msgpack.encode([[b"root", 1]])
_ANOTHER_TYPE = msgspec.msgpack.encode([[b"root", "one", 1, b"", [0, 0], 0, []]])


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(struct.pack(">I", 4) + b"\xc1\xff\x00\xc1", id="no message at all"),
        pytest.param(struct.pack(">I", 9) + b"\x91\x97\xc4\x04ro\xff\xff\xff", id="broken off inside"),
        pytest.param(struct.pack(">I", len(_TOO_FEW_FIELDS)) + _TOO_FEW_FIELDS, id="a folder of which half is missing"),
        pytest.param(struct.pack(">I", len(_ANOTHER_TYPE)) + _ANOTHER_TYPE, id="a word for a number"),
        pytest.param(struct.pack(">I", 4) + b"\x91\x91\x91\x91", id="lists in lists that end nowhere"),
    ],
)
def test_a_scan_goes_on_without_a_scout_that_talks_nonsense(tree: Path, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(scout_module, "_HELPER", babbling_scout.__name__)
    monkeypatch.setenv(babbling_scout.WORDS, said.hex())
    plain, excluded, defects = _plain(tree)
    with scouted(_roots(tree), _marks(tree), ready=False) as (scan, scout):
        seen = {listing.path: listing.rows for listing in scan if listing.encoded is None}
        assert scout._process is None
    assert {path: rows for path, rows in seen.items() if b"root" in path} == {p: rows for p, rows in plain.items() if b"root" in p}
    assert list(seen) == list(plain)
    assert (scan.excluded, {(defect.path, defect.kind) for defect in scan.defects}) == (excluded, defects)


def test_a_scout_that_promises_more_than_a_message_can_be_is_not_heard_to_its_end(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scout_module, "_HELPER", babbling_scout.__name__)
    monkeypatch.setenv(babbling_scout.WORDS, "ffffffff")
    monkeypatch.setenv(babbling_scout.ZEROS, str(64 * 2**20))
    tracemalloc.start()
    try:
        with scouted(_roots(tree), _marks(tree), ready=False) as (scan, _):
            assert [listing.path for listing in scan if listing.encoded is None] == list(_plain(tree)[0])
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


def test_a_scouted_scan_that_is_left_leaves_no_process_and_no_handle(tree: Path) -> None:
    before = open_handles()
    scout = Scout(_roots(tree), frozenset(), _marks(tree))
    assert scout._process is not None
    pid = scout._process.pid
    walk = iter(Scan(_roots(tree), scout=scout))
    for _ in range(40):
        next(walk)
    walk.close()  # type: ignore[attr-defined]
    assert open_handles() == before
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_scouted_tree_deeper_than_any_path_is_read_with_few_handles(tmp_path: Path) -> None:
    deep_chain(tmp_path, 1200, decorate=True)
    try:
        plain = {listing.path: listing.rows for listing in scan_of(tmp_path)}
        roots = [ScanRoot(str(tmp_path), Excludes([]))]
        before, most = open_handles(), 0
        with scouted(roots, list(plain)[::7], ready=False) as (scan, _):
            for number, listing in enumerate(scan):
                if number % 3 and listing.path.startswith(path_of(str(tmp_path)) + b"/"):
                    assert listing.rows == plain[listing.path]
                most = max(most, open_handles()) if number % 50 == 0 else most
        assert scan.defects == []
        assert most - before <= HANDLES_MAX + path_of(str(tmp_path)).count(b"/") + 8
        assert open_handles() == before
    finally:
        remove(tmp_path)


def test_what_is_skipped_is_skipped_by_both(tree: Path) -> None:
    own = (tree / "2/2").stat()
    skip = frozenset({(own.st_dev, own.st_ino)})
    plain = [listing.path for listing in Scan(_roots(tree), skip=skip)]
    scout = Scout(_roots(tree), skip, _marks(tree))
    assert [listing.path for listing in Scan(_roots(tree), skip=skip, scout=scout)] == plain
    assert not any(path.endswith(b"root/2/2") for path in plain)


_paths = st.lists(st.lists(st.sampled_from([b"a", b"b", b"a b", b"\x01", b"a\x01"]), min_size=1, max_size=4).map(b"/".join), unique=True)


@given(_paths, _paths.map(lambda paths: sorted(paths, key=walk_key)))
def test_a_folder_is_entered_when_anything_below_it_is_the_scouts(universe: list[bytes], marks: list[bytes]) -> None:
    shares = Shares(marks)
    for path in universe:
        below = [other for other in universe if other == path or other.startswith(path + b"/")]
        if any(shares.is_scouts(walk_key(other)) for other in below):
            assert shares.touches(path)


def test_two_of_three_stretches_are_the_scouts_but_for_the_first() -> None:
    marks = [b"%06d" % number for number in range(3000)]
    shares = Shares(marks)
    mine = [shares.is_scouts(walk_key(mark)) for mark in marks]
    assert sum(mine) == pytest.approx(2000, abs=20)
    assert not any(mine[:16])
    assert not Shares([]).touches(b"a")


def test_a_listing_of_a_plain_scan_has_no_second_hand_rows(tree: Path) -> None:
    assert all(isinstance(listing, Listing) and listing.encoded is None for listing in Scan(_roots(tree)))
