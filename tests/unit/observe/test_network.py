"""Addresses over real sockets on loopback: open, shut, silent, with good and bad certificates."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.base.clock import SystemClock
from reconciler.base.proxy import Proxy, proxy_at
from reconciler.model.health import Endpoint, Reached, Role, Security, Use
from reconciler.notify.web import connect
from reconciler.observe.network import reach
from tests.fakes.certificates import certificate
from tests.fakes.posts import Reply, post_office
from tests.fakes.proxies import WebProxy, web_proxy

MAIN, PAGER = Use(Role.REPOSITORY, "main"), Use(Role.RECEIVER, "duty/pager")
CLOCK = SystemClock()
Answer = Callable[[socket.socket], None]
LATER = (datetime.now(UTC) + timedelta(days=40)).replace(microsecond=0)


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], int]]:
    """Starts a server that answers every connection so; the port."""
    doors: list[socket.socket] = []

    def start(answer: Answer) -> int:
        door = socket.create_server(("127.0.0.1", 0))
        doors.append(door)

        def work() -> None:
            while True:
                try:
                    connection, _ = door.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    answer(connection)

        threading.Thread(target=work, daemon=True).start()
        return int(door.getsockname()[1])

    yield start
    for door in doors:
        door.close()


def over_tls(context: ssl.SSLContext) -> Answer:
    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as door:
            door.recv(1)

    return answer


def over_starttls(context: ssl.SSLContext) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"220 ready\r\n")
        connection.recv(1000)
        connection.sendall(b"250 STARTTLS\r\n")
        connection.recv(1000)
        connection.sendall(b"220 go\r\n")
        with context.wrap_socket(connection, server_side=True) as door:
            door.recv(1)

    return answer


def asked(endpoint: Endpoint, seconds_max: float = 3.0) -> Reached:
    (found,) = reach([endpoint], CLOCK, seconds_max=seconds_max)
    return found


def test_an_open_port_answers_and_a_shut_one_says_why(serve: Callable[[Answer], int]) -> None:
    port = serve(lambda _connection: None)
    found = asked(Endpoint(MAIN, "127.0.0.1", port))
    assert (found.uses, found.address, found.failure, found.secured) == ((MAIN,), f"127.0.0.1:{port}", "", False)
    assert found.seconds is not None
    with socket.create_server(("127.0.0.1", 0)) as door:
        shut = int(door.getsockname()[1])
    found = asked(Endpoint(MAIN, "127.0.0.1", shut))
    assert (found.seconds, found.failure) == (None, "cannot be reached: Connection refused")


@pytest.mark.parametrize(("security", "answer"), [(Security.TLS, over_tls), (Security.STARTTLS, over_starttls)])
def test_the_end_of_a_trusted_certificate_is_read(
    serve: Callable[[Answer], int], tmp_path: Path, security: Security, answer: Callable[[ssl.SSLContext], Answer]
) -> None:
    context, trusted = certificate(tmp_path, LATER)
    found = asked(Endpoint(PAGER, "127.0.0.1", serve(answer(context)), security, str(trusted)))
    assert (found.certificate_until, found.certificate_failure) == (LATER, "")


@pytest.mark.parametrize(
    ("until", "name", "trusted", "why"),
    [
        (LATER, "127.0.0.1", False, "self-signed certificate"),
        (LATER, "elsewhere.example.org", True, "IP address mismatch"),
        (LATER - timedelta(days=41), "127.0.0.1", True, "certificate has expired"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_told_with_its_end(
    serve: Callable[[Answer], int], tmp_path: Path, until: datetime, name: str, trusted: bool, why: str
) -> None:
    context, file = certificate(tmp_path, until, name=name)
    found = asked(Endpoint(PAGER, "127.0.0.1", serve(over_tls(context)), Security.TLS, str(file) if trusted else None))
    assert why in found.certificate_failure
    assert found.certificate_until == until
    assert found.seconds is not None


def test_silent_ones_are_waited_for_together_and_not_for_long(serve: Callable[[Answer], int]) -> None:
    ports = [serve(lambda connection: time.sleep(20)) for _ in range(6)]
    began = time.monotonic()
    found = reach([Endpoint(MAIN, "127.0.0.1", port, Security.TLS) for port in ports], CLOCK, seconds_max=0.4)
    assert time.monotonic() - began < 10, "half of what one of them takes"
    assert {one.failure for one in found} <= {"does not answer within 0.4 s", "did not answer within 0 s"}


def test_what_several_things_use_is_asked_once_and_a_secret_address_is_not_shown(serve: Callable[[Answer], int]) -> None:
    seen: list[int] = []
    port = serve(lambda connection: seen.append(connection.fileno()))
    one = Endpoint(MAIN, "127.0.0.1", port)
    found = reach([one, replace(one, use=Use(Role.REPOSITORY, "offsite")), Endpoint(PAGER, "127.0.0.1", port, secret=True)], CLOCK)
    assert [[str(use) for use in each.uses] for each in found] == [["repository main", "repository offsite"], ["receiver duty/pager"]]
    assert [each.address for each in found] == [f"127.0.0.1:{port}", ""]
    until = time.monotonic() + 5
    while len(seen) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(seen) == 2


def test_a_receiver_is_not_sought_where_clouds_hand_out_credentials() -> None:
    (found,) = reach([Endpoint(PAGER, "169.254.169.254", 80)], CLOCK, to_receiver=connect)
    assert found.seconds is None
    assert "cannot be reached" not in found.failure
    assert found.failure


def test_a_name_that_cannot_be_one_is_a_failure_and_no_more() -> None:
    assert asked(Endpoint(MAIN, "a" * 300 + ".example", 1)).failure.startswith("cannot be reached")


AWAY = "store.example.org"
"""A name that only the proxy knows."""


def through(proxy: WebProxy, user: str = "") -> Proxy:
    return proxy_at(proxy.url.replace("//", f"//{user}"))


def test_what_goes_through_a_proxy_is_looked_at_through_it(serve: Callable[[Answer], int], tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path, LATER, name=AWAY)
    with web_proxy("Basic bWU6eHEtd29yZC03Nw==") as proxy:
        there = Endpoint(PAGER, AWAY, serve(over_tls(context)), Security.TLS, str(trusted), through(proxy, "me:xq-word-77@"))
        found = asked(there)
        assert (found.failure, found.certificate_until, found.certificate_failure) == ("", LATER, "")
        assert found.seconds is not None
        assert asked(replace(there, authorities=None)).certificate_failure == "self-signed certificate"
        assert asked(replace(there, proxy=through(proxy))).failure == "cannot be reached: the web proxy answers 407"


def test_of_what_is_not_encrypted_the_proxy_says_whether_it_gets_there(serve: Callable[[Answer], int]) -> None:
    with web_proxy() as proxy, socket.create_server(("127.0.0.1", 0)) as door, post_office(Reply(404)) as office:
        there = Endpoint(PAGER, AWAY, int(office.url.rpartition(":")[2]), proxy=through(proxy))
        assert asked(there).failure == ""
        shut = int(door.getsockname()[1])
        door.close()
        assert asked(replace(there, port=shut)).failure == "cannot be reached: the web proxy answers 502"
        assert [line.split("/")[0] for line in proxy.asked] == ["HEAD http:", "HEAD http:"]
        assert [got.path for got in office.got] == ["/"], "the path may be a secret"


def test_a_proxy_that_says_nothing_is_not_waited_for() -> None:
    with web_proxy(silent=True) as proxy:
        for security in (Security.TLS, Security.NONE):
            found = asked(Endpoint(PAGER, AWAY, 443, security, proxy=through(proxy)), 0.3)
            assert found.failure in {"does not answer within 0.3 s", "did not answer within 0 s"}
    assert asked(Endpoint(PAGER, AWAY, 443, proxy=proxy_at("127.0.0.1:9"))).failure == (
        "cannot be reached: the web proxy: Connection refused"
    )
