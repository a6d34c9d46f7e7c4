"""The main function of a helper process that reads small files ahead. Started by read_crew.py alone."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import stat
from typing import Final

import msgspec

from reconciler.base.arena import attach
from reconciler.base.files import read_into
from reconciler.repository.chunk_ids import ChunkIds
from reconciler.repository.format import Type
from reconciler.repository.helper import Desk
from reconciler.repository.pieces import SPARSE_FROM_BYTES
from reconciler.repository.read_crew import Folder, Read, Reads, Setup, Task
from reconciler.tree.attributes import read_xattrs
from reconciler.tree.entry import NAME, SIZE, Row
from reconciler.tree.scan import row_of

_NOATIME: Final = getattr(os, "O_NOATIME", 0)
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FOLDER: Final = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_BLOCK: Final = 512


def main() -> None:
    """Read the setup, say that it is there, then read what it is asked for."""
    gc.disable()  # what is made here has no cycles, and it would walk all of it again and again
    desk = Desk()
    first = desk.next()
    if first is None:
        return
    setup = msgspec.msgpack.decode(first, type=Setup)
    reader = _Reader(setup, os.getppid())
    decoder, encoder = msgspec.msgpack.Decoder(Task), msgspec.msgpack.Encoder()
    desk.answer(b"")
    while (message := desk.next()) is not None:
        task = decoder.decode(message)
        said = encoder.encode(reader.read(task))
        if len(said) > task.answer_room:  # very many attributes
            said = b""
        reader.memory[task.answer : task.answer + len(said)] = said
        desk.answer(len(said).to_bytes(4, "big"))


class _Reader:
    def __init__(self, setup: Setup, parent: int) -> None:
        self.memory = attach(setup.memory, setup.memory_bytes)
        self._ids = ChunkIds(setup.key, Type.DATA)
        self._setup = setup
        self._parent = parent
        self._flags = _OPEN | _NOATIME

    def read(self, task: Task) -> Reads:
        """All files of the task, side by side from its start."""
        room = self.memory[task.start : task.start + task.room]
        handles = [self._enter(folder) for folder in task.folders]
        try:
            reads: Reads = []
            filled = 0
            for number, row in task.files:
                handle = handles[number]
                read = None
                if handle >= 0 and filled + row[SIZE] < len(room):
                    with contextlib.suppress(OSError):  # whatever it is, who asked meets it again and finds the words for it
                        read = self._file(handle, row, room[filled:])
                reads.append(read)
                if read is not None:
                    filled += row[SIZE]
            return reads
        finally:
            for handle in handles:
                if handle >= 0:
                    os.close(handle)

    def _enter(self, folder: Folder) -> int:
        """The same folder, opened here; -1 when that is not possible, or it is another one (a /proc of other processes)."""
        try:
            handle = os.open(f"/proc/{self._parent}/fd/{folder.handle}", _FOLDER)
        except OSError:
            return -1
        status = os.fstat(handle)
        if (status.st_dev, status.st_ino) == (folder.device, folder.inode):
            return handle
        os.close(handle)
        return -1

    def _open(self, name: bytes, folder: int) -> int:
        try:
            return os.open(name, self._flags, dir_fd=folder)
        except PermissionError:
            if self._flags == _OPEN:
                raise
            handle = os.open(name, _OPEN, dir_fd=folder)
            self._flags = _OPEN  # only the owner may ask for O_NOATIME
            return handle

    def _file(self, folder: int, row: Row, room: memoryview) -> Read | None:
        """The plain way to do this is ContentReader; here only what is ordinary."""
        size = row[SIZE]
        handle = self._open(row[NAME], folder)
        try:
            got = read_into(handle, room[: size + 1], 0)
            if got != size:
                return None
            xattrs = read_xattrs(handle)
            status = os.fstat(handle)
        finally:
            os.close(handle)
        if row_of(row[NAME], status) != row or not stat.S_ISREG(status.st_mode):
            return None
        if size >= SPARSE_FROM_BYTES and status.st_blocks * _BLOCK < size:
            return None
        view = room[:size]
        return Read(
            self._ids.of(view) if size else b"",
            hashlib.sha256(view).digest() if self._setup.sha256 else None,
            hashlib.md5(view, usedforsecurity=False).digest() if self._setup.md5 else None,
            xattrs,
        )
