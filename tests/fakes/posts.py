"""A web server on the loopback that answers as told and keeps what it was sent: Discord's webhook, any other one, and worse."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from msgspec import Struct, field


class Reply(Struct):
    """One answer. ``drip_seconds``: a byte of the head now and then, for so long. ``hang_seconds``: nothing for so long."""

    status: int = 204
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang_seconds: float = 0
    drip_seconds: float = 0


class Got(Struct):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Post(Struct):
    """The server. ``replies`` are used up one by one, the last one for ever."""

    url: str
    replies: list[Reply]
    got: list[Got] = field(default_factory=list)

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def until(self, count: int, seconds: float = 10) -> list[Got]:
        """As soon as so many requests are there."""
        deadline = time.monotonic() + seconds
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.got) >= count, f"{len(self.got)} of {count} requests after {seconds:g} s"
        return self.got


@contextmanager
def post_office(*replies: Reply, host: str = "127.0.0.1", certificate: tuple[Path, Path] | None = None) -> Iterator[Post]:
    """Running while the block runs; with a certificate and its key encrypted."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            office.got.append(Got(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            reply = office.next()
            ended.wait(reply.hang_seconds)
            deadline = time.monotonic() + reply.drip_seconds
            if reply.drip_seconds:
                self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
            while time.monotonic() < deadline and not ended.is_set():
                self.wfile.write(b"x")
                ended.wait(0.05)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_GET = do_HEAD = answer  # noqa: N815 - the names that the library calls

        def log_message(self, *_: object) -> None:
            """Tests say what they want to say."""

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):  # who waited has gone, or did not like the certificate
                return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that goes away is part of the tests."""

    ended = threading.Event()
    Server.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server, scheme = Server((host, 0), Handler), "http"
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        server.socket, scheme = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False), "https"
    shown = f"[{host}]" if ":" in host else host
    office = Post(f"{scheme}://{shown}:{server.server_address[1]}", list(replies) or [Reply()])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield office
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
