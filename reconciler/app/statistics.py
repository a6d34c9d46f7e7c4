"""`reconcile stats`: what is there, what it takes, how it grows. Reads only."""

from __future__ import annotations

from contextlib import closing

from reconciler.app.house import House
from reconciler.app.names import system_named
from reconciler.app.scene import NOTHING, load, look
from reconciler.base.errors import ReconcilerError
from reconciler.catalog.records import Run, RunOutcome
from reconciler.decide.scene import Scene as Decision
from reconciler.decide.statistics import Attempt, of_repositories, of_systems
from reconciler.model.plan import ActionKind
from reconciler.model.statistics import Statistics, Stored

_RUNS_MAX = 1_000_000
_NO_ATTEMPT = frozenset({RunOutcome.CANCELLED, RunOutcome.INTERRUPTED, None})
"""A person's stop, or a process that is gone, says nothing about the backup."""


def statistics(house: House, system: str | None, *, cached: bool) -> Statistics:
    """Of all systems, or of one; ``cached``: as repositories were last seen, without their sizes. Raises NotFound."""
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load(house, catalog), refresh=NOTHING if cached else None)
        runs = catalog.runs(_RUNS_MAX, system)
    if system is not None:
        system_named(scene.desired, system)
    attempts = [attempt for run in runs if (attempt := _attempt(run)) is not None]
    stored: dict[str, Stored] = {}
    unseen: list[tuple[str, str]] = []
    for repository in scene.desired.repositories if not cached else ():
        if repository.observed_only:
            continue  # what it takes there, its own program counts
        try:
            with closing(house.open_repository(repository)) as opened:
                stored[repository.name] = Stored(opened.stored_bytes(), *opened.content_bytes())
        except ReconcilerError as error:
            unseen.append((repository.name, error.message))
    decision = Decision.of(scene.desired, scene.observed, scene.now)
    return Statistics(scene.now, of_systems(decision, attempts, system), of_repositories(decision, stored), tuple(unseen))


def _attempt(run: Run) -> Attempt | None:
    if run.kind != ActionKind.BACKUP or run.outcome in _NO_ATTEMPT:
        return None
    return Attempt(run.system, run.repository, run.started_at, failed=run.outcome is RunOutcome.FAILED)
