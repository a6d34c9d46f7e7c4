"""A person says that what made snapshots suspect was meant: they are good again, and the older ones may age as ever.

The word stands as a mark in every repository that holds the snapshot, beside the reason and who gave it, so that no agent calls it suspect
again and no lost catalog forgets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.app.errors import NotFound
from reconciler.app.house import House
from reconciler.app.names import by_id, require_systems
from reconciler.app.remarks import afterwards, begin, each, require_reason
from reconciler.app.reports import AcceptReport
from reconciler.app.restoring.record import who
from reconciler.model.snapshot import MarkKind

if TYPE_CHECKING:
    from reconciler.repository import Repository


def accept(house: House, system: str, reason: str, ids: Sequence[str] = ()) -> AcceptReport:
    """Accept what is suspect of ``system``; see :meth:`Session.accept`."""
    from reconciler.decide.guard import suspect_snapshots
    from reconciler.decide.scene import Scene

    require_reason(reason, "accepted")
    catalog, scene = begin(house)
    require_systems(scene.desired, [system])
    declared = scene.desired.system(system)
    assert declared is not None, "just required"
    seen = Scene.of(scene.desired, scene.observed, scene.now)
    suspect = suspect_snapshots(seen, declared)
    if not suspect:
        raise NotFound(f"no snapshot of system {system} is suspect")
    wanted = {s.id for prefix in ids for s in by_id(suspect, prefix)} if ids else {s.id for s in suspect}
    copies = [s for name in declared.repositories for s in seen.snapshots(system, name) if s.id in wanted]
    note = f"{reason.strip()} (by {who()})"

    def settle(repository: Repository, snapshot: str) -> None:
        """In this order: in between it is suspect still, and no loop marks it again."""
        repository.mark(snapshot, MarkKind.ACCEPTED.value, house.clock.now(), note)
        repository.unmark(snapshot, MarkKind.SUSPECT.value)

    each(house, scene, copies, "accept", settle, system=system, reason=reason.strip())
    return AcceptReport(system, afterwards(house, catalog, scene, copies), len({s.id for s in suspect} - wanted))
