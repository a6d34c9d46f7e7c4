"""uvicorn in a thread of its own, with limits on everything that a client decides.

One request per connection, and a connection has a short life whatever its client does: clients that connect and say nothing, or a letter
a second, can take the few connections there are for that long, not for ever. Scrapers come every 15 to 60 s and lose nothing by it.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_BYTES_MAX: Final = 16 * 1024
CONNECTIONS_MAX: Final = 64
CONNECTION_SECONDS_MAX: Final = 30.0
CLOSE_SECONDS: Final = 2
"""A scrape under way may finish; a shutdown does not wait longer for a slow reader."""


class Engine(uvicorn.Server):
    """Ends by itself soon after ``ending`` says so: uvicorn asks ten times a second."""

    def __init__(self, app: ASGIApp, ending: Callable[[], bool], connection_seconds_max: float) -> None:
        class Connection(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself narrows it
                super().connection_made(transport)
                asyncio.get_running_loop().call_later(connection_seconds_max, transport.abort)

        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",  # its lines about clients that send nonsense are not ours; failures of ours are logged in pages.py
                access_log=False,
                server_header=False,
                proxy_headers=False,
                headers=[("connection", "close")],
                limit_concurrency=CONNECTIONS_MAX,
                timeout_graceful_shutdown=CLOSE_SECONDS,
                h11_max_incomplete_event_size=HEADER_BYTES_MAX,
            )
        )
        self._ending = ending

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._ending()


def start(
    app: ASGIApp, listener: socket.socket, ending: Callable[[], bool], *, connection_seconds_max: float = CONNECTION_SECONDS_MAX
) -> threading.Thread:
    """A running thread that serves ``app`` on ``listener`` until ``ending()``. Who connects before uvicorn is up waits in the backlog."""
    engine = Engine(app, ending, connection_seconds_max)
    thread = threading.Thread(target=engine.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
    thread.start()
    return thread
