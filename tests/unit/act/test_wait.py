"""Waiting for a port or an address: what counts as an answer, who may be asked, and that it ends."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reconciler.act.errors import HostNotAllowed, NoAnswer
from reconciler.act.wait import check_host, wait_for
from reconciler.base.clock import SystemClock
from reconciler.base.errors import Cancelled
from reconciler.model.declared.recovery import WaitStep


@contextmanager
def served(status: int, location: str | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if location is not None:
                self.send_header("Location", location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/health?deep=1"
    finally:
        server.shutdown()
        server.server_close()


def answer(wait: WaitStep, seconds: float = 5.0, stop: threading.Event | None = None) -> str:
    return wait_for(wait, (), stop or threading.Event(), SystemClock(), seconds)


def test_an_address_that_answers_well() -> None:
    with served(200) as url:
        assert answer(WaitStep(url=url)) == f"{url} answers"
    with served(503) as url:
        assert answer(WaitStep(url=url, status=503)) == f"{url} answers"


@pytest.mark.parametrize("status", [500, 404, 302])
def test_another_answer_is_none_and_no_redirect_is_followed(status: int) -> None:
    with served(200) as good, served(status, good) as url, pytest.raises(NoAnswer, match=f"it answers {status}"):
        answer(WaitStep(url=url), 0.3)


def test_a_port_that_opens_later_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    opened: list[socket.socket] = []
    timer = threading.Timer(0.6, lambda: opened.append(socket.create_server(("127.0.0.1", port))))
    timer.start()
    assert answer(WaitStep(port=port)) == f"127.0.0.1:{port} answers"
    timer.join()
    opened[0].close()


def test_nobody_there_ends_at_the_timeout_and_a_stop_ends_it_before() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NoAnswer, match="Connection refused"):
        answer(WaitStep(port=port), 0.2)
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        answer(WaitStep(port=port), 60, stop)
    assert time.monotonic() - began < 10


def test_a_server_that_takes_the_connection_and_says_nothing_ends_at_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            answer(WaitStep(url=f"http://127.0.0.1:{silent.getsockname()[1]}/"), 0.5)
        assert time.monotonic() - began < 15, "it would never say anything"


@pytest.mark.parametrize(
    ("wait", "allowed", "is_allowed"),
    [
        (WaitStep(port=1), (), True),
        (WaitStep(port=1, host="localhost"), (), True),
        (WaitStep(port=1, host="::1"), (), True),
        (WaitStep(port=1, host="127.8.8.8"), (), True),
        (WaitStep(port=1, host="db2"), (), False),
        (WaitStep(port=1, host="DB2"), ("db2",), True),
        (WaitStep(port=1, host="169.254.169.254"), ("db2",), False),
        (WaitStep(url="http://localhost.example.com/"), (), False),
        (WaitStep(url="https://db2:8443/health"), ("db2",), True),
    ],
)
def test_only_this_host_and_those_that_the_agent_allows_are_asked(wait: WaitStep, allowed: tuple[str, ...], *, is_allowed: bool) -> None:
    if is_allowed:
        check_host(wait, allowed)
        return
    with pytest.raises(HostNotAllowed):
        check_host(wait, allowed)
