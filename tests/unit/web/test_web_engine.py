"""What a client decides has a limit: how many connections, how long, how large. No real application is needed to see that."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from starlette.responses import PlainTextResponse

from reconciler.web import engine

Start = Callable[[float], tuple[str, int]]


@pytest.fixture
def start() -> Iterator[Start]:
    """``start(seconds)`` serves a word; connections live at most that long."""
    ending = threading.Event()
    threads: list[threading.Thread] = []

    def begin(connection_seconds_max: float) -> tuple[str, int]:
        listener = socket.create_server(("127.0.0.1", 0))
        address: tuple[str, int] = listener.getsockname()
        threads.append(engine.start(PlainTextResponse("here"), listener, ending.is_set, connection_seconds_max=connection_seconds_max))
        return address

    yield begin
    ending.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def _read_all(client: socket.socket) -> bytes:
    answer = b""
    try:
        while piece := client.recv(4096):
            answer += piece
    except ConnectionResetError:
        return answer
    return answer


def test_a_client_that_says_nothing_is_let_go(start: Start) -> None:
    with socket.create_connection(start(0.3), timeout=10) as silent:
        assert _read_all(silent) == b""


def test_a_client_that_says_a_letter_at_a_time_is_let_go(start: Start) -> None:
    with socket.create_connection(start(0.5), timeout=10) as slow, pytest.raises(OSError):  # noqa: PT012
        for letter in b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"a" * 200:
            slow.sendall(bytes([letter]))
            time.sleep(0.05)


def test_a_connection_carries_one_request(start: Start) -> None:
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(start(30), timeout=10) as client:
        client.sendall(request)
        answer = _read_all(client)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert answer.endswith(b"here")


def test_silent_clients_can_take_all_places_but_not_keep_them(start: Start) -> None:
    address = start(1.5)
    silent = [socket.create_connection(address, timeout=10) for _ in range(engine.CONNECTIONS_MAX)]
    try:
        assert _answer(address).startswith(b"HTTP/1.1 503")
        for client in silent:
            assert _read_all(client) == b""
        assert _answer(address).startswith(b"HTTP/1.1 200")
    finally:
        for client in silent:
            client.close()


def _answer(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return _read_all(client)
