"""`reconcile status --loop`: who runs the loop, what it is at, and whether it is dead, standing still or only busy. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.app.house import House
from reconciler.app.recording import read_loop
from reconciler.model.pulse import Pulse
from reconciler.model.status import LoopStatus

if TYPE_CHECKING:
    from reconciler.catalog.records import Holder, Run

_RUNS_MAX = 500
"""What is under way began lately."""


class LoopState(StrEnum):
    """Dead or alive."""

    ABSENT = "not running"
    FROZEN = "standing still"
    """Its process is there and gives no sign: stopped, paused, or swapped out. Another one would take over."""
    STUCK = "stuck"
    """Its process lives, the thread of the loop does not turn."""
    ALIVE = "alive"


class LoopView(Struct, frozen=True):
    """At one instant."""

    at: datetime
    state: LoopState
    loop: LoopStatus
    holder: Holder | None = None
    beat_age: timedelta | None = None
    """Since its last sign of life; every two seconds there is one."""
    pulse: Pulse | None = None
    """As the loop told it with that sign; None: a single pass, or nothing."""
    under_way: tuple[Run, ...] = ()

    @property
    def well(self) -> bool:
        """Whether it turns."""
        return self.state is LoopState.ALIVE


def loop_view(house: House) -> LoopView:
    """From the lease, the beat and the rows of what is under way."""
    from reconciler.loop.lease import FROZEN_SECONDS, beat_at, read_pulse

    now, state = house.clock.now(), house.memory.state
    with house.memory.reading() as catalog:
        holder, loop = catalog.lease_holder(), read_loop(catalog)
        under_way = tuple(run for run in catalog.runs(_RUNS_MAX) if run.ended_at is None)
    if holder is None:
        return LoopView(now, LoopState.ABSENT, loop)
    beat, told = beat_at(state), read_pulse(state)
    age = max(now - beat, timedelta(0)) if beat is not None else None
    pulse = told[1] if told is not None and told[0] == holder.pid else None  # else it is of an earlier loop
    if age is None or age > timedelta(seconds=FROZEN_SECONDS):
        found = LoopState.STUCK if pulse is not None and not pulse.alive else LoopState.FROZEN
    else:
        found = LoopState.ALIVE
    return LoopView(now, found, loop, holder, age, pulse, under_way)
