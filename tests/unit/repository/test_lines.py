"""Connections to a place that speaks HTTP: kept, asked again over, and led through web proxies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.base.proxy import Proxies
from reconciler.repository.remote.lines import Lines, Lost
from reconciler.repository.remote.route import Route
from reconciler.repository.remote.throttle import Throttle
from tests.fakes.certificates import certificate
from tests.fakes.proxies import web_proxy


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


def lines_to(endpoint: str, environment: dict[str, str] | None = None) -> Lines:
    clock = SystemClock()
    return Lines(Route(endpoint, 5.0, Proxies.of(environment or {})), 5, 5.0, Throttle(None, clock), clock)


def test_one_connection_serves_every_question_of_one_thread(far: _Counting) -> None:
    lines = lines_to(f"http://127.0.0.1:{far.server_port}")
    for method, path in (("GET", "/one"), ("GET", "/empty"), ("HEAD", "/one"), ("PUT", "/one"), ("DELETE", "/empty"), ("GET", "/two")):
        body = (b"what is stored",) if method == "PUT" else ()
        answer = lines.ask(method, path, {}, body, 10_000)
        assert answer.status == 200
        assert len(answer.body) == (7000 if path != "/empty" and method != "HEAD" else 0)
    lines.close()
    assert far.accepted == 1
    assert lines.asked == 6


def test_a_proxy_is_told_where_each_question_goes_and_keeps_its_connection(far: _Counting) -> None:
    with web_proxy("Basic dXNlcjpwYXNz") as proxy:
        lines = lines_to(f"http://store.example:{far.server_port}", {"http_proxy": proxy.url.replace("//", "//user:pass@")})
        for path in ("/one", "/two"):
            assert lines.ask("PUT", path, {"host": lines.host}, (b"what is stored",), 10_000).status == 200
        lines.close()
        assert proxy.asked == [f"PUT http://store.example:{far.server_port}/one HTTP/1.1"]
    assert far.accepted == 1


def test_what_is_encrypted_goes_through_a_tunnel_and_is_checked_for_the_name_behind_it(
    far: _Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = certificate(tmp_path, datetime.now(UTC) + timedelta(days=9), name="store.example")
    far.socket = context.wrap_socket(far.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with web_proxy() as proxy:
        lines = lines_to(f"https://store.example:{far.server_port}", {"HTTPS_PROXY": proxy.url})
        assert len(lines.ask("GET", "/one", {}, (), 10_000).body) == 7000
        with pytest.raises(Lost, match=r"store\.other"):
            lines_to(f"https://store.other:{far.server_port}", {"HTTPS_PROXY": proxy.url}).ask("GET", "/one", {}, (), 10_000)
        lines.close()
        assert proxy.asked == [f"CONNECT store.{name}:{far.server_port} HTTP/1.1" for name in ("example", "other")]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_is_named(scheme: str) -> None:
    with web_proxy("Basic other") as proxy, pytest.raises(Lost, match=r"^the web proxy answers 407$"):
        lines_to(f"{scheme}://store.example", {"ALL_PROXY": proxy.url}).ask("GET", "/", {}, (), 100)
    with pytest.raises(Lost, match=r"^the web proxy: Connection refused$"):
        lines_to(f"{scheme}://store.example", {"ALL_PROXY": proxy.url}).ask("GET", "/", {}, (), 100)
    with pytest.raises(Lost, match="socks5"):
        lines_to(f"{scheme}://store.example", {"ALL_PROXY": "socks5://127.0.0.1:1"}).ask("GET", "/", {}, (), 100)


def test_what_the_environment_excepts_is_asked_directly(far: _Counting) -> None:
    with web_proxy() as proxy:
        lines = lines_to(f"http://127.0.0.1:{far.server_port}", {"ALL_PROXY": proxy.url})
        assert lines.ask("GET", "/one", {}, (), 10_000).status == 200
        lines.close()
        assert proxy.asked == []
