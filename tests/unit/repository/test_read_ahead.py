"""Where every file is read, other processes read small ones ahead: what is stored is what one process alone would store."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.base import own_process
from reconciler.repository import Taken
from reconciler.repository import read_ahead as read_ahead_module
from reconciler.repository.helper import Helper
from reconciler.repository.read_crew import _ANSWER_BYTES, Batch, Folder, ReadCrew, Reads
from reconciler.tree.entry import DefectKind, Listing, Row
from tests.unit.repository.conftest import Bench, Children, Killer, described

pytestmark = [
    pytest.mark.usefixtures("children"),
    pytest.mark.skipif(own_process.processors() < 2 or not hasattr(os, "memfd_create"), reason="everything is read by one process here"),
]


@pytest.fixture
def full(bench: Bench) -> Bench:
    """Small files in many folders and very many in one, and all that is not small, not a file, or not alone under its name."""
    chance = random.Random(7)
    for number in range(1500):
        place = bench.source / f"part{number % 90:02}" / "below"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"file{number}").write_bytes(chance.randbytes(chance.choice([0, 1, 700, 5000, 90_000])))
    crowd = bench.source / "rest"
    crowd.mkdir()
    for number in range(900):
        (crowd / f"{number:04}").write_text(f"{number}\n" * 100)
    odd = bench.source / "part50"
    (odd / "link").symlink_to("below")
    (odd / "large").write_bytes(chance.randbytes(3 * 2**20))
    (odd / "twice").write_text("one content, two names")
    os.link(odd / "twice", bench.source / "part60" / "again")
    with (odd / "holes").open("wb") as file:
        file.seek(500_000)
        file.write(b"after a hole")
    (odd / "same").write_bytes((crowd / "0007").read_bytes())
    os.mkfifo(odd / "pipe")
    return bench


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """The rows whose content was there before their turn."""
    rows: list[Row] = []
    take = read_ahead_module.ReadAhead.take

    def seen(self: read_ahead_module.ReadAhead, row: Row) -> object:
        content = take(self, row)
        if content is not None:
            rows.append(row)
        return content

    monkeypatch.setattr(read_ahead_module.ReadAhead, "take", seen)
    return rows


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The crew has started before anything more is read, on a busy machine, too."""
    ready = ReadCrew.is_ready

    def waited(self: ReadCrew) -> bool:
        for helper in self.helpers:
            helper.has_answered(30)
        return ready(self)

    monkeypatch.setattr(ReadCrew, "is_ready", waited)


def _proven(bench: Bench, taken: Taken, target: Path) -> None:
    assert taken.root is not None
    assert taken.defects == ()
    with bench.open() as repository:
        assert repository.verify(taken.root.id).damaged == ()
    assert bench.restore(taken.root.id, target).failures == ()
    assert described(bench.inside(target)) == described(bench.source)


def test_what_was_read_ahead_is_stored_as_one_process_alone_stores_it(
    full: Bench, tmp_path: Path, served: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = full.take(kind="full")
    assert len(served) > 1000, "the tree is too small, and this test tests nothing"
    _proven(full, first, tmp_path / "out")
    served.clear()
    monkeypatch.setattr(read_ahead_module, "possible", lambda: False)
    alone = full.take(kind="full", beside=first.root.id if first.root is not None else None)
    assert served == []
    assert first.root is not None
    assert alone.root is not None
    assert alone.root.turnover is not None
    assert alone.root.turnover.fresh_bytes == 0, "every chunk is there already"
    assert (alone.files, alone.bytes, alone.read_bytes) == (first.files, first.bytes, first.read_bytes)
    with full.open() as repository:
        one, other = (list(repository.entries(root.id)) for root in (first.root, alone.root))
    assert one == other


@pytest.mark.parametrize("checksums", [(), ("md5",), ("sha256", "md5")])
def test_the_checksums_that_are_asked_for_are_made(full: Bench, served: list[Row], checksums: tuple[str, ...]) -> None:
    taken = full.take(kind="full", checksums=checksums)
    assert served
    assert taken.root is not None
    with full.open() as repository:
        colds = [entry.cold for entry in repository.entries(taken.root.id) if entry.row[0].startswith(b"file")]
    assert {(cold.sha256 is not None, cold.md5 is not None) for cold in colds} == {("sha256" in checksums, "md5" in checksums)}


def test_attributes_come_with_what_was_read_ahead(full: Bench, served: list[Row]) -> None:
    marked = full.source / "part70" / "below" / "file70"
    try:
        os.setxattr(marked, "user.kept", b"value")
    except OSError:
        pytest.skip("no extended attributes here")
    taken = full.take(kind="full")
    assert b"file70" in {row[0] for row in served}
    assert taken.root is not None
    with full.open() as repository:
        (entry,) = (entry for entry in repository.entries(taken.root.id) if entry.row[0] == b"file70")
    assert entry.cold.xattrs == {b"user.kept": b"value"}


def test_helpers_that_are_killed_cost_nothing_but_their_work(full: Bench, tmp_path: Path, children: Children, served: list[Row]) -> None:
    killer = Killer(children)
    taken = full.take(kind="full", progress=killer)
    assert killer.killed
    _proven(full, taken, tmp_path / "out")


def test_a_crew_that_ends_in_the_middle_leaves_the_rest_to_this_process(
    full: Bench, tmp_path: Path, served: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = ReadCrew.receive
    received: list[Batch] = []

    def ended(self: ReadCrew, batch: Batch, meanwhile: Callable[[], None]) -> Reads:
        received.append(batch)
        if len(received) == 3:
            for helper in self.helpers:
                helper._process.kill()
        return receive(self, batch, meanwhile)

    monkeypatch.setattr(ReadCrew, "receive", ended)
    _proven(full, full.take(kind="full"), tmp_path / "out")
    assert 0 < len(served) < 2000


@pytest.mark.parametrize("rubbish", [b"\xc1", b"\xff" * 40, b"\x91\x94\xa1\xff\xc0\xc0\xc0"])
def test_an_answer_that_nobody_understands_leaves_the_rest_to_this_process(
    full: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rubbish: bytes
) -> None:
    receive = ReadCrew.receive

    def spoilt(self: ReadCrew, batch: Batch, meanwhile: Callable[[], None]) -> Reads:
        hear = batch.helper.hear

        def heard(meanwhile: Callable[[], None] = lambda: None) -> bytes:
            hear(meanwhile)
            batch.region.view[-_ANSWER_BYTES : len(rubbish) - _ANSWER_BYTES] = rubbish
            return len(rubbish).to_bytes(4, "big")

        monkeypatch.setattr(batch.helper, "hear", heard)
        return receive(self, batch, meanwhile)

    monkeypatch.setattr(ReadCrew, "receive", spoilt)
    _proven(full, full.take(kind="full"), tmp_path / "out")


def _when_listed(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something between the listing of the last folder and the reading of its files."""
    send = ReadCrew.send
    waiting = [act]

    def sent(self: ReadCrew, folders: list[Folder], files: list[tuple[int, Row]]) -> Batch:
        if waiting and any(row[0] == b"0000" for _, row in files):
            waiting.pop()()
        return send(self, folders, files)

    monkeypatch.setattr(ReadCrew, "send", sent)


def test_a_file_that_changed_since_its_folder_was_listed_is_read_again_and_whole(
    full: Bench, tmp_path: Path, served: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {full.source / "rest" / f"{number:04}": f"{number} is longer now\n" * 300 for number in (600, 700, 899)}
    _when_listed(monkeypatch, lambda: [path.write_text(text) for path, text in changed.items()])
    _proven(full, full.take(kind="full"), tmp_path / "out")
    assert not {os.fsencode(path.name) for path in changed} & {row[0] for row in served}


def test_what_vanished_or_was_replaced_meanwhile_is_told_in_the_same_words(
    full: Bench, served: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    def meddle() -> None:
        (full.source / "rest" / "0700").unlink()
        (full.source / "rest" / "0800").unlink()
        (full.source / "rest" / "0800").symlink_to("/etc/passwd")

    _when_listed(monkeypatch, meddle)
    taken = full.take(kind="full")
    assert served
    assert {(os.path.basename(defect.path), defect.kind) for defect in taken.defects} == {
        (b"0700", DefectKind.VANISHED),
        (b"0800", DefectKind.CHANGED),
    }


def test_a_process_that_sees_other_folders_is_not_believed(
    full: Bench, tmp_path: Path, served: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where /proc belongs to another world of processes."""
    send = ReadCrew.send

    def elsewhere(self: ReadCrew, folders: list[Folder], files: list[tuple[int, Row]]) -> Batch:
        return send(self, [Folder(each.handle, each.device, each.inode + 1) for each in folders], files)

    monkeypatch.setattr(ReadCrew, "send", elsewhere)
    _proven(full, full.take(kind="full"), tmp_path / "out")
    assert served == []


def test_where_no_more_folders_can_be_open_all_are_read_in_their_turn(
    full: Bench, tmp_path: Path, served: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = Listing.hold
    held = 0

    def held_once(self: Listing) -> None:
        nonlocal held
        held += 1
        if held > 20:
            raise OSError(24, "Too many open files")
        hold(self)

    monkeypatch.setattr(Listing, "hold", held_once)
    _proven(full, full.take(kind="full"), tmp_path / "out")
    assert served


def test_a_stop_ends_the_wait_for_a_crew_that_says_nothing(full: Bench, monkeypatch: pytest.MonkeyPatch, children: Children) -> None:
    class Stopped(Exception):
        pass

    def never(self: Helper, meanwhile: Any = None) -> bytes:
        if meanwhile is not None:
            raise Stopped
        return hear(self)

    hear = Helper.hear
    monkeypatch.setattr(Helper, "hear", never)
    with pytest.raises(Stopped):
        full.take(kind="full")
    assert not children()


def test_where_no_process_can_be_started_everything_is_read_here(
    full: Bench, tmp_path: Path, served: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> ReadCrew:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("reconciler.repository.sink.ReadCrew", refused)
    _proven(full, full.take(kind="full"), tmp_path / "out")
    assert served == []


def test_no_folder_stays_open(full: Bench) -> None:
    before = len(os.listdir("/proc/self/fd"))
    full.take(kind="full")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_small_tree_is_read_by_one_process(bench: Bench, served: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    def hired(*_: object) -> ReadCrew:
        raise AssertionError("a process was started for a few files")

    monkeypatch.setattr("reconciler.repository.sink.ReadCrew", hired)
    for number in range(100):
        (bench.source / f"{number}").write_text("few")
    assert bench.take(kind="full").root is not None
    assert served == []
