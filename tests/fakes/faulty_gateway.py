"""A proxy on the loopback that passes requests on to a real store and spoils chosen ones, each in one of the ways that networks have."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from msgspec import Struct, field

_FAILED = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>told by the proxy</Message></Error>"


class Fault(Struct):
    """Of the requests that ``method`` and ``path`` fit, so many are spoilt after so many that are not."""

    how: str
    method: str = ""
    path: str = ""
    times: int = 1
    after: int = 0
    code: str = "InternalError"
    struck: int = 0

    def takes(self, method: str, path: str) -> bool:
        if self.struck >= self.times or (self.method and method != self.method) or not re.search(self.path, path):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.struck += 1
        return True


class Gateway(Struct):
    """The proxy as its users see it."""

    port: int
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Method and path of each request."""
    pages: dict[str, bytes] = field(default_factory=dict)
    """The first answer to each list, for an old one to be given again."""
    under_way: int = 0
    most: int = 0
    """How many requests were under way at a time, at most."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def struck(self) -> int:
        return sum(fault.struck for fault in self.faults)

    def spoil(self, how: str, method: str = "", path: str = "", **more: Any) -> Fault:
        fault = Fault(how, method, path, **more)
        self.faults.append(fault)
        return fault

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            yield
        finally:
            with self.lock:
                self.under_way -= 1

    def chosen(self, method: str, path: str) -> Fault | None:
        with self.lock:
            self.asked.append(f"{method} {path}")
            return next((fault for fault in self.faults if fault.takes(method, path)), None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    gateway: Gateway
    upstream: int

    def shutdown_request(self, request: Any) -> None:
        try:
            super().shutdown_request(request)
        except OSError:
            return


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 20

    def log_message(self, *words: object) -> None:
        """Nothing is printed."""

    def _serve(self) -> None:
        with self.server.gateway.counted():
            self._pass()

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fault = self.server.gateway.chosen(self.command, self.path)
        how = fault.how if fault is not None else ""
        if how == "reset":
            return self._reset()
        if how == "status":
            assert fault is not None
            status, _, code = fault.code.partition(" ")
            return self._answer(int(status), {}, _FAILED % code.encode() if code else b"")
        if how == "error-in-200":
            assert fault is not None
            return self._answer(200, {"ETag": '"x"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}, _FAILED % fault.code.encode())
        if how == "silent":
            threading.Event().wait(2.5)
            return self._reset()
        status, headers, content = self._upstream(body)
        if how == "lost-answer":
            return self._reset()
        if how == "truncated":
            return self._answer(status, headers, content, cut=len(content) // 2)
        if how == "stale-list":
            content = self.server.gateway.pages.get(self.path, content)
        if how == "page-twice" and b"<Contents>" in content:
            entries = re.findall(rb"<Contents>.*?</Contents>", content, re.DOTALL)
            content = content.replace(entries[0], entries[0] * 2, 1)
        if how == "page-loop":
            truncated = rb"<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>"
            content = re.sub(rb"<IsTruncated>\w+</IsTruncated>", truncated, content)
        if "list-type=2" in self.path and status == 200:
            self.server.gateway.pages.setdefault(self.path, content)
        return self._answer(status, headers, content)

    def _upstream(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=20)
        try:
            line.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "connection":
                    line.putheader(name, value)
            line.putheader("connection", "close")
            line.endheaders(body)
            response = line.getresponse()
            hop = {"connection", "transfer-encoding", "content-length", "keep-alive"}
            headers = {name: value for name, value in response.getheaders() if name.lower() not in hop}
            if self.command == "HEAD":
                headers["Content-Length"] = response.getheader("content-length") or "0"
            with response:
                return response.status, headers, response.read()
        finally:
            line.close()

    def _answer(self, status: int, headers: dict[str, str], content: bytes, cut: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[:cut])
        if cut is not None:
            self._reset()

    def _reset(self) -> None:
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 (names of the library)

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError):
            return  # the other side has gone

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            return


@contextmanager
def faulty_gateway(upstream: int) -> Iterator[Gateway]:
    """In front of the store on this port."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        gateway = server.gateway = Gateway(server.server_port)
        server.upstream = upstream
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield gateway
        finally:
            server.shutdown()
            thread.join()
