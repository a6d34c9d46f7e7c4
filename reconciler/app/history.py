"""What must not go backwards from one pass to the next: the clock of this host, and the repositories."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.catalog import heads
from reconciler.decide.clocks import unsettled_since
from reconciler.decide.rollback import lost_heads
from reconciler.model.observed import Observed, RepositoryState

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog

_CLOCK = "clock"
_OFTEN = timedelta(minutes=1)
"""The hour of a pass is written when it differs by so much: a loop that ticks every second writes no more than that."""


def compared(catalog: Catalog, seen: Observed) -> Observed:
    """``seen`` beside what was remembered of earlier passes."""
    states = {name: replace(state, lost=_lost(catalog, state)) for name, state in seen.repositories.items()}
    last, unsettled = remembered_clock(catalog)
    return replace(seen, repositories=states, clock_unsettled=unsettled_since(last or _last_arrival(seen), unsettled, seen.at))


def remember(catalog: Catalog, seen: Observed) -> None:
    """The hour, for the next pass to be compared with."""
    last, unsettled = remembered_clock(catalog)
    if last is None or abs(seen.at - last) >= _OFTEN or unsettled != seen.clock_unsettled:
        since = seen.clock_unsettled
        catalog.put_value(_CLOCK, json.dumps([seen.at.isoformat(), since.isoformat() if since is not None else None]))


def remember_heads(catalog: Catalog, state: RepositoryState) -> None:
    """The newest snapshots of a complete listing; while some are missing, those from before."""
    if state.fresh:
        known = heads.read(catalog, state.name)
        heads.write(catalog, state.name, heads.Heads(known.by_writer if state.lost else state.heads, state.lost))


def remembered_clock(catalog: Catalog) -> tuple[datetime | None, datetime | None]:
    """The hour of the last pass, and since when the clock was not believed then."""
    last, unsettled = json.loads(catalog.get_value(_CLOCK) or "[null, null]")
    return _moment(last), _moment(unsettled)


def _last_arrival(seen: Observed) -> datetime | None:
    """What a lost catalog no longer knows, the repositories still show: some hour that has passed for certain."""
    return max((snapshot.arrived_at for state in seen.repositories.values() for snapshot in state.snapshots), default=None)


def _lost(catalog: Catalog, state: RepositoryState) -> tuple[str, ...]:
    known = heads.read(catalog, state.name)
    return lost_heads(known.by_writer, known.lost, state) if state.fresh else known.lost


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
