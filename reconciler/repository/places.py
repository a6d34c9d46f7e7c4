"""Where the content of a file lies in it: the stream of its chunks laid over its data, with the holes of a sparse file left out."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.repository.entries import Entry
from reconciler.repository.errors import Damaged
from reconciler.tree.entry import SIZE

Part = tuple[int, int]
"""Offset in the file, and length."""


class Places:
    """Where the stream of a file's chunks lies in the file: one run from 0, or its data extents."""

    def __init__(self, entry: Entry) -> None:
        size = entry.row[SIZE]
        extents = entry.cold.extents if entry.cold.extents is not None else ((0, size),)
        self._extents = (extent for extent in extents if extent[1])
        self._end = size
        self._offset, self._left = 0, 0
        self._next()

    def _next(self) -> None:
        self._offset, self._left = next(self._extents, (0, 0))
        if self._offset < 0 or self._left < 0 or self._offset + self._left > self._end:
            raise Damaged("its extents lie outside of it")

    @property
    def complete(self) -> bool:
        while not self._left:
            following = next(self._extents, None)
            if following is None:
                return True
            self._offset, self._left = following
        return False

    def split(self, view: memoryview) -> Iterator[tuple[int, memoryview]]:
        """The parts of the next chunk, with the offset of each."""
        start = 0
        for offset, length in self.take(len(view)):
            yield offset, view[start : start + length]
            start += length

    def take(self, length: int) -> Iterator[Part]:
        """Where the next ``length`` bytes of the stream lie."""
        while length:
            if not self._left:
                self._next()
                if not self._left:
                    raise Damaged("its chunks are longer than its size")
            part = self._offset, min(length, self._left)
            self._offset += part[1]
            self._left -= part[1]
            length -= part[1]
            yield part
