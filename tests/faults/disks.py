"""Disks that remember, refuse or kill: each stands behind the façade through which the repository changes anything."""

from __future__ import annotations

import errno
import os
import random
import signal
import threading
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from reconciler.base.files import Buffer, Disk


class Recording(Disk):
    """Does everything and remembers it in order. ``root``: names are remembered relative to it."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.calls: list[tuple[object, ...]] = []
        self._inodes: dict[int, int] = {}
        self._lock = threading.RLock()

    def _note(self, kind: str, *what: object) -> None:
        self.calls.append((kind, *what))

    def _name(self, path: str) -> str:
        return os.path.relpath(path, self.root)

    def create(self, path: str, mode: int = 0o600) -> int:
        with self._lock:
            handle = super().create(path, mode)
            self._inodes[handle] = len(self.calls)
            self._note("create", self._name(path), len(self.calls))
            return handle

    def write(self, handle: int, data: Buffer) -> None:
        with self._lock:
            super().write(handle, data)
            self._note("write", self._inodes[handle], bytes(data))

    def sync(self, handle: int) -> None:
        with self._lock:
            super().sync(handle)
            self._note("sync", self._inodes[handle])

    def publish(self, temporary: str, final: str) -> None:
        with self._lock:
            super().publish(temporary, final)
            self._note("publish", self._name(temporary), self._name(final))

    def truncate(self, handle: int, length: int) -> None:
        with self._lock:
            super().truncate(handle, length)
            self._note("truncate", self._inodes[handle], length)

    def unlink(self, path: str) -> None:
        with self._lock:
            super().unlink(path)
            self._note("unlink", self._name(path))

    def mkdir(self, path: str, mode: int = 0o700) -> None:
        with self._lock:
            super().mkdir(path, mode)
            self._note("mkdir", self._name(path))

    def sync_folder(self, path: str) -> None:
        with self._lock:
            super().sync_folder(path)
            self._note("sync_folder", self._name(path))


class Platter(Struct):
    """What a disk holds in its cache and on its medium after some calls."""

    names: dict[str, int] = field(default_factory=dict)
    content: dict[int, bytes] = field(default_factory=dict)
    durable_names: dict[str, int] = field(default_factory=dict)
    durable_content: dict[int, bytes] = field(default_factory=dict)
    waiting: list[tuple[str, int | None]] = field(default_factory=list)
    """Changes of names that no sync of their folder covered: (name, inode or None for removed), in order."""

    @classmethod
    def holding(cls, objects: Mapping[str, bytes]) -> Platter:
        numbered = {name: -1 - number for number, name in enumerate(objects)}
        content = {numbered[name]: data for name, data in objects.items()}
        return cls(dict(numbered), dict(content), dict(numbered), dict(content))

    def apply(self, call: tuple[object, ...]) -> None:
        kind, first, *rest = call
        if kind == "create":
            inode = int(str(rest[0]))
            self.content[inode] = self.durable_content[inode] = b""
            self._rename(str(first), inode)
        elif kind == "write":
            assert isinstance(first, int)
            assert isinstance(rest[0], bytes)
            self.content[first] += rest[0]
        elif kind == "truncate":
            assert isinstance(first, int)
            self.content[first] = self.content[first][: int(str(rest[0]))]
        elif kind == "sync":
            assert isinstance(first, int)
            self.durable_content[first] = self.content[first]
        elif kind == "publish":
            self._rename(str(rest[0]), self.names[str(first)])
            self._rename(str(first), None)
        elif kind == "unlink":
            self._rename(str(first), None)
        elif kind == "mkdir":
            self._rename(f"{first}/", 0)
        elif kind == "sync_folder":
            for name, inode in self.waiting:
                if _folder(name) == first:
                    _set(self.durable_names, name, inode)
            self.waiting = [(name, inode) for name, inode in self.waiting if _folder(name) != first]

    def _rename(self, name: str, inode: int | None) -> None:
        _set(self.names, name, inode)
        self.waiting.append((name, inode))

    def killed(self) -> dict[str, bytes]:
        """The process died: everything that it did is there."""
        return self._seen(self.names, self.content, set())

    def powerless(self) -> dict[str, bytes]:
        """The power failed, and only what was synced is there."""
        return self._seen(self.durable_names, self.durable_content, self._unmade(self.durable_names))

    def torn(self, chance: random.Random) -> dict[str, bytes]:
        """The power failed while the cache was written out in order: some more names, files cut or followed by zeros."""
        return self._partly(self.waiting[: chance.randrange(len(self.waiting) + 1)], chance)

    def reordered(self, chance: random.Random) -> dict[str, bytes]:
        """The same, but the disk chose the order."""
        return self._partly([change for change in self.waiting if chance.random() < 0.5], chance)

    def _partly(self, changes: list[tuple[str, int | None]], chance: random.Random) -> dict[str, bytes]:
        names = dict(self.durable_names)
        for name, inode in changes:
            _set(names, name, inode)
        content = {inode: _partial(self.durable_content[inode], data, chance) for inode, data in self.content.items()}
        return self._seen(names, content, self._unmade(names))

    def _unmade(self, names: Mapping[str, int]) -> set[str]:
        """Folders that were made but are not there: what lies in them is not, either."""
        return {name for name in self.names if name.endswith("/") and name not in names}

    def _seen(self, names: Mapping[str, int], content: Mapping[int, bytes], unmade: set[str]) -> dict[str, bytes]:
        return {
            name: content[inode]
            for name, inode in names.items()
            if not name.endswith("/") and not any(name.startswith(folder) for folder in unmade)
        }


def _partial(durable: bytes, written: bytes, chance: random.Random) -> bytes:
    if durable == written:
        return written
    if not written.startswith(durable):  # something was cut off that had been synced
        return chance.choice([durable, written])
    cut = len(durable) + chance.randrange(len(written) - len(durable) + 1)
    cut -= cut % 512
    kept = written[: max(cut, len(durable))]
    return chance.choice([kept, kept + bytes(len(written) - len(kept)), durable, written])


def _folder(name: str) -> str:
    return os.path.dirname(name.rstrip("/")) or "."


def _set(names: dict[str, int], name: str, inode: int | None) -> None:
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode


class Counting(Disk):
    """Calls :meth:`strike` before each mutating call, with its number and kind."""

    def __init__(self) -> None:
        self.number = 0
        self.kinds: list[str] = []
        self._lock = threading.Lock()

    def strike(self, number: int, kind: str) -> None:
        """Nothing happens; a subclass strikes."""

    def _count(self, kind: str) -> None:
        with self._lock:
            self.number += 1
            number = self.number
            self.kinds.append(kind)
        self.strike(number, kind)

    def create(self, path: str, mode: int = 0o600) -> int:
        self._count("create")
        return super().create(path, mode)

    def write(self, handle: int, data: Buffer) -> None:
        self._count("write")
        super().write(handle, data)

    def sync(self, handle: int) -> None:
        self._count("sync")
        super().sync(handle)

    def truncate(self, handle: int, length: int) -> None:
        self._count("truncate")
        super().truncate(handle, length)

    def publish(self, temporary: str, final: str) -> None:
        self._count("publish")
        super().publish(temporary, final)

    def unlink(self, path: str) -> None:
        self._count("unlink")
        super().unlink(path)

    def mkdir(self, path: str, mode: int = 0o700) -> None:
        self._count("mkdir")
        super().mkdir(path, mode)

    def sync_folder(self, path: str) -> None:
        self._count("sync_folder")
        super().sync_folder(path)


class Refusing(Counting):
    """The call with the given number fails with an error of the system; for a write, after half of it was written."""

    def __init__(self, at: int, code: int) -> None:
        super().__init__()
        self.at = at
        self.code = code
        self.struck = ""
        self.after_failed_sync: list[str] = []
        self._bad: set[int] = set()

    def strike(self, number: int, kind: str) -> None:
        if number == self.at and kind != "write":
            self.struck = kind
            raise OSError(self.code, os.strerror(self.code))

    def write(self, handle: int, data: Buffer) -> None:
        self._count("write")
        if self.number == self.at:
            self.struck = "write"
            Disk.write(self, handle, memoryview(data)[: len(data) // 2])
            raise OSError(self.code, os.strerror(self.code))
        Disk.write(self, handle, data)

    def sync(self, handle: int) -> None:
        if handle in self._bad:
            self.after_failed_sync.append("sync")
        try:
            super().sync(handle)
        except OSError:
            self._bad.add(handle)
            raise

    def close(self, handle: int) -> None:
        self._bad.discard(handle)
        super().close(handle)


class Deadly(Counting):
    """The process dies at the call with the given number, as by SIGKILL from outside."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def strike(self, number: int, kind: str) -> None:
        if number == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def one_after_another(calls: list[tuple[object, ...]], before: Mapping[str, bytes]) -> Iterator[tuple[int, Platter]]:
    """The disk after none, one, two ... of the calls. The same object each time: look at once."""
    platter = Platter.holding(before)
    yield 0, platter
    for number, call in enumerate(calls, 1):
        platter.apply(call)
        yield number, platter
