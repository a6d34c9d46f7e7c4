"""Whether the clock of this host may be believed where something is removed.

It decides how long a mark has rested, whether a hold has ended, and how new a snapshot seems. A machine that was off for a month and one
whose clock was set a month ahead look the same; so after such a leap, and after every step back, a day passes before anything goes: time
for the clock to be set right, or for a person to see it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

LEAP = timedelta(days=31)
"""Farther ahead than a host is off without being missed. Marks rest for a day, so a smaller leap can only cost that day."""
BACK = timedelta(hours=1)
"""Steps of time servers and of summer time in a badly set clock are smaller, or no farther than this."""
SETTLE = timedelta(hours=24)


def unsettled_since(last_seen: datetime | None, unsettled: datetime | None, now: datetime) -> datetime | None:
    """The moment, by the clock as it is now, since which it is not believed; None: it is. ``last_seen``: the hour of the last pass."""
    if last_seen is not None and (now - last_seen > LEAP or last_seen - now > BACK):
        return now
    return unsettled if unsettled is not None and now - unsettled < SETTLE else None
