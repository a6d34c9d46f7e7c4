"""Web proxies: through which one a request goes, and how a connection is led through it.

Which one says the environment, under the names that every program knows: HTTPS_PROXY for encrypted addresses, HTTP_PROXY for others,
ALL_PROXY for both, and NO_PROXY for what is reached directly (small letters count before capitals). What is on this very host is never
asked for at a proxy: there it would be another host.

A proxy speaks HTTP, and may want a user and a password (Basic). SOCKS, and proxies that are themselves spoken to over TLS, are not known.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from reconciler.base.secret import remember

ANSWER_BYTES_MAX = 16 * 1024
"""Of the head with which a proxy answers."""
_PORT = 80
_HERE = {"localhost", "ip6-localhost"}

Left = Callable[[], float]
"""Seconds until the deadline. Raises TimeoutError after it."""


class ProxyTrouble(OSError):
    """A proxy that cannot be used, in `strerror`: a sentence without a subject, such as `the web proxy answers 407`."""

    def __init__(self, words: str) -> None:
        super().__init__(None, words)


class Proxy(Struct, frozen=True):
    """One of them."""

    host: str
    port: int
    authorization: str = ""
    """The header of that name that it gets; empty: none."""

    def connect(self, left: Left) -> socket.socket:
        """To the proxy itself. Where it stands says the environment of this process and no spec, so it is not doubted."""
        try:
            return socket.create_connection((self.host, self.port), left())
        except TimeoutError:
            raise
        except OSError as error:
            raise ProxyTrouble(f"the web proxy: {error.strerror or type(error).__name__}") from error

    def tunnel(self, host: str, port: int, left: Left) -> socket.socket:
        """A connection through it to a host, as if there were no proxy."""
        door = self.connect(left)
        try:
            place = f"{f'[{host}]' if ':' in host else host}:{port}"
            said = f"Proxy-Authorization: {self.authorization}\r\n" if self.authorization else ""
            door.settimeout(left())
            door.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{said}\r\n".encode("ascii"))
            status = status_of(head(door, left))
        except BaseException:
            door.close()
            raise
        if not 200 <= status < 300:
            door.close()
            raise ProxyTrouble(f"the web proxy answers {status}")
        return door


class Proxies(Struct, frozen=True):
    """What the environment says of them."""

    https: str = ""
    http: str = ""
    direct: tuple[str, ...] = ()
    """What is reached without one, as NO_PROXY writes it."""

    @staticmethod
    def of(environment: Mapping[str, str]) -> Proxies:
        """As every program reads them. An empty value says: none."""

        def said(name: str) -> str | None:
            return environment.get(name, environment.get(name.upper()))

        always = said("all_proxy") or ""
        https, http = said("https_proxy"), said("http_proxy")
        direct = tuple(word.strip().lower() for word in (said("no_proxy") or "").split(",") if word.strip())
        return Proxies(always if https is None else https, always if http is None else http, direct)

    def towards(self, *, secure: bool, host: str, port: int) -> Proxy | None:
        """The one through which this host is reached; None: directly. Raises ProxyTrouble where what is said is no proxy that we know."""
        value = self.https if secure else self.http
        if not value or _is_here(host) or any(_names(word, host, port) for word in self.direct):
            return None
        return proxy_at(value)


def proxy_at(value: str) -> Proxy:
    """As the environment writes it: `http://user:password@host:port`, or `host:port` alone. Raises ProxyTrouble."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        host, port = None, 0
    if host is None or not host.isascii():
        raise ProxyTrouble("the environment names a web proxy whose address is none")
    if parts.scheme != "http":
        raise ProxyTrouble(f"the environment names a web proxy that is spoken to by {parts.scheme}, and only http is known here")
    if parts.username is None:
        return Proxy(host, port)
    user, password = unquote(parts.username), unquote(parts.password or "")
    code = base64.b64encode(f"{user}:{password}".encode())
    for secret in (password.encode(), code):
        remember(secret)
    return Proxy(host, port, f"Basic {code.decode()}")


def head(door: socket.socket, left: Left) -> bytes:
    """The first lines of an answer and no byte more: what follows belongs to whoever is behind the proxy."""
    found = bytearray()
    while not found.endswith(b"\r\n\r\n"):
        door.settimeout(left())
        piece = door.recv(1)
        if not piece or len(found) >= ANSWER_BYTES_MAX:
            raise ProxyTrouble("the web proxy does not answer as one")
        found += piece
    return bytes(found)


def status_of(answer: bytes) -> int:
    """The number in the first line of an answer. Raises ProxyTrouble."""
    words = answer.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise ProxyTrouble("the web proxy does not answer as one")
    return int(words[1])


def _is_here(host: str) -> bool:
    if host.lower() in _HERE or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _names(word: str, host: str, port: int) -> bool:
    """Whether a word of NO_PROXY means this host: `*`, a name with all below it, an address, a network, any of them with a port."""
    if word == "*":
        return True
    host = host.lower()
    name, _, only = word.rpartition(":")
    if only.isdigit() and name and (":" not in name or name.startswith("[")):
        if int(only) != port:
            return False
        word = name
    word = word.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        word = word.removeprefix("*").removeprefix(".")
        return host == word or host.endswith(f".{word}")
    try:
        return address in ipaddress.ip_network(word, strict=False)
    except ValueError:
        return False
