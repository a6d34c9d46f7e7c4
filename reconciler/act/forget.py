"""Removing snapshots: the second phase of retention, and the forget that a person asks for.

Both look at the repository once more and at nothing else. What goes is the root; the bytes stay until prune.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from reconciler.act.context import Context, Done
from reconciler.act.errors import FactsChanged, StillNeeded
from reconciler.act.facts import declared_system, good_roots, held, nothing_else_went, open_repository, own_roots, still_there
from reconciler.act.words import REQUESTED, counted
from reconciler.catalog import heads
from reconciler.catalog.records import RunOutcome
from reconciler.model.plan import Action
from reconciler.model.snapshot import MarkKind
from reconciler.repository import Locked, Root, RootListing

REST = timedelta(hours=24)
"""Between mark and removal: time for a person to notice."""


def run(action: Action, context: Context) -> Done:
    """Remove the snapshots that ``action`` names."""
    if action.reason != REQUESTED:
        declared_system(action, context)
    with open_repository(action, context) as repository:
        listing = repository.listing(anew=True)
        if not listing.complete or listing.damaged:
            raise FactsChanged(f"repository {action.repository} could not be listed completely")
        roots = own_roots(action, context, listing)
        still_there(action, roots)
        nothing_else_went(action, context, roots)
        _not_the_newest(action, context, roots, listing)
        for snapshot in action.snapshots:
            _may_go(roots[snapshot], action, context, listing)
        heads.let_go(context.catalog, action.repository, action.snapshots)
        removed = repository.forget(action.snapshots)
    locked = [snapshot for snapshot in action.snapshots if snapshot not in removed]
    if locked and not removed:
        raise Locked(f"repository {action.repository} keeps {counted(len(locked), 'snapshot')} of system {action.system} locked")
    left = f", {len(locked)} locked by the repository" if locked else ""
    return Done(RunOutcome.SUCCEEDED, f"{counted(len(removed), 'snapshot')} removed{left}")


def _not_the_newest(action: Action, context: Context, roots: Mapping[str, Root], listing: RootListing) -> None:
    """The last line of defence for a system that somebody still wants; whose declaration is certainly gone may go wholly."""
    if context.desired.clean and context.desired.system(action.system) is None:
        return
    good = good_roots(roots.values(), listing)
    if good and good[0].id in action.snapshots:
        raise StillNeeded(f"snapshot {good[0].id} is the newest good one of system {action.system} in repository {action.repository}")


def _may_go(root: Root, action: Action, context: Context, listing: RootListing) -> None:
    snapshot, marks = root.id, listing.marks.get(root.id, ())
    if held(root, listing, context.clock.now()):
        raise StillNeeded(f"snapshot {snapshot} of system {action.system} is held")
    if action.reason == REQUESTED:
        return
    marked_at = max((mark.at for mark in marks if mark.kind == MarkKind.REMOVE), default=None)
    if marked_at is None or marked_at > context.clock.now() - REST:
        raise FactsChanged(f"snapshot {snapshot} of system {action.system} was not marked for removal a day ago")
