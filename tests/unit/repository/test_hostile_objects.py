"""Objects that only somebody with the key, or a program with a bug, can have written. Each test is named after what once happened."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from reconciler.base.secret import Secret
from reconciler.repository import Keyring, Repository
from reconciler.repository.deletion import write_deletion_record
from reconciler.repository.errors import Damaged, ObjectMissing
from reconciler.repository.format import Type
from reconciler.repository.header import read_config
from reconciler.repository.marks import read_mark
from reconciler.repository.pack import PackEntry, Segment, check_entry
from reconciler.repository.root import unseal_root
from reconciler.repository.store import Found, LocalStore
from reconciler.tree.write import Target
from tests.fakes.forged import Forger, row
from tests.unit.repository.conftest import CREATED, Bench


def test_a_name_that_is_not_utf_8_in_a_mark_was_a_traceback(bench: Bench) -> None:
    repository = bench.open()
    name = "marks/" + "0" * 32 + "/" + "1" * 32
    plain = msgspec.msgpack.encode({"kind": "verified", "at": 0, "note": ""}).replace(b"verified", b"verif\xcbed")
    repository._store.put("marks/" + "0" * 32 + "/" + "1" * 32, repository._seals.seal_object(Type.MARK, name, plain))
    with pytest.raises(Damaged, match="marks/"):
        read_mark(repository._store, repository._seals, name)
    assert not repository.listing().complete


def test_a_system_name_that_is_not_utf_8_in_a_root_hid_all_other_snapshots(bench: Bench) -> None:
    taken = bench.take(kind="full").root
    assert taken is not None
    repository = bench.open()
    record = replace_name(repository._record(taken.id))
    sealed = repository._seals.seal_object(Type.ROOT, f"root {record[0]} 0", record[1])
    with pytest.raises(Damaged):
        unseal_root(repository._seals, f"snapshots/{record[0]}", sealed)
    repository._store.put(f"snapshots/{record[0]}", sealed)
    listing = bench.open().listing()
    assert [root.id for root in listing.roots] == [taken.id]
    assert len(listing.damaged) == 1


def replace_name(record: msgspec.Struct) -> tuple[str, bytes]:
    """The root under another id, with a broken letter in the name of its system."""
    other = "0" * 32
    changed = msgspec.structs.replace(record, id=other, system="broken")
    return other, msgspec.msgpack.encode(changed).replace(b"broken", b"bro\xc6en")


def test_half_a_length_in_a_directory_was_a_traceback() -> None:
    good = Segment(1, 0, 100, 5, bytes(32), (5).to_bytes(4, "little"))
    check_entry(PackEntry(bytes(32), 1000, [good]), "a directory")
    for lengths in (b"\x05\0\0\0\0", b"\x05\0\0", (2**31).to_bytes(4, "little"), b""):
        with pytest.raises(Damaged, match="impossible segment"):
            check_entry(PackEntry(bytes(32), 1000, [msgspec.structs.replace(good, lengths=lengths)]), "a directory")


@pytest.mark.parametrize("sizes", [(0, 2**20, 2**22), (2**19, 2**64, 2**22), (2**22, 2**20, 2**19), (2**19, 2**20, 2**40), (-1, 1, 2)])
def test_impossible_chunk_sizes_in_the_configuration_were_believed(bench: Bench, sizes: tuple[int, int, int]) -> None:
    repository = bench.open()
    chunker = {"algorithm": "fastcdc-v2020", "min": sizes[0], "average": sizes[1], "max": sizes[2]}
    sealed = repository._seals.seal_object(Type.CONFIG, "config/1", json.dumps({"chunker": chunker}).encode())
    repository._store.put("config/1", sealed)
    with pytest.raises(Damaged, match="config/1"):
        read_config(repository._store, repository._seals)


def test_an_index_object_lost_without_a_trace_took_its_snapshot_along(bench: Bench) -> None:
    (bench.source / "file").write_text("content")
    first = bench.take(kind="full").root
    assert first is not None
    for path in (bench.place / "index").iterdir():
        path.unlink()
    verified = bench.open().verify(first.id)
    assert verified.intact
    assert [entry.path.rpartition(b"/")[2] for entry in bench.open().entries(first.id)][-1] == b"file"
    again = bench.take(kind="full").root  # a writer relies on nothing that no index names: a clean-up may remove it
    assert again is not None
    assert again.added_bytes > 0
    assert any((bench.place / "index").iterdir())


class ListsTwice(LocalStore):
    """A place whose listings repeat a page."""

    def list(self, prefix: str) -> Iterator[Found]:
        found = list(super().list(prefix))
        yield from [*found[:1], *found]


def test_a_snapshot_that_was_listed_twice_counted_as_two_for_retention(bench: Bench) -> None:
    first = bench.take(kind="full").root
    assert first is not None
    repository = Repository.open(str(bench.place), bench.key(), store=ListsTwice(str(bench.place)))
    assert [root.id for root in repository.listing().roots] == [first.id]


def test_one_rotten_deletion_record_took_every_snapshot_away(bench: Bench, tmp_path: Path) -> None:
    (bench.source / "kept").write_bytes(b"kept")
    root = bench.take(kind="full").root
    assert root is not None
    repository = bench.open()
    name = write_deletion_record(repository._store, repository._seals, (), [b"\x01" * 32], ())
    (bench.place / name).write_bytes(b"rotten")
    assert bench.restore(root.id, tmp_path / "out").failures == ()
    assert (bench.inside(tmp_path / "out") / "kept").read_bytes() == b"kept"
    assert [error.context["object"] for error in bench.open().verify(root.id).damaged] == [name]
    with pytest.raises(Damaged, match="gc/"):  # who writes must know what is condemned
        bench.take(kind="full")


@pytest.mark.parametrize("content", [b"", b"rotten", b"{" * 20_000])
def test_one_bad_key_slot_locked_the_owners_of_all_others_out(bench: Bench, content: bytes) -> None:
    added = Keyring.open(str(bench.place), bench.key()).add(Secret(b"6b" * 32), "raw", CREATED)
    (bench.place / "keys" / added).write_bytes(content)
    assert bench.open().id
    ring = Keyring.open(str(bench.place), bench.key())
    assert [slot.id for slot in ring.slots() if slot.problem] == [added]
    assert ring.remove(added) == added


def test_an_oversized_key_slot_is_refused_with_the_reason(bench: Bench) -> None:
    (path,) = (bench.place / "keys").iterdir()
    path.write_bytes(path.read_bytes() + b" " * 20_000)
    with pytest.raises(Damaged, match=f"keys/{path.name} is larger than such an object may be"):
        bench.open()


@pytest.mark.parametrize("how", ["gone", "rotten"])
def test_a_lost_configuration_kept_everybody_from_restoring(bench: Bench, tmp_path: Path, how: str) -> None:
    (bench.source / "kept").write_bytes(b"kept")
    root = bench.take(kind="full").root
    assert root is not None
    path = bench.place / "config" / "0"
    path.unlink() if how == "gone" else path.write_bytes(b"rotten")
    assert bench.restore(root.id, tmp_path / "out").failures == ()
    assert [fault.name for fault in bench.open().check(deep=False).faults] == ["config/0"]
    with pytest.raises((Damaged, ObjectMissing), match="config/0"):  # who writes must know how to cut
        bench.take(kind="full")


DEEP = 100_000


def test_a_tree_of_100_000_folders_is_refused_by_name_and_costs_no_other_file(bench: Bench, tmp_path: Path) -> None:
    """The folder of one entry is that deep; beside it in the same snapshot, and in another one, lies a good file."""
    (bench.source / "!good").write_bytes(b"good")
    other = bench.take(kind="full").root
    assert other is not None
    repository = bench.open()
    deep = b"/".join([b"d"] * DEEP)
    add_snapshot(repository, other.id, "0" * 32, deep)
    with Target.open(str(tmp_path / "out")) as target:
        restored = bench.open().restore("0" * 32, target)
    assert (tmp_path / "out" / "!good").read_bytes() == b"good"
    ((path, why),) = restored.failures
    assert path == deep + b"/file"
    assert "below 100,000 folders" in why
    assert os.listdir(tmp_path / "out") == ["!good"]
    assert bench.open().verify("0" * 32).intact
    assert bench.restore(other.id, tmp_path / "other").failures == ()


def add_snapshot(repository: Repository, like: str, snapshot: str, folder: bytes) -> None:
    """A snapshot sealed with the right keys: a good file, and one in ``folder``."""
    forger = Forger(repository, like)
    good = forger.content(b"good")
    block = forger.block([(place, row(name), good) for place, name in ((b"", b"!good"), (folder, b"file"))])
    forger.publish(msgspec.structs.replace(forger.record(), id=snapshot, blocks=[block], lists=[]))
