"""Holds: a person protects single snapshots from being forgotten, with a reason and an end.

A hold is a mark in the repository beside the snapshot, so every host obeys it and no lost catalog ends it. The hold of a safety snapshot
belongs to its restore and is not taken away here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.app.choice import failures, find
from reconciler.app.errors import HoldOfRestore, NotFound
from reconciler.app.house import House
from reconciler.app.reports import HoldReport
from reconciler.app.restoring.record import who
from reconciler.app.scene import Scene, load, look, remember_repositories, remember_specs
from reconciler.base.errors import ReconcilerError, Usage
from reconciler.model.snapshot import MarkKind, Snapshot

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog
    from reconciler.repository import Repository

_HELD = MarkKind.HELD


def hold(house: House, ids: Sequence[str], until: datetime, reason: str) -> HoldReport:
    """Protect them until then, wherever they are; see :meth:`Session.hold`."""
    _require_reason(reason, "held")
    if until <= house.clock.now():
        raise Usage(f"a hold must end in the future, not at {until:%Y-%m-%d %H:%M} UTC")
    catalog, scene = _begin(house)
    copies = _copies(scene, ids)
    note = f"{reason.strip()} (by {who()})"

    def mark(repository: Repository, snapshot: str) -> None:
        repository.mark(snapshot, _HELD.value, house.clock.now(), note, until=until)

    _each(house, scene, copies, "hold", mark, until=until.isoformat(), reason=reason.strip())
    return _afterwards(house, catalog, scene, copies)


def release(house: House, ids: Sequence[str], reason: str) -> HoldReport:
    """End every hold on them; see :meth:`Session.release`."""
    _require_reason(reason, "released")
    catalog, scene = _begin(house)
    copies = _copies(scene, ids)
    for copy in copies:
        if copy.safety:
            raise HoldOfRestore(f"snapshot {copy.id} is what a restore can be rolled back with, until its window ends")
    _each(house, scene, copies, "release", lambda repository, snapshot: repository.unmark(snapshot, _HELD.value), reason=reason.strip())
    return _afterwards(house, catalog, scene, copies)


def standing(house: House, *, cached: bool) -> HoldReport:
    """Every hold that stands now."""
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load(house, catalog), refresh=frozenset() if cached else None)
    states = scene.observed.repositories
    held = [s for state in states.values() for s in state.snapshots if s.held(scene.now)]
    return HoldReport(tuple(sorted(held, key=_order)), failures(states))


def _order(snapshot: Snapshot) -> tuple[str, datetime, str, str]:
    return (snapshot.system, snapshot.as_of, snapshot.id, snapshot.repository)


def _require_reason(reason: str, what: str) -> None:
    if not reason.strip():
        raise Usage(
            f"a reason must be given for a snapshot to be {what}", hint="--reason says beside the snapshot and in the audit log why."
        )


def _begin(house: House) -> tuple[Catalog, Scene]:
    catalog = house.memory.writing()
    loaded = load(house, catalog)
    remember_specs(house, catalog, loaded)
    scene = look(house, catalog, loaded)
    remember_repositories(catalog, scene)
    return catalog, scene


def _copies(scene: Scene, ids: Iterable[str]) -> list[Snapshot]:
    copies = [copy for prefix in ids for copy in find(scene, prefix)]
    for copy in copies:
        if copy.realm != scene.desired.realm:
            raise NotFound(f"snapshot {copy.id} belongs to realm {copy.realm}, not to {scene.desired.realm}")
    return copies


def _each(
    house: House, scene: Scene, copies: Sequence[Snapshot], verb: str, change: Callable[[Repository, str], None], **facts: str
) -> None:
    """In each repository that holds some of them. The first that cannot be changed ends it: what was done is told by the audit log."""
    audit = house.memory.audit()
    for name in dict.fromkeys(copy.repository for copy in copies):
        declared = scene.desired.repository(name)
        assert declared is not None, "only declared repositories are looked at"
        there = [copy.id for copy in copies if copy.repository == name]
        audit.append("intent", verb, name, snapshots=there, actor=who(), **facts)
        try:
            with house.open_repository(declared) as repository:
                for snapshot in there:
                    change(repository, snapshot)
        except ReconcilerError as error:
            audit.append("complete", verb, name, snapshots=there, outcome="failed", code=error.code)
            raise
        audit.append("complete", verb, name, snapshots=there, outcome="succeeded")


def _afterwards(house: House, catalog: Catalog, scene: Scene, copies: Sequence[Snapshot]) -> HoldReport:
    """The snapshots as they stand now."""
    touched = frozenset(copy.repository for copy in copies)
    after = look(house, catalog, scene.loaded, refresh=touched)
    remember_repositories(catalog, after, touched)
    wanted = {(copy.repository, copy.id) for copy in copies}
    found = [s for state in after.observed.repositories.values() for s in state.snapshots if (s.repository, s.id) in wanted]
    return HoldReport(tuple(sorted(found, key=_order)))
