"""Waits until a port accepts a connection or an address answers. Nothing is sent but the question, and no redirect is followed.

A spec may make the agent speak to itself; to another host only where the agent allows that host, for whoever may edit the specs must not
thereby look around in its network.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from reconciler.act.errors import HostNotAllowed, NoAnswer
from reconciler.base.clock import Clock
from reconciler.base.errors import Cancelled
from reconciler.model.declared.recovery import WaitStep

LOOPBACK = "127.0.0.1"
_PROBE_SECONDS = 5.0
_PAUSE_SECONDS = 0.5
_POLL_SECONDS = 0.05


def check_host(wait: WaitStep, allowed: Collection[str]) -> str:
    """The host that would be asked, or HostNotAllowed."""
    host = (urlsplit(wait.url).hostname or "") if wait.url is not None else wait.host or LOOPBACK
    if host.lower() not in {name.lower() for name in allowed} and not _is_loopback(host):
        raise HostNotAllowed(f"the host '{host}' is not one that this agent may ask")
    return host


def wait_for(wait: WaitStep, allowed: Collection[str], stop: threading.Event, clock: Clock, seconds: float) -> str:
    """Ask again and again; what answered. Raises NoAnswer after ``seconds``, HostNotAllowed, Cancelled."""
    host = check_host(wait, allowed)
    ends_at = clock.monotonic() + seconds
    what = wait.url or f"{host}:{wait.port}"
    why = "it was not asked"
    while True:
        found = _probed(lambda: _url(wait) if wait.url is not None else _port(host, wait.port or 0), stop, clock, ends_at)
        if found == "":
            return f"{what} answers"
        why = found or why
        if clock.monotonic() >= ends_at:
            raise NoAnswer(f"{what} did not answer within {seconds:.0f}s: {why}")
        stop.wait(_PAUSE_SECONDS)
        if stop.is_set():
            raise Cancelled(f"the wait for {what} was stopped")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _probed(probe: Callable[[], str], stop: threading.Event, clock: Clock, ends_at: float) -> str | None:
    """What the probe says, empty when all is well; None: it came to no end. A look-up of a name knows no timeout, so it is left behind."""
    answer: list[str] = []
    thread = threading.Thread(target=lambda: answer.append(probe()), daemon=True)
    thread.start()
    while thread.is_alive() and clock.monotonic() < ends_at and not stop.is_set():
        thread.join(_POLL_SECONDS)
    return answer[0] if answer else None


def _port(host: str, port: int) -> str:
    import socket

    try:
        socket.create_connection((host, port), timeout=_PROBE_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _url(wait: WaitStep) -> str:
    import http.client

    parts = urlsplit(wait.url or "")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", headers={"User-Agent": "reconciler"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    finally:
        connection.close()
    wanted = status == wait.status if wait.status is not None else 200 <= status < 300
    return "" if wanted else f"it answers {status}"
