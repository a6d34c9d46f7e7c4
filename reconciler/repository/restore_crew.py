"""Helper processes that write the files of a large restore. Each gets the handle of the target; a batch brings its part of the index."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from reconciler.repository.entries import Entry
from reconciler.repository.errors import HelperLost
from reconciler.repository.helper import Helper, Trouble, close_all, error_of, helpers_here, hire
from reconciler.repository.index import Position, SegmentPlace
from reconciler.repository.restore_files import FileWriter, Written
from reconciler.repository.store import LocalStore
from reconciler.tree.write import Loss

_CHUNKS_BYTES_MAX: Final = 32 * 16384  # of one file: its part of the index would take 2 MB


class Setup(msgspec.Struct, frozen=True):
    """The first message to a helper: all that it needs to read the repository and to write into the target."""

    repository: str
    repository_id: str
    master: bytes
    target: str
    handle: int
    """The open folder of the target, inherited under this number."""
    prefix: bytes
    """Of temporary names; no other helper has the same."""


class Task(msgspec.Struct, array_like=True, frozen=True):
    """One batch, with the part of the index that it needs."""

    entries: list[Entry]
    chunks: dict[bytes, Position]
    segments: dict[int, SegmentPlace]


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """What became of one batch."""

    files: list[int] = []
    failures: list[tuple[int, str, bool]] = []
    losses: list[tuple[bytes, str, str]] = []
    made: list[bytes] = []
    """Folders that this helper made since its last answer."""
    spans_devices: bool = False
    error: Trouble | None = None
    """It ended the batch; the other fields say nothing then."""


def suits(writer: FileWriter) -> bool:
    """Whether helpers can write what ``writer`` writes: from a local repository into a new target, on more than one core."""
    store = writer.fetcher.store
    return isinstance(store, LocalStore) and store.is_plain and not writer.target.replaces and helpers_here() > 0


class Crew:
    """Running helpers. Any number of threads may ask; each helper holds one batch and has the next one on the way."""

    def __init__(self, writer: FileWriter) -> None:
        """``writer`` says what is read and written; it writes by itself what is too large to be explained to a helper."""
        self._writer = writer
        self._own = threading.local()
        self._lock = threading.Lock()
        self._encoder, self._decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Answer)
        target, seals, place = writer.target, writer.seals, writer.fetcher.store.url
        prefixes = [b"%s.%d." % (target.prefix, number) for number in range(helpers_here())]
        setups = [Setup(place, seals.repository.hex(), seals.master, target.root, target.handle, prefix) for prefix in prefixes]
        self._helpers = hire("reconciler.repository.restore_helper", setups, target.handle)
        self._turn = itertools.cycle(self._helpers)

    @property
    def threads(self) -> int:
        """How many threads keep every helper busy."""
        return 2 * len(self._helpers)

    def write(self, batch: Sequence[Entry]) -> Written:
        """As :meth:`FileWriter.write`. Raises HelperLost, too."""
        if len(batch) == 1 and len(batch[0].cold.chunks) > _CHUNKS_BYTES_MAX:
            return self._writer.write(batch)
        task = self._encoder.encode(self._task(batch))
        try:
            answer = self._decoder.decode(self._helper().ask(task, self._writer.stopped))
        except HelperLost:
            if self._writer.stopped():  # told to stop before it could listen
                return Written()
            raise
        if answer.error is not None:
            raise error_of(answer.error)
        self._writer.target.learn(answer.made, spans_devices=answer.spans_devices)
        return Written(answer.files, answer.failures, [Loss(*loss) for loss in answer.losses])

    def close(self) -> None:
        """End all helpers and wait for them."""
        close_all(self._helpers)

    def _helper(self) -> Helper:
        helper: Helper | None = getattr(self._own, "helper", None)
        if helper is None:
            with self._lock:
                helper = self._own.helper = next(self._turn)
        return helper

    def _task(self, batch: Sequence[Entry]) -> Task:
        fetcher = self._writer.fetcher
        chunks: dict[bytes, Position] = {}
        segments: dict[int, SegmentPlace] = {}
        for chunk in _chunks(batch):
            position = fetcher.position(chunk)
            if position is not None:
                chunks[chunk] = position
                segments[position.segment] = fetcher.place(position.segment)
        return Task(list(batch), chunks, segments)


def _chunks(batch: Sequence[Entry]) -> Iterator[bytes]:
    for entry in batch:
        chunks = entry.cold.chunks
        if len(chunks) <= 32:
            if chunks:
                yield chunks
        else:
            for start in range(0, len(chunks), 32):
                yield chunks[start : start + 32]
