"""What is promised of each system goes into the audit log when it changes: a report judges every time by the targets of that time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.catalog.errors import AuditError

if TYPE_CHECKING:
    from reconciler.app.house import House
    from reconciler.catalog.catalog import Catalog
    from reconciler.decide.evidence import Promised
    from reconciler.model.desired import Desired, DesiredSystem

_KEY = "specs.promised"


def remember_promises(house: House, catalog: Catalog, desired: Desired) -> None:
    """Append what differs from what was recorded last. A system counts as removed only when the whole tree parsed.

    Where the log takes no line, the next pass tries again: what is due is not kept from being done by this, but by its own line.
    """
    text = catalog.get_value(_KEY) or "{}"
    if text.startswith(f'{{"digest": "{desired.digest}",'):  # as it is written below: each pass asks, and the rest is long
        return
    known = json.loads(text)
    if known.get("digest") == desired.digest:
        return
    before, now = known.get("systems", {}), {system.name: _written(system) for system in desired.systems}
    changed = {name: promise for name, promise in now.items() if before.get(name) != promise}
    removed = sorted(set(before) - set(now)) if desired.clean else []
    if changed or removed:
        revision = str(desired.revision) if desired.revision is not None else ""
        try:
            house.memory.audit().append("note", "specs", desired.digest, revision=revision, systems=changed, removed=removed)
        except AuditError as error:
            catalog.add_event("Warning", "Catalog", "audit", "PromisesUnrecorded", error.message, house.clock.now())
            return
    kept = {name: promise for name, promise in {**before, **now}.items() if name not in removed}
    catalog.put_value(_KEY, json.dumps({"digest": desired.digest, "systems": kept}))


def promised_of(system: DesiredSystem) -> Promised:
    """What is declared of it now."""
    from reconciler.decide.evidence import Promised

    given = system.objectives
    until = system.suspend.until if system.suspend is not None else None
    return Promised(given.rpo, given.rto, given.mtd, suspended_until=until, generation=system.generation)


def _written(system: DesiredSystem) -> dict[str, Any]:
    """As it stands in the log: lengths in seconds, moments as ISO 8601."""
    promise = promised_of(system)
    lengths = {"rpo": promise.rpo, "rto": promise.rto, "mtd": promise.mtd}
    return {
        **{name: value.total_seconds() if value is not None else None for name, value in lengths.items()},
        "suspended_until": promise.suspended_until.isoformat() if promise.suspended_until is not None else None,
        "generation": promise.generation,
    }
