"""Where a service of the library apprise is, for whoever wants to know whether it can be reached.

Only the library knows: most of its services have an address of their own, which depends on region, mode and account. So it is let send
a message in a process of its own, and stopped at the first word that would leave that process: nothing is looked up, connected to, run
or written there. What it was about to connect to is the answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from functools import lru_cache
from typing import Any, NoReturn
from urllib.parse import urlsplit

from msgspec import Struct

from reconciler.base import own_process
from reconciler.base.errors import ReconcilerError
from reconciler.notify.errors import ReceiverUnfit
from reconciler.notify.services import Service

SECONDS_MAX = 20.0
_PORTS = {"http": 80, "https": 443}
_LEAVES = {"socket.getaddrinfo", "socket.connect", "socket.sendto", "socket.sendmsg"}
_ACTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.startfile", "syslog.syslog"}


class Whereabouts(Struct, frozen=True):
    """The first place that a service connects to."""

    host: str
    port: int
    secure: bool
    """It speaks TLS there, and the certificate has to be trusted."""
    authorities: str | None = None
    """The certificates that the library trusts, where it says so."""
    proxy: str = ""
    """The address of the web proxy that the library goes through; a secret when there is a password in it."""


@lru_cache(maxsize=64)
def find(url: str) -> Whereabouts | None:
    """None: it speaks to no network (the desktop, the log of the system). Raises a ReconcilerError where it cannot be used at all.

    The answer follows from the address and the environment, so a process asks once.
    """
    try:
        done = subprocess.run(
            own_process.command(__name__),
            input=url.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS_MAX,
            check=False,
        )
        said = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise ReceiverUnfit("does not say where it is") from error
    if "failure" in said:
        raise ReceiverUnfit(said["failure"])
    return Whereabouts(**said) if said else None


def main() -> NoReturn:
    """In the process: the address comes as input, the answer is one line of JSON."""
    url = sys.stdin.read()
    try:
        service = Service("it", url, SECONDS_MAX).made()
    except ReconcilerError as error:
        _answer({"failure": error.message})
    _watch()
    with suppress(Exception):  # whatever a service makes of its settings: it was not about to connect
        service.notify(title="title", body="body", notify_type="failure")
    _answer({})


def _watch() -> None:
    """Let nothing leave this process, and answer with what was about to."""
    from requests.adapters import HTTPAdapter

    def send(_self: Any, request: Any, **words: Any) -> NoReturn:
        _answer(_of_request(request.url, words.get("verify"), words.get("proxies") or {}))

    def leaves(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _ACTS:
            _answer({})
        if event in _LEAVES:
            place = arguments[:2] if event == "socket.getaddrinfo" else arguments[1]
            if isinstance(place, tuple) and len(place) >= 2 and place[0]:  # else a socket of this host
                _answer({"host": _text(place[0]), "port": int(place[1] or 0), "secure": False})
            _answer({})

    setattr(HTTPAdapter, "send", send)  # noqa: B010 - a plain assignment is no assignment to a method in the eyes of mypy
    sys.addaudithook(leaves)


def _of_request(url: str, verify: bool | str | None, proxies: dict[str, str]) -> dict[str, Any]:
    from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy

    parts = urlsplit(url)
    secure = parts.scheme == "https" and verify is not False
    found = {"host": parts.hostname, "port": parts.port or _PORTS[parts.scheme], "secure": secure}
    if secure:
        found["authorities"] = verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH
    return found | {"proxy": select_proxy(url, proxies) or ""}


def _text(host: str | bytes) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else host


def _answer(found: dict[str, Any]) -> NoReturn:
    """And no further, whatever the library would do next."""
    os.write(1, json.dumps(found).encode())
    os._exit(0)
