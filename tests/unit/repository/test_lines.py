"""Connections to a place that speaks HTTP: kept, and asked again over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reconciler.base.clock import SystemClock
from reconciler.repository.remote.lines import Lines
from reconciler.repository.remote.throttle import Throttle


class _Counting(ThreadingHTTPServer):
    daemon_threads = True
    accepted = 0

    def process_request(self, request: object, address: object) -> None:
        self.accepted += 1
        super().process_request(request, address)  # type: ignore[arg-type]


@pytest.fixture
def far() -> Iterator[_Counting]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words: object) -> None:
            """Nothing is printed."""

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response_only(200)
            body = b"" if self.path == "/empty" else b"content" * 1000
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815 (names of the library)

    with _Counting(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_one_connection_serves_every_question_of_one_thread(far: _Counting) -> None:
    clock = SystemClock()
    lines = Lines(f"http://127.0.0.1:{far.server_port}", 5, 10.0, Throttle(None, clock), clock)
    for method, path in (("GET", "/one"), ("GET", "/empty"), ("HEAD", "/one"), ("PUT", "/one"), ("DELETE", "/empty"), ("GET", "/two")):
        body = (b"what is stored",) if method == "PUT" else ()
        answer = lines.ask(method, path, {}, body, 10_000)
        assert answer.status == 200
        assert len(answer.body) == (7000 if path != "/empty" and method != "HEAD" else 0)
    lines.close()
    assert far.accepted == 1
    assert lines.asked == 6
