"""Objects that only somebody with the key, or a program with a bug, can have written. Each test is named after what once happened."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest

from reconciler.repository import Repository
from reconciler.repository.errors import Damaged
from reconciler.repository.format import Type
from reconciler.repository.header import read_config
from reconciler.repository.marks import read_mark
from reconciler.repository.pack import PackEntry, Segment, check_entry
from reconciler.repository.root import unseal_root
from reconciler.repository.store import Found, LocalStore
from tests.unit.repository.conftest import Bench


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
