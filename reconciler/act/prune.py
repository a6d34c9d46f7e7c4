"""Removing from a repository what no snapshot needs any more. It is about the whole repository, not about one system."""

from __future__ import annotations

from reconciler.act.context import Context, Done
from reconciler.act.facts import open_repository
from reconciler.act.words import REQUESTED, counted
from reconciler.base.units import format_size
from reconciler.catalog.records import RunOutcome
from reconciler.model.plan import Action
from reconciler.repository import PackFate, Pruned


def run(action: Action, context: Context) -> Done:
    """Clean up. The repository looks at everything again by itself, and refuses when anything is in doubt.

    Where nobody asked, nobody is there to agree that more than half of all bytes goes: then the half goes, and the rest the next time.
    """
    with open_repository(action, context) as repository:
        pruned = repository.clean_up(confirm=action.confirm or None, gradual=action.reason != REQUESTED, stop=context.stop)
    return Done(RunOutcome.SUCCEEDED if not pruned.plan.empty else RunOutcome.UNCHANGED, _sentence(pruned))


def _sentence(pruned: Pruned) -> str:
    later = pruned.plan.count(PackFate.DEFERRED)
    if pruned.plan.empty and pruned.plan.locked_until is not None and not later:
        locked = pruned.plan.count(PackFate.LOCKED)
        return f"nothing to remove yet: {counted(locked, 'pack')} locked until {pruned.plan.locked_until:%Y-%m-%d %H:%M} UTC at the latest"
    if pruned.plan.empty and later:
        return f"{counted(later, 'pack')} would go, which is more than half of all bytes: `reconcile prune` shows the plan to agree to"
    if pruned.plan.empty:
        return "nothing to remove"
    written = f", {format_size(pruned.written_bytes)} of it written again" if pruned.written_bytes else ""
    rest = f"; {counted(later, 'pack')} more the next time, for no more than half of all bytes goes unasked" if later else ""
    return f"{counted(pruned.removed_packs, 'pack')} of {format_size(pruned.removed_bytes)} removed{written}{rest}"
