"""What is answered to which path. Three paths, GET and HEAD; everything else is a short JSON refusal.

On a loopback address the Host header must name the loopback: otherwise a web page in this user's browser could have its own name
resolve to 127.0.0.1 and read along. Behind a wider address any Host is answered, since scrapers come by names we do not know.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.base import log
from reconciler.metrics.collect import registry
from reconciler.model.status import Status

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_TEXT_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Whatever the scraper prefers: OpenMetrics says nothing more here and takes 1.6 times as long to write (1.0 s against 0.6 s for
2,000 systems in 2 repositories)."""
_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def application(published: Callable[[], Status | None], *, live: Callable[[], bool], loopback: bool) -> ASGIApp:
    """The ASGI application. Handlers are plain functions: they run in a thread pool, so a long scrape does not delay /healthz."""
    metrics = registry(published)

    def scrape(_request: Request) -> Response:
        return Response(generate_latest(metrics), headers={**_HEADERS, "content-type": _TEXT_FORMAT})

    def healthz(_request: Request) -> Response:
        """For a supervisor that restarts: about the loop, not about the backups."""
        return _json(HTTPStatus.OK, status="alive") if live() else _json(HTTPStatus.SERVICE_UNAVAILABLE, status="stalled")

    def readyz(_request: Request) -> Response:
        status = published()
        if status is None:
            return _json(HTTPStatus.SERVICE_UNAVAILABLE, status="observing")
        return _json(HTTPStatus.OK, status="ready", at=status.at.isoformat())

    pages = Starlette(
        routes=[Route("/metrics", scrape), Route("/healthz", healthz), Route("/readyz", readyz)],
        middleware=[
            *([Middleware(LoopbackHost)] if loopback else []),
            Middleware(GZipMiddleware, minimum_size=4096, compresslevel=3),  # 2,000 systems are some megabytes of repeated words
        ],
        exception_handlers={HTTPException: _refusal, Exception: _failure},
    )
    pages.router.redirect_slashes = False  # a redirect is one more thing that a scraper can lose its way in
    return LoggedFailure(pages)


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


class LoopbackHost:
    """Answers only requests whose Host header names the loopback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"]
        if scope["type"] == "http" and not (len(hosts) == 1 and host_name(hosts[0]) in LOOPBACK_NAMES):
            await _json(HTTPStatus.MISDIRECTED_REQUEST, error="this host is not served here")(scope, receive, send)
            return
        await self._app(scope, receive, send)


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets: ``[::1]:9477`` is ``::1``."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _json(HTTPStatus(error.status_code), error=error.detail.lower())
    response.headers.update(error.headers or {})
    return response


def _failure(_request: Request, _error: Exception) -> Response:
    return _json(HTTPStatus.INTERNAL_SERVER_ERROR, error="internal error, see the log")


def _json(code: HTTPStatus, **body: str) -> JSONResponse:
    return JSONResponse(body, status_code=code, headers=_HEADERS)
