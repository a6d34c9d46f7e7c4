"""From what a policy declares to what can be told. Secrets are read anew for each delivery, so a changed one counts at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.base.clock import Clock
from reconciler.base.proxy import Proxies
from reconciler.base.secret import Secret
from reconciler.model.alerts import Alert, Notice
from reconciler.model.declared.alerts import Address, DeadMan, Receiver
from reconciler.model.declared.alerts import Alertmanager as AlertmanagerSpec
from reconciler.model.declared.secret import SecretFrom
from reconciler.notify.courier import Recipient, State
from reconciler.notify.errors import ReceiverUnfit
from reconciler.notify.web import Client

if TYPE_CHECKING:
    from reconciler.notify.hook import Alertmanager

Reveal = Callable[[SecretFrom], Secret]
"""The value behind a reference. Raises a ReconcilerError."""

PING_SECONDS = 5.0


class Post:
    """Makes recipients; what each kind needs is imported when it is first used."""

    def __init__(self, reveal: Reveal, clock: Clock, proxies: Proxies | None = None) -> None:
        """``proxies``: through which web requests go; None: all of them directly."""
        self._reveal = reveal
        self._clock = clock
        self._proxies = proxies or Proxies()

    def recipient(self, name: str, receiver: Receiver) -> Recipient:
        """``name``: with that of the policy."""
        return Recipient(name, lambda notice: self._send(name, receiver, notice), receiver.timeout.total_seconds())

    def state(self, name: str, receiver: Receiver, alerts: Sequence[Alert], now: datetime) -> State | None:
        """For receivers that want to know all that fires, again and again; None for the others."""
        spec = receiver.alertmanager
        if spec is None:
            return None
        seconds = receiver.timeout.total_seconds()
        return State(name, lambda: self._alertmanager(name, spec, seconds).sync(alerts, now), spec.resend, seconds)

    def ping(self, name: str, dead_man: DeadMan) -> State:
        """The sign of life."""

        def tell() -> None:
            from reconciler.notify.hook import check_heard

            check_heard(self._client(PING_SECONDS).get(self._address(dead_man.url), name=name), name)

        return State(name, tell, dead_man.spacing, PING_SECONDS)

    def _send(self, name: str, receiver: Receiver, notice: Notice) -> None:
        seconds = receiver.timeout.total_seconds()
        if receiver.console is not None:
            from reconciler.notify.local import say

            say(notice)
        elif receiver.file is not None:
            from reconciler.notify.local import LineFile

            LineFile(receiver.file).append(notice)
        elif receiver.discord is not None:
            from reconciler.notify.chat import Discord

            Discord(name, self._text(receiver.discord.url), self._client(seconds)).send(notice)
        elif receiver.email is not None:
            from reconciler.notify.mail import Mail

            password = self._reveal(receiver.email.password) if receiver.email.password is not None else None
            Mail(name, receiver.email, password, seconds).send(notice)
        elif receiver.webhook is not None:
            from reconciler.notify.hook import Webhook

            hook = receiver.webhook
            Webhook(name, self._address(hook.url), self._headers(hook.headers), self._client(seconds)).send(notice)
        elif receiver.alertmanager is not None:
            self._alertmanager(name, receiver.alertmanager, seconds).send(notice)
        else:
            assert receiver.apprise is not None, "a receiver has one kind"
            from reconciler.notify.services import Service

            Service(name, self._text(receiver.apprise.url), seconds).send(notice)

    def _alertmanager(self, name: str, spec: AlertmanagerSpec, seconds: float) -> Alertmanager:
        from reconciler.notify.hook import Alertmanager

        return Alertmanager(name, self._address(spec.url), self._headers(spec.headers), spec.stands, self._client(seconds))

    def _client(self, seconds: float) -> Client:
        return Client(self._clock, seconds, self._proxies)

    def _address(self, address: Address) -> str:
        return address.plain if address.plain is not None else self._text(address)

    def _headers(self, headers: Mapping[str, SecretFrom]) -> dict[str, str]:
        return {name: self._text(secret) for name, secret in headers.items()}

    def _text(self, secret: SecretFrom) -> str:
        try:
            words = self._reveal(secret).reveal().decode().strip()
        except UnicodeDecodeError as error:
            raise ReceiverUnfit(f"what {secret} holds is not text") from error
        if not words.isprintable():
            raise ReceiverUnfit(f"what {secret} holds is more than one line")
        return words
