"""Takes a mark of removal back: retention asks for the snapshot again. Were it let go once more later, it rests a whole day again."""

from __future__ import annotations

from reconciler.act.context import Context, Done
from reconciler.act.facts import declared_system, open_repository, own_roots
from reconciler.act.words import counted
from reconciler.catalog.records import RunOutcome
from reconciler.model.plan import Action
from reconciler.model.snapshot import MarkKind


def run(action: Action, context: Context) -> Done:
    """Withdraw the marks of the snapshots that ``action`` names. One that is gone meanwhile is no failure: nothing here lets go."""
    declared_system(action, context)
    with open_repository(action, context) as repository:
        there = own_roots(action, context, repository.listing())
        kept = [snapshot for snapshot in action.snapshots if snapshot in there]
        for snapshot in kept:
            repository.unmark(snapshot, MarkKind.REMOVE.value)
    return Done(RunOutcome.SUCCEEDED, f"{counted(len(kept), 'snapshot')} marked for removal, kept after all")
