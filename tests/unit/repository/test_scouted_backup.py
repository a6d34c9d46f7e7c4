"""A backup of a large tree, a part of which another process lists ahead, stores what one alone would store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from reconciler.repository import Progress
from reconciler.repository import take as take_module
from reconciler.tree import scout as scout_module
from reconciler.tree.entry import Listing
from reconciler.tree.scan import Scan, ScanRoot
from reconciler.tree.scout import Scout
from tests.fakes.trees import plant
from tests.unit.repository import conftest
from tests.unit.repository.conftest import Bench, described

pytestmark = pytest.mark.skipif(not hasattr(os, "setpgid"), reason="no groups of processes here")


class Foretold:
    """A source that listens to ``expect``, as those of a declared system do."""

    made: ClassVar[list[Foretold]] = []

    def __init__(self, roots: Sequence[ScanRoot]) -> None:
        self._roots = roots
        self._scan = Scan(roots)
        self.defects = self._scan.defects
        self.scouted = 0
        self.scout: int | None = None
        self.made.append(self)

    def expect(self, marks: Sequence[bytes]) -> None:
        scout = Scout(self._roots, frozenset(), [*dict.fromkeys(marks), *self._folders()])
        assert scout._receive()
        assert scout._process is not None
        self.scout = scout._process.pid
        self._scan = Scan(self._roots, scout=scout)
        self.defects = self._scan.defects

    def _folders(self) -> list[bytes]:
        """Blocks of so few files are too few for shares."""
        return [listing.path for listing in Scan(self._roots)][::2]

    def __iter__(self) -> Iterator[Listing]:
        for listing in self._scan:
            self.scouted += listing.encoded is not None
            yield listing


@pytest.fixture(autouse=True)
def _foretold(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(conftest, "Scan", Foretold)
    monkeypatch.setattr(take_module, "SCOUTED_FROM", 1)
    monkeypatch.setattr(scout_module, "_PATIENCE_SECONDS", 60.0)
    yield
    Foretold.made.clear()


@pytest.fixture
def tree(bench: Bench) -> Path:
    plant(bench.source, {f"{a}/{b}/{c}/f{n}": f"{a}{b}{c}{n}" for a in range(4) for b in range(6) for c in range(5) for n in range(3)})
    plant(bench.source, {f"wide/n{number:04}": str(number) for number in range(3000)})  # more than a block holds
    return bench.source


def test_nothing_changed_is_seen_without_reading_a_row(bench: Bench, tree: Path) -> None:
    first = bench.take()
    assert first.root is not None
    again = bench.take(base=first.root.id, beside=first.root.id)
    assert again.unchanged
    assert (again.files, again.bytes) == (first.files, first.bytes)
    assert Foretold.made[-1].scouted > 50


def test_whatever_changed_is_stored_as_it_is(bench: Bench, tree: Path, tmp_path: Path) -> None:
    base = bench.take().root
    for number in range(6):
        folder = tree / str(number % 4) / str(number)
        (folder / "2/f1").write_bytes(b"other content")
        os.rename(folder / "3/f0", folder / "3/renamed")
        shutil.rmtree(folder / "4")
        plant(folder, {"new/deep/er/x": "new", "1/late": "-> f0"})
        (folder / "0/f2").chmod(0o600)
    (tree / "wide/n1500").write_bytes(b"changed")
    (tree / "wide/n2999").unlink()
    assert base is not None
    taken = bench.take(base=base.id, beside=base.id)
    assert Foretold.made[-1].scouted > 50
    assert taken.root is not None
    assert taken.root.grade == "complete"
    turnover = taken.root.turnover
    assert turnover is not None
    assert (turnover.changed, turnover.gone) == (7, 25)
    bench.restore(taken.root.id, tmp_path / "out")
    assert described(bench.inside(tmp_path / "out")) == described(tree)


def test_it_stores_the_same_blocks_as_one_process_alone(bench: Bench, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = bench.take().root
    assert base is not None
    plant(tree, {"1/2/3/new": "x", "3/0/0/f1": "y"})
    helped = bench.take(base=base.id)
    assert Foretold.made[-1].scouted > 50
    monkeypatch.setattr(conftest, "Scan", Scan)
    alone = bench.take(base=base.id)
    assert helped.root is not None
    assert alone.root is not None
    with bench.open() as repository:
        records = [repository._base(root.id, repository._store) for root in (helped.root, alone.root)]
    assert records[0] is not None
    assert records[1] is not None
    assert records[0].blocks == records[1].blocks
    assert (records[0].files, records[0].folders, records[0].bytes) == (records[1].files, records[1].folders, records[1].bytes)


def test_a_full_backup_asks_nobody(bench: Bench, tree: Path) -> None:
    base = bench.take().root
    assert base is not None
    bench.take(base=base.id, kind="full")
    assert Foretold.made[-1].scouted == 0


def test_a_backup_that_ends_in_the_middle_leaves_no_scout(bench: Bench, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = bench.take().root
    assert base is not None
    started: list[int] = []

    def fail(_: Progress) -> None:
        process = Foretold.made[-1].scout
        if process is not None:
            started.append(process)
            raise ZeroDivisionError

    monkeypatch.setattr(take_module, "_PROGRESS_SECONDS", 0)
    with pytest.raises(ZeroDivisionError) as held:
        bench.take(base=base.id, progress=fail)
    assert held.traceback  # which holds the frames of the run
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)
