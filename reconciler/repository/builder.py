"""Builds the manifest of a new snapshot, folder by folder, reusing the blocks of the base that did not change.

An unchanged folder keeps its pieces and with them the places where blocks end; a block all of whose pieces are kept, in order and from
its beginning, keeps its id and is neither encoded nor hashed again.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Protocol

from reconciler.repository.entries import (
    BlockRef,
    Cold,
    Cuts,
    Piece,
    count_rows,
    decode_rows,
    encode_block,
    encode_colds,
    encode_list,
)
from reconciler.repository.format import BLOCK_BYTES_MAX, BLOCK_ENTRIES_MAX, BLOCKS_PER_LIST, Type
from reconciler.repository.manifest import BaseCursor, BaseFolder
from reconciler.tree.entry import NAME, Row, encode_rows

UnderWay = tuple[bytes, int, Sequence[Row], Sequence[Cold]]
"""What is read so far of a folder, as :meth:`ManifestBuilder.add` takes it."""


class BlockSink(Protocol):
    """Where blocks go."""

    def put(self, kind: Type, data: bytes, /) -> bytes:
        """The id of what was put there."""
        ...


class ManifestBuilder:
    """One per run. Folders must come in walk order."""

    def __init__(
        self, sink: BlockSink, cuts: Cuts, base: BaseCursor | None, base_refs: Sequence[BlockRef], base_devices: Sequence[int]
    ) -> None:
        self._sink = sink
        self._cuts = cuts
        self._base = base
        self._base_refs = base_refs
        self.devices: list[int] = list(base_devices)
        self.blocks: list[BlockRef] = []
        self._pieces: list[Piece] = []
        self._origin: int | None = None
        self._count = 0
        self._bytes = 0
        self._first: tuple[bytes, bytes] | None = None

    def device(self, number: int) -> int:
        """The ordinal of a device in this snapshot's table."""
        if number not in self.devices:
            self.devices.append(number)
        return self.devices.index(number)

    def add(self, folder: bytes, device: int, rows: Sequence[Row], colds: Sequence[Cold]) -> None:
        """A folder that is new or changed. An empty one is recorded, too: its absence in the next scan must show."""
        start = 0
        for position, row in enumerate(rows):
            if self._cuts.after(folder, row[NAME]) or self._count + position - start + 1 >= BLOCK_ENTRIES_MAX:
                self._append(folder, device, rows[start : position + 1], colds[start : position + 1])
                self._cut()
                start = position + 1
        if start < len(rows) or not rows:
            self._append(folder, device, rows[start:], colds[start:])

    def keep(self, found: BaseFolder) -> None:
        """A folder that is exactly as in the base."""
        assert self._base is not None
        for piece, (number, position) in zip(found.pieces, found.places, strict=True):
            if not self._pieces:
                self._origin = number if position == 0 else None
            elif self._origin != number or position != len(self._pieces):
                self._origin = None
            last = position == self._base.block_sizes[number] - 1
            if last and number == len(self._base_refs) - 1:
                names = decode_rows(piece.hot)
                last = bool(names) and self._cuts.after(piece.folder, names[-1][NAME])
            self._put(piece, piece.folder, count_rows(piece.hot))
            if last:
                self._cut()

    def finish(self) -> tuple[list[BlockRef], list[BlockRef]]:
        """(blocks, lists): what the root holds; above 4,096 blocks the references go into chunks of their own."""
        self._cut()
        if len(self.blocks) <= BLOCKS_PER_LIST:
            return self.blocks, []
        lists = []
        for start in range(0, len(self.blocks), BLOCKS_PER_LIST):
            group = self.blocks[start : start + BLOCKS_PER_LIST]
            lists.append(BlockRef(group[0].folder, group[0].name, self._sink.put(Type.BLOCKS, encode_list(group))))
        return [], lists

    def so_far(self, under_way: UnderWay | None) -> list[BlockRef]:
        """The blocks of everything added, and of what is read of the folder under way. What follows is cut as if nobody had asked."""
        rest = copy.copy(self)
        rest.blocks, rest._pieces = [*self.blocks], [*self._pieces]
        if under_way is not None:
            rest.add(*under_way)
        rest._cut()
        return rest.blocks

    def _begin(self) -> None:
        self._pieces = []
        self._origin = None
        self._count = 0
        self._bytes = 0
        self._first = None

    def _append(self, folder: bytes, device: int, rows: Sequence[Row], colds: Sequence[Cold]) -> None:
        self._origin = None
        piece = Piece(folder, device, encode_rows(rows), encode_colds(colds))
        if not self._pieces:
            self._first = (folder, rows[0][NAME] if rows else b"")
        self._put(piece, folder, len(rows))
        if self._bytes >= BLOCK_BYTES_MAX:
            self._cut()

    def _put(self, piece: Piece, folder: bytes, rows: int) -> None:
        self._pieces.append(piece)
        self._count += rows
        self._bytes += len(piece.hot) + len(piece.cold) + len(folder)

    def _cut(self) -> None:
        if not self._pieces:
            return
        origin = self._origin
        if origin is not None and self._base is not None and self._base.block_sizes[origin] == len(self._pieces):
            self.blocks.append(self._base_refs[origin])
        else:
            if self._first is None:  # begins with a kept piece
                names = decode_rows(self._pieces[0].hot)
                self._first = (self._pieces[0].folder, names[0][NAME] if names else b"")
            self.blocks.append(BlockRef(*self._first, self._sink.put(Type.ENTRIES, encode_block(self._pieces))))
        self._begin()
