"""Moments and amounts in words that do not depend on where the reader sits: ages, waits, UTC, counts with their noun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from reconciler.base.units import format_duration


def universal(at: datetime) -> str:
    """``2026-11-23 13:02:07 UTC``: for readers who sit elsewhere."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def span(value: timedelta) -> str:
    """A duration rounded for reading: nobody wants hours with seconds, or the seconds of an hour."""
    seconds = value.total_seconds()
    if abs(seconds) >= 86400:
        return _worded(round(seconds / 3600) * 3600)
    return _worded(round(seconds / 60) * 60 if abs(seconds) >= 600 else round(seconds))


@lru_cache(4096)
def _worded(seconds: int) -> str:
    """Long lists of ages have few that differ."""
    return format_duration(timedelta(seconds=seconds), parts=2)


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
