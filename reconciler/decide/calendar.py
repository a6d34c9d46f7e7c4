"""Moments of a schedule: after a duration or by a calendar, missed ones once or not at all, and the window for heavy work."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from reconciler.model.cron import last_tick, next_tick
from reconciler.model.declared.policy import Trigger, Window


def next_moment(trigger: Trigger, anchor: datetime) -> datetime:
    """The first moment after ``anchor`` (the newest attempt) that the trigger names; however many passed since, it is one."""
    if trigger.every is not None:
        return anchor + trigger.every
    return next_tick(_cron(trigger), trigger.timezone or "UTC", anchor)


def next_unmissed(trigger: Trigger, anchor: datetime, grace: timedelta, now: datetime) -> datetime:
    """Like :func:`next_moment`, but a moment that passed more than ``grace`` ago is given up for the following one."""
    if trigger.every is not None:
        first = anchor + trigger.every
        if now <= first:
            return first
        latest = first + ((now - first) // trigger.every) * trigger.every
        return latest if now - latest <= grace else latest + trigger.every
    zone = trigger.timezone or "UTC"
    latest = last_tick(_cron(trigger), zone, now)
    if latest > anchor and now - latest <= grace:
        return latest
    return next_tick(_cron(trigger), zone, max(anchor, now))


def window_opens(window: Window, moment: datetime) -> datetime:
    """``moment`` itself when it lies in the window, else the next moment at which the window opens."""
    begin, end = time.fromisoformat(window.begin), time.fromisoformat(window.end)
    local = moment.astimezone(ZoneInfo(window.timezone))
    if _inside(begin, end, local.time()):
        return moment
    for day in range(3):  # a day whose begin falls into the gap of a clock change is still found on the next
        opens = datetime.combine(local.date() + timedelta(days=day), begin, local.tzinfo).astimezone(moment.tzinfo)
        if opens > moment:
            return opens
    raise AssertionError(f"the window {window.begin} to {window.end} never opens")


def _inside(begin: time, end: time, clock: time) -> bool:
    if begin == end:
        return True
    return begin <= clock < end if begin < end else clock >= begin or clock < end


def _cron(trigger: Trigger) -> str:
    assert trigger.cron is not None, "a trigger has exactly one of every and cron"
    return trigger.cron
