"""What changed between two snapshots, by path: the part that a differential recovery brings back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.app.errors import Ambiguous, NotFound
from reconciler.model.snapshot import BackupKind, Grade
from reconciler.repository import Entry, Repository, Root
from reconciler.tree.entry import CTIME, GID, MODE, MTIME, NAME, SIZE, UID, walk_key

LAST_FULL = "last-full"


@dataclass(slots=True)
class Changed:
    """Paths. ``removed``: those that the newer snapshot does not have any more."""

    changed: set[bytes] = field(default_factory=set)
    removed: set[bytes] = field(default_factory=set)


def changed(older: Iterable[Entry], newer: Iterable[Entry]) -> Changed:
    """Both in the order of a snapshot. Inode and change time are of the machine, not of the state: they are no change."""
    found = Changed()
    olds, news = iter(older), iter(newer)
    old, new = next(olds, None), next(news, None)
    while old is not None or new is not None:
        if new is None or (old is not None and _key(old) < _key(new)):
            assert old is not None
            found.removed.add(old.path)
            old = next(olds, None)
        elif old is None or _key(new) < _key(old):
            found.changed.add(new.path)
            new = next(news, None)
        else:
            if _state(old) != _state(new):
                found.changed.add(new.path)
            old, new = next(olds, None), next(news, None)
    return found


def earlier(repository: Repository, chosen: str, wanted: str) -> Root:
    """The snapshot that ``wanted`` names, of the same system as ``chosen`` and in the same repository."""
    roots = repository.listing().roots
    newest = next(root for root in roots if root.id == chosen)
    own = [root for root in roots if (root.realm, root.system) == (newest.realm, newest.system) and root.grade != Grade.SAFETY]
    if wanted == LAST_FULL:
        fulls = [root for root in own if root.kind == BackupKind.FULL and root.grade == Grade.COMPLETE]
        full = next((root for root in fulls if root.as_of <= newest.as_of and root.id != newest.id), None)
        if full is None:
            raise NotFound(f"there is no full snapshot of system {newest.system} before {chosen[:8]}")
        return full
    return _by_id(own, wanted, newest)


def _by_id(own: Sequence[Root], wanted: str, newest: Root) -> Root:
    found = [root for root in own if wanted and root.id.startswith(wanted.lower())]
    if not found:
        raise NotFound(f"no snapshot of system {newest.system} in this repository begins with '{wanted}'")
    if len(found) > 1:
        raise Ambiguous(f"'{wanted}' is the beginning of {len(found)} snapshots", first=found[0].id, last=found[-1].id)
    return found[0]


def _key(entry: Entry) -> tuple[bytes, bytes]:
    return walk_key(entry.folder), entry.row[NAME]


def _state(entry: Entry) -> tuple[object, ...]:
    row = entry.row
    on_the_way = not (row[MTIME] or row[CTIME])
    return row[MODE], row[SIZE], 0 if on_the_way else row[MTIME], row[UID], row[GID], entry.cold
