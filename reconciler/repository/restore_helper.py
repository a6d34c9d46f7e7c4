"""The main function of a helper process of a restore: it writes the batches that it is sent. Started by restore_crew.py alone."""

from __future__ import annotations

import msgspec

from reconciler.repository.fetch import Fetcher
from reconciler.repository.helper import Desk, trouble
from reconciler.repository.index import Position, SegmentPlace
from reconciler.repository.restore_crew import Answer, Setup, Task
from reconciler.repository.restore_files import FileWriter
from reconciler.repository.seal import Seals
from reconciler.repository.store import LocalStore
from reconciler.tree.write import Target

_KEPT_BYTES = 16 * 2**20  # of decoded segments: batches come in pack order, so that one that is done with is not asked for again


class _Leaf:
    """The part of the index that one batch needs."""

    def __init__(self) -> None:
        self.chunks: dict[bytes, Position] = {}
        self.segments: dict[int, SegmentPlace] = {}

    def find(self, chunk: bytes) -> Position | None:
        return self.chunks.get(chunk)

    def segment(self, number: int) -> SegmentPlace:
        return self.segments[number]

    def turn(self, task: Task) -> None:
        self.chunks = task.chunks
        self.segments.update(task.segments)


def main() -> None:
    """Read the setup, then tasks; answer each."""
    desk = Desk()
    first = desk.next()
    if first is None:
        return
    setup = msgspec.msgpack.decode(first, type=Setup)
    leaf = _Leaf()
    seals = Seals(setup.master, setup.repository_id)
    target = Target.shared(setup.target, setup.handle, setup.prefix)
    writer = FileWriter(Fetcher(LocalStore(setup.repository), seals, leaf, _KEPT_BYTES), seals, target, desk.stopped)
    decoder, encoder = msgspec.msgpack.Decoder(Task), msgspec.msgpack.Encoder()
    while (message := desk.next()) is not None:
        task = decoder.decode(message)
        leaf.turn(task)
        desk.answer(encoder.encode(_answer(writer, task)))


def _answer(writer: FileWriter, task: Task) -> Answer:
    target = writer.target
    try:
        written = writer.write(task.entries)
    except Exception as error:  # noqa: BLE001 (whatever it is, the process that asked must get it)
        return Answer(error=trouble(error))
    made = list(target.made)
    target.made.clear()
    losses = [(loss.path, loss.what, loss.message) for loss in written.losses]
    return Answer(written.files, written.failures, losses, made, target.spans_devices)
