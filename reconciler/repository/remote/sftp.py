"""A folder on a server that is reached by SFTP.

An object is written under a temporary name, synced where the server can, and renamed to a name that must be free (the rename of SFTP
never replaces). What the server cannot sync is the folder: see docs/limits.md.
"""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from reconciler.base.clock import Clock, SystemClock
from reconciler.base.files import Buffer
from reconciler.repository.access import Access
from reconciler.repository.errors import Damaged, NoSpace, NotInitialised, ObjectMissing, Unreachable
from reconciler.repository.format import FOLDERS
from reconciler.repository.remote.sftp_line import Kind, SftpLine
from reconciler.repository.remote.sftp_trips import read_file, read_folder, write_file
from reconciler.repository.remote.throttle import Throttle
from reconciler.repository.store import Found

if TYPE_CHECKING:
    import asyncssh

_HANDLES = 128  # of packs that are read in parts: an open one spares two round trips; more than there are readers
_AT_ONCE = 8  # threads that ask: all that a backup lists before it begins; a listing asks for its folders itself


class SftpStore:
    """``sftp://user@host:port/path``; ``/~/path`` counts from the home of the user. Threads may share it."""

    def __init__(self, url: str, access: Access, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        path = unquote(urlsplit(url).path).rstrip("/")
        self.url = url.rstrip("/")
        self._root = path.removeprefix("/~/") if path.startswith("/~/") else path or "/"
        self._line = SftpLine(url, access, clock)
        self._paced = access.bandwidth is not None
        self._folders = set(FOLDERS)
        """Known to be there, or asked for."""
        self._throttle = Throttle(access.bandwidth, clock, access.stopped)
        self.at_once = min(_AT_ONCE, self._line.questions)
        self.uploads = min(2, self._line.questions)
        self._lock = threading.Lock()
        self._handles: OrderedDict[str, tuple[int, asyncssh.SFTPClientFile]] = OrderedDict()

    def close(self) -> None:
        with self._lock:
            self._handles.clear()
        self._line.close()

    def prepare(self) -> None:
        """The folders of a repository; those below ``packs/`` and ``marks/`` come with their first object."""

        async def make(client: asyncssh.SFTPClient) -> None:
            await client.makedirs(self._root, exist_ok=True)
            for folder in FOLDERS:
                await _make(client, self._path(folder))

        self._line.run("the folders of the repository", make)

    def try_listing(self) -> None:
        """A file system lists what it holds."""

    def top(self) -> frozenset[str]:
        async def look(client: asyncssh.SFTPClient) -> frozenset[str]:
            if not await client.exists(self._root):
                return frozenset()
            return frozenset(str(name) for name in await client.listdir(self._root)) - {".", ".."}

        return self._line.run("the place", look)

    def put(self, name: str, data: Buffer) -> None:
        self.create(name, (data,))

    def draft(self) -> _Draft:
        return _Draft(self)

    def barrier(self) -> None:
        """Contents are synced one by one; folders cannot be."""

    def get(self, name: str, limit: int) -> bytes:
        async def read(client: asyncssh.SFTPClient) -> bytes:
            return await read_file(client, self._path(name), limit + 1, self._line.heard)

        try:
            data = self._line.run(name, read, kind=Kind.LONG)
        except ObjectMissing:
            if name == "header" and not self._is_there():
                raise NotInitialised(f"there is no folder at {self.url}", repository=self.url) from None
            raise
        self._throttle.take(len(data))
        if len(data) > limit:
            raise Damaged(f"{name} is larger than such an object may be", object=name)
        return data

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        async def read(client: asyncssh.SFTPClient) -> bytes:
            file = await self._opened(client, name)
            data: bytes = await file.read(length, offset)
            return data

        self._throttle.take(length)
        data = self._line.run(name, read)
        if len(data) != length:
            raise Damaged(f"{name} is cut short: {length} bytes at {offset} are not all there", object=name)
        return data

    def list(self, prefix: str) -> Iterator[Found]:
        async def walk(client: asyncssh.SFTPClient) -> list[Found]:
            import asyncssh

            async def below(folder: str) -> list[Found]:
                async with self._line.seat:
                    entries = await read_folder(client, self._path(folder), self._line.heard)
                found, folders = [], []
                for entry in entries:
                    last = os.fsdecode(entry.filename)
                    inner = f"{folder}/{last}"
                    mode = entry.attrs.permissions or 0
                    if last in {".", ".."}:
                        continue
                    if stat.S_ISDIR(mode):
                        folders.append(inner)
                    elif stat.S_ISREG(mode):
                        found.append(_found(inner, entry.attrs))
                for more in await asyncio.gather(*(below(each) for each in folders)):
                    found += more
                return found

            try:
                return await below(prefix)
            except asyncssh.SFTPNoSuchFile:
                if "/" in prefix:  # folders of that kind come with their first object
                    return []
                raise

        yield from sorted(self._line.run(f"the list of {prefix}", walk, kind=Kind.MANY))

    def folders(self, prefix: str) -> Iterator[str]:
        async def look(client: asyncssh.SFTPClient) -> list[str]:
            entries = await read_folder(client, self._path(prefix), self._line.heard)
            names = [os.fsdecode(each.filename) for each in entries if stat.S_ISDIR(each.attrs.permissions or 0)]
            return sorted(name for name in names if name not in {".", ".."})

        yield from self._line.run(f"the list of {prefix}", look, kind=Kind.LONG)

    def find(self, name: str) -> Found | None:
        async def look(client: asyncssh.SFTPClient) -> Found:
            return _found(name, await client.lstat(self._path(name)))

        try:
            return self._line.run(name, look)
        except ObjectMissing:
            return None

    def delete(self, name: str) -> None:
        async def remove(client: asyncssh.SFTPClient) -> None:
            await client.remove(self._path(name))

        try:
            self._line.run(name, remove)
        except ObjectMissing:
            return  # it is gone already

    def move(self, name: str, goal: str) -> None:
        async def rename(client: asyncssh.SFTPClient) -> None:
            await client.makedirs(os.path.dirname(self._path(goal)), exist_ok=True)
            await client.rename(self._path(name), self._path(goal))

        self._line.run(name, rename)

    def settle(self, name: str) -> None:
        """What is listed was synced by whoever wrote it."""

    def free_bytes(self) -> int | None:
        async def look(client: asyncssh.SFTPClient) -> int | None:
            import asyncssh

            try:
                told = await client.statvfs(self._root)
            except asyncssh.SFTPOpUnsupported:
                return None
            return int(told.bavail * told.frsize)

        return self._line.run("the free space", look)

    def create(self, name: str, pieces: Sequence[Buffer]) -> None:
        """FileExistsError when other content has this name."""
        temporary = self._path(f"tmp/{os.urandom(16).hex()}")

        async def write(client: asyncssh.SFTPClient) -> None:
            try:
                await self._written(client, temporary, name, pieces)
                await self._named(client, temporary, name, pieces)
            except BaseException:
                await _removed(client, temporary)
                raise

        try:
            self._line.run(name, write, kind=Kind.LONG)
        except Unreachable as error:
            if self._is_full():
                raise NoSpace(f"no space left for {name} in {self.url}", repository=self.url) from error
            raise

    async def _written(self, client: asyncssh.SFTPClient, temporary: str, name: str, pieces: Sequence[Buffer]) -> None:
        """The content under its temporary name, and the folder that its name will need, when nobody here has seen that one yet."""
        written = write_file(client, temporary, pieces, self._line.heard, self._pace if self._paced else None)
        folder = os.path.dirname(name)
        asked = [] if folder in self._folders else [self._line.heard(_make(client, self._path(folder)))]
        self._folders.add(folder)
        await asyncio.gather(written, *asked)

    async def _pace(self, size: int) -> None:
        await asyncio.to_thread(self._throttle.take, size)

    async def _named(self, client: asyncssh.SFTPClient, temporary: str, name: str, pieces: Sequence[Buffer]) -> None:
        """Give it its name; when that is taken, by the same content or by another."""
        import asyncssh

        final = self._path(name)
        try:
            await client.rename(temporary, final)
        except asyncssh.SFTPNoSuchFile:
            await _make(client, os.path.dirname(final))
            await client.rename(temporary, final)
        except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists):
            if not await client.exists(final):
                raise
            async with client.open(final, "rb") as file:
                if await file.read() != b"".join(pieces):
                    raise FileExistsError(name) from None
            await _removed(client, temporary)

    async def _opened(self, client: asyncssh.SFTPClient, name: str) -> asyncssh.SFTPClientFile:
        with self._lock:
            kept = self._handles.pop(name, None)
        if kept is None or kept[0] != self._line.generation:
            kept = (self._line.generation, await client.open(self._path(name), "rb"))
        with self._lock:
            self._handles[name] = kept
            spare = self._handles.popitem(last=False)[1] if len(self._handles) > _HANDLES else None
        if spare is not None and spare[0] == self._line.generation:
            await spare[1].close()
        return kept[1]

    def _is_there(self) -> bool:
        async def look(client: asyncssh.SFTPClient) -> bool:
            there: bool = await client.exists(self._root)
            return there

        return self._line.run("the place", look)

    def _is_full(self) -> bool:
        try:
            return self.free_bytes() == 0
        except Unreachable:
            return False

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


class _Draft:
    """A pack in memory until it is whole: then it can be sent again when the connection breaks."""

    def __init__(self, store: SftpStore) -> None:
        self._store = store
        self._pieces: list[bytes] = []

    def write(self, data: Buffer) -> None:
        self._pieces.append(bytes(data))

    def commit(self, name: str) -> None:
        self._store.create(name, self._pieces)
        self._pieces = []

    def discard(self) -> None:
        self._pieces = []


def _found(name: str, attrs: asyncssh.SFTPAttrs) -> Found:
    return Found(name, attrs.size or 0, datetime.fromtimestamp(attrs.mtime or 0, UTC))


async def _make(client: asyncssh.SFTPClient, folder: str) -> None:
    """A folder whose parent is nearly always there: asked for from the root on, each part would take two round trips."""
    import asyncssh

    try:
        await client.mkdir(folder)
    except asyncssh.SFTPNoSuchFile:
        await client.makedirs(folder, exist_ok=True)
    except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists):
        return  # another writer was first; if not, the rename says so


async def _removed(client: asyncssh.SFTPClient, path: str) -> None:
    """Best effort: what stays behind in tmp/ is swept a day later."""
    import asyncssh

    try:
        await client.remove(path)
    except (asyncssh.Error, OSError):
        return
