"""Says in the repository that snapshots do not fit the history of their system, so that nobody takes them for good."""

from __future__ import annotations

from reconciler.act.context import Context, Done
from reconciler.act.facts import declared_system, open_repository, own_roots
from reconciler.act.words import counted
from reconciler.catalog.records import RunOutcome
from reconciler.model.plan import Action
from reconciler.model.snapshot import MarkKind

_SETTLED = frozenset({MarkKind.SUSPECT.value, MarkKind.ACCEPTED.value})


def run(action: Action, context: Context) -> Done:
    """Mark the snapshots that ``action`` names; not one that is gone, marked so already, or that a person accepted meanwhile."""
    declared_system(action, context)
    with open_repository(action, context) as repository:
        listing = repository.listing()
        there = own_roots(action, context, listing)
        marked = [s for s in action.snapshots if s in there and not any(mark.kind in _SETTLED for mark in listing.marks.get(s, ()))]
        for snapshot in marked:
            repository.mark(snapshot, MarkKind.SUSPECT.value, context.clock.now(), action.why)
    return Done(RunOutcome.SUCCEEDED, f"{counted(len(marked), 'snapshot')} marked suspect")
