"""The addresses on the network that specs name: of repositories, and of receivers of alerts. What is secret of them is never shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.app.alerting import reveal
from reconciler.app.reach import access_to
from reconciler.base.errors import ReconcilerError
from reconciler.decide.receiving import DEAD_MAN, receiver_name
from reconciler.model.health import Endpoint, Role, Security, Use

if TYPE_CHECKING:
    from reconciler.app.house import House
    from reconciler.model.declared.alerts import Address, Email, Receiver
    from reconciler.model.declared.secret import SecretFrom
    from reconciler.model.desired import Desired, DesiredRepository

_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
_WEB_PORTS = {"http": 80, "https": 443}
_SSH_PORT = 22


def endpoints(house: House, desired: Desired) -> tuple[Endpoint, ...]:
    """One per repository on the network and per receiver that has an address.

    An address that comes from a command is left alone: the command is for deliveries. So is what the delivery library speaks to: where its
    services are, it alone knows.
    """
    found = [_of_repository(house, repository) for repository in desired.repositories if repository.is_remote]
    for policy in desired.alert_policies:
        for receiver in policy.spec.receivers:
            found += _of_receiver(house, receiver_name(policy.name, receiver.name), receiver)
        if policy.spec.dead_man is not None:
            found += _of_address(house, f"{policy.name}:{DEAD_MAN}", policy.spec.dead_man.url)
    return tuple(found)


def _of_repository(house: House, repository: DesiredRepository) -> Endpoint:
    """``s3``: the store, wherever the bucket is in it."""
    use, parts = Use(Role.REPOSITORY, repository.name), urlsplit(repository.url)
    if parts.scheme == "sftp":
        return Endpoint(use, parts.hostname or "", parts.port or _SSH_PORT)
    access = access_to(repository, house.allow_commands)
    return _web(use, access.endpoint or f"https://s3.{access.region or 'us-east-1'}.amazonaws.com", secret=False)


def _of_receiver(house: House, name: str, receiver: Receiver) -> Iterator[Endpoint]:
    if receiver.email is not None:
        yield _mail(Use(Role.RECEIVER, name), receiver.email)
    elif receiver.discord is not None:
        yield from _secret(house, name, receiver.discord.url)
    else:
        address = receiver.webhook or receiver.alertmanager
        if address is not None:
            yield from _of_address(house, name, address.url)


def _mail(use: Use, email: Email) -> Endpoint:
    security = Security(email.security)
    return Endpoint(use, email.host, email.port or _PORTS[security], security, email.ca)


def _of_address(house: House, name: str, address: Address) -> Iterator[Endpoint]:
    if address.plain is not None:
        yield _web(Use(Role.RECEIVER, name), address.plain, secret=False)
    else:
        yield from _secret(house, name, address)


def _secret(house: House, name: str, reference: SecretFrom) -> Iterator[Endpoint]:
    if reference.command is not None:
        return
    use = Use(Role.RECEIVER, name)
    try:
        text = reveal(reference, house.allow_commands).reveal().decode("utf-8", "replace").strip()
    except ReconcilerError as error:
        yield Endpoint(use, "", 0, failure=f"has no address: {error.message}")
        return
    yield _web(use, text, secret=True)


def _web(use: Use, address: str, *, secret: bool) -> Endpoint:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or _WEB_PORTS.get(parts.scheme)
    except ValueError:
        host = port = None
    if not host or port is None or parts.scheme not in _WEB_PORTS:
        return Endpoint(use, "", 0, secret=secret, failure="has an address that is not one of the web")
    return Endpoint(use, host, port, Security.TLS if parts.scheme == "https" else Security.NONE, secret=secret)
