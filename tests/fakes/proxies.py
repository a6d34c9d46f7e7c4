"""A web proxy on the loopback: it leads tunnels and passes requests on, wants a password, refuses, says nothing, or talks nonsense.

Names are known to it alone, as behind a firewall: all of them are this host.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from msgspec import Struct, field


class WebProxy(Struct):
    """As its users see it."""

    port: int
    authorization: str = ""
    """What it wants in the header of that name; empty: nothing."""
    answer: bytes = b""
    """What it says instead of doing anything; empty: it does its work."""
    silent: bool = False
    asked: list[str] = field(default_factory=list)
    """First lines of requests."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self, client: socket.socket) -> None:
        """One connection to its end."""
        first, headers, rest = _head(client)
        self.asked.append(first)
        if self.silent:
            client.recv(1)
            return
        if self.answer:
            client.sendall(self.answer)
            return
        if self.authorization and headers.get("proxy-authorization") != self.authorization:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        method, target, version = first.split(" ")
        port = urlsplit(f"//{target}" if method == "CONNECT" else target).port or 80
        try:
            upstream = socket.create_connection(("127.0.0.1", port), 5)
        except OSError:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with upstream:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                parts = urlsplit(target)
                sent = {name: value for name, value in headers.items() if not name.startswith("proxy-")}
                lines = [
                    f"{method} {parts.path or '/'}{'?' + parts.query if parts.query else ''} {version}",
                    *(f"{name}: {value}" for name, value in sent.items()),
                ]
                upstream.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + rest)
            back = threading.Thread(target=_pour, args=(upstream, client), daemon=True)
            back.start()
            _pour(client, upstream)
            back.join(5)


def _head(client: socket.socket) -> tuple[str, dict[str, str], bytes]:
    found = b""
    while b"\r\n\r\n" not in found:
        piece = client.recv(4096)
        if not piece:
            raise ConnectionError
        found += piece
    head, _, rest = found.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return first, {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}, rest


def _pour(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def web_proxy(authorization: str = "", answer: bytes = b"", *, silent: bool = False) -> Iterator[WebProxy]:
    """Running while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        proxy = WebProxy(int(door.getsockname()[1]), authorization, answer, silent)

        def serve(client: socket.socket) -> None:
            with client, suppress(OSError):
                client.settimeout(10)
                proxy.serve(client)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(door.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield proxy
        door.shutdown(socket.SHUT_RDWR)
