"""Durations and sizes as people write them: ``15m``, ``1h30m``, ``7d``; ``512MiB``.

Not here: calendar arithmetic (model/cron.py) and ``15:00``, which pydantic would read as fifteen hours.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

DURATION_PATTERN = r"^(?=\d)(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?$"
SIZE_PATTERN = r"^\d+(\.\d+)?\s?(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)$"
DURATION_MAX = timedelta(days=36525)  # a hundred years: longer is a typing error

_UNIT_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_BIGGEST_FIRST = tuple(_UNIT_SECONDS.items())[1:]  # days are the biggest: 14d is read faster than 2w
_SIZE_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def parse_duration(text: str) -> timedelta:
    """``1h30m`` to a timedelta. Raises ValueError with a sentence that says what would be right."""
    if not isinstance(text, str) or not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError("must be a duration with units, such as 15m, 1h30m or 7d")
    total = timedelta(seconds=sum(int(n) * _UNIT_SECONDS[unit] for n, unit in re.findall(r"(\d{1,12})([wdhms])", text)))
    if total > DURATION_MAX:
        raise ValueError("must not be longer than 36525d")
    return total


def format_duration(value: timedelta, *, parts: int = 5) -> str:
    """The shortest form that :func:`parse_duration` reads back; ``parts`` biggest units only, for people. Negative: with a sign."""
    seconds = round(value.total_seconds())
    return f"-{_units(-seconds, parts)}" if seconds < 0 else _units(seconds, parts)


@lru_cache(4096)  # a tree of thousands of systems asks for the same few promises again and again
def _units(seconds: int, parts: int) -> str:
    pieces = []
    for unit, size in _BIGGEST_FIRST:
        count, seconds = divmod(seconds, size)
        if count:
            pieces.append(f"{count}{unit}")
    return "".join(pieces[:parts]) or "0s"


def parse_size(text: str) -> int:
    """``512MiB`` to bytes. Raises ValueError with a sentence that says what would be right."""
    if not isinstance(text, str) or not re.fullmatch(SIZE_PATTERN, text):
        raise ValueError("must be a size with a unit, such as 512MiB or 20GB")
    number, unit = re.findall(r"([\d.]+)\s?(\w+)", text)[0]
    return int(float(number) * _SIZE_BYTES[unit])


def format_size(count: float) -> str:
    """Bytes for people: ``1.4 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
