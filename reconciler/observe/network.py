"""Whether the addresses that specs name can be reached from here, and how long their certificates hold.

Each is connected to and greeted, in parallel, within :data:`SECONDS_MAX`; nothing is asked of it, and it is sent no name and no password.
What is reached through a web proxy is looked at through it: by a tunnel where it speaks TLS, else the proxy is asked whether it gets there.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from reconciler.base.clock import Clock
from reconciler.base.errors import ReconcilerError
from reconciler.base.proxy import Left, Proxy, ProxyTrouble, head, status_of
from reconciler.model.health import Endpoint, Reached, Role, Security, Use
from reconciler.observe.deadline import within

SECONDS_MAX = 3.0
AT_A_TIME = 32
_PROXY_SAYS_NO = {407, 502, 503, 504}
Connect = Callable[[str, int, Left], socket.socket]
"""To a host and a port. Raises OSError, or a ReconcilerError where it must not go."""


def freely(host: str, port: int, left: Left) -> socket.socket:
    """To wherever the name leads."""
    return socket.create_connection((host, port), left())


def reach(
    endpoints: Sequence[Endpoint], clock: Clock, *, to_receiver: Connect = freely, seconds_max: float = SECONDS_MAX
) -> tuple[Reached, ...]:
    """One answer per address; what several things use is asked once. Takes ``seconds_max`` for each 32 of them at worst.

    ``to_receiver``: connects to receivers of alerts, whose addresses nobody trusts.
    """
    from concurrent.futures import ThreadPoolExecutor

    if not endpoints:
        return ()
    by_address: dict[Endpoint, list[Use]] = {}
    for endpoint in endpoints:
        shown = not endpoint.secret and not endpoint.failure
        alike = replace(endpoint, use=Use(endpoint.use.role)) if shown else endpoint  # a secret one is told by its own name
        by_address.setdefault(alike, []).append(endpoint.use)
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="reach") as pool:
        answers = pool.map(partial(_asked, clock, to_receiver, seconds_max), by_address)
        return tuple(replace(answer, uses=tuple(uses)) for answer, uses in zip(answers, by_address.values(), strict=True))


_Door = Callable[[Left], socket.socket]


def _asked(clock: Clock, to_receiver: Connect, seconds_max: float, endpoint: Endpoint) -> Reached:
    address = "" if endpoint.secret or endpoint.failure else f"{endpoint.host}:{endpoint.port}"
    nothing = Reached((), address, secured=endpoint.security is not Security.NONE)
    if endpoint.failure:
        return replace(nothing, failure=endpoint.failure)
    proxy = endpoint.proxy
    key = f"address {endpoint.host}:{endpoint.port} {endpoint.security}{f' {proxy.host}:{proxy.port}' if proxy else ''}"
    way = proxy.tunnel if proxy is not None else to_receiver if endpoint.use.role is Role.RECEIVER else freely
    connect = partial(way, endpoint.host, endpoint.port)
    try:
        return within(seconds_max, partial(_reached, clock, connect, seconds_max, endpoint, nothing), what=address or "it", key=key)
    except TimeoutError:
        return replace(nothing, failure=f"does not answer within {seconds_max:g} s")
    except ReconcilerError as error:
        return replace(nothing, failure=error.message.removeprefix(address or "it").strip())
    except (OSError, smtplib.SMTPException, UnicodeError) as error:  # UnicodeError: a name that cannot be one
        reason = getattr(error, "strerror", None) or type(error).__name__
        return replace(nothing, failure=f"cannot be reached: {reason}")


def _reached(clock: Clock, connect: _Door, seconds_max: float, endpoint: Endpoint, nothing: Reached) -> Reached:
    began = clock.monotonic()

    def left() -> float:
        seconds = seconds_max - (clock.monotonic() - began)
        if seconds <= 0:
            raise TimeoutError
        return seconds

    if endpoint.security is Security.NONE:
        if endpoint.proxy is None:
            connect(left).close()
        else:
            _ask_proxy(endpoint.proxy, endpoint.host, endpoint.port, left)
        return replace(nothing, seconds=clock.monotonic() - began)
    try:
        until = _greeted(connect, endpoint, left, ssl.create_default_context(cafile=endpoint.authorities))
    except ssl.SSLCertVerificationError as error:
        seconds = clock.monotonic() - began
        return replace(
            nothing, seconds=seconds, certificate_until=_unverified(connect, endpoint, left), certificate_failure=error.verify_message
        )
    return replace(nothing, seconds=clock.monotonic() - began, certificate_until=until)


def _unverified(connect: _Door, endpoint: Endpoint, left: Left) -> datetime | None:
    """The end of a certificate that is not trusted: nothing is believed and nothing is sent, it is only shown."""
    anything = ssl.create_default_context()
    anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
    with suppress(OSError, smtplib.SMTPException):  # that it is not trusted is known already, and what matters
        return _greeted(connect, endpoint, left, anything)
    return None


def _greeted(connect: _Door, endpoint: Endpoint, left: Left, context: ssl.SSLContext) -> datetime | None:
    """Until when the certificate is valid."""
    from cryptography import x509

    with connect(left) as plain:
        if endpoint.security is Security.STARTTLS:
            _ask_for_tls(plain)
        plain.settimeout(left())
        with context.wrap_socket(plain, server_hostname=endpoint.host) as door:
            shown = door.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(shown).not_valid_after_utc if shown else None


def _ask_for_tls(plain: socket.socket) -> None:
    talk = smtplib.SMTP()
    talk.sock = plain
    talk.getreply()
    talk.ehlo()
    code, _ = talk.docmd("STARTTLS")
    if code != 220:
        raise smtplib.SMTPNotSupportedError


def _ask_proxy(proxy: Proxy, host: str, port: int, left: Left) -> None:
    """For the head of the front page: proxies seldom lead a tunnel to what is not encrypted. Any answer of the host itself is one."""
    place = f"{f'[{host}]' if ':' in host else host}:{port}"
    said = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    with proxy.connect(left) as door:
        door.settimeout(left())
        door.sendall(f"HEAD http://{place}/ HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n{said}\r\n".encode("ascii"))
        status = status_of(head(door, left))
    if status in _PROXY_SAYS_NO:
        raise ProxyTrouble(f"the web proxy answers {status}")
