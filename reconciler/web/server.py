"""The door of this room: ``serve`` binds the address at once, so a taken port is an error of the caller and not a line in a log."""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from reconciler.base.clock import Clock, SystemClock
from reconciler.model.board import Board
from reconciler.model.pulse import Pulse
from reconciler.web.errors import WebAddressInUse, WebAddressUnusable

_JOIN_SECONDS: Final = 5.0
_BACKLOG: Final = 64
_PORT_MAX: Final = 65535


class Server(Struct, frozen=True):
    """A listening server. ``port`` is the real one, also where port 0 was asked for."""

    host: str
    port: int
    _closing: threading.Event
    _thread: threading.Thread

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop answering; the port is free again when this returns. May be called twice."""
        self._closing.set()
        self._thread.join(_JOIN_SECONDS)


def serve(
    published: Callable[[], Board | None],
    *,
    listen: str,
    pulse: Callable[[], Pulse],
    shows_page: bool = True,
    clock: Clock | None = None,
    stop: threading.Event | None = None,
) -> Server:
    """Serve on ``listen`` (``127.0.0.1:9477``, ``[::1]:0``) until ``close`` is called or ``stop`` is set.

    /metrics, /healthz and /readyz; with ``shows_page``, and on the loopback only, the page and the JSON API besides. ``published`` and
    ``pulse`` are called from other threads and must not block; ``published`` returns None until something was observed. Without ``stop``
    everything answers until the very end of a shutdown. Raises WebAddressInUse or WebAddressUnusable before anything is started.
    """
    from reconciler.web import engine, pages

    listener, loopback = _bind(listen)
    closing = threading.Event()

    def ending() -> bool:
        return closing.is_set() or (stop is not None and stop.is_set())

    app = pages.application(published, pulse=pulse, clock=clock or SystemClock(), loopback=loopback, shows_page=shows_page and loopback)
    host, port = listener.getsockname()[:2]
    thread = engine.start(app, listener, ending)
    return Server(host, port, closing, thread)


def _bind(listen: str) -> tuple[socket.socket, bool]:
    """A listening socket, and whether only this host can reach it."""
    name, _, port = listen.rpartition(":")
    host = name.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > _PORT_MAX:  # the system would take port 70000 for 4464
        raise WebAddressUnusable(f"cannot listen on {listen!r}: not an address with a port", listen=listen)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be one in the DNS
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise WebAddressInUse(f"{listen} is already in use", listen=listen) from error
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else "not a host name"
        raise WebAddressUnusable(f"cannot listen on {listen!r}: {reason.lower()}", listen=listen) from error
    return listener, ipaddress.ip_address(address[0]).is_loopback
