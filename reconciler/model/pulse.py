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
