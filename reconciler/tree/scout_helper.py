"""The main function of the process that lists ahead. Started by scout.py alone."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import sys
from collections import deque
from typing import Final

import msgspec

from reconciler.tree.entry import count, encode_rows, walk_key
from reconciler.tree.errors import RootUnusable
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import Scan, ScanRoot
from reconciler.tree.scout import LENGTH, Found, Setup
from reconciler.tree.shares import Shares

_BATCH_BYTES: Final = 64 * 1024
_WAITING_BYTES_MAX: Final = 16 * 2**20
_PIPE_BYTES: Final = 2**20


def main() -> None:
    """Read the setup, scan, and say what was found; end when nobody listens any more."""
    gc.disable()  # rows are tuples without cycles, and it would walk all of them again and again
    setup = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Setup)
    with contextlib.suppress(BrokenPipeError, RootUnusable):  # who asked went away, or finds out by itself
        _scan(setup, _Voice(1))


def _scan(setup: Setup, voice: _Voice) -> None:
    shares = Shares(setup.marks)
    roots = [
        ScanRoot(path, Excludes(patterns), one, caches, frozenset(kept), most) for path, patterns, one, caches, kept, most in setup.roots
    ]
    scan = Scan(roots, skip=frozenset(setup.skip), only=shares)
    defects = excluded = 0
    for listing in scan:
        if shares.is_scouts(walk_key(listing.path)) and len(scan.defects) == defects:
            inode, folders = scan.innermost
            rows = listing.rows
            voice.say(Found(listing.path, listing.device, inode, encode_rows(rows), count(rows), scan.excluded - excluded, folders))
        defects, excluded = len(scan.defects), scan.excluded
    voice.end()


class _Voice:
    """Says it in batches. Waits only when very much is unheard."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._encoder = msgspec.msgpack.Encoder()
        self._batch: list[Found] = []
        self._batch_bytes = 0
        self._unheard: deque[memoryview] = deque()
        self._unheard_bytes = 0
        os.set_blocking(handle, False)
        with contextlib.suppress(ImportError, AttributeError, OSError):  # fewer turns; without it a pipe holds 64 KiB
            import fcntl

            fcntl.fcntl(handle, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def say(self, found: Found) -> None:
        self._batch.append(found)
        self._batch_bytes += len(found.encoded) + 100
        if self._batch_bytes >= _BATCH_BYTES:
            self._send(_WAITING_BYTES_MAX)

    def end(self) -> None:
        self._send(0)

    def _send(self, most: int) -> None:
        """Return when no more than ``most`` bytes are unheard."""
        body = self._encoder.encode(self._batch)
        self._unheard.append(memoryview(LENGTH.pack(len(body)) + body))
        self._unheard_bytes += LENGTH.size + len(body)
        self._batch, self._batch_bytes = [], 0
        while self._unheard:
            try:
                written = os.write(self._handle, self._unheard[0])
            except BlockingIOError:
                if self._unheard_bytes <= most:
                    return
                select.select([], [self._handle], [])
                continue
            self._unheard_bytes -= written
            rest = self._unheard.popleft()[written:]
            if rest:
                self._unheard.appendleft(rest)
