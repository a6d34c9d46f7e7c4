"""A helper process that answers two messages at once."""

from __future__ import annotations

import struct
import sys


def main() -> None:
    """The setup, then pairs of messages; both come back together."""
    pipe = sys.stdin.buffer
    messages = [_next() for _ in range(3)]
    sys.stdout.buffer.write(b"".join(struct.pack(">Q", len(message)) + message for message in messages[1:]))
    sys.stdout.buffer.flush()
    pipe.read()


def _next() -> bytes:
    (length,) = struct.unpack(">Q", sys.stdin.buffer.read(8))
    return sys.stdin.buffer.read(length)
