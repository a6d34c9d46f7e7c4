"""Helper processes that seal segments: the reader's thread then has Python for itself. Content goes through shared memory, and a helper
touches no disk: one that dies costs nothing but its work, which this process does instead.
"""

from __future__ import annotations

import itertools
import threading

import msgspec
from msgspec import Struct

from reconciler.base.arena import Arena, Region
from reconciler.repository.codec import Codec
from reconciler.repository.format import Packed, Type
from reconciler.repository.helper import Helper, Trouble, close_all, error_of, helpers_here, hire
from reconciler.repository.seal import Seals


class Setup(msgspec.Struct, frozen=True):
    """The first message to a helper."""

    repository_id: str
    master: bytes
    algorithm: str
    level: int
    memory: int
    """The arena, inherited under this number."""
    memory_bytes: int


class Task(msgspec.Struct, array_like=True, frozen=True):
    """One segment in the arena, and where its sealed form goes."""

    kind: int
    start: int
    length: int
    ids: bytes
    lengths: bytes
    out: int
    room: int


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """The sealed form: how it is compressed, and its length."""

    packed: int = 0
    length: int = 0
    error: Trouble | None = None


class _Seat(Struct):
    """What one thread of the caller has: a helper that it shares with another thread, and room for what that seals."""

    helper: Helper
    room: Region


class SealCrew:
    """Running helpers. Threads may ask, :attr:`threads` of them."""

    def __init__(self, seals: Seals, codec: Codec, arena: Arena, sealed_bytes_max: int) -> None:
        self._own = threading.local()
        self._lock = threading.Lock()
        self._arena = arena
        self._room_bytes = sealed_bytes_max
        self._encoder, self._decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Answer)
        setup = Setup(seals.repository.hex(), seals.master, codec.algorithm, codec.level, arena.handle, arena.size)
        self._helpers = hire("reconciler.repository.seal_helper", [setup] * helpers_here(), arena.handle)
        self._turn = itertools.cycle(self._helpers)

    @property
    def threads(self) -> int:
        """How many threads keep every helper busy."""
        return 2 * len(self._helpers)

    def seal(self, kind: Type, start: int, length: int, ids: bytes, lengths: bytes) -> tuple[Packed, memoryview]:
        """The sealed form of ``length`` bytes at ``start`` in the arena, valid until this thread asks again.

        Raises HelperLost, and what :meth:`SegmentSealer.seal` raises.
        """
        seat = self._seat()
        assert seat.room.offset is not None, "the arena has room for all seats"
        task = Task(kind, start, length, ids, lengths, seat.room.offset, self._room_bytes)
        answer = self._decoder.decode(seat.helper.ask(self._encoder.encode(task)))
        if answer.error is not None:
            raise error_of(answer.error)
        return Packed(answer.packed), seat.room.view[: answer.length]

    def close(self) -> None:
        """End all helpers and wait for them."""
        close_all(self._helpers)

    def _seat(self) -> _Seat:
        seat: _Seat | None = getattr(self._own, "seat", None)
        if seat is None:
            with self._lock:
                seat = self._own.seat = _Seat(next(self._turn), self._arena.take(self._room_bytes))
        return seat
