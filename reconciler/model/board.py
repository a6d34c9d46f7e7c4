"""All that a running loop shows after each look, as one value: nobody sees a status beside the plan of another moment."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model.event import Event
from reconciler.model.impact import Impact
from reconciler.model.plan import Plan
from reconciler.model.status import Status


class Board(Struct, frozen=True):
    """Published whole."""

    status: Status
    plan: Plan
    events: tuple[Event, ...] = ()
    """The newest first; the catalog has more."""
    impact: Impact | None = None
    """What disasters would do, as of its own moment: it is worked out less often. None: not yet."""
