"""What changed between two snapshots, by path: the part that a differential recovery brings back."""

from __future__ import annotations

from msgspec import Struct, field

from reconciler.app.errors import NotFound
from reconciler.app.names import by_id
from reconciler.model.snapshot import BackupKind, Grade
from reconciler.repository import Repository, Root, differences, owner

LAST_FULL = "last-full"


class Changed(Struct):
    """Paths. ``removed``: those that the newer snapshot does not have any more."""

    changed: set[bytes] = field(default_factory=set)
    removed: set[bytes] = field(default_factory=set)


def changed(repository: Repository, older: str, newer: str) -> Changed:
    """Between two of its snapshots, by id."""
    found, browser = Changed(), repository.browse()
    for change in differences(browser.tree(older), browser.tree(newer)):
        if change.new is not None:
            found.changed.add(change.new.path)
        else:
            assert change.old is not None
            found.removed.add(change.old.path)
    return found


def earlier(repository: Repository, chosen: str, wanted: str) -> Root:
    """The snapshot that ``wanted`` names, of the same system as ``chosen`` and in the same repository."""
    listing = repository.listing()
    owners = {root.id: owner(root, listing.marks.get(root.id, ())) for root in listing.roots}
    newest = next(root for root in listing.roots if root.id == chosen)
    own = [root for root in listing.roots if owners[root.id] == owners[chosen] and root.grade != Grade.SAFETY]
    if wanted == LAST_FULL:
        fulls = [root for root in own if root.kind == BackupKind.FULL and root.grade == Grade.COMPLETE]
        full = next((root for root in fulls if root.as_of <= newest.as_of and root.id != newest.id), None)
        if full is None:
            raise NotFound(f"there is no full snapshot of system {newest.system} before {chosen[:8]}")
        return full
    return by_id(own, wanted, {"among": f"the snapshots of system {newest.system} in this repository"})[0]
