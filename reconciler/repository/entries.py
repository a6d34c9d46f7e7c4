"""Entries of a manifest and their blocks.

A block is a list of *pieces*; a piece is a run of entries of one folder: ``[folder, device, hot, cold]``. ``hot`` holds what a scan sees
(the rows), ``cold`` what only reading gives (chunks, hashes, links, extents, attributes), each encoded on its own: an unchanged folder is
one comparison of bytes, and its cold part is carried over without being decoded. Order: folders by path with ``/`` as the lowest byte,
names by raw bytes. A block ends after a name whose keyed hash says so: an edit moves no other boundary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from blake3 import blake3

from reconciler.base.wire import UNREADABLE
from reconciler.repository.errors import Damaged
from reconciler.repository.format import BLOCK_ENTRIES
from reconciler.tree.entry import MTIME, NAME, Row, join

UNREAD = 1  # flag of an entry whose content could not be read: restore must say so instead of making an empty file


class Cold(msgspec.Struct, array_like=True, frozen=True):
    """What reading an entry gives. Everything but ``chunks`` is empty for most files."""

    chunks: bytes = b""
    """32 bytes per chunk, in order; together the data extents of the file."""
    sha256: bytes | None = None
    md5: bytes | None = None
    link: bytes | None = None
    """Target of a symbolic link."""
    extents: list[tuple[int, int]] | None = None
    """(offset, length) of data in a sparse file; None: no holes."""
    xattrs: dict[bytes, bytes] | None = None
    rdev: int = 0
    flags: int = 0


class _Content(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The part of Cold that says what a file holds."""

    chunks: bytes = b""


class Piece(msgspec.Struct, array_like=True, frozen=True):
    """A run of entries of one folder, as stored."""

    folder: bytes
    device: int
    """Ordinal in the snapshot's table of devices."""
    hot: bytes
    cold: bytes


class BlockRef(msgspec.Struct, array_like=True, frozen=True):
    """A block in the list of a root: the first (folder, name) in it, and its chunk id."""

    folder: bytes
    name: bytes
    id: bytes


class Entry(NamedTuple):
    """One entry, decoded."""

    folder: bytes
    device: int
    row: Row
    cold: Cold

    @property
    def path(self) -> bytes:
        return join(self.folder, self.row[NAME])


Found = tuple[Row, Cold]
"""Both halves of one entry."""

_encoder = msgspec.msgpack.Encoder()
_rows_decoder = msgspec.msgpack.Decoder(list[tuple[bytes, int, int, int, int, int, int, int, int]])
_colds_decoder = msgspec.msgpack.Decoder(list[Cold])
_contents_decoder = msgspec.msgpack.Decoder(list[_Content])
_block_decoder = msgspec.msgpack.Decoder(list[Piece])
_list_decoder = msgspec.msgpack.Decoder(list[BlockRef])


def encode_colds(colds: Sequence[Cold]) -> bytes:
    return _encoder.encode(colds)


def encode_block(pieces: Sequence[Piece]) -> bytes:
    return _encoder.encode(pieces)


def encode_list(refs: Sequence[BlockRef]) -> bytes:
    return _encoder.encode(refs)


def decode_block(data: bytes, shown: str) -> list[Piece]:
    try:
        return _block_decoder.decode(data)
    except UNREADABLE as error:
        raise Damaged(f"{shown} cannot be read", object=shown) from error


def decode_list(data: bytes, shown: str) -> list[BlockRef]:
    try:
        return _list_decoder.decode(data)
    except UNREADABLE as error:
        raise Damaged(f"{shown} cannot be read", object=shown) from error


def decode_rows(hot: bytes) -> list[Row]:
    try:
        return _rows_decoder.decode(hot)
    except UNREADABLE as error:
        raise Damaged("a piece of a manifest cannot be read") from error


def ids_of(chunks: bytes) -> Iterator[bytes]:
    """The single ids of a file's chunks, in its order."""
    return (chunks[start : start + 32] for start in range(0, len(chunks), 32))


def decode_colds(cold: bytes) -> list[Cold]:
    try:
        return _colds_decoder.decode(cold)
    except UNREADABLE as error:
        raise Damaged("a piece of a manifest cannot be read") from error


def decode_chunks(cold: bytes) -> list[bytes]:
    """The ids of the content of each entry, and nothing else of a piece: a third of the work."""
    try:
        return [found.chunks for found in _contents_decoder.decode(cold)]
    except UNREADABLE as error:
        raise Damaged("a piece of a manifest cannot be read") from error


def count_rows(hot: bytes) -> int:
    """How many rows a piece holds, from the head of its msgpack array, without decoding them."""
    head = hot[0] if hot else 0x90
    if head & 0xF0 == 0x90:
        return head & 0x0F
    return int.from_bytes(hot[1:3] if head == 0xDC else hot[1:5], "big")


def decode_halves(piece: Piece) -> tuple[list[Row], list[Cold]]:
    """Both halves of a piece; Damaged when they do not belong together."""
    rows = decode_rows(piece.hot)
    colds = decode_colds(piece.cold)
    if len(rows) != len(colds):
        raise Damaged("a piece of a manifest is not consistent in itself")
    return rows, colds


def entries_of(piece: Piece) -> list[Entry]:
    """The decoded entries."""
    rows, colds = decode_halves(piece)
    return [Entry(piece.folder, piece.device, row, cold) for row, cold in zip(rows, colds, strict=True)]


class Cuts:
    """Where blocks end: after each entry whose keyed path hash is a multiple of :data:`BLOCK_ENTRIES`."""

    def __init__(self, key: bytes) -> None:
        self._hasher = blake3(key=key)

    def after(self, folder: bytes, name: bytes) -> bool:
        digest = self._hasher.copy().update(folder + b"/" + name).digest(length=4)
        return int.from_bytes(digest, "big") % BLOCK_ENTRIES == 0


def smudged(row: Row, racy_after_ns: int) -> Row:
    """``row`` with its change time blanked when it is too fresh to be trusted.

    A file changed twice within the granularity of its timestamps looks unchanged to the next scan (borg #3536). A blank change time never
    compares equal, so the next scan reads the file again.
    """
    if row[MTIME] >= racy_after_ns or row[4] >= racy_after_ns:
        return (*row[:4], 0, *row[5:])
    return row
