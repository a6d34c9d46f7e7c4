"""Who is answered at all. These stand before every route of a loopback address.

The Host header must name the loopback: otherwise a web page in this user's browser could have its own name resolve to 127.0.0.1 and
read along. What a browser sends on behalf of another site is refused too, except a plain visit: a link in a chat may lead here. A wider
address (`metricsListen`) has neither guard, since scrapers come by names we do not know, and serves no page.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.base import log
from reconciler.web.answers import refusal

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_OTHER_SITES: Final = frozenset({"cross-site", "same-site"})
"""Values of Sec-Fetch-Site. ``same-site`` is another port of this host: another program's page, not ours."""


class LoopbackHost:
    """Answers only requests whose Host header names the loopback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"]
        if scope["type"] == "http" and not (len(hosts) == 1 and host_name(hosts[0]) in LOOPBACK_NAMES):
            await refusal(HTTPStatus.MISDIRECTED_REQUEST, "this host is not served here")(scope, receive, send)
            return
        await self._app(scope, receive, send)


class OwnOrigin:
    """Refuses what a browser asks for on behalf of another site's page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and comes_from_elsewhere(Headers(scope=scope)):
            await refusal(HTTPStatus.FORBIDDEN, "not for pages of other sites")(scope, receive, send)
            return
        await self._app(scope, receive, send)


class LoggedFailure:
    """A mistake of ours is a line in our log: Starlette has answered 500 and raises on, the server would print it past the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = log.get("web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:  # noqa: BLE001  # the outermost place of a request: whatever it is, the next request gets its own chance
            self._log.exception("an answer could not be made", path=scope.get("path"))


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets: ``[::1]:9477`` is ``::1``."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def comes_from_elsewhere(headers: Headers) -> bool:
    """Whether a page of another origin asks. A top-level visit is not such a page: it sees nothing of the answer."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):  # "null" has no netloc
        return True
    if headers.get("sec-fetch-site", "none") not in _OTHER_SITES:
        return False
    return not (headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document")
