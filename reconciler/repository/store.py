"""Where objects live. A name appears whole or not at all, is never overwritten, and is durable after :meth:`Store.barrier`.

One protocol for every kind of place; the local disk is here. All changes pass the façade of base/files.py, so that a test can stop,
fail or replay any of them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, NoReturn, Protocol, runtime_checkable

from reconciler.base.clock import SystemClock
from reconciler.base.files import REAL_DISK, Buffer, Disk, read_regular
from reconciler.repository.access import Lock
from reconciler.repository.errors import Damaged, NoSpace, ObjectMissing, RepositoryError, Unreachable
from reconciler.repository.format import FOLDERS
from reconciler.repository.stamps import Stamp, is_telling, stamp_of, stamps_in

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Found(NamedTuple):
    """One object of a listing; a tuple, because a listing makes ten thousands."""

    name: str
    size: int
    stored_at: datetime
    """By the clock of the store."""


class Draft(Protocol):
    """An object being written whose name is not known yet. Exactly one of commit and discard ends it."""

    def write(self, data: Buffer) -> None: ...

    def commit(self, name: str) -> None:
        """The content is durable and has its name when this returns; the name itself is durable after the next barrier."""
        ...

    def discard(self) -> None: ...


class Readable(Protocol):
    """What can be asked of a place. Errors are RepositoryErrors: Unreachable may pass with time, ObjectMissing will not."""

    url: str
    at_once: int
    """How many calls at a time are quicker than one after another; 1 where they are not."""

    def get(self, name: str, limit: int) -> bytes: ...

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes, or an error."""
        ...

    def list(self, prefix: str) -> Iterator[Found]:
        """Every object below the folder ``prefix``, sorted by name. An error is an error, never an empty list; a folder inside of one of
        the fixed folders need not be there to be empty."""
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """Names of the folders directly below ``prefix``, sorted, for what is in them costs a request or a call each. Some may be empty."""
        ...

    def find(self, name: str) -> Found | None:
        """One object of the listing, or None."""
        ...


class Store(Readable, Protocol):
    """What can be asked of a place and done there. NoSpace may pass with time, too."""

    uploads: int
    """How many packs may be on their way at a time. A place that is not a disk holds each of them in memory meanwhile."""

    def prepare(self) -> None:
        """Make what must exist before the first object, and try what the place promises. Before a repository is made there."""
        ...

    def top(self) -> frozenset[str]:
        """Names at the top of the place; none where the place itself is yet to be made."""
        ...

    def try_listing(self) -> None:
        """Raise Unsettled when the place does not list what it holds. Asked before anything is removed for good."""
        ...

    def close(self) -> None:
        """Let go of connections; a later call opens them anew."""
        ...

    def put(self, name: str, data: Buffer) -> None:
        """Create; FileExistsError when the name is taken (then nothing changed)."""
        ...

    def draft(self) -> Draft: ...

    def barrier(self) -> None:
        """Everything put and committed so far survives a power cut when this returns."""
        ...

    def delete(self, name: str) -> None:
        """Gone when this returns; a missing object is gone already."""
        ...

    def move(self, name: str, goal: str) -> None:
        """Give an object another name, which must be free; a crash may leave both. Durable after the next barrier."""
        ...

    def settle(self, name: str) -> None:
        """Make an object that another process stored durable with the next barrier, too: it may have died before its own."""
        ...

    def free_bytes(self) -> int | None: ...


@runtime_checkable
class Locking(Protocol):
    """A place that locks what it holds."""

    terms: Lock
    hidden: set[str]
    """Names that somebody removed or overwrote, and that are read from the version below."""

    def locked_until(self, name: str) -> datetime | None:
        """Before when nobody removes an object; None: it may be removed now."""
        ...

    def lock(self, name: str) -> datetime:
        """From now on as long as one that is stored now. Returns until when."""
        ...


@runtime_checkable
class Stamping(Protocol):
    """A place whose folders may tell when they changed."""

    def stamp(self, folder: str) -> Stamp | None:
        """None: list it."""
        ...

    def stamps(self, prefix: str) -> Mapping[str, Stamp | None] | None:
        """Of the folders directly below ``prefix``. None: list it all."""
        ...

    def names(self, folder: str) -> tuple[str, ...] | None:
        """Of the objects in it, sorted, for whoever knows what most of them are. None: list it."""
        ...


class LocalStore:
    """A folder on a disk."""

    at_once = 1
    uploads = 1

    def __init__(self, root: str, disk: Disk = REAL_DISK) -> None:
        self.url = root
        self._root = os.path.abspath(root)
        self._disk = disk
        self._dirty: set[str] = set()
        self._lock = threading.Lock()

    @property
    def is_plain(self) -> bool:
        """Whether another process that opens the same folder sees the same: not when a test stands between this store and the disk."""
        return self._disk is REAL_DISK

    def prepare(self) -> None:
        """The fixed folders, and the 256 shards of packs: each synced into its parent."""
        with self._translated("the folders of the repository"):
            missing = []
            current = self._root
            while not os.path.isdir(current):
                missing.append(current)
                current = os.path.dirname(current)
            for folder in reversed(missing):
                self._disk.mkdir(folder)
                self._disk.sync_folder(os.path.dirname(folder))
            shards = [f"packs/{number:02x}" for number in range(256)]
            for folder in (*FOLDERS, *shards):
                with contextlib.suppress(FileExistsError):
                    self._disk.mkdir(self._path(folder))
            self._disk.sync_folder(self._path("packs"))
            self._disk.sync_folder(self._root)

    def top(self) -> frozenset[str]:
        with self._translated("the place"):
            return frozenset(os.listdir(self._root)) if os.path.lexists(self._root) else frozenset()

    def try_listing(self) -> None:
        """A disk lists what it holds."""

    def close(self) -> None:
        """Nothing is kept open."""

    def put(self, name: str, data: Buffer) -> None:
        draft = self.draft()
        try:
            draft.write(data)
            draft.commit(name)
        except BaseException:
            draft.discard()
            raise

    def draft(self) -> _LocalDraft:
        path = self._path(f"tmp/{os.urandom(16).hex()}")
        with self._translated("a new object"):
            return _LocalDraft(self, path, self._disk.create(path))

    def barrier(self) -> None:
        with self._lock:
            dirty, self._dirty = self._dirty, set()
        for folder in sorted(dirty):
            with self._translated(f"the folder {os.path.relpath(folder, self._root)}"):
                self._disk.sync_folder(folder)

    def get(self, name: str, limit: int) -> bytes:
        with self._translated(name):
            try:
                return read_regular(self._path(name), limit=limit)
            except ValueError as error:
                raise Damaged(f"{name} is larger than such an object may be", object=name) from error

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        with self._translated(name):
            data = read_regular(self._path(name), limit=length, offset=offset, length=length)
        if len(data) != length:
            raise Damaged(f"{name} is cut short: {length} bytes at {offset} are not all there", object=name)
        return data

    def list(self, prefix: str) -> Iterator[Found]:
        with self._translated(f"the list of {prefix}"):
            parent = os.path.dirname(prefix)
            if parent and not os.path.lexists(self._path(prefix)) and os.path.isdir(self._path(parent)):
                return
            yield from self._walk(prefix)

    def _walk(self, prefix: str) -> Iterator[Found]:
        with os.scandir(self._path(prefix)) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        for entry in listed:
            name = f"{prefix}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(name)
            elif entry.is_file(follow_symlinks=False):
                try:
                    info = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # removed between the listing and the look: gone
                yield Found(name, info.st_size, datetime.fromtimestamp(info.st_mtime, UTC))

    def folders(self, prefix: str) -> Iterator[str]:
        with self._translated(f"the list of {prefix}"), os.scandir(self._path(prefix)) as entries:
            yield from sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def stamp(self, folder: str) -> Stamp | None:
        with self._translated(f"the list of {folder}"):
            return stamp_of(os.lstat(self._path(folder)), _kernel_time()) if is_telling(self._root) else None

    def stamps(self, prefix: str) -> dict[str, Stamp | None] | None:
        with self._translated(f"the list of {prefix}"):
            return stamps_in(self._path(prefix), f"{prefix}/", _kernel_time()) if is_telling(self._root) else None

    def names(self, folder: str) -> tuple[str, ...] | None:
        if not is_telling(self._root):
            return None
        with self._translated(f"the list of {folder}"), os.scandir(self._path(folder)) as entries:
            found = tuple((entry.name, entry.is_file(follow_symlinks=False)) for entry in entries)
        return tuple(sorted(f"{folder}/{name}" for name, _ in found)) if all(plain for _, plain in found) else None

    def find(self, name: str) -> Found | None:
        with self._translated(name):
            try:
                info = os.lstat(self._path(name))
            except FileNotFoundError:
                return None
        return Found(name, info.st_size, datetime.fromtimestamp(info.st_mtime, UTC))

    def delete(self, name: str) -> None:
        path = self._path(name)
        with self._translated(name):
            with contextlib.suppress(FileNotFoundError):
                self._disk.unlink(path)
            self._disk.sync_folder(os.path.dirname(path))

    def move(self, name: str, goal: str) -> None:
        path, final = self._path(name), self._path(goal)
        with self._translated(name):
            self._make_parent(final)
            self._disk.publish(path, final)
            self._published(os.path.dirname(final))
            self._published(os.path.dirname(path))

    def settle(self, name: str) -> None:
        self._published(os.path.dirname(self._path(name)))

    def free_bytes(self) -> int | None:
        with self._translated("the free space"):
            if not hasattr(os, "statvfs"):
                import shutil

                return shutil.disk_usage(self._root).free
            info = os.statvfs(self._root)
            return info.f_bavail * info.f_frsize

    def _path(self, name: str) -> str:
        return os.path.join(self._root, name)

    def _make_parent(self, final: str) -> None:
        """Marks have a folder per snapshot; every other folder is there from the beginning."""
        parent = os.path.dirname(final)
        if not os.path.isdir(parent):
            with contextlib.suppress(FileExistsError):
                self._disk.mkdir(parent)
            self._published(os.path.dirname(parent))

    def _published(self, folder: str) -> None:
        with self._lock:
            self._dirty.add(folder)

    @contextlib.contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileExistsError:
            raise
        except OSError as error:
            _translate(error, what, self.url)


class _LocalDraft:
    def __init__(self, store: LocalStore, path: str, handle: int) -> None:
        self._store = store
        self._path = path
        self._handle = handle
        self._open = True

    def write(self, data: Buffer) -> None:
        with self._store._translated("a new object"):
            self._store._disk.write(self._handle, data)

    def commit(self, name: str) -> None:
        store = self._store
        final = store._path(name)
        with store._translated(name):
            store._disk.sync(self._handle)
            self._close()
            store._make_parent(final)
            store._disk.publish(self._path, final)
            store._published(os.path.dirname(final))

    def discard(self) -> None:
        """Best effort: what stays behind in tmp/ is swept a day later."""
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            self._store._disk.unlink(self._path)

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._store._disk.close(self._handle)


def _kernel_time() -> float:
    """It dates the folders, whatever clock the program is given."""
    return SystemClock().now().timestamp()


def _translate(error: OSError, what: str, url: str) -> NoReturn:
    reason = os.strerror(error.errno) if error.errno else str(error)
    translated: RepositoryError
    if error.errno in _FULL:
        translated = NoSpace(f"no space left for {what} in {url}", repository=url)
    elif isinstance(error, FileNotFoundError):
        translated = ObjectMissing(f"{what} is missing in {url}", repository=url, object=what)
    else:
        translated = Unreachable(f"{what} in {url} cannot be reached: {reason}", repository=url, object=what)
    raise translated from error
