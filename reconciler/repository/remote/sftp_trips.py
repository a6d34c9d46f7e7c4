"""Pieces of work over SFTP in as few round trips as they take: what needs no answer before is asked at once.

A server does requests about one handle in the order in which they come (draft-ietf-secsh-filexfer-02, 3.1), so the next ones are on their
way before the first is answered. What goes by a name waits: a rename follows only upon the answers to all that was written. The library
has these questions behind its public ones, which wait after each: so they are asked of its handler.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reconciler.base.files import Buffer

if TYPE_CHECKING:
    import asyncssh

_WINDOW_BYTES = 8 * 2**20
"""Of one file, sent and not yet answered: a tenth of a second at 80 MB/s, and more than the window of an SSH channel."""
_BLOCK_BYTES = 32 * 1024
"""What every server takes at a time, where it does not say."""
_SIZE = 1
"""Of a file's attributes: SSH_FILEXFER_ATTR_SIZE."""
_LISTS_MAX = 16
"""Questions for the next names of a folder that are under way at a time."""

Heard = Callable[[Awaitable[Any]], Awaitable[Any]]
"""Waits for an answer no longer than a silence may last."""
Pace = Callable[[int], Awaitable[None]]
"""Waits until so many bytes may pass."""


async def write_file(client: asyncssh.SFTPClient, path: str, pieces: Sequence[Buffer], heard: Heard, pace: Pace | None) -> None:
    """A new file of these pieces, synced where the server can. Two round trips, and the time of the bytes."""
    handler = _handler(client)
    handle = await heard(_opened(client, path, writes=True))
    under_way: deque[tuple[asyncio.Task[Any], int]] = deque()
    try:
        on_the_way = offset = 0
        for block in _blocks(pieces, handler.limits.max_write_len or _BLOCK_BYTES):
            if pace is not None:
                await pace(len(block))
            under_way.append((asyncio.create_task(handler.write(handle, offset, block)), len(block)))
            offset, on_the_way = offset + len(block), on_the_way + len(block)
            while on_the_way > _WINDOW_BYTES:
                task, size = under_way.popleft()
                on_the_way -= size
                await heard(task)
        under_way.append((asyncio.create_task(_synced(handler, handle)), 0))
        under_way.append((asyncio.create_task(handler.close(handle)), 0))
        while under_way:
            await heard(under_way.popleft()[0])
    finally:
        for task, _ in under_way:
            task.cancel()
        await asyncio.gather(*(task for task, _ in under_way), return_exceptions=True)


async def read_file(client: asyncssh.SFTPClient, path: str, limit: int, heard: Heard) -> bytes:
    """A whole file, or its first ``limit`` bytes. Two round trips where it fits into one answer."""
    handler = _handler(client)
    handle = await heard(_opened(client, path, writes=False))
    try:
        block = handler.limits.max_read_len or _BLOCK_BYTES
        first, attrs = await heard(_together(_part(handler, handle, 0, min(limit, block)), handler.fstat(handle, _SIZE)))
        size = min(limit, attrs.size if attrs.size is not None else limit)
        parts = [first]
        offset = len(first)
        while first and offset < size:  # a part may be shorter than it was asked for: then the next round goes on there
            starts = range(offset, min(size, offset + _WINDOW_BYTES), block)
            more = await heard(_together(*(_part(handler, handle, start, min(block, size - start)) for start in starts)))
            for start, part in zip(starts, more, strict=True):
                if start != offset:
                    break
                parts.append(part)
                offset += len(part)
            if not more[0]:
                break  # it ends sooner than it said
        return parts[0] if len(parts) == 1 else b"".join(parts)
    finally:
        _let_go(handler, handle)


async def read_folder(client: asyncssh.SFTPClient, path: str, heard: Heard) -> list[asyncssh.SFTPName]:
    """What is in a folder. Two round trips where it is small."""
    import asyncssh

    handler = _handler(client)
    handle = await heard(handler.opendir(client.compose_path(path)))
    found: list[asyncssh.SFTPName] = []
    try:
        at_once = 2  # names, and the word that these were all
        while True:
            for answer in await heard(_outcomes(*(handler.readdir(handle) for _ in range(at_once)))):
                if isinstance(answer, asyncssh.SFTPEOFError):
                    return found
                if isinstance(answer, BaseException):
                    raise answer
                found += answer[0]
                if answer[1]:
                    return found
            at_once = min(2 * at_once, _LISTS_MAX)
    finally:
        _let_go(handler, handle)


def _handler(client: asyncssh.SFTPClient) -> Any:
    return client._handler


async def _opened(client: asyncssh.SFTPClient, path: str, *, writes: bool) -> bytes:
    import asyncssh

    flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC if writes else asyncssh.FXF_READ
    handle: bytes = await _handler(client).open(client.compose_path(path), flags, asyncssh.SFTPAttrs())
    return handle


def _blocks(pieces: Sequence[Buffer], size: int) -> Iterator[bytes]:
    """The bytes of all pieces, so many at a time; at least one block, so that an empty file is written, too."""
    waiting: list[memoryview] = []
    length = 0
    for piece in pieces:
        view = memoryview(piece).cast("B")
        while length + view.nbytes >= size:
            yield b"".join([*waiting, view[: size - length]])
            view, waiting, length = view[size - length :], [], 0
        if view.nbytes:
            waiting.append(view)
            length += view.nbytes
    if waiting:
        yield b"".join(waiting)


async def _part(handler: Any, handle: bytes, offset: int, length: int) -> bytes:
    import asyncssh

    if not length:
        return b""
    try:
        data, _ = await handler.read(handle, offset, length)
    except asyncssh.SFTPEOFError:
        return b""
    return bytes(data)


async def _synced(handler: Any, handle: bytes) -> None:
    import asyncssh

    with suppress(asyncssh.SFTPOpUnsupported):  # docs/limits.md says what that means
        await handler.fsync(handle)


async def _together(*questions: Awaitable[Any]) -> list[Any]:
    return list(await asyncio.gather(*questions))


async def _outcomes(*questions: Awaitable[Any]) -> list[Any]:
    return list(await asyncio.gather(*questions, return_exceptions=True))


_closing: set[asyncio.Task[None]] = set()


def _let_go(handler: Any, handle: bytes) -> None:
    """Close what was read, and wait for no answer."""

    async def close() -> None:
        with suppress(Exception):
            await handler.close(handle)

    task = asyncio.create_task(close())
    _closing.add(task)  # asyncio itself holds no task that waits
    task.add_done_callback(_closing.discard)
