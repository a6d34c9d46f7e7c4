"""Moments and amounts for people at a terminal: local time with its offset; what needs no place comes from base/words.py."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from reconciler.base.clock import local_offset
from reconciler.base.words import age, ago, count, short, span, universal, until

__all__ = ["age", "ago", "count", "exact", "minute", "moment", "short", "span", "universal", "until", "zone"]


def moment(at: datetime | None) -> str:
    """``2026-11-23 14:02``, local; the offset stands once per screen (:func:`zone`)."""
    return "never" if at is None else f"{local_offset(at):%Y-%m-%d %H:%M}"


def exact(at: datetime) -> str:
    """``2026-11-23 14:02:07 +01:00``: to the second, with the offset."""
    return f"{local_offset(at):%Y-%m-%d %H:%M:%S} {zone(at)}"


def zone(at: datetime) -> str:
    """``+01:00``: the offset of local time at that moment."""
    text = f"{local_offset(at):%z}"
    return f"{text[:3]}:{text[3:5]}"


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
