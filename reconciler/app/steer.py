"""What a person tells the running loop: take a backup now, begin nothing for a while, go on. Rows in the catalog, which each tick reads.

Nothing here waits for the loop: it takes a wish within one interval, and a pause begins with its next look. What is under way when a pause
begins goes to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.app.errors import LoopAbsent, NotTriggered
from reconciler.app.house import House
from reconciler.app.names import require_systems
from reconciler.app.planning import load
from reconciler.app.reports import PauseReport, TriggerReport
from reconciler.app.restoring.record import who
from reconciler.base.errors import Usage
from reconciler.base.units import format_duration
from reconciler.model.desired import Desired
from reconciler.model.snapshot import BackupKind
from reconciler.model.wishes import PAUSE_MAX, Pause, Wish

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog
    from reconciler.catalog.records import Holder

_LOOP, _LOOP_NAME = "Loop", "loop"


def trigger(house: House, systems: Sequence[str], kind: BackupKind | None) -> TriggerReport:
    """Ask the running loop for backups; see :meth:`Session.trigger`."""
    desired = load(house).desired
    require_systems(desired, systems)
    for name in systems:
        _require_possible(house, desired, name)
    catalog, now = house.memory.writing(), house.clock.now()
    loop = _require_loop(house, catalog)
    wishes = tuple(Wish(name, kind or BackupKind.INCREMENTAL, now, who()) for name in systems)
    for wish in wishes:
        house.memory.audit().append("note", "trigger", wish.system, kind=wish.kind.value, actor=wish.by)
        catalog.put_wish(wish)
        catalog.add_event("Normal", "System", wish.system, "Triggered", f"{wish.kind} backup asked for by {wish.by}", now)
    return TriggerReport(wishes, loop, desired.settings.interval, _in_force(catalog, house))


def pause(house: House, length: timedelta, reason: str) -> PauseReport:
    """Let the loop begin nothing; see :meth:`Session.pause`."""
    if not reason.strip():
        raise Usage("a reason must be given for a pause", hint="--reason says in status, metrics and audit log why nothing is backed up.")
    if not timedelta(0) < length <= PAUSE_MAX:
        raise Usage(
            f"a pause must be longer than 0s and at most {format_duration(PAUSE_MAX)}, not {format_duration(length)}",
            hint="What is to stay out for longer stands in the specs: `suspend: {reason: TEXT, until: DATE}` of a System.",
        )
    catalog, now = house.memory.writing(), house.clock.now()
    declared = Pause(now + length, reason.strip(), who(), now)
    house.memory.audit().append("note", "pause", _LOOP_NAME, until=declared.until.isoformat(), reason=declared.reason, actor=declared.by)
    catalog.put_pause(declared)
    note = f"until {declared.until:%Y-%m-%d %H:%M:%S} UTC, by {declared.by}: {declared.reason}"
    catalog.add_event("Warning", _LOOP, _LOOP_NAME, "Paused", note, now)
    return PauseReport(declared, catalog.lease_holder())


def resume(house: House) -> PauseReport:
    """End the pause; see :meth:`Session.resume`."""
    catalog = house.memory.writing()
    before = _in_force(catalog, house)
    if before is not None:
        house.memory.audit().append("note", "resume", _LOOP_NAME, until=before.until.isoformat(), actor=who())
        catalog.put_pause(None)
        catalog.add_event("Normal", _LOOP, _LOOP_NAME, "Resumed", f"by {who()}, before its end", house.clock.now())
    return PauseReport(before, catalog.lease_holder())


def _require_possible(house: House, desired: Desired, name: str) -> None:
    """What this loop would never do is refused now, not forgotten later."""
    system, now = desired.system(name), house.clock.now()
    assert system is not None, "the name was checked"
    if not system.runs_on(house.agent):
        raise NotTriggered(f"the sources of system {name} are read by host {system.host}, this is {house.agent}")
    if system.suspend is not None and now < system.suspend.until:
        raise NotTriggered(f"system {name} is suspended until {system.suspend.until:%Y-%m-%d %H:%M} UTC: {system.suspend.reason}")


def _require_loop(house: House, catalog: Catalog) -> Holder:
    holder = catalog.lease_holder()
    if holder is None:
        raise LoopAbsent(f"no loop runs over {house.memory.state}: nobody would take it")
    return holder


def _in_force(catalog: Catalog, house: House) -> Pause | None:
    found = catalog.pause()
    return found if found is not None and found.stands(house.clock.now()) else None
