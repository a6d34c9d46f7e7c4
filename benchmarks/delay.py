"""A wire of a chosen length: ``python -m benchmarks.delay UPSTREAM MILLISECONDS`` prints its port and runs until it is ended.

A byte needs half of the time in each direction, and a new connection one whole round trip more, as its handshake does. Nothing is
narrowed: how wide the wire is, is the machine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

_READ_BYTES = 256 * 1024
_ON_THE_WAY = 256  # pieces in each direction, so that the wire itself holds nobody up
_held: set[asyncio.Task[None]] = set()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float, extra: float) -> None:
    """Everything of one direction, ``seconds`` later; the first piece ``extra`` more."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_ON_THE_WAY)

    async def deliver() -> None:
        while True:
            due, piece = await pieces.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            if not piece:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            writer.write(piece)
            await writer.drain()

    async def collect() -> None:
        opened = loop.time()
        while piece := await reader.read(_READ_BYTES):
            await pieces.put((max(loop.time(), opened + extra) + seconds, piece))
        await pieces.put((loop.time() + seconds, b""))

    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(deliver())
            both.create_task(collect())
    except* OSError:
        pass  # one side has hung up


async def _connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: int, seconds: float) -> None:
    task = asyncio.current_task()
    assert task is not None
    _held.add(task)  # asyncio itself holds no task that waits
    there_reader, there_writer = await asyncio.open_connection("127.0.0.1", upstream)
    try:
        await asyncio.gather(
            _carry(reader, there_writer, seconds / 2, seconds),
            _carry(there_reader, writer, seconds / 2, 0.0),
        )
    finally:
        for each in (writer, there_writer):
            each.close()
        _held.discard(task)


async def _serve(upstream: int, seconds: float) -> None:
    server = await asyncio.start_server(lambda reader, writer: _connected(reader, writer, upstream, seconds), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
