"""Many snapshots for little: each repeats the newest real one at an earlier moment. Nobody waits for 10,000 backups to measure a list.

Roots are sealed by the program's own functions, one per snapshot as after real backups. With ``edited`` one file differs in each, so that
each has an entry block of its own; the blocks of a hundred stand in one pack with one index object, as after upkeep.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import msgspec

from reconciler.base.files import Disk
from reconciler.base.ids import new_id
from reconciler.base.secret import Secret
from reconciler.repository import Repository
from reconciler.repository.codec import Codec
from reconciler.repository.entries import BlockRef, decode_rows, encode_block
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Type
from reconciler.repository.index import load_index, write_index_objects
from reconciler.repository.manifest import block_refs, read_block
from reconciler.repository.marks import MarkRecord, write_mark
from reconciler.repository.pack import PackWriter
from reconciler.repository.root import RootRecord, from_micros, seal_root
from reconciler.repository.seal import Seals
from reconciler.repository.sink import Sink
from reconciler.repository.store import LocalStore, Store
from reconciler.tree.entry import MTIME, encode_rows

EVERY = timedelta(minutes=15)
_TOGETHER = 100


class _Unsynced(Disk):
    """What is thrown away after the measurement need not survive a power cut."""

    def sync(self, handle: int) -> None: ...

    def sync_folder(self, path: str) -> None: ...


def repeat(repository: Path, key: Path, snapshots: int, *, edited: bool = False, marked: bool = False) -> None:
    """Add earlier snapshots until there are so many. ``marked``: each has a mark that says it was verified."""
    store = LocalStore(str(repository), _Unsynced())
    with Repository.open(str(repository), Secret(key.read_bytes()), store=store) as opened:
        newest = opened.listing().roots[0].id
        record, seals = opened._record(newest), opened._seals
    missing = snapshots - sum(1 for _ in store.list("snapshots"))
    edits = _Edits(store, seals, record) if edited else None
    for first in range(1, missing + 1, _TOGETHER):
        numbers = range(first, min(first + _TOGETHER, missing + 1))
        blocks = edits.next(numbers) if edits is not None else [record.blocks for _ in numbers]
        for number, each in zip(numbers, blocks, strict=True):
            made = _earlier(record, number, each)
            store.put(f"snapshots/{made.id}", seal_root(seals, made))
            if marked:
                write_mark(store, seals, made.id, MarkRecord("verified", from_micros(made.ended), ""))


def _earlier(record: RootRecord, number: int, blocks: list[BlockRef]) -> RootRecord:
    before = int(number * EVERY / timedelta(microseconds=1))
    return msgspec.structs.replace(
        record,
        id=new_id(),
        as_of=record.as_of - before,
        ended=record.ended - before,
        writer="0" * 32,
        sequence=1,
        previous=None,
        parent=None,
        blocks=blocks,
    )


class _Edits:
    """Makes lists of blocks that differ in one entry from those of ``record``, and stores what is new in them."""

    def __init__(self, store: Store, seals: Seals, record: RootRecord) -> None:
        self._store = store
        self._seals = seals
        self._index = load_index(store, seals)[0]
        self._fetcher = Fetcher(store, seals, self._index)
        self._refs = list(block_refs(record, self._fetcher))

    def next(self, numbers: Iterable[int]) -> list[list[BlockRef]]:
        packs = PackWriter(self._store, self._seals)
        sink = Sink(self._seals, Codec("zstd", None), packs, self._index)
        changed = [_with_one_edit(self._refs, number, self._fetcher, sink) for number in numbers]
        sink.flush()
        write_index_objects(self._store, self._seals, packs.flush())
        sink.close()
        packs.close()
        return changed


def _with_one_edit(refs: list[BlockRef], number: int, fetcher: Fetcher, sink: Sink) -> list[BlockRef]:
    """The blocks of a snapshot in which one entry has another time."""
    place = number * 7919 % len(refs)
    pieces = read_block(fetcher, refs[place])
    rows = decode_rows(pieces[0].hot)
    if not rows:
        return refs
    row = rows[number % len(rows)]
    rows[number % len(rows)] = (*row[:MTIME], row[MTIME] - number, *row[MTIME + 1 :])
    edited = encode_block([msgspec.structs.replace(pieces[0], hot=encode_rows(rows)), *pieces[1:]])
    return [*refs[:place], BlockRef(refs[place].folder, refs[place].name, sink.put(Type.ENTRIES, edited)), *refs[place + 1 :]]
