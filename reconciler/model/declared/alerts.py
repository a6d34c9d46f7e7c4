"""Who is told when something is wrong, how often, and what happens when nobody answers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from reconciler.model.declared.block import Block, Items, UniqueItems
from reconciler.model.declared.scalars import Duration, Name, PathText, Size, Text
from reconciler.model.declared.secret import VARIABLE_PATTERN, SecretFrom

SeverityWord = Literal["critical", "high", "medium", "low"]
"""As a type that JSON Schema shows; a test compares it with AlertSeverity."""
GroupWord = Literal["kind", "name", "condition", "severity", "tier", "owner", "host"]
HEADER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$"
_ADDRESS = re.compile(r"[^\s@<>,;\"\\]{1,64}@[^\s@<>,;\"\\]{1,255}")


def _mail_address(value: str) -> str:
    if _ADDRESS.fullmatch(value) is None:
        raise ValueError("must be a plain mail address, such as ops@example.org")
    return value


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError("must be an address such as https://host/path") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not value.isprintable():
        raise ValueError("must be an address that begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user and password: name the whole address with `file`, `env` or `command`")
    return value


MailAddress = Annotated[str, StringConstraints(max_length=320), AfterValidator(_mail_address)]
WebAddress = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_web_address)]


class _Address(SecretFrom):
    """An address as it is, or where it comes from."""

    plain: WebAddress | None = None

    @model_validator(mode="after")
    def _one_of(self) -> _Address:
        if sum(value is not None for value in (self.plain, self.file, self.env, self.command)) != 1:
            raise ValueError("must be an address, or have exactly one of `file`, `env` and `command`")
        return self

    def __str__(self) -> str:
        return self.plain if self.plain is not None else SecretFrom.__str__(self)


def _spread(value: Any) -> Any:
    return {"plain": value} if isinstance(value, str) else value


Address = Annotated[
    _Address,
    BeforeValidator(_spread),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^https?://", "examples": ["http://127.0.0.1:9093"]},
                {
                    "type": "object",
                    "description": "A secret address: where it comes from.",
                    "properties": {
                        "file": {"type": "string"},
                        "env": {"type": "string", "pattern": VARIABLE_PATTERN},
                        "command": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                    },
                    "additionalProperties": False,
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            ]
        }
    ),
]
"""An address that may stand in the spec, or where one comes from that is a secret."""


class Console(Block):
    """The log of the loop, or standard error of a single pass."""


class AlertFile(Block):
    """A file with one JSON object per line."""

    path: PathText = Field(description="A relative path counts from the folder of this spec file.")
    max_bytes: Size = Field(10 * 1024 * 1024, description="When it would grow beyond, it is renamed to `PATH.1`; default 10MiB.")
    keep: Annotated[int, Field(ge=0, le=100)] = Field(5, description="How many of those are kept; default 5.")


class Discord(Block):
    """A webhook of a Discord channel. Its address is a secret: whoever knows it can write there."""

    url: SecretFrom


class Email(Block):
    """Mail by SMTP."""

    host: Text
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(None, description="Default: 587 with starttls, 465 with tls, 25 with none.")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="none: only where nobody can listen, such as 127.0.0.1.")
    ca: PathText | None = Field(None, description="Certificates to trust instead of the system's.")
    username: Text | None = None
    password: SecretFrom | None = None
    sender: MailAddress = Field(alias="from", description="Who it comes from.")
    to: Annotated[UniqueItems[MailAddress], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _whole(self) -> Email:
        if (self.username is None) != (self.password is None):
            raise ValueError("must have both `username` and `password`, or neither")
        if self.password is not None and self.security == "none":
            raise ValueError("may have a `password` only with `security` tls or starttls")
        return self


class Webhook(Block):
    """A POST with one JSON object."""

    url: Address
    headers: dict[Annotated[str, StringConstraints(pattern=HEADER_PATTERN)], SecretFrom] = Field(
        default_factory=dict, description="Sent along, such as Authorization."
    )


class Alertmanager(Block):
    """A Prometheus Alertmanager (API v2). It is told everything that fires, again and again; routes and repeats are its own."""

    url: Address = Field(description="Its address, without `/api/v2/alerts`.")
    headers: dict[Annotated[str, StringConstraints(pattern=HEADER_PATTERN)], SecretFrom] = Field(default_factory=dict)
    resend: Duration = Field("1m", validate_default=True, description="How often it is told; default 1m.")
    expires: Duration | None = Field(
        None, description="How long an alert stands there when it is not told again; default: three times `resend`, at least 5m."
    )

    @property
    def stands(self) -> timedelta:
        return self.expires if self.expires is not None else max(3 * self.resend, timedelta(minutes=5))


class Apprise(Block):
    """Any service that the library apprise speaks to: Slack, Matrix, ntfy, PagerDuty, … Needs the extra `apprise`."""

    url: SecretFrom = Field(description="As apprise writes it, such as ntfys://host/topic. It is a secret.")


class Receiver(Block):
    """One place that is told: exactly one of the kinds."""

    name: Name
    console: Console | None = None
    file: AlertFile | None = None
    discord: Discord | None = None
    email: Email | None = None
    webhook: Webhook | None = None
    alertmanager: Alertmanager | None = None
    apprise: Apprise | None = None
    timeout: Duration = Field("10s", validate_default=True, description="How long one delivery may take; default 10s, at most 1m.")

    @model_validator(mode="after")
    def _one_kind(self) -> Receiver:
        if len(self._kinds()) != 1:
            raise ValueError(f"must have exactly one of {', '.join(f'`{kind}`' for kind in RECEIVER_KINDS)}")
        if self.timeout > timedelta(minutes=1):
            raise ValueError("must have a `timeout` of at most 1m")
        return self

    def _kinds(self) -> list[str]:
        return [kind for kind in RECEIVER_KINDS if getattr(self, kind) is not None]

    @property
    def kind(self) -> str:
        """The word of its kind."""
        return self._kinds()[0]


RECEIVER_KINDS = ("console", "file", "discord", "email", "webhook", "alertmanager", "apprise")


class Match(Block):
    """Which alerts; every key that is given must fit."""

    severities: UniqueItems[SeverityWord] = Field((), description="One of these; none named: all.")
    kinds: UniqueItems[Text] = Field((), description="Kinds of object: System, Repository, Host, …")
    conditions: UniqueItems[Text] = Field((), description="Names of conditions, such as BackupFresh.")
    labels: dict[Text, Text] = Field(default_factory=dict, description="Labels of the System; `tier`, `owner`, `host` count, too.")


class Route(Match):
    """To whom go which alerts. All routes that fit count."""

    receivers: Annotated[UniqueItems[Name], Field(min_length=1)]


class EscalationStep(Match):
    """Who else is told when nobody has acknowledged."""

    after: Duration = Field(description="Since it began to fire.")
    receivers: Annotated[UniqueItems[Name], Field(min_length=1)]


class Heartbeat(Block):
    """A digest of how things stand, so that silence means something."""

    every: Duration = Field("1d", validate_default=True)
    receivers: Annotated[UniqueItems[Name], Field(min_length=1)]


class DeadMan(Block):
    """An address that is called at the end of each complete pass. Whoever watches it raises the alarm when the calls stop."""

    url: Address
    spacing: Duration = Field("1m", validate_default=True, description="At most so often; default 1m.")


class AlertPolicySpec(Block):
    """Who is told what. Several policies stand beside each other; each decides for itself."""

    receivers: Annotated[Items[Receiver], Field(min_length=1, max_length=50)]
    routes: Items[Route] = Field((), description="Default: every alert to every receiver.")
    delay: Duration | None = Field(
        "1m",
        validate_default=True,
        description="The running loop tells what fires for so long: what the next backup ends is no news. A single pass tells at once.",
    )
    cooldown: Duration = Field("15m", validate_default=True, description="One that comes back is not told again before; default 15m.")
    repeat: Duration | None = Field("4h", validate_default=True, description="One that nobody acknowledges is told again; null: never.")
    group_by: UniqueItems[GroupWord] = Field(("kind", "condition"), description="What shares these goes into one message.")
    recovery: bool = Field(True, description="Whether the end is told to whoever was told the begin.")
    escalation: Items[EscalationStep] = ()
    heartbeat: Heartbeat | None = None
    dead_man: DeadMan | None = None

    @model_validator(mode="after")
    def _sensible(self) -> AlertPolicySpec:
        if self.cooldown > timedelta(days=1):
            raise ValueError("must have a `cooldown` of at most 1d")
        if self.delay is not None and self.delay > timedelta(hours=1):
            raise ValueError("must have a `delay` of at most 1h")
        names = [receiver.name for receiver in self.receivers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"must not name the receiver `{name}` twice")
        return self
