"""Moments as people say them: ``2026-11-20T03:30+01:00``, ``2026-11-20 03:30`` (local), ``yesterday``, ``2 hours ago``, ``1h30m ago``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from reconciler.base.clock import local_offset, parse_local
from reconciler.base.units import DURATION_MAX, parse_duration

EXAMPLES = "2026-11-23, 2026-11-23T14:00 (local), 2026-11-23T13:00Z, 'yesterday', '2 hours ago' or '1h30m ago'"
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_AGO = re.compile(r"(?P<count>\d{1,6}|an?)\s+(?P<unit>second|minute|hour|day|week)s?\s+ago")


def parse_moment(text: str, now: datetime) -> datetime:
    """Aware UTC; raises ValueError with a sentence. A naive time, and where a day begins, is meant in the zone of this machine."""
    said = " ".join(text.lower().split())
    if said == "now":
        return now
    if said in {"today", "yesterday"}:
        day = local_offset(now).date() - timedelta(days=said == "yesterday")
        return parse_local(day.isoformat())
    if said.endswith(" ago"):
        return now - _span(said)
    try:
        return parse_local(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"'{text}' is not a moment") from None


def _span(said: str) -> timedelta:
    found = _AGO.fullmatch(said)
    if found is None:
        return parse_duration(said.removesuffix(" ago").replace(" ", ""))
    count = 1 if found["count"] in {"a", "an"} else int(found["count"])
    span = timedelta(seconds=count * _UNITS[found["unit"]])
    if span > DURATION_MAX:
        raise ValueError(f"'{said}' is longer ago than anything")
    return span
