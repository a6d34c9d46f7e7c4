"""One round of a tool from an empty repository to its end, on next to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import corpora
from benchmarks.history import repeat
from benchmarks.measure import CommandFailed
from benchmarks.peers import Call, Peer
from benchmarks.peers.plain import Copy
from benchmarks.peers.reconciler import Reconciler
from benchmarks.works import CHANGED, FIRST, RESTORE, RESTORE_ONE, Round
from reconciler.base.secret import Secret
from reconciler.repository import Repository


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return corpora.make("tiny", tmp_path, 0.0002)


def _round(peer: Peer, source: Path, *works: str) -> Round:
    return Round("small", source, peer, 1, works, peer.work.parent / "restored")


def test_a_round_measures_what_was_asked_for_and_leaves_nothing_behind(tmp_path: Path, source: Path) -> None:
    peer = Copy(tmp_path / "work" / "copy")
    samples = list(_round(peer, source, FIRST, RESTORE)())
    assert [sample.work for sample in samples] == [FIRST, RESTORE]
    assert samples[0].stored_bytes == sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    assert all(sample.wall_seconds > 0 for sample in samples)
    assert list((tmp_path / "work").iterdir()) == []


def test_a_restore_of_other_bytes_is_no_result(tmp_path: Path, source: Path) -> None:
    class Forgetful(Copy):
        def restore(self, source: Path, target: Path) -> Call:
            return Call(["mkdir", "-p", str(target)])

    with pytest.raises(CommandFailed, match="restored differs"):
        list(_round(Forgetful(tmp_path / "work" / "copy"), source, FIRST, RESTORE)())
    assert list((tmp_path / "work").iterdir()) == []


def test_a_tool_that_fails_is_named_with_its_last_words(tmp_path: Path, source: Path) -> None:
    class Broken(Copy):
        def backup(self, source: Path) -> Call:
            return Call(["sh", "-c", "echo no space; exit 3"])

    with pytest.raises(CommandFailed, match="exited 3: no space"):
        list(_round(Broken(tmp_path / "work" / "copy"), source, FIRST)())


def test_this_program_does_its_rounds(tmp_path: Path, source: Path) -> None:
    samples = list(_round(Reconciler(tmp_path / "work" / "own"), source, FIRST, RESTORE_ONE, CHANGED)())
    assert [sample.work for sample in samples] == [FIRST, RESTORE_ONE, CHANGED]
    assert all(sample.memory_bytes > 0 for sample in samples)
    assert samples[2].stored_bytes is not None
    assert samples[2].stored_bytes > 0


def test_repeated_snapshots_are_snapshots(tmp_path: Path, source: Path) -> None:
    peer = Reconciler(tmp_path / "own")
    peer.fresh(source)
    peer.quietly(*peer.backup(source).argv)
    repeat(peer.repository, peer.key, 30, edited=True, marked=True)
    with Repository.open(str(peer.repository), Secret(peer.key.read_bytes())) as repository:
        listing = repository.listing()
        assert (len(listing.roots), listing.damaged, len(listing.marks)) == (30, (), 29)
        assert [root.as_of for root in listing.roots] == sorted((root.as_of for root in listing.roots), reverse=True)
        entries = [tuple(repository.entries(root.id)) for root in listing.roots[:3]]
        assert all(sum(a != b for a, b in zip(entries[0], each, strict=True)) == 1 for each in entries[1:])
        assert repository.check(deep=True).intact
