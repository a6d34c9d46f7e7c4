"""Requests to addresses of specs: where they never go, and what every kind of answer becomes."""

from __future__ import annotations

import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.base.proxy import Proxies
from reconciler.notify.errors import (
    AddressForbidden,
    NoticeRefused,
    NotifyError,
    ReceiverBusy,
    ReceiverDenies,
    ReceiverUnfit,
    ReceiverUnreachable,
)
from reconciler.notify.web import ANSWER_BYTES_MAX, Client, check_address
from tests.fakes.mailbox import certificate
from tests.fakes.posts import Reply, post_office
from tests.fakes.proxies import WebProxy, web_proxy

CLIENT = Client(SystemClock(), 1.0)
JSON = {"Content-Type": "application/json"}


def ask(url: str, client: Client = CLIENT) -> int:
    return client.post(url, b"{}", headers=JSON, name="duty/ops").status


@pytest.mark.parametrize(
    ("reply", "error", "after"),
    [
        (Reply(200), None, None),
        (Reply(204), None, None),
        (Reply(400), NoticeRefused, None),
        (Reply(413), NoticeRefused, None),
        (Reply(401), ReceiverDenies, None),
        (Reply(404), ReceiverDenies, None),
        (Reply(410), ReceiverDenies, None),
        (Reply(500), ReceiverBusy, None),
        (Reply(429, b'{"retry_after": 1.5, "global": false}'), ReceiverBusy, 1.5),
        (Reply(429, headers={"Retry-After": "7"}), ReceiverBusy, 7),
        (Reply(429, b'{"retry_after": 1e300}'), ReceiverBusy, None),
        (Reply(429, b'{"retry_after": -4}'), ReceiverBusy, None),
        (Reply(429, b'{"retry_after": "soon"}'), ReceiverBusy, None),
        (Reply(503, headers={"Retry-After": "999999"}), ReceiverBusy, 3600),
        (Reply(302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}), AddressForbidden, None),
        (Reply(307, headers={"Location": "http://127.0.0.1:1/elsewhere"}), AddressForbidden, None),
    ],
)
def test_an_answer(reply: Reply, error: type[NotifyError] | None, after: float | None) -> None:
    with post_office(reply) as office:
        if error is None:
            assert ask(office.url) == reply.status
        else:
            with pytest.raises(error) as raised:
                ask(office.url)
            assert raised.value.after == (timedelta(seconds=after) if after is not None else None)
            assert office.url not in str(raised.value), "the address is a secret"
        assert len(office.got) == 1, "no redirect is followed, nothing is tried twice here"


@pytest.mark.parametrize("reply", [Reply(hang_seconds=30), Reply(drip_seconds=30)])
def test_it_never_takes_longer_than_its_time(reply: Reply) -> None:
    with post_office(reply) as office:
        began = time.monotonic()
        with pytest.raises(ReceiverUnreachable, match=r"within 0\.4 s"):
            ask(office.url, Client(SystemClock(), 0.4))
        assert time.monotonic() - began < 15, "half of what the server takes"


def test_of_an_endless_answer_only_a_part_is_read() -> None:
    with post_office(Reply(200, b"x" * 1_000_000)) as office:
        assert len(CLIENT.get(office.url, name="duty/ops").body) == ANSWER_BYTES_MAX


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "fd00:ec2::254",
     "100.100.100.200", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"],
)  # fmt: skip
def test_where_no_alert_goes(address: str) -> None:
    with pytest.raises(AddressForbidden):
        check_address(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.7", "192.168.1.1", "93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"]
)
def test_where_alerts_go(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://2852039166/", "http://0xa9fea9fe/", "http://[::ffff:169.254.169.254]/"])
def test_no_spelling_of_a_metadata_address_is_asked(url: str) -> None:
    with pytest.raises(AddressForbidden):
        ask(url)


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http:///x", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", "nonsense", "http://ü/"]
)
def test_what_is_no_address_of_the_web(url: str) -> None:
    with pytest.raises(ReceiverUnfit):
        ask(url)


def test_over_tls_nothing_is_said_to_a_host_that_nobody_vouches_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = certificate(tmp_path)
    with post_office(Reply(200), certificate=made) as office:
        with pytest.raises(ReceiverUnreachable, match="certificate of duty/ops is not trusted"):
            ask(office.url)
        assert office.got == []
        monkeypatch.setenv("SSL_CERT_FILE", str(made[0]))
        assert ask(office.url) == 200
        assert office.got[0].headers["host"] == office.url.removeprefix("https://")


@pytest.mark.parametrize("reply", [Reply(hang_seconds=30), Reply(drip_seconds=30)])
def test_over_tls_it_never_takes_longer_either(reply: Reply, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made[0]))
    with post_office(reply, certificate=made) as office:
        began = time.monotonic()
        with pytest.raises(ReceiverUnreachable, match=r"within 0\.4 s"):
            ask(office.url, Client(SystemClock(), 0.4))
        assert time.monotonic() - began < 15, "half of what the server takes"


def test_a_server_that_takes_no_part_in_the_handshake_has_a_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ReceiverUnreachable, match=r"within 0\.4 s"):
        ask(f"https://127.0.0.1:{silent.getsockname()[1]}/", Client(SystemClock(), 0.4))


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_an_address_of_the_sixth_version() -> None:
    with post_office(Reply(200), host="::1") as office:
        assert ask(f"{office.url}/hook?x=1") == 200
        assert (office.got[0].path, office.got[0].headers["host"]) == ("/hook?x=1", office.url.removeprefix("http://"))


def test_nobody_listens() -> None:
    with pytest.raises(ReceiverUnreachable, match="cannot be reached"):
        ask("http://127.0.0.1:9/")


WORD = "Basic bWU6eHEtd29yZC03Nw=="


def through(proxy: WebProxy, user: str = "") -> Client:
    address = proxy.url.replace("//", f"//{user}") if user else proxy.url
    return Client(SystemClock(), 1.0, Proxies.of({"ALL_PROXY": address}))


def test_through_a_proxy_whatever_it_wants_to_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver has a name that only the proxy knows; what is encrypted stays so between the two ends."""
    made = certificate(tmp_path, name="hooks.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(made[0]))
    with (
        post_office(Reply(200)) as plain,
        post_office(Reply(200), certificate=made) as safe,
        web_proxy(WORD) as proxy,
    ):
        client = through(proxy, "me:xq-word-77@")
        for office in (plain, safe):
            url = office.url.replace("127.0.0.1", "hooks.example.org") + "/hook?x=1"
            assert client.post(url, b"{}", headers=JSON, name="duty/ops").status == 200
            (got,) = office.got
            assert (got.path, got.body) == ("/hook?x=1", b"{}")
            assert got.headers["host"] == url.split("/")[2]
            assert "proxy-authorization" not in got.headers
        assert [line.split(" ")[0] for line in proxy.asked] == ["POST", "CONNECT"]
        with pytest.raises(ReceiverUnreachable, match=r"duty/ops cannot be reached: the web proxy answers 407"):
            ask(url, through(proxy, "me:xq-other-9@"))
        with pytest.raises(ReceiverUnreachable, match="the web proxy answers 407"):
            ask("http://hooks.example.org/", through(proxy))


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]"])
def test_a_proxy_is_not_asked_for_a_metadata_address(scheme: str, host: str) -> None:
    with web_proxy() as proxy:
        with pytest.raises(AddressForbidden):
            ask(f"{scheme}://{host}/", through(proxy))
        assert proxy.asked == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "answers 403"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "does not answer as one"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "does not answer as one"),
        (b"HTTP/1.1 200", "does not answer as one"),
    ],
)
def test_a_proxy_that_does_not_want(answer: bytes, words: str) -> None:
    with web_proxy(answer=answer) as proxy, pytest.raises(ReceiverUnreachable, match=f"duty/ops cannot be reached: the web proxy {words}"):
        ask("https://hooks.example.org/", through(proxy))


def test_a_proxy_has_no_more_time_than_a_receiver() -> None:
    with web_proxy(silent=True) as proxy, pytest.raises(ReceiverUnreachable, match=r"within 1 s"):
        ask("https://hooks.example.org/", through(proxy))


def test_a_proxy_that_is_not_there() -> None:
    client = Client(SystemClock(), 1.0, Proxies.of({"ALL_PROXY": "127.0.0.1:9"}))
    with pytest.raises(ReceiverUnreachable, match="duty/ops cannot be reached: the web proxy: Connection refused"):
        ask("https://hooks.example.org/", client)
