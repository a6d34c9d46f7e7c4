"""The first phase of forgetting: say in the repository that a snapshot is to be removed. A day later it may be."""

from __future__ import annotations

from reconciler.act.context import Context, Done
from reconciler.act.errors import FactsChanged
from reconciler.act.facts import declared_system, held, nothing_else_went, open_repository, own_roots, still_there
from reconciler.act.words import counted
from reconciler.catalog.records import RunOutcome
from reconciler.model.plan import Action
from reconciler.model.snapshot import MarkKind


def run(action: Action, context: Context) -> Done:
    """Mark the snapshots that ``action`` names, unless one of them is held by now."""
    declared_system(action, context)
    with open_repository(action, context) as repository:
        listing = repository.listing(anew=True)
        roots = own_roots(action, context, listing)
        still_there(action, roots)
        nothing_else_went(action, context, roots)
        for snapshot in action.snapshots:
            if held(roots[snapshot], listing, context.clock.now()):
                raise FactsChanged(f"snapshot {snapshot} of system {action.system} is held")
        for snapshot in action.snapshots:
            repository.mark(snapshot, MarkKind.REMOVE.value, context.clock.now(), action.why)
    return Done(RunOutcome.SUCCEEDED, f"{counted(len(action.snapshots), 'snapshot')} marked, to be removed after a day")
