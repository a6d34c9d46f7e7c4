"""How long to leave a failing thing alone: 30 s, 60 s, 120 s … and never so long that the waiting itself breaks the promise."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.model.observed import RunHistory

FIRST = timedelta(seconds=30)
LONGEST = timedelta(minutes=15)
LONGEST_UPKEEP = timedelta(hours=1)
RPO_SHARE = 4
"""At most a quarter of the RPO: a cause that ends by itself must not cost the objective."""


def wait(failures: int, rpo: timedelta | None) -> timedelta:
    """After so many failures in a row; zero after none. No jitter: the same inputs must give the same plan."""
    if failures <= 0:
        return timedelta(0)
    doubled = FIRST * (1 << min(failures - 1, 20))
    return min(doubled, LONGEST, rpo / RPO_SHARE) if rpo is not None else min(doubled, LONGEST)


def upkeep_wait(failures: int) -> timedelta:
    """The same for upkeep, which breaks no RPO: up to an hour, for a verification that cannot write its mark reads all each time."""
    return min(FIRST * (1 << min(failures - 1, 20)), LONGEST_UPKEEP) if failures > 0 else timedelta(0)


def retry_at(history: RunHistory, generation: str, rpo: timedelta | None, now: datetime) -> datetime | None:
    """When the next try may begin, or None when nothing stands against it now.

    A new generation of the spec starts afresh: whoever mends a declaration must not wait for the punishment of the broken one.
    A failure dated after ``now`` means that the clock went back; then trying is the safer error.
    """
    if history.consecutive_failures == 0 or history.last_failure_at is None or history.failed_generation != generation:
        return None
    moment = history.last_failure_at + wait(history.consecutive_failures, rpo)
    return moment if history.last_failure_at <= now < moment else None
