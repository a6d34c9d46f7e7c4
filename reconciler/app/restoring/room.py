"""Whether a restore fits: what each file system that it writes to needs at the worst moment, beside what it has.

A file that is replaced needs room for both until the new one has its name, and that happens batch by batch; what mirroring removes goes
last, so it makes no room. A file is counted in whole blocks, a sparse one by its data.
"""

from __future__ import annotations

import os
import stat
from collections import deque

from msgspec import Struct, field

from reconciler.app.reports import Room
from reconciler.app.restoring.steps import Do, Step
from reconciler.repository import Entry
from reconciler.tree.entry import MODE, NLINK, SIZE

_BLOCK_BYTES = 4096
_BATCH_BYTES = 256 * 2**20  # the engine renames after 64 MiB, and a few such batches are under way at a time
_SLACK = 0.05  # metadata of the file system itself, and whatever else writes meanwhile
_FORMAT, _REGULAR, _FOLDER = 0o170000, stat.S_IFREG, stat.S_IFDIR


class _Need(Struct):
    place: bytes
    written: int = 0
    level: int = 0
    peak: int = 0
    inodes: int = 0
    replaced: deque[tuple[int, int]] = field(default_factory=deque)
    """(bytes written until then, bytes that come free) of files that wait for the end of their batch."""

    def add(self, size: int, freed: int) -> None:
        while self.replaced and self.written - self.replaced[0][0] >= _BATCH_BYTES:
            self.level -= self.replaced.popleft()[1]
        self.written += size
        self.level += size
        if self.level > self.peak:
            self.peak = self.level
        if freed:
            self.replaced.append((self.written, freed))


class Needs(Struct):
    """Fed with every step, in order."""

    root: str
    _by_device: dict[int, _Need] = field(default_factory=dict)

    def add(self, device: int, entry: Entry, step: Step) -> None:
        """``device``: of the folder that it comes into."""
        if step.do is Do.SET:
            return
        need = self._by_device.get(device)
        if need is None:
            need = self._by_device[device] = _Need(entry.folder)
        frees = step.now is not None and step.now[NLINK] == 1  # another name keeps the old content where it is
        need.add(_stored(entry), _blocks(step.now[SIZE]) if step.now is not None and frees else 0)
        need.inodes += step.do is Do.CREATE

    def rooms(self) -> tuple[Room, ...]:
        return tuple(self._room(need) for need in self._by_device.values())

    def _room(self, need: _Need) -> Room:
        place = _existing(os.path.join(self.root, os.fsdecode(need.place)))
        there = os.statvfs(place)
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        return Room(
            place=place,
            needed_bytes=int(need.peak * (1 + _SLACK)),
            free_bytes=(there.f_bfree if is_root else there.f_bavail) * there.f_frsize,
            needed_inodes=int((need.inodes + 1) * (1 + _SLACK)) if need.inodes else 0,
            free_inodes=(there.f_ffree if is_root else there.f_favail) if there.f_files else None,
        )


def _stored(entry: Entry) -> int:
    kind = entry.row[MODE] & _FORMAT
    if kind != _REGULAR:
        return _BLOCK_BYTES if kind == _FOLDER else 0
    if entry.cold.extents is not None:
        return sum(_blocks(length) for _, length in entry.cold.extents)
    return _blocks(entry.row[SIZE])


def _blocks(size: int) -> int:
    return -(-size // _BLOCK_BYTES) * _BLOCK_BYTES


def _existing(path: str) -> str:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path
