"""Whether the loop lives, and what it is at: a long look and many actions are work, not death."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from msgspec import Struct


class Doing(StrEnum):
    """What the loop's own thread is at. Actions run in threads of their own, beside it."""

    STARTING = "starting"
    LOOKING = "looking"
    WAITING = "waiting"
    """For the next look, or for something to happen."""
    ENDING = "ending"


class LanePulse(Struct, frozen=True):
    """What is done and what waits in one lane."""

    lane: str
    queued: int = 0
    """Actions that wait for a worker."""
    waits: timedelta = timedelta(0)
    """How long the one does that waits longest."""
    under_way: int = 0
    takes: timedelta = timedelta(0)
    """How long the one does so far that began first."""


class Pulse(Struct, frozen=True):
    """At one instant."""

    alive: bool
    """False: the loop's thread has given no sign for longer than any look takes."""
    doing: Doing
    silent: timedelta
    """Since its last sign of life."""
    under_way: int
    """Actions that are being carried out, or are about to be."""
    queued: int = 0
    """Actions that wait for a worker."""
    lanes: tuple[LanePulse, ...] = ()
    """Both, the same told by lane."""
    overdue: int = 0
    """Actions that should have ended, were asked to, and have not."""
    looks: int = 0
    """Since this process began; the same below."""
    failed_looks: int = 0
    """Those that ended in an error: the next one tries again."""
    look_took: timedelta | None = None
    """The newest, however it ended; None: none has ended."""
