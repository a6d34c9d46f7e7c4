"""Cron expressions with time zones, by the rules of Debian cron on daylight-saving days (cronsim).

A fixed time that the spring step skips runs right after the step; one that the autumn step repeats runs once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def check_cron(expression: str) -> None:
    """Raise ValueError, with a sentence, unless ``expression`` is five fields (or one of the six @names) that can ever come true."""
    from cronsim import CronSim, CronSimError

    text = _ALIASES.get(expression, expression)
    if len(text.split()) != 5:
        raise ValueError("must be a cron expression of five fields, such as '0 2 * * sun'")
    try:
        next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise ValueError(f"must be a cron expression that can come true ({error or 'it never does'})") from None


@lru_cache(maxsize=8192)  # every pass asks again for each schedule, counted from the same newest backup
def next_tick(expression: str, zone: str, after: datetime) -> datetime:
    """The first moment strictly after ``after`` that the expression names in ``zone``; aware UTC."""
    from cronsim import CronSim

    return next(CronSim(_ALIASES.get(expression, expression), after.astimezone(ZoneInfo(zone)))).astimezone(UTC)


def last_tick(expression: str, zone: str, until: datetime) -> datetime:
    """The last moment not after ``until`` that the expression names in ``zone``; aware UTC."""
    from cronsim import CronSim

    just_after = until.astimezone(ZoneInfo(zone)) + timedelta(seconds=1)
    return next(CronSim(_ALIASES.get(expression, expression), just_after, reverse=True)).astimezone(UTC)


def longest_gap(expression: str, zone: str, after: datetime, ticks: int = 60) -> timedelta:
    """The longest distance between two neighbouring ticks among the next ``ticks`` and at least eight days: what the RPO must bear.

    Eight days hold every night and the weekend of ``*/5 9-17 * * mon-fri``, which sixty ticks do not reach.
    """
    from cronsim import CronSim

    simulation = CronSim(_ALIASES.get(expression, expression), after.astimezone(ZoneInfo(zone)))
    earlier = first = next(simulation).astimezone(UTC)
    longest, count = timedelta(0), 1
    while count < ticks or earlier - first < timedelta(days=8):
        later = next(simulation).astimezone(UTC)
        longest, earlier, count = max(longest, later - earlier), later, count + 1
    return longest
