"""Moments of a schedule: after a duration or by a calendar, missed ones once or not at all, and the window for heavy work.

Clock changes, for windows: of a time that autumn shows twice the first is meant, so a window opens once a day; a time that spring skips is
the moment of the change, so a window that lies wholly in the skipped hour does not open on that day.
For cron see :mod:`reconciler.model.cron`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from reconciler.model.cron import last_tick, next_tick
from reconciler.model.declared.policy import Trigger, Window


def next_moment(trigger: Trigger, anchor: datetime, *, cut: timedelta = timedelta(0)) -> datetime:
    """The first moment after ``anchor`` (the newest attempt) that the trigger names; however many passed since, it is one.

    ``cut``: what is taken off a duration.
    """
    if trigger.every is not None:
        return anchor + trigger.every - cut
    return next_tick(_cron(trigger), trigger.timezone or "UTC", anchor)


def next_unmissed(trigger: Trigger, anchor: datetime, grace: timedelta, now: datetime, *, cut: timedelta = timedelta(0)) -> datetime:
    """Like :func:`next_moment`, but a moment that passed more than ``grace`` ago is given up for the following one."""
    if trigger.every is not None:
        every = trigger.every - cut
        first = anchor + every
        if now <= first:
            return first
        latest = first + ((now - first) // every) * every
        return latest if now - latest <= grace else latest + every
    zone = trigger.timezone or "UTC"
    latest = last_tick(_cron(trigger), zone, now)
    if latest > anchor and now - latest <= grace:
        return latest
    return next_tick(_cron(trigger), zone, max(anchor, now))


def window_opens(window: Window, moment: datetime) -> datetime:
    """``moment`` itself when it lies in the window, else the next moment at which the window opens."""
    today = moment.astimezone(ZoneInfo(window.timezone)).date()
    ahead: list[datetime] = []
    for day in range(-1, 4):  # of yesterday, because a window may last past midnight; beyond tomorrow, because a zone may skip a day
        opens, closes = _interval(window.begin, window.end, window.timezone, today + timedelta(days=day))
        if opens <= moment < closes:
            return moment
        if moment < opens < closes:
            ahead.append(opens)
    return min(ahead).astimezone(moment.tzinfo)


@lru_cache(maxsize=1024)  # of 2,000 systems with one window each asks in every tick: 90 µs without, 4 with
def _interval(begins: str, ends: str, timezone: str, day: date) -> tuple[datetime, datetime]:
    """The window that begins on this local day; empty when a clock change skips all of it."""
    begin, end, zone = time.fromisoformat(begins), time.fromisoformat(ends), ZoneInfo(timezone)
    last = day if begin < end else day + timedelta(days=1)
    return _instant(datetime.combine(day, begin), zone), _instant(datetime.combine(last, end), zone)


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks of ``zone`` first show this time; for a time that a clock change skips, the moment of that change. Aware UTC."""
    found = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local:
        return found
    after, before = found, local.replace(tzinfo=zone, fold=1).astimezone(UTC)  # in a gap fold 1 reads it by the later offset: earlier
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):  # the change lies between them; zones change at whole seconds
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def _cron(trigger: Trigger) -> str:
    assert trigger.cron is not None, "a trigger has exactly one of every and cron"
    return trigger.cron
