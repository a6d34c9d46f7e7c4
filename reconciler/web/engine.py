"""uvicorn in a thread of its own, with limits on everything that a client decides."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

HEADER_BYTES_MAX = 16 * 1024
CONNECTIONS_MAX = 64
IDLE_SECONDS = 15  # a scraper comes every 15 to 60 s; holding its connection open gains nothing
CLOSE_SECONDS = 2  # a scrape under way may finish; shutdown does not wait longer for a slow reader


class Engine(uvicorn.Server):
    """Ends by itself soon after ``ending`` says so: uvicorn asks ten times a second."""

    def __init__(self, app: ASGIApp, ending: Callable[[], bool]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",  # its lines about clients that send nonsense are not ours; failures of ours are logged in pages.py
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=CLOSE_SECONDS,
                h11_max_incomplete_event_size=HEADER_BYTES_MAX,
            )
        )
        self._ending = ending

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._ending()


def start(app: ASGIApp, listener: socket.socket, ending: Callable[[], bool]) -> threading.Thread:
    """A running thread that serves ``app`` on ``listener`` until ``ending()``. Who connects before uvicorn is up waits in the backlog."""
    engine = Engine(app, ending)
    thread = threading.Thread(target=engine.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
    thread.start()
    return thread
