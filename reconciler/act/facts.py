"""Reading the facts again, right before acting on them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import attrgetter

from reconciler.act.context import Context
from reconciler.act.errors import FactsChanged
from reconciler.act.words import counted
from reconciler.model.desired import DesiredRepository, DesiredSystem
from reconciler.model.plan import Action
from reconciler.model.records import is_records
from reconciler.model.snapshot import Grade, MarkKind, hold_stands
from reconciler.repository import Repository, Root, RootListing, owner

_READABLE = frozenset({Grade.COMPLETE, Grade.PARTIAL})


def declared_system(action: Action, context: Context) -> DesiredSystem:
    """The system as declared; refuses when its meaning changed after the decision."""
    system = context.desired.system(action.system)
    if system is None or (action.generation and system.generation != action.generation):
        raise FactsChanged(f"the declaration of system {action.system} changed after the plan was made")
    return system


def declared_repository(action: Action, context: Context) -> DesiredRepository:
    repository = context.desired.repository(action.repository)
    if repository is None:
        raise FactsChanged(f"the repository {action.repository} is no longer declared")
    return repository


def open_repository(action: Action, context: Context) -> Repository:
    """The repository, opened; refuses when it is another one than the one that was observed."""
    repository = context.opener(declared_repository(action, context))
    seen = context.observed.repositories.get(action.repository)
    if seen is not None and seen.id is not None and seen.id != repository.id:
        repository.close()
        raise FactsChanged(f"the place of repository {action.repository} holds another repository than a moment ago")
    return repository


def own_roots(action: Action, context: Context, listing: RootListing) -> dict[str, Root]:
    """The snapshots of this system and realm, by id: also those under a former name, and those of a system no longer declared."""
    names, realm = _names(action.system, context), context.desired.realm
    own = {}
    for root in listing.roots:  # of ten thousands: no call for each that has no mark
        marks = listing.marks.get(root.id)
        whose, system = owner(root, marks) if marks else (root.realm, root.system)
        if whose == realm and system in names:
            own[root.id] = root
    return own


def still_there(action: Action, roots: Mapping[str, Root]) -> None:
    """Refuses unless every snapshot that the action names is one of this system's."""
    gone = [snapshot for snapshot in action.snapshots if snapshot not in roots]
    if gone:
        raise FactsChanged(
            f"{counted(len(gone), 'snapshot')} of system {action.system} can no longer be found in repository {action.repository}",
            snapshots=", ".join(gone),
        )


def nothing_else_went(action: Action, context: Context, roots: Mapping[str, Root]) -> None:
    """Refuses when a snapshot that the decision counted on as staying has disappeared: fewer are left than it thought."""
    seen = context.observed.repositories.get(action.repository)
    known = seen.of(context.desired.realm, *_names(action.system, context)) if seen is not None else ()
    gone = [snapshot.id for snapshot in known if snapshot.id not in roots and snapshot.id not in action.snapshots]
    if gone:
        raise FactsChanged(
            f"{counted(len(gone), 'snapshot')} of system {action.system} disappeared from repository {action.repository} "
            "after the plan was made"
        )


def _names(name: str, context: Context) -> set[str]:
    """The name and the former one, while that is nobody else's: with a namesake or two heirs its snapshots are not ours."""
    system = context.desired.system(name)
    former = system.previous_name if system is not None else None
    if former is None or context.desired.system(former) is not None:
        return {name}
    heirs = [other for other in context.desired.systems if other.previous_name == former]
    return {name, former} if len(heirs) == 1 else {name}


def held(root: Root, listing: RootListing, now: datetime) -> bool:
    """Whether a snapshot is protected from being forgotten, by what the repository says at this moment."""
    holds = [mark for mark in listing.marks.get(root.id, ()) if mark.kind == MarkKind.HELD]
    return any(hold_stands(root.grade, min(root.as_of, root.arrived_at), mark.until, now) for mark in holds)


def readable_roots(roots: Iterable[Root], listing: RootListing) -> list[Root]:
    """Those that a backup may be compared with: nothing bad was learned of them. Newest first."""
    bad = {MarkKind.DAMAGED.value, MarkKind.SUSPECT.value}
    doubted = {snapshot for snapshot, marks in listing.marks.items() for mark in marks if mark.kind in bad}
    readable = [root for root in roots if root.grade in _READABLE and root.id not in doubted]
    return sorted(readable, key=attrgetter("as_of", "id"), reverse=True)


def good_roots(roots: Iterable[Root], listing: RootListing) -> list[Root]:
    """Those that meet an objective: readable and complete. Newest first."""
    return [root for root in readable_roots(roots, listing) if root.grade == Grade.COMPLETE]


def passed_over(context: Context, system: DesiredSystem) -> frozenset[tuple[int, int]]:
    """What does not exist for a scan of this system. Of our own memory those files do that are sources: the catalog is frozen first."""
    if not is_records(system.name):
        return context.skip
    files = [source.place for source in system.sources if source.place is not None and os.path.isfile(source.place)]
    own = [os.stat(path) for file in files for path in (file, os.path.dirname(file))]
    return context.skip - {(info.st_dev, info.st_ino) for info in own}
