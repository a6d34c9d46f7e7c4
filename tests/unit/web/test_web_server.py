"""The endpoints over real sockets: what is answered to whom, and that the port is given back."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from msgspec import Struct, field
from structlog.testing import capture_logs

from reconciler.model.board import Board
from reconciler.model.pulse import Pulse
from reconciler.web.errors import WebAddressInUse, WebAddressUnusable
from reconciler.web.guards import host_name
from reconciler.web.server import Server, serve
from tests.fakes.clocks import FakeClock
from tests.fakes.statuses import NOON, board, pulse

SCRAPED = ("/metrics", "/healthz", "/readyz")
SHOWN = ("/", "/api/status", "/api/plan", "/api/events", "/api/impact")
PATHS = SCRAPED + SHOWN


class Loop(Struct):
    """What a loop shows to the server."""

    board: Board | None = field(default_factory=board)
    alive: bool = True

    def pulse(self) -> Pulse:
        return pulse(alive=self.alive)


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Loop, Server]]:
    """One server for all: starting and ending one takes longer than most questions."""
    loop = Loop()
    with serving(lambda: loop.board, loop.pulse) as server:
        yield loop, server


@pytest.fixture
def loop(world: tuple[Loop, Server]) -> Loop:
    world[0].board, world[0].alive = board(), True
    return world[0]


@pytest.fixture
def server(world: tuple[Loop, Server], loop: Loop) -> Server:
    return world[1]


@contextmanager
def serving(
    published: Callable[[], Board | None], beat: Callable[[], Pulse] = pulse, listen: str = "127.0.0.1:0", *, shows_page: bool = True
) -> Iterator[Server]:
    server = serve(published, listen=listen, pulse=beat, shows_page=shows_page, clock=FakeClock(NOON))
    try:
        yield server
    finally:
        server.close()


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def test_metrics_are_text_that_prometheus_reads(server: Server) -> None:
    status, headers, body = ask(server, "/metrics", Accept="application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
    assert status == 200
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b'\nreconciler_rpo_target_seconds{system="orders"} 900.0\n' in body


def test_each_scrape_shows_what_is_published_then(server: Server, loop: Loop) -> None:
    assert b'system="orders"' in ask(server, "/metrics")[2]
    loop.board = None
    assert b'system="orders"' not in ask(server, "/metrics")[2]


def test_a_scraper_that_asks_for_gzip_gets_it(server: Server) -> None:
    _, headers, body = ask(server, "/metrics", **{"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert b"reconciler_build_info" in gzip.decompress(body)


def test_healthz_follows_the_heartbeat(server: Server, loop: Loop) -> None:
    status, headers, body = ask(server, "/healthz")
    assert status == 200
    assert json.loads(body) == {"status": "alive", "doing": "waiting", "silent_seconds": 1.0, "actions_under_way": 1}
    assert headers["cache-control"] == "no-store"
    loop.alive = False
    status, _, body = ask(server, "/healthz")
    assert status == 503
    assert json.loads(body) == {"status": "stalled", "doing": "looking", "silent_seconds": 600.0, "actions_under_way": 1}


def test_readyz_waits_for_the_first_observation(server: Server, loop: Loop) -> None:
    status, _, body = ask(server, "/readyz")
    assert (status, json.loads(body)) == (200, {"status": "ready", "at": "2026-05-04T12:00:00+00:00"})
    loop.board = None
    status, _, body = ask(server, "/readyz")
    assert (status, json.loads(body)) == (503, {"status": "observing"})


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_the_body(server: Server, path: str) -> None:
    status, headers, body = ask(server, path, "HEAD")
    assert status == 200
    assert body == b""
    assert int(headers["content-length"]) > 0


@pytest.mark.parametrize(
    "path",
    ["/metrics/", "/healthz/x", "/../metrics", "//metrics", "/favicon.ico", "/METRICS", "/api", "/api/", "/api/status/orders", "/page.css"],
)
def test_any_other_path_is_not_found_and_not_redirected(server: Server, path: str) -> None:
    status, headers, body = ask(server, path)
    assert status == 404
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"error": "not found"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_sent_here(server: Server, method: str) -> None:
    status, headers, body = ask(server, "/metrics", method)
    assert status == 405
    assert set(headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD"}
    assert json.loads(body) == {"error": "method not allowed"}


@pytest.mark.parametrize("head", [b"Content-Length: 10000000000\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_without_end_is_neither_read_nor_kept(server: Server, head: bytes) -> None:
    with socket.create_connection((server.host, server.port), timeout=10) as raw:
        raw.sendall(b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n")
        sent = 0
        with pytest.raises(OSError, match=r"reset|Broken pipe"):  # noqa: PT012
            while sent < 64 * 2**20:
                raw.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
                sent += 0x100000
        assert sent < 64 * 2**20
    assert ask(server, "/healthz")[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "", "[::2]", "localhost@evil"])
def test_a_page_that_rebinds_its_name_to_the_loopback_reads_nothing(server: Server, host: str) -> None:
    status, _, body = ask(server, "/metrics", Host=host)
    assert status == 421
    assert json.loads(body) == {"error": "this host is not served here"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9477", "LOCALHOST", "[::1]:9477"])
def test_every_name_of_the_loopback_is_served(server: Server, host: str) -> None:
    assert ask(server, "/healthz", Host=host)[0] == 200


@pytest.mark.parametrize(
    ("host", "name"), [("a:1", "a"), ("A", "a"), ("[::1]", "::1"), ("[::1]:2", "::1"), ("::1", ""), ("[", ""), (":", "")]
)
def test_the_name_in_a_host_header(host: str, name: str) -> None:
    assert host_name(host) == name


def test_behind_a_wider_address_any_host_is_answered() -> None:
    with serving(board, listen="0.0.0.0:0") as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/metrics", headers={"Host": "shop1.example:9477"})
        assert connection.getresponse().status == 200
        connection.close()


def _answer(server: Server, request: bytes) -> bytes:
    with socket.create_connection((server.host, server.port), timeout=10) as raw:
        raw.sendall(request)
        answer = b""
        while piece := raw.recv(65536):
            answer += piece
        return answer


def test_two_host_headers_are_refused(server: Server) -> None:
    answer = _answer(server, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 421"))
    assert b"reconciler_" not in answer


def test_endless_headers_are_cut_off(server: Server) -> None:
    answer = _answer(server, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40_000)
    assert answer.startswith(b"HTTP/1.1 400")
    assert ask(server, "/healthz")[0] == 200


def test_garbage_neither_stops_the_server_nor_fills_the_log(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    _answer(server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
    assert ask(server, "/healthz")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_a_long_scrape_does_not_hold_up_healthz() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def published() -> Board:
        asked.set()
        assert go_on.wait(10)
        return board()

    with serving(published) as server:
        scrape = threading.Thread(target=ask, args=(server, "/metrics"))
        scrape.start()
        assert asked.wait(10)
        assert ask(server, "/healthz")[0] == 200
        go_on.set()
        scrape.join(10)
        assert not scrape.is_alive()


def test_an_error_while_scraping_is_logged_and_the_next_scrape_works(capfd: pytest.CaptureFixture[str]) -> None:
    answers = [RuntimeError("the status cannot be read"), board()]

    def published() -> Board:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with capture_logs() as lines, serving(published) as server:
        status, _, body = ask(server, "/metrics")
        assert (status, json.loads(body)) == (500, {"error": "internal error, see the log"})
        assert ask(server, "/metrics")[0] == 200
    assert [(line["event"], line["log_level"], line["path"]) for line in lines] == [("an answer could not be made", "error", "/metrics")]
    assert capfd.readouterr() == ("", "")


def test_close_gives_the_port_back_and_may_be_called_twice(loop: Loop) -> None:
    server = serve(lambda: loop.board, listen="127.0.0.1:0", pulse=pulse)
    server.close()
    server.close()
    assert not server.running
    with serving(lambda: loop.board, listen=f"127.0.0.1:{server.port}") as again:
        assert ask(again, "/healthz")[0] == 200


def test_the_server_ends_by_itself_when_told_to_stop(loop: Loop) -> None:
    stop = threading.Event()
    server = serve(lambda: loop.board, listen="127.0.0.1:0", pulse=pulse, stop=stop)
    assert ask(server, "/healthz")[0] == 200
    stop.set()
    deadline = time.monotonic() + 10
    while server.running and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not server.running


def test_closing_the_server_does_not_stop_anything_else(loop: Loop) -> None:
    stop = threading.Event()
    serve(lambda: loop.board, listen="127.0.0.1:0", pulse=pulse, stop=stop).close()
    assert not stop.is_set()


def test_a_taken_port_is_said_before_anything_starts(server: Server) -> None:
    threads = threading.active_count()
    with pytest.raises(WebAddressInUse, match=f"127.0.0.1:{server.port} is already in use") as caught:
        serve(board, listen=f"127.0.0.1:{server.port}", pulse=pulse)
    assert caught.value.context == {"listen": f"127.0.0.1:{server.port}"}
    assert threading.active_count() == threads


@pytest.mark.parametrize(
    "listen", ["192.0.2.1:0", "no-such-host.invalid:9477", "127.0.0.1:70000", "127.0.0.1", "", ":9477", "localhost:x", "a" * 70 + ":1"]
)
def test_an_address_that_this_host_does_not_have_is_said_in_one_sentence(listen: str) -> None:
    with pytest.raises(WebAddressUnusable, match="cannot listen on"):
        serve(board, listen=listen, pulse=pulse)


def test_ipv6_loopback_is_served_where_there_is_one() -> None:
    try:
        server = serve(board, listen="[::1]:0", pulse=pulse)
    except WebAddressUnusable:
        pytest.skip("this machine has no IPv6 loopback")
    try:
        assert server.url == f"http://[::1]:{server.port}"
        assert ask(server, "/healthz", Host=f"[::1]:{server.port}")[0] == 200
        assert ask(server, "/healthz", Host="evil.example")[0] == 421
    finally:
        server.close()
