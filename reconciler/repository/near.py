"""A repository as seen by one look: its lists asked for side by side, and what never changes taken from this machine where it lies here.

The place says what is there: a copy here is believed only for an object that it lists, at the same size, and every object proves itself
when it is read, by its name or its seal. Kept are index objects, roots, deletion records and the parts of packs that say what a snapshot
holds, sealed as they are stored. Whoever looks for damage or removes anything asks the place itself.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from blake3 import blake3

from reconciler.base.files import REAL_DISK, read_regular
from reconciler.repository.store import Found, Readable, Store

_T = TypeVar("_T")

_FOLDERS = frozenset({"index", "snapshots", "gc", "config"})
_BYTES_MAX = 256 * 2**20
_SUM_BYTES = 32
_BYTES_LEFT = 192 * 2**20  # after the oldest went


class Kept:
    """Copies of immutable objects in a folder of this machine, made when ``keeps`` says so. Threads may share it.

    Nothing here is needed: the folder may be deleted at any time, and what cannot be read or written is asked of the place.
    """

    def __init__(self, folder: str, keeps: Callable[[], bool]) -> None:
        self._folder = folder
        self._keeps = keeps
        self._bytes: int | None = None
        self._lock = threading.Lock()

    def get(self, name: str, size: int) -> bytes | None:
        """Its bytes, if there are ``size`` of them."""
        try:
            whole = read_regular(self._path(name), limit=size + _SUM_BYTES)
        except (OSError, ValueError):
            return None
        data = whole[:size]
        return data if whole[size:] == blake3(data).digest() else None

    def has(self, name: str) -> bool:
        return os.path.exists(self._path(name))

    def put(self, name: str, data: bytes) -> None:
        if not self._keeps() or not self._makes_room(len(data)):
            return
        path = self._path(name)
        fresh = f"{path}.{os.urandom(6).hex()}.new"
        with contextlib.suppress(OSError):  # no room for it, or another process was first
            for folder in (os.path.dirname(self._folder), self._folder):
                with contextlib.suppress(FileExistsError):
                    REAL_DISK.mkdir(folder)
            handle = REAL_DISK.create(fresh)
            try:
                try:
                    REAL_DISK.write(handle, data + blake3(data).digest())  # not synced: a torn one does not fit its sum
                finally:
                    REAL_DISK.close(handle)
                REAL_DISK.publish(fresh, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    REAL_DISK.unlink(fresh)
                raise

    def _makes_room(self, size: int) -> bool:
        with self._lock:
            if self._bytes is None or self._bytes + size > _BYTES_MAX:
                self._bytes = self._shrink(_BYTES_MAX - size if self._bytes is None else _BYTES_LEFT - size)
            self._bytes += size
            return self._bytes <= _BYTES_MAX

    def _shrink(self, limit: int) -> int:
        """Remove the oldest until no more than ``limit`` bytes are left; how many are."""
        try:
            with os.scandir(self._folder) as entries:
                found = sorted(((info := entry.stat()).st_mtime, info.st_size, entry.path) for entry in entries)
        except OSError:
            return 0
        total = sum(size for _, size, _ in found)
        for _, size, path in found:
            if total <= limit:
                break
            with contextlib.suppress(OSError):  # another process removed it
                REAL_DISK.unlink(path)
            total -= size
        return total

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name.replace("/", "_"))


class Near:
    """One look; used once. Threads may share it."""

    def __init__(
        self, place: Store, kept: Kept | None, lists: Sequence[str], folders: Sequence[str] = (), door: Near | None = None
    ) -> None:
        """``lists`` and ``folders``: what will be listed; all of them are asked for at once, now. A second question is a new one.

        ``door``: a look that began a moment ago; a list that nobody took from it is taken here.
        """
        self._place = place
        self._kept = kept
        self.url = place.url
        self.at_once = place.at_once
        self._sizes: dict[str, int] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(place.at_once, "near")
        asked = {prefix: door._taken(door._lists, prefix) if door is not None else None for prefix in lists}
        self._lists: dict[str, Future[tuple[Found, ...]]] = {
            prefix: future or self._threads.submit(lambda prefix=prefix: tuple(place.list(prefix)))  # type: ignore[misc]
            for prefix, future in asked.items()
        }
        self._inner = {prefix: self._threads.submit(lambda prefix=prefix: tuple(place.folders(prefix))) for prefix in folders}  # type: ignore[misc]
        self._threads.shutdown(wait=False)

    def list(self, prefix: str) -> Iterator[Found]:
        future = self._taken(self._lists, prefix)
        for found in self._place.list(prefix) if future is None else future.result():
            if prefix in _FOLDERS:
                self._sizes[found.name] = found.size
            yield found

    def folders(self, prefix: str) -> Iterator[str]:
        future = self._taken(self._inner, prefix)
        yield from self._place.folders(prefix) if future is None else future.result()

    def find(self, name: str) -> Found | None:
        return self._place.find(name)

    def get(self, name: str, limit: int) -> bytes:
        size = self._sizes.get(name)
        if self._kept is None or size is None or size > limit:
            return self._place.get(name, limit)
        data = self._kept.get(name, size)
        if data is None:
            data = self._place.get(name, limit)
            self._kept.put(name, data)
        return data

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        return self._place.get_range(name, offset, length)

    def close(self) -> None:
        """Nobody will take what is left: ask for nothing more, and wait for what is under way."""
        wait([future for future in self._lists.values() if not future.cancel()])
        wait([future for future in self._inner.values() if not future.cancel()])

    def _taken(self, futures: dict[str, Future[tuple[_T, ...]]], prefix: str) -> Future[tuple[_T, ...]] | None:
        with self._lock:
            return futures.pop(prefix, None)


def glance(place: Store, kept: Kept | None, lists: Sequence[str], folders: Sequence[str] = (), door: Near | None = None) -> Readable:
    """The place itself where nothing is won by asking ahead: a disk."""
    return Near(place, kept, lists, folders, door) if place.at_once > 1 else place


def segment_name(pack_name: str, offset: int) -> str:
    """Under which a part of a pack is kept."""
    return f"{pack_name}.{offset}"


def keep(kept: Kept | None, pieces: Iterable[tuple[str, bytes]]) -> None:
    """(name, content) that was read from the place just now."""
    if kept is not None:
        for name, data in pieces:
            kept.put(name, data)
