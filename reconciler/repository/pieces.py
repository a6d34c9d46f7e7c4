"""What a large file, or a stream, consists of, as windows are filled with it: the data between the holes, hashed on the way."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from typing import Protocol

from reconciler.base.files import read_into
from reconciler.tree.entry import Stream

SPARSE_FROM_BYTES = 64 * 1024  # below, an allocation map costs more than the zeros; some systems report fresh files as empty
_ZEROS = bytes(2**20)
_EXTENTS_MAX = 100_000


class Hash(Protocol):
    """Sees the whole content, in order."""

    def update(self, data: bytes | memoryview, /) -> None: ...

    def digest(self) -> bytes: ...


class Pieces:
    """The data extents of a file as one stream; the file hashes see the holes between them, too."""

    def __init__(self, handle: int, extents: list[tuple[int, int]], size: int, hashes: list[Hash], between: Callable[[], None]) -> None:
        self._handle = handle
        self._between = between
        self._hashes = hashes
        self._size = size
        self._hashed = 0
        self._extents = iter(extents)
        self._offset, self._left = next(self._extents, (0, 0))
        self.ended = False
        self.short = False
        self.read_bytes = 0

    def fill(self, room: memoryview) -> int:
        """Fill ``room`` as far as there is data; ``ended`` afterwards says whether that was all."""
        filled = 0
        while filled < len(room):
            if not self._left:
                following = next(self._extents, None)
                if following is None:
                    break
                self._offset, self._left = following
                continue
            count = read_into(self._handle, room[filled : filled + min(self._left, len(room) - filled)], self._offset)
            if not count:
                self.short = True
                self._left = 0
                continue
            self._hash_hole(self._offset)
            for each in self._hashes:
                each.update(room[filled : filled + count])
            self._hashed = self._offset + count
            self._offset += count
            self._left -= count
            filled += count
        if filled < len(room):
            self.ended = True
            self._hash_hole(self._size)
        self.read_bytes += filled
        return filled

    def _hash_hole(self, until: int) -> None:
        while self._hashed < until and self._hashes:
            self._between()  # a hole of a tebibyte is ten minutes of zeros
            step = min(len(_ZEROS), until - self._hashed)
            for each in self._hashes:
                each.update(_ZEROS[:step])
            self._hashed += step


class Flow:
    """A stream as windows; the file hashes see all of it."""

    def __init__(self, stream: Stream, hashes: list[Hash]) -> None:
        self._stream = stream
        self._hashes = hashes
        self.ended = False
        self.read_bytes = 0

    def fill(self, room: memoryview) -> int:
        """Fill ``room`` as far as the stream goes; ``ended`` afterwards says whether that was all."""
        filled = 0
        while filled < len(room):
            count = self._stream.readinto(room[filled:])
            if not count:
                self.ended = True
                break
            for each in self._hashes:
                each.update(room[filled : filled + count])
            filled += count
        self.read_bytes += filled
        return filled


def extents_of(handle: int, size: int) -> list[tuple[int, int]] | None:
    """The data extents of a file with holes; None when there are none, or too many to be worth it."""
    info = os.fstat(handle)
    if not hasattr(os, "SEEK_DATA") or info.st_blocks * 512 >= size:
        return None
    found: list[tuple[int, int]] = []
    for start, end in _data_ranges(handle, size):
        found.append((start, end - start))
        if len(found) > _EXTENTS_MAX:
            return None
    return None if found == [(0, size)] else found


def _data_ranges(handle: int, size: int) -> Iterator[tuple[int, int]]:
    position = 0
    while position < size:
        try:
            start = os.lseek(handle, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # no data from here to the end
                return
            yield position, size
            return
        position = min(size, os.lseek(handle, start, os.SEEK_HOLE))
        if start < size:
            yield start, position
