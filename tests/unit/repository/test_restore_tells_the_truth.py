"""What a restore says of single entries that it could not bring back, whatever stands there and whatever a manifest claims."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler.repository import Entry
from reconciler.repository.entries import Cold
from reconciler.repository.format import Type
from reconciler.tree.entry import Row
from reconciler.tree.write import Target
from tests.fakes.forged import FILE, Forger, row
from tests.fakes.trees import as_nobody, open_to_all
from tests.unit.repository.conftest import Bench


def composed(bench: Bench, *entries: tuple[Row, Cold]) -> str:
    """A snapshot with these entries at its top, and an honest file before and after them."""
    repository = bench.open()
    (bench.source / "content").write_bytes(b"good")
    like = bench.take(repository, kind="full").root
    assert like is not None
    good = Cold(repository._seals.chunk_id(Type.DATA, b"good"))
    forger = Forger(repository, like.id)
    return forger.snapshot([forger.block([(b"", *each) for each in [(row(b"!first"), good), *entries, (row(b"~last"), good)]])])


@pytest.mark.parametrize(
    ("mode", "size", "cold"),
    [
        (2**40 | FILE, 4, Cold()),
        (-1, 4, Cold()),
        (FILE, 2**63, Cold(extents=())),
        (FILE, 2**64 - 1, Cold(extents=((2**63, 4),))),
        (stat.S_IFCHR | 0o600, 0, Cold(rdev=-5)),
    ],
)
def test_a_number_that_no_system_takes_ended_the_whole_restore(bench: Bench, tmp_path: Path, mode: int, size: int, cold: Cold) -> None:
    snapshot = composed(bench, (row(b"evil", mode, size), cold))
    done = bench.restore(snapshot, tmp_path / "out")
    assert [path for path, _ in done.failures] == [b"evil"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"!first", "~last"}


def test_a_second_name_became_one_of_an_unrelated_old_file(bench: Bench, tmp_path: Path) -> None:
    """Its first name could not be restored, because something stood there; that must not be taken for the first name."""
    (bench.source / "a").write_text("new")
    os.link(bench.source / "a", bench.source / "b")
    root = bench.take(kind="full").root
    assert root is not None
    inside = bench.inside(tmp_path / "out")
    inside.mkdir(parents=True)
    (inside / "a").write_text("old and unrelated")
    done = bench.restore(root.id, tmp_path / "out")
    assert (inside / "a").read_text() == "old and unrelated"
    assert not (inside / "b").exists() or (inside / "b").read_text() == "new"
    failed = {os.path.basename(path) for path, _ in done.failures}
    assert failed == ({b"a"} if (inside / "b").exists() else {b"a", b"b"})


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may make the device of the source")
def test_a_device_that_may_not_be_made_was_told_as_made(bench: Bench, tmp_path: Path) -> None:
    try:
        os.mknod(bench.source / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("devices may not be made here")
    root = bench.take(kind="full").root
    assert root is not None
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    told: list[bytes] = []

    def finished(entries: Sequence[Entry]) -> None:
        told.extend(entry.path for entry in entries)

    open_to_all(bench.place)
    for path in bench.place.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    repository = bench.open()
    with as_nobody(), Target.open(str(out)) as target:
        done = repository.restoring(root.id, target, finished=finished).run(Everything())
    assert [loss.what for loss in done.losses if loss.what == "special file"] == ["special file"]
    assert done.others == 0
    assert not [path for path in told if path.endswith(b"/device")]


class Everything:
    """Chooses all."""

    def __contains__(self, _entry: Entry) -> bool:
        return True
