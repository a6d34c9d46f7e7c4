"""Moments and amounts for people: local time with its offset, ages of two units, counts with their noun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from reconciler.base.clock import local_offset
from reconciler.base.units import format_span


def moment(at: datetime | None) -> str:
    """``2026-11-23 14:02``, local; the offset stands once per screen (:func:`zone`)."""
    return "never" if at is None else f"{local_offset(at):%Y-%m-%d %H:%M}"


def exact(at: datetime) -> str:
    """``2026-11-23 14:02:07 +01:00``: to the second, with the offset."""
    return f"{local_offset(at):%Y-%m-%d %H:%M:%S} {zone(at)}"


def universal(at: datetime) -> str:
    """``2026-11-23 13:02:07 UTC``: for readers who sit elsewhere."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def zone(at: datetime) -> str:
    """``+01:00``: the offset of local time at that moment."""
    text = f"{local_offset(at):%z}"
    return f"{text[:3]}:{text[3:5]}"


def span(value: timedelta) -> str:
    """``4m``, ``2d3h``: a duration rounded for reading."""
    return format_span(value)


def age(at: datetime | None, now: datetime) -> str:
    """``4m``, ``2d3h``; a dash for never."""
    return "-" if at is None else span(max(now - at, timedelta(0)))


def ago(at: datetime | None, now: datetime) -> str:
    """``4m ago``, ``never``."""
    if at is None:
        return "never"
    return "just now" if now - at < timedelta(seconds=1) else f"{age(at, now)} ago"


def until(at: datetime, now: datetime) -> str:
    """``in 6m``, ``now`` when it is due."""
    return "now" if at <= now else f"in {span(at - now)}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 snapshot``, ``12,000 snapshots``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def short(identity: str) -> str:
    """The first eight digits of an id: enough to name it in a command."""
    return identity[:8]


def minute(ns: int | None) -> str:
    """``2026-11-23 14:02``, local, of nanoseconds since 1970; a dash for None and for what no calendar has. Quick: for long listings."""
    return "-" if ns is None else _minute(ns // 60_000_000_000)


@lru_cache(65536)
def _minute(number: int) -> str:
    quarter, past = divmod(number, 15)
    hour, begun = _quarter(quarter)
    return f"{hour}{begun + past:02}" if hour else "-"


@lru_cache(4096)
def _quarter(number: int) -> tuple[str, int]:
    """Of a quarter of an hour since 1970: its local hour and first minute. Every offset from UTC in use is a multiple of it."""
    try:
        local = local_offset(datetime.fromtimestamp(900 * number, UTC))
    except (OverflowError, ValueError, OSError):
        return "", 0
    return f"{local:%Y-%m-%d %H}:", local.minute
