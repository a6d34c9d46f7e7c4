"""Another process that lists a part of the folders ahead, each in the bytes of a manifest: an unchanged one is then one comparison.

What it says is a look at the disk like any other, and only that: a folder that it could not list without a defect, or that is not as the
last snapshot has it, is listed again by the process that asks, which opens whatever is read. When it ends early, says nothing for long or
talks nonsense, the scan goes on without it. It is started without a shell, in a process group of its own; it ends when nobody listens.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import subprocess
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from reconciler.base import own_process
from reconciler.base.wire import UNREADABLE
from reconciler.tree.entry import Counts, Row, walk_key
from reconciler.tree.scan import ScanRoot
from reconciler.tree.shares import Shares

LENGTH: Final = struct.Struct(">I")
_HELPER: Final = "reconciler.tree.scout_helper"
_PATIENCE_SECONDS: Final = 5.0
_END_SECONDS: Final = 10
_READ_BYTES: Final = 2**20
_MESSAGE_BYTES_MAX: Final = 2**28  # a folder with a few million entries; with more in one, the scan goes on alone


class Found(NamedTuple):
    """One folder, listed without a defect."""

    path: bytes
    device: int
    inode: int
    encoded: bytes
    counts: Counts
    excluded: int
    folders: list[Row]
    """To be entered, in order."""


class Setup(msgspec.Struct, array_like=True, frozen=True):
    """What the other process is told: the scan and its share of it."""

    roots: list[tuple[str, tuple[str, ...], bool, bool, list[bytes], int | None]]
    skip: list[tuple[int, int]]
    marks: list[bytes]


class Scout:
    """The side that asks."""

    def __init__(self, roots: Sequence[ScanRoot], skip: frozenset[tuple[int, int]], marks: Sequence[bytes]) -> None:
        self._shares = Shares(marks)
        self._waiting: deque[Found] = deque()
        self._decoder = msgspec.msgpack.Decoder(list[Found])
        self._process: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):  # it could not be started, or ended at once: its silence says so
            self._start(Setup([told_root(root) for root in roots], list(skip), list(marks)))

    def _start(self, setup: Setup) -> None:
        self._process = subprocess.Popen(
            own_process.command(_HELPER),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            process_group=0,
        )
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            told = memoryview(msgspec.msgpack.encode(setup))
            while told:
                told = told[pipe.write(told) :]

    def take(self, path: bytes) -> Found | None:
        """What it found in this folder; paths must come in the order of a scan. None: list it yourself."""
        key = walk_key(path)
        if not self._shares.is_scouts(key):
            return None
        while self._waiting or self._receive():
            if self._waiting[0].path == path:
                return self._waiting.popleft()
            if walk_key(self._waiting[0].path) > key:
                return None
            self._waiting.popleft()
        return None

    def close(self) -> None:
        """End it, whatever it does, and wait for that."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdout is not None
        process.stdout.close()
        process.kill()
        process.wait(_END_SECONDS)

    def _receive(self) -> bool:
        """Whether something more came."""
        head = self._read(LENGTH.size)
        length = LENGTH.unpack(head)[0] if head is not None else 0
        body = self._read(length) if 0 < length <= _MESSAGE_BYTES_MAX else None
        try:
            if body is not None:
                self._waiting.extend(self._decoder.decode(body))
                return True
        except UNREADABLE:
            pass  # who talks nonsense once is not asked again
        self.close()
        return False

    def _read(self, length: int) -> bytes | None:
        if self._process is None:
            return None
        assert self._process.stdout is not None
        pieces: list[bytes] = []
        while length:
            if not select.select([self._process.stdout], [], [], _PATIENCE_SECONDS)[0]:
                return None
            piece = os.read(self._process.stdout.fileno(), min(length, _READ_BYTES))
            if not piece:
                return None
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)


def told_root(root: ScanRoot) -> tuple[str, tuple[str, ...], bool, bool, list[bytes], int | None]:
    """A root, as :class:`Setup` holds it."""
    kept = sorted(root.leave_if_present)
    return (root.path, root.excludes.patterns, root.one_file_system, root.leave_caches, kept, root.bytes_max)


def possible() -> bool:
    """Whether this machine has a second processor for it, and processes as it needs them."""
    return own_process.processors() > 1
