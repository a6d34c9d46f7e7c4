"""A curve in one line of text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

COLUMNS = 28
_HEIGHTS = "▁▂▃▄▅▆▇█"


def spark(points: Sequence[tuple[datetime, float | None]], begin: datetime, end: datetime) -> str:
    """Each column the mean of its part of the time, from the least to the most of all; a blank where nothing was seen.

    What never changes is flat at the bottom; nothing at all is an empty text.
    """
    columns: list[list[float]] = [[] for _ in range(COLUMNS)]
    for at, value in points:
        if value is not None and begin <= at <= end:
            columns[min(COLUMNS - 1, int(COLUMNS * ((at - begin) / (end - begin))))].append(value)
    means = [sum(values) / len(values) if values else None for values in columns]
    known = [mean for mean in means if mean is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    return "".join(" " if mean is None else _HEIGHTS[_height(mean, low, high)] for mean in means)


def _height(value: float, low: float, high: float) -> int:
    return round((len(_HEIGHTS) - 1) * (value - low) / (high - low)) if high > low else 0
