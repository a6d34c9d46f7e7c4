"""What a person says of single snapshots: a mark in every repository that holds them, with the reason, and two lines in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.app.choice import find
from reconciler.app.errors import NotFound
from reconciler.app.house import House
from reconciler.app.restoring.record import who
from reconciler.app.scene import Scene, load, look, remember_repositories, remember_specs
from reconciler.base.errors import ReconcilerError, Usage
from reconciler.model.snapshot import Snapshot

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog
    from reconciler.repository import Repository


def order(snapshot: Snapshot) -> tuple[str, datetime, str, str]:
    return (snapshot.system, snapshot.as_of, snapshot.id, snapshot.repository)


def require_reason(reason: str, what: str) -> None:
    if not reason.strip():
        raise Usage(
            f"a reason must be given for a snapshot to be {what}", hint="--reason says beside the snapshot and in the audit log why."
        )


def begin(house: House) -> tuple[Catalog, Scene]:
    catalog = house.memory.writing()
    loaded = load(house, catalog)
    remember_specs(house, catalog, loaded)
    scene = look(house, catalog, loaded)
    remember_repositories(catalog, scene)
    return catalog, scene


def copies_of(scene: Scene, ids: Iterable[str]) -> list[Snapshot]:
    copies = [copy for prefix in ids for copy in find(scene, prefix)]
    for copy in copies:
        if copy.realm != scene.desired.realm:
            raise NotFound(f"snapshot {copy.id} belongs to realm {copy.realm}, not to {scene.desired.realm}")
    return copies


def each(
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


def afterwards(house: House, catalog: Catalog, scene: Scene, copies: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
    """The snapshots as they stand now."""
    touched = frozenset(copy.repository for copy in copies)
    after = look(house, catalog, scene.loaded, refresh=touched)
    remember_repositories(catalog, after, touched)
    wanted = {(copy.repository, copy.id) for copy in copies}
    found = [s for state in after.observed.repositories.values() for s in state.snapshots if (s.repository, s.id) in wanted]
    return tuple(sorted(found, key=order))
