"""One web request to an address that stands in a spec, and that therefore nobody trusts.

* The name is resolved here and the connection goes to the very address that was looked at: a name that changes its mind in between gains
  nothing. Link-local addresses (where clouds serve credentials), multicast and the unspecified address are refused. Loopback and private
  ones are not: that is where an Alertmanager lives.
* Where the environment names a web proxy, that resolves the name and connects; addresses that are written as numbers are looked at all the
  same.
* No redirect is followed.
* All of it, from the name to the last byte of the answer, has one deadline, and the answer a size.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from reconciler.base.clock import Clock
from reconciler.base.proxy import Proxies, Proxy, ProxyTrouble
from reconciler.notify.errors import AddressForbidden, NoticeRefused, ReceiverBusy, ReceiverDenies, ReceiverUnfit, ReceiverUnreachable

ANSWER_BYTES_MAX = 64 * 1024
WAIT_MAX = timedelta(hours=1)
"""No receiver may ask for more."""
_METADATA = (ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200"))
"""Services of clouds that hand out credentials, outside the link-local range."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Answer(Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""

    def json(self) -> Any:
        """None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Client(Struct, frozen=True):
    """Requests within ``timeout_seconds`` each."""

    clock: Clock
    timeout_seconds: float
    proxies: Proxies = Proxies()

    def post(self, url: str, content: bytes, *, headers: Mapping[str, str], name: str) -> Answer:
        """A 2xx answer; everything else is an error. ``name``: of the receiver; the address itself is a secret and told nobody."""
        return self._ask("POST", url, content, headers, name)

    def get(self, url: str, *, name: str) -> Answer:
        """The same without content."""
        return self._ask("GET", url, None, {}, name)

    def _ask(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], name: str) -> Answer:
        import http.client

        end = self.clock.monotonic() + self.timeout_seconds

        def left() -> float:
            seconds = end - self.clock.monotonic()
            if seconds <= 0:
                raise TimeoutError
            return seconds

        try:
            answer = self._exchange(method, url, content, headers, left)
        except TimeoutError as error:
            raise ReceiverUnreachable(f"{name} did not answer within {self.timeout_seconds:g} s") from error
        except ssl.SSLCertVerificationError as error:
            raise ReceiverUnreachable(f"the certificate of {name} is not trusted: {error.verify_message}") from error
        except (OSError, http.client.HTTPException) as error:
            if self.clock.monotonic() >= end:
                raise ReceiverUnreachable(f"{name} did not answer within {self.timeout_seconds:g} s") from error
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise ReceiverUnreachable(f"{name} cannot be reached: {reason}") from error
        return _checked(answer, name)

    def _exchange(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], left: Callable[[], float]) -> Answer:
        import http.client  # here: every command that looks at the host loads this module for ``connect`` alone

        parts = urlsplit(url)
        host, secure = parts.hostname, parts.scheme == "https"
        if parts.scheme not in {"http", "https"} or not host or not url.isascii() or not url.isprintable() or " " in url:
            raise ReceiverUnfit("the address is not one of the web: http:// or https://, a host, and no blanks")
        connection = http.client.HTTPConnection(host, parts.port or (443 if secure else 80))
        proxy = self.proxies.towards(secure=secure, host=host, port=connection.port)
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        sent = {"User-Agent": "reconciler", "Connection": "close", **headers}
        if proxy is not None and not secure:  # a proxy is told where to: by a tunnel, or with each request
            path = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"
            sent |= {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
        with _line(proxy, host, connection.port, left, secure=secure) as plain:
            plain.settimeout(left())
            door = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
            with door, _cut_off(door, left()):
                connection.sock = door
                connection.request(method, path, body=content, headers=sent)
                response = connection.getresponse()
                body = response.read(ANSWER_BYTES_MAX)
                left()
                if proxy is not None and response.status == 407:
                    raise ProxyTrouble("the web proxy answers 407")
                return Answer(response.status, body, {name.lower(): value for name, value in response.getheaders()})


def _line(proxy: Proxy | None, host: str, port: int, left: Callable[[], float], *, secure: bool) -> socket.socket:
    if proxy is None:
        return connect(host, port, left)
    check_written(host)
    return proxy.tunnel(host, port, left) if secure else proxy.connect(left)


@contextmanager
def _cut_off(door: socket.socket, seconds: float) -> Iterator[None]:
    """Whoever still reads from ``door`` after so long gets its end. A timeout of the socket counts from byte to byte only."""

    def cut() -> None:
        with suppress(OSError):  # it was closed in time
            door.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def connect(host: str, port: int, left: Callable[[], float]) -> socket.socket:
    """To the first address of the host that answers. Raises AddressForbidden when the name leads, also among others, where it must not."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, place in found:
        check_address(str(place[0]))
    trouble: OSError = OSError("no address")
    for family, kind, protocol, _, place in found:
        door = socket.socket(family, kind, protocol)
        try:
            door.settimeout(left())
            door.connect(place)
        except OSError as error:
            door.close()
            trouble = error
        else:
            return door
    raise trouble


def check_written(host: str) -> None:
    """The same for a host that a proxy will resolve: as far as it is an address already, in whatever spelling."""
    with suppress(socket.gaierror):
        for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST):
            check_address(str(place[0]))


def check_address(text: str) -> None:
    """Raises AddressForbidden."""
    address = ipaddress.ip_address(text.partition("%")[0])
    inner = _inside(address)
    if inner.is_link_local or inner.is_multicast or inner.is_unspecified or inner in _METADATA:
        raise AddressForbidden(f"the address {text} is link-local or of no single host: no alert is sent there")


def _inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that is meant by an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _checked(answer: Answer, name: str) -> Answer:
    status = answer.status
    if 200 <= status < 300:
        return answer
    if 300 <= status < 400:
        raise AddressForbidden(f"{name} answers {status}: it sends on to another address, which is not followed")
    if status == 429 or status >= 500:
        raise ReceiverBusy(f"{name} answers {status}", after=_wait(answer))
    if status in {401, 403, 404, 405, 407, 410}:
        raise ReceiverDenies(f"{name} answers {status}")
    raise NoticeRefused(f"{name} answers {status}")


def _wait(answer: Answer) -> timedelta | None:
    """What it asks for: `retry_after` of its JSON (Discord), else the header, in seconds."""
    said = answer.json()
    wanted = said.get("retry_after") if isinstance(said, dict) else None
    try:
        seconds = float(wanted if wanted is not None else answer.headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    return min(timedelta(seconds=seconds), WAIT_MAX) if 0 <= seconds < 1e9 else None
