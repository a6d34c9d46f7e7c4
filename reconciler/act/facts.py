"""Reading the facts again, right before acting on them."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.act.context import Context
from reconciler.act.errors import FactsChanged
from reconciler.model.desired import DesiredRepository, DesiredSystem
from reconciler.model.plan import Action
from reconciler.repository import Repository, Root, RootListing


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
    """The snapshots of this system and realm, by id; those under its previous name, too."""
    system = declared_system(action, context)
    names = {system.name, system.previous_name}
    return {root.id: root for root in listing.roots if root.realm == context.desired.realm and root.system in names}


def still_there(action: Action, roots: dict[str, Root]) -> None:
    """Refuses unless every snapshot that the action names is one of this system's."""
    gone = [snapshot for snapshot in action.snapshots if snapshot not in roots]
    if gone:
        raise FactsChanged(
            f"{_count(gone)} of system {action.system} is no longer in repository {action.repository}", snapshots=", ".join(gone)
        )


def nothing_else_went(action: Action, context: Context, roots: dict[str, Root]) -> None:
    """Refuses when a snapshot that the decision counted on as staying has disappeared: fewer are left than it thought."""
    seen = context.observed.repositories.get(action.repository)
    system = declared_system(action, context)
    known = seen.of(context.desired.realm, system.name, system.previous_name) if seen is not None else ()
    gone = [snapshot.id for snapshot in known if snapshot.id not in roots and snapshot.id not in action.snapshots]
    if gone:
        raise FactsChanged(
            f"{_count(gone)} of system {action.system} disappeared from repository {action.repository} after the plan was made"
        )


def _count(ids: Iterable[str]) -> str:
    number = len(list(ids))
    return "1 snapshot" if number == 1 else f"{number} snapshots"
