"""Removing from a repository what no snapshot needs any more. It is about the whole repository, not about one system."""

from __future__ import annotations

from reconciler.act.context import Context, Done
from reconciler.act.facts import open_repository
from reconciler.act.words import counted
from reconciler.base.units import format_size
from reconciler.catalog.records import RunOutcome
from reconciler.model.plan import Action
from reconciler.repository import Pruned


def run(action: Action, context: Context) -> Done:
    """Clean up. The repository looks at everything again by itself, and refuses when anything is in doubt."""
    with open_repository(action, context) as repository:
        pruned = repository.clean_up(confirm=action.confirm or None, stop=context.stop)
    return Done(RunOutcome.SUCCEEDED if not pruned.plan.empty else RunOutcome.UNCHANGED, _sentence(pruned))


def _sentence(pruned: Pruned) -> str:
    if pruned.plan.empty:
        return "nothing to remove"
    written = f", {format_size(pruned.written_bytes)} of it written again" if pruned.written_bytes else ""
    return f"{counted(pruned.removed_packs, 'pack')} of {format_size(pruned.removed_bytes)} removed{written}"
