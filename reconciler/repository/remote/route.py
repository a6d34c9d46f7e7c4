"""The route to one HTTP endpoint: directly, or through the web proxy that the environment names."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from reconciler.base.proxy import Proxies, Proxy

_PORTS = {False: 80, True: 443}


class Route:
    """Of one endpoint. Threads may share it."""

    def __init__(self, endpoint: str, silence_seconds: float, proxies: Proxies | None) -> None:
        """``proxies``: of the web, one of which may lead there; None: none does."""
        parts = urlsplit(endpoint)
        self.place = parts.netloc
        """Host and port, as the endpoint says them."""
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or _PORTS[self._secure]
        self._silence = silence_seconds
        self._proxies = proxies

    def line(self) -> http.client.HTTPConnection:
        """A new connection; one that nobody has to lead opens with the first question. Raises OSError."""
        if self._secure:
            line: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._silence, context=self._context
            )
        else:
            line = http.client.HTTPConnection(self._host, self._port, timeout=self._silence)
        if self._proxy is not None:
            if self._secure:
                tunnel = self._proxy.tunnel(self._host, self._port, self._left)
                line.sock = self._context.wrap_socket(tunnel, server_hostname=self._host)
            else:
                line.sock = self._proxy.connect(self._left)
            line.sock.settimeout(self._silence)
        return line

    def written(self, target: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """A question as it is sent: a proxy that leads no tunnel is told with each one where it goes, and who asks."""
        if self._proxy is None or self._secure:
            return target, dict(headers)
        said = {"proxy-authorization": self._proxy.authorization} if self._proxy.authorization else {}
        return f"http://{self.place}{target}", {**headers, **said}

    def check(self, status: int) -> None:
        """Raises ProxyTrouble when an answer is of the proxy, which refuses to pass the question on."""
        if status == http.client.PROXY_AUTHENTICATION_REQUIRED and self._proxy is not None:
            from reconciler.base.proxy import ProxyTrouble

            raise ProxyTrouble(f"the web proxy answers {status}")

    def _left(self) -> float:
        return self._silence

    @cached_property
    def _proxy(self) -> Proxy | None:
        return None if self._proxies is None else self._proxies.towards(secure=self._secure, host=self._host, port=self._port)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()
