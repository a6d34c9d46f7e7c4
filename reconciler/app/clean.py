"""What a person asks for: remove from repositories what no snapshot needs. One digest names the plan, shown or carried out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.act.context import Done, Result, Watcher
from reconciler.act.words import REQUESTED
from reconciler.app import demand
from reconciler.app.errors import WentBack
from reconciler.app.house import House
from reconciler.app.names import repository_named
from reconciler.app.scene import Scene, load, look
from reconciler.base.errors import ReconcilerError, Usage
from reconciler.catalog.records import RunOutcome
from reconciler.decide.rollback import lost_sentence
from reconciler.model.desired import Desired, DesiredRepository
from reconciler.model.observed import Failure, RepositoryState
from reconciler.model.plan import Action, ActionKind, Lane

if TYPE_CHECKING:
    from reconciler.repository import PrunePlan

_PRIORITY = 100  # asked for by a person


class CleanUpReport(Struct, frozen=True):
    """What a clean-up of one repository would do, or why that cannot be said."""

    repository: str
    plan: PrunePlan | None
    digest: str = ""
    failure: Failure | None = None
    lost: str = ""
    """What is missing of a repository that went back in time, as a sentence: then a clean-up is refused. Empty: nothing is."""


def plan(house: House, repositories: Sequence[str]) -> tuple[CleanUpReport, ...]:
    """For each of these repositories (none means all). Changes nothing."""
    with house.memory.reading() as catalog:
        loaded = load(house, catalog)
        asked = _asked(loaded.desired, repositories)
        seen = look(house, catalog, loaded, refresh=frozenset(repository.name for repository in asked)).observed.repositories
    return tuple(_planned(house, repository, seen.get(repository.name)) for repository in asked)


def run(
    house: House, repositories: Sequence[str], *, confirm: str | None, accept_loss: bool, stop: threading.Event, progress: Watcher | None
) -> tuple[Result, ...]:
    """Clean up each of these repositories (none means all). ``confirm``: the digest of the plan of the one that is named.

    One that went back in time is refused unless ``accept_loss``: its packs without a snapshot may be all that is left of the lost ones.
    """
    if confirm is not None and len(repositories) != 1:
        raise Usage("--confirm names the plan of one repository", hint="Name that repository, too.")

    refused: list[Result] = []

    def actions(scene: Scene) -> list[Action]:
        asked = [_action(repository, confirm) for repository in _asked(scene.desired, repositories)]
        back = {name: state for name, state in scene.observed.repositories.items() if state.lost and not accept_loss}
        refused.extend(_refused(action, back[action.repository]) for action in asked if action.repository in back)
        return [action for action in asked if action.repository not in back]

    return (*demand.carry_out(house, actions, stop=stop, progress=progress), *refused)


def _refused(action: Action, state: RepositoryState) -> Result:
    error = WentBack(f"repository {state.name} is not cleaned up: {lost_sentence(state)}", repository=state.name)
    return Result(action, "", Done(RunOutcome.FAILED, error.message), 0.0, Failure.of(error), error.fate)


def _planned(house: House, repository: DesiredRepository, seen: RepositoryState | None) -> CleanUpReport:
    try:
        with house.open_repository(repository) as opened:
            found = opened.plan_clean_up()
    except ReconcilerError as error:
        return CleanUpReport(repository.name, None, failure=Failure.of(error))
    return CleanUpReport(repository.name, found, found.digest, lost=lost_sentence(seen) if seen is not None and seen.lost else "")


def _asked(desired: Desired, names: Sequence[str]) -> tuple[DesiredRepository, ...]:
    for name in names:
        repository_named(desired, name)
    return tuple(repository for repository in desired.repositories if not names or repository.name in names)


def _action(repository: DesiredRepository, confirm: str | None) -> Action:
    return Action(
        kind=ActionKind.PRUNE,
        system="",
        repository=repository.name,
        lane=Lane.UPKEEP,
        reason=REQUESTED,
        why="asked for",
        priority=_PRIORITY,
        place=repository.place,
        confirm=confirm or "",
    )
