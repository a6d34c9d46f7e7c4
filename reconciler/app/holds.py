"""Holds: a person protects single snapshots from being forgotten, with a reason and an end.

A hold is a mark in the repository beside the snapshot, so every host obeys it and no lost catalog ends it. The hold of a safety snapshot
belongs to its restore and is not taken away here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.app.choice import failures
from reconciler.app.errors import HoldOfRestore
from reconciler.app.house import House
from reconciler.app.remarks import afterwards, begin, copies_of, each, order, require_reason
from reconciler.app.reports import HoldReport
from reconciler.app.restoring.record import who
from reconciler.app.scene import load, look
from reconciler.base.errors import Usage
from reconciler.model.snapshot import MarkKind

if TYPE_CHECKING:
    from reconciler.repository import Repository

_HELD = MarkKind.HELD


def hold(house: House, ids: Sequence[str], until: datetime, reason: str) -> HoldReport:
    """Protect them until then, wherever they are; see :meth:`Session.hold`."""
    require_reason(reason, "held")
    if until <= house.clock.now():
        raise Usage(f"a hold must end in the future, not at {until:%Y-%m-%d %H:%M} UTC")
    catalog, scene = begin(house)
    copies = copies_of(scene, ids)
    note = f"{reason.strip()} (by {who()})"

    def mark(repository: Repository, snapshot: str) -> None:
        repository.mark(snapshot, _HELD.value, house.clock.now(), note, until=until)

    each(house, scene, copies, "hold", mark, until=until.isoformat(), reason=reason.strip())
    return HoldReport(afterwards(house, catalog, scene, copies))


def release(house: House, ids: Sequence[str], reason: str) -> HoldReport:
    """End every hold on them; see :meth:`Session.release`."""
    require_reason(reason, "released")
    catalog, scene = begin(house)
    copies = copies_of(scene, ids)
    for copy in copies:
        if copy.safety:
            raise HoldOfRestore(f"snapshot {copy.id} is what a restore can be rolled back with, until its window ends")
    each(house, scene, copies, "release", lambda repository, snapshot: repository.unmark(snapshot, _HELD.value), reason=reason.strip())
    return HoldReport(afterwards(house, catalog, scene, copies))


def standing(house: House, *, cached: bool) -> HoldReport:
    """Every hold that stands now."""
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load(house, catalog), refresh=frozenset() if cached else None)
    states = scene.observed.repositories
    held = [s for state in states.values() for s in state.snapshots if s.held(scene.now)]
    return HoldReport(tuple(sorted(held, key=order)), failures(states))
