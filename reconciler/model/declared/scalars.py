"""Scalar types of the specs: names, durations, sizes, cron expressions, time zones, moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from reconciler.base.units import DURATION_PATTERN, SIZE_PATTERN, format_duration, parse_duration, parse_size
from reconciler.model.declared.block import Items

NAME_PATTERN = r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$"
REMOTE = ("s3", "sftp")
"""Kinds of places that are reached over a network."""
FILE_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


def _duration(value: Any) -> timedelta:
    return value if isinstance(value, timedelta) else parse_duration(value)


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than 0s")
    return value


def _size(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError("must not be negative")
        return value
    return parse_size(value)


def _cron(value: str) -> str:
    from reconciler.model.cron import check_cron

    check_cron(value)
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be an IANA time zone such as Europe/Zurich") from None
    return value


def _moment(value: Any) -> datetime:
    """A date means its end in UTC: `until: 2026-12-01` still covers that day."""
    if isinstance(value, datetime):
        moment = value
    elif hasattr(value, "isoformat"):
        moment = datetime(value.year, value.month, value.day, 23, 59, 59, tzinfo=UTC)
    else:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            raise ValueError("must be a date or a date with time, such as 2026-12-01 or 2026-12-01T08:00:00Z") from None
        if len(str(value)) == 10:
            moment = moment.replace(hour=23, minute=59, second=59)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _path(value: str) -> str:
    if "://" in value:
        raise ValueError(f"must be a path on this machine, not a `{value.partition('://')[0]}` address")
    if any(not character.isprintable() for character in value):
        raise ValueError("must not hold control characters")
    if value == "~" or value.startswith("~/"):
        raise ValueError("must be written out: `~` is not expanded, because the loop may run as another user")
    if "${" in value:
        raise ValueError("must be written out: variables are not expanded")
    return value


def _place(value: str) -> str:
    scheme, found, rest = value.partition("://")
    if not found or scheme == "file":
        return _path(value.removeprefix("file://"))
    if scheme not in REMOTE:
        raise ValueError(f"must be a path, s3://bucket/prefix or sftp://user@host/path, not a `{scheme}` address")
    if any(not character.isprintable() or character.isspace() for character in value):
        raise ValueError("must not hold blanks or control characters")
    where, _, path = rest.partition("/")
    user, _, host = where.rpartition("@")
    if "?" in value or "#" in value:
        raise ValueError("must be a place and nothing else: no `?` and no `#`")
    if ":" in user or (scheme == "s3" and user):
        raise ValueError("must not hold credentials: `credentials` says where they are")
    if not host or (scheme == "sftp" and not path.strip("/")):
        raise ValueError("must name a place: s3://bucket/prefix or sftp://user@host/path")
    return value.rstrip("/")


def _endpoint(value: str) -> str:
    scheme, found, host = value.partition("://")
    if not found or scheme not in {"http", "https"} or not host.strip("/") or "@" in host or any(c.isspace() for c in value):
        raise ValueError("must be the address of a store, such as https://s3.example.com, without credentials")
    if "/" in host.rstrip("/"):
        raise ValueError("must end with the host: the bucket stands in `url`")
    return value.rstrip("/")


def _argv(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value[0].startswith("/") and value[0][1:3] not in {":\\", ":/"}:
        raise ValueError("must begin with the full path of a program: nothing is searched for")
    if any("\0" in word for word in value):
        raise ValueError("must not hold NUL characters")
    return value


Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Argv = Annotated[Items[Text], Field(min_length=1, max_length=100), AfterValidator(_argv)]
"""A program and its arguments, passed on as they stand: no shell, no variables."""
PathText = Annotated[str, StringConstraints(min_length=1, max_length=4000), AfterValidator(_path)]
PlaceText = Annotated[str, StringConstraints(min_length=1, max_length=4000), AfterValidator(_place)]
"""Where a repository is: a path on this machine, or an address of a kind that :data:`REMOTE` names."""
EndpointText = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_endpoint)]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    AfterValidator(_positive),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["15m", "1h30m", "7d"]}),
]
Size = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": SIZE_PATTERN}, {"type": "integer", "minimum": 0}], "examples": ["512MiB"]}),
]
Cron = Annotated[str, AfterValidator(_cron)]
Zone = Annotated[str, AfterValidator(_zone)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    PlainSerializer(lambda value: value.isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "examples": ["2026-12-01", "2026-12-01T08:00:00Z"]}),
]
