"""Snapshots as only somebody with the key can write them: any entry, in any order, sealed as it should be."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec
from msgspec import Struct, field

from reconciler.repository import Repository
from reconciler.repository.codec import Codec
from reconciler.repository.entries import BlockRef, Cold, Piece, encode_block, encode_colds, encode_list
from reconciler.repository.format import Type
from reconciler.repository.index import write_index_objects
from reconciler.repository.pack import PackWriter
from reconciler.repository.root import RootRecord, seal_root
from reconciler.repository.seal import SegmentSealer, lengths_packed
from reconciler.tree.entry import GID, UID, Row, encode_rows, walk_key

FILE, FOLDER, LINK = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777
MTIME = 1_700_000_000_123_456_789

Placed = tuple[bytes, Row, Cold]
"""An entry: its folder, its row, what reading gives."""


def row(
    name: bytes,
    mode: int = FILE,
    size: int = 4,
    *,
    ino: int = 1,
    owner: tuple[int, int] | None = None,
    names: int = 1,
    mtime: int = MTIME,
) -> Row:
    """An honest row of whoever runs the test, unless it is told otherwise."""
    user, group = owner or (os.getuid(), os.getgid())
    return (name, mode, size if mode & 0o170000 == stat.S_IFREG else 0, mtime, 1, ino, user, group, names)


def in_order(entries: Iterable[Placed]) -> list[Placed]:
    return sorted(entries, key=lambda entry: (walk_key(entry[0]), entry[1][0]))


def pieces(entries: Iterable[Placed]) -> list[Piece]:
    """Runs of one folder each, in the order given."""
    made = []
    for folder, run in groupby(entries, key=lambda entry: entry[0]):
        of_folder = list(run)
        made.append(Piece(folder, 0, encode_rows([each[1] for each in of_folder]), encode_colds([each[2] for each in of_folder])))
    return made


class Forger(Struct):
    """Writes into a repository with its own keys."""

    repository: Repository
    like: str
    """Id of an honest snapshot in it, whose root is imitated."""
    owner: tuple[int, int] | None = None
    """Who gets the entries that belong to whoever runs the test."""
    _made: int = field(default=0)

    def chunk(self, kind: Type, data: bytes) -> bytes:
        """Store one chunk; its id."""
        store, seals = self.repository._store, self.repository._seals
        chunk, lengths = seals.chunk_id(kind, data), lengths_packed(array("I", [len(data)]))
        packed, sealed = SegmentSealer(seals, Codec("zstd")).seal(kind, memoryview(data), chunk, lengths)
        packs = PackWriter(store, seals)
        packs.append(kind, packed, len(data), chunk, lengths, sealed)
        write_index_objects(store, seals, packs.flush())
        packs.close()
        return chunk

    def content(self, data: bytes) -> Cold:
        return Cold(self.chunk(Type.DATA, data))

    def block(self, entries: Sequence[Placed], first: tuple[bytes, bytes] | None = None) -> BlockRef:
        """``first``: what the reference claims to begin with."""
        folder, name = first if first is not None else (entries[0][0], entries[0][1][0])
        return BlockRef(folder, name, self.chunk(Type.ENTRIES, encode_block(pieces(self._given(entry) for entry in entries))))

    def lists(self, refs: Sequence[BlockRef]) -> BlockRef:
        return BlockRef(refs[0].folder, refs[0].name, self.chunk(Type.BLOCKS, encode_list(refs)))

    def snapshot(self, blocks: Sequence[BlockRef], lists: Sequence[BlockRef] = ()) -> str:
        self._made += 1
        return self.publish(msgspec.structs.replace(self.record(), id=f"{self._made:032x}", blocks=list(blocks), lists=list(lists)))

    def _given(self, entry: Placed) -> Placed:
        folder, of_entry, cold = entry
        if self.owner is None or of_entry[UID : GID + 1] != (os.getuid(), os.getgid()):
            return entry
        return folder, (*of_entry[:UID], *self.owner, *of_entry[GID + 1 :]), cold

    def record(self) -> RootRecord:
        return self.repository._record(self.like)

    def publish(self, record: RootRecord) -> str:
        self.repository._store.put(f"snapshots/{record.id}", seal_root(self.repository._seals, record))
        return record.id
