"""The addresses on the network that specs name: of repositories, and of receivers of alerts. What is secret of them is never shown.

Each is to be looked at on the way that whoever uses it takes: what goes through a web proxy is looked at through it, what does not is not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec.structs import replace

from reconciler.app.alerting import reveal
from reconciler.app.reach import access_to
from reconciler.base.errors import ReconcilerError
from reconciler.base.proxy import Proxies, ProxyTrouble, proxy_at
from reconciler.decide.receiving import DEAD_MAN, receiver_name
from reconciler.model.health import Endpoint, Role, Security, Use

if TYPE_CHECKING:
    from reconciler.app.house import House
    from reconciler.model.declared.alerts import Address, Email, Receiver
    from reconciler.model.declared.secret import SecretFrom
    from reconciler.model.desired import Desired, DesiredRepository

SECONDS_MAX = 3.0
"""So long a file or command may take to give an address."""
AT_A_TIME = 32
_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
_WEB_PORTS = {"http": 80, "https": 443}
_SSH_PORT = 22


def endpoints(house: House, desired: Desired) -> tuple[Endpoint, ...]:
    """One per repository on the network and per receiver that has an address. Takes seconds where a command does."""
    repositories = [_of_repository(house, repository) for repository in desired.repositories if repository.is_remote]
    return (*repositories, *_together(list(_asked(house, desired))))


def _asked(house: House, desired: Desired) -> Iterator[Callable[[], Iterable[Endpoint]]]:
    for policy in desired.alert_policies:
        for receiver in policy.spec.receivers:
            yield partial(_of_receiver, house, receiver_name(policy.name, receiver.name), receiver)
        if policy.spec.dead_man is not None:
            yield partial(_of_address, house, f"{policy.name}:{DEAD_MAN}", policy.spec.dead_man.url)


def _together(asked: list[Callable[[], Iterable[Endpoint]]]) -> Iterator[Endpoint]:
    """Side by side: secrets come from files and commands, which may hang."""
    if not asked:
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="addresses") as pool:
        for found in pool.map(lambda ask: tuple(ask()), asked):
            yield from found


def _of_repository(house: House, repository: DesiredRepository) -> Endpoint:
    """``s3``: the store, wherever the bucket is in it."""
    use, parts = Use(Role.REPOSITORY, repository.name), urlsplit(repository.url)
    if parts.scheme == "sftp":
        return Endpoint(use, parts.hostname or "", parts.port or _SSH_PORT)
    access = access_to(repository, house.allow_commands)
    return _web(use, access.endpoint or f"https://s3.{access.region or 'us-east-1'}.amazonaws.com", Proxies.of(os.environ))


def _of_receiver(house: House, name: str, receiver: Receiver) -> Iterator[Endpoint]:
    if receiver.email is not None:
        yield _mail(Use(Role.RECEIVER, name), receiver.email)
    elif receiver.discord is not None:
        yield _secret(house, name, receiver.discord.url)
    elif receiver.apprise is not None:
        yield from _service(house, name, receiver.apprise.url)
    else:
        address = receiver.webhook or receiver.alertmanager
        if address is not None:
            yield from _of_address(house, name, address.url)


def _mail(use: Use, email: Email) -> Endpoint:
    security = Security(email.security)
    return Endpoint(use, email.host, email.port or _PORTS[security], security, email.ca)


def _of_address(house: House, name: str, address: Address) -> Iterator[Endpoint]:
    if address.plain is not None:
        yield _web(Use(Role.RECEIVER, name), address.plain, Proxies.of(os.environ))
    else:
        yield _secret(house, name, address)


def _secret(house: House, name: str, reference: SecretFrom) -> Endpoint:
    use = Use(Role.RECEIVER, name)
    try:
        text = _revealed(house, name, reference)
    except ReconcilerError as error:
        return Endpoint(use, "", 0, failure=f"has no address: {error.message}")
    return replace(_web(use, text, Proxies.of(os.environ)), secret=True)


def _service(house: House, name: str, reference: SecretFrom) -> Iterator[Endpoint]:
    """Where the delivery library goes, and on which way. Nothing when that is no place on a network."""
    from reconciler.notify.whereabouts import find

    use = Use(Role.RECEIVER, name)
    try:
        found = find(_revealed(house, name, reference))
        if found is not None:
            security = Security.TLS if found.secure else Security.NONE
            proxy = proxy_at(found.proxy) if found.proxy else None
            yield Endpoint(use, found.host, found.port, security, found.authorities, proxy, secret=True)
    except ReconcilerError as error:
        yield Endpoint(use, "", 0, failure=f"cannot be used: {error.message}")
    except ProxyTrouble as trouble:
        yield Endpoint(use, "", 0, failure=f"cannot be reached: {trouble.strerror}")


def _revealed(house: House, name: str, reference: SecretFrom) -> str:
    """The address as it is now. Raises a ReconcilerError, also when it does not come in time."""
    from reconciler.observe.deadline import within

    secret = within(SECONDS_MAX, lambda: reveal(reference, house.allow_commands), what=str(reference), key=f"the address of {name}")
    return secret.reveal().decode("utf-8", "replace").strip()


def _web(use: Use, address: str, proxies: Proxies) -> Endpoint:
    from reconciler.notify.web import check_written

    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or _WEB_PORTS.get(parts.scheme)
    except ValueError:
        host = port = None
    if not host or port is None or parts.scheme not in _WEB_PORTS:
        return Endpoint(use, "", 0, failure="has an address that is not one of the web")
    secure = parts.scheme == "https"
    try:
        proxy = proxies.towards(secure=secure, host=host, port=port)
        if proxy is not None and use.role is Role.RECEIVER:
            check_written(host)
    except ProxyTrouble as trouble:
        return Endpoint(use, "", 0, failure=f"cannot be reached: {trouble.strerror}")
    except ReconcilerError as error:
        return Endpoint(use, "", 0, failure=error.message)
    return Endpoint(use, host, port, Security.TLS if secure else Security.NONE, proxy=proxy)
