"""What a restore and its helper processes say to each other through their pipes: frames of a length and a message."""

from __future__ import annotations

import struct
from typing import IO

import msgspec

from reconciler.repository.entries import Entry
from reconciler.repository.index import Position, SegmentPlace

_LENGTH = struct.Struct(">Q")


class Setup(msgspec.Struct, frozen=True):
    """The first message to a helper: all that it needs to read the repository and to write into the target."""

    parent: int
    """Process id of the restore; when it is not the parent any more, the helper ends."""
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
    """What became of one batch, in the order in which batches were sent."""

    files: list[int]
    failures: list[tuple[int, str, bool]]
    losses: list[tuple[bytes, str, str]]
    made: list[bytes]
    """Folders that this helper made since its last answer."""
    spans_devices: bool
    error: Trouble | None = None
    """It ended the batch; the other fields say nothing then."""


class Trouble(msgspec.Struct, frozen=True):
    """An error on its way to the process that asked. ``code`` is empty for one that nobody foresaw; then the text is its traceback."""

    code: str
    message: str
    hint: str
    context: dict[str, str]


def send(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(_LENGTH.pack(len(message)))
    pipe.write(message)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes | None:
    """The next message; None when the other side has gone, in the middle of one, too."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    message = pipe.read(length)
    return message if len(message) == length else None
