"""The main function of a helper process that seals segments. Started by seal_crew.py alone."""

from __future__ import annotations

import msgspec

from reconciler.base.arena import attach
from reconciler.repository.codec import Codec
from reconciler.repository.format import Type
from reconciler.repository.helper import Desk, trouble
from reconciler.repository.seal import Seals, SegmentSealer
from reconciler.repository.seal_crew import Answer, Setup, Task


def main() -> None:
    """Read the setup, then tasks; answer each."""
    desk = Desk()
    first = desk.next()
    if first is None:
        return
    setup = msgspec.msgpack.decode(first, type=Setup)
    memory = attach(setup.memory, setup.memory_bytes)
    sealer = SegmentSealer(Seals(setup.master, setup.repository_id), Codec(setup.algorithm, setup.level))
    decoder, encoder = msgspec.msgpack.Decoder(Task), msgspec.msgpack.Encoder()
    while (message := desk.next()) is not None:
        desk.answer(encoder.encode(_answer(sealer, memory, decoder.decode(message))))


def _answer(sealer: SegmentSealer, memory: memoryview, task: Task) -> Answer:
    plain = memory[task.start : task.start + task.length]
    room = memory[task.out : task.out + task.room]
    try:
        packed, sealed = sealer.seal(Type(task.kind), plain, task.ids, task.lengths, room)
    except Exception as error:  # noqa: BLE001 (whatever it is, the process that asked must get it)
        return Answer(error=trouble(error))
    return Answer(packed, len(sealed))
