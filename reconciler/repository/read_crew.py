"""Helper processes that read small files ahead. Each opens files below folders that this process holds open, and puts what it read into
shared memory; what it says is used for one thing: a file that is to the last number as the scan saw it. Any other one is read again here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.base.arena import Arena, Region
from reconciler.base.wire import UNREADABLE
from reconciler.repository.errors import HelperLost
from reconciler.repository.format import SEGMENT_BYTES, WHOLE_FILE_BYTES
from reconciler.repository.helper import Helper, close_all, hire
from reconciler.tree.entry import Row

_BATCHES: Final = 16  # on the way, of all helpers together: while a large file is read here, they go on
_ANSWER_BYTES: Final = 2**17
_CONTENT_BYTES: Final = SEGMENT_BYTES + WHOLE_FILE_BYTES + 4096
_NONSENSE: Final = "a process that did a part of this work answers something else than was asked"
CREW_BYTES: Final = _BATCHES * (_CONTENT_BYTES + _ANSWER_BYTES)
"""Of an arena; touched as far as it is used."""


class Setup(Struct, frozen=True):
    """The first message to a helper."""

    key: bytes
    """Of the ids of chunks; no other one of the repository."""
    sha256: bool
    md5: bool
    memory: int
    """The arena, inherited under this number."""
    memory_bytes: int


class Folder(Struct, array_like=True, frozen=True):
    """A folder that the asking process holds open under this number, and which one it is."""

    handle: int
    device: int
    inode: int


class Task(Struct, array_like=True, frozen=True):
    """Files to read, one after the other into the arena, each with the number of its folder."""

    folders: list[Folder]
    files: list[tuple[int, Row]]
    start: int
    room: int
    """For the content."""
    answer: int
    """Where the answer goes: a list of :data:`Reads`."""
    answer_room: int


class Read(Struct, array_like=True, frozen=True, gc=False):
    """A file that was read and is as it was seen. ``chunk`` is empty when it is."""

    chunk: bytes
    sha256: bytes | None
    md5: bytes | None
    xattrs: dict[bytes, bytes] | None


Reads = list[Read | None]
"""Of each file, in order; None: look yourself. Those that were read stand side by side."""


class Batch:
    """What one task asked for."""

    __slots__ = ("helper", "reads", "region", "rows")

    def __init__(self, rows: Sequence[Row], region: Region, helper: Helper) -> None:
        self.rows = rows
        self.region = region
        self.helper = helper
        self.reads: Reads | None = None


class ReadCrew:
    """Running helpers, for one thread. Raises HelperLost when one of them is gone."""

    def __init__(self, key: bytes, checksums: Sequence[str], arena: Arena, size: int) -> None:
        """``size``: how many helpers."""
        self._encoder, self._decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Reads)
        setup = Setup(key, "sha256" in checksums, "md5" in checksums, arena.handle, arena.size)
        self.helpers = hire("reconciler.repository.read_helper", [setup] * size, arena.handle)
        self._turn = itertools.cycle(self.helpers)
        self._free = [arena.take(_CONTENT_BYTES + _ANSWER_BYTES) for _ in range(_BATCHES)]
        self._waited_for = list(self.helpers)

    def is_ready(self) -> bool:
        """Whether all have started."""
        while self._waited_for and self._waited_for[-1].has_answered():
            self._waited_for.pop().hear()
        return not self._waited_for

    @property
    def has_room(self) -> bool:
        """Whether another batch may be sent."""
        return bool(self._free)

    def send(self, folders: list[Folder], files: list[tuple[int, Row]]) -> Batch:
        """Have them read. Their sizes fit a segment, but for the last one."""
        region = self._free.pop()
        batch = Batch([row for _, row in files], region, next(self._turn))
        start = region.offset
        assert start is not None, "the arena has room for all batches"
        task = Task(folders, files, start, _CONTENT_BYTES, start + _CONTENT_BYTES, _ANSWER_BYTES)
        batch.helper.tell(self._encoder.encode(task))
        return batch

    def receive(self, batch: Batch, meanwhile: Callable[[], None]) -> Reads:
        """What became of a batch; they come back in the order in which they were sent. ``meanwhile`` is called while nothing comes."""
        length = int.from_bytes(batch.helper.hear(meanwhile), "big")
        answer = batch.region.view[_CONTENT_BYTES : _CONTENT_BYTES + length]
        try:
            reads: Reads = self._decoder.decode(answer) if length else [None for _ in batch.rows]
        except UNREADABLE as error:
            raise HelperLost(_NONSENSE) from error
        if len(reads) != len(batch.rows):
            raise HelperLost(_NONSENSE)
        batch.reads = reads
        return reads

    def done(self, batch: Batch) -> None:
        """Nobody looks at what this batch read any more."""
        self._free.append(batch.region)

    def close(self) -> None:
        """End all helpers and wait for them."""
        close_all(self.helpers)
