"""Every snapshot with its marks, at one instant. What is there says the repository; what it says, the object or who read it before.

Where the folders of a disk tell when they changed, those that did not are not listed again for an hour: a repository with ten thousand
snapshots has a folder of marks for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from reconciler.repository.format import OBJECT_BYTES_MAX
from reconciler.repository.known import Known, RootListing
from reconciler.repository.marks import MarkRecord, is_about_snapshot, read_mark
from reconciler.repository.root import Root, shown_root, unseal_root
from reconciler.repository.seal import Seals
from reconciler.repository.shelf import DamagedObjects, Folder, filled, without_twins
from reconciler.repository.store import Found, Readable, Stamping

_ROOTS = "snapshots"
_MARKS = "marks"


def list_snapshots(store: Readable, seals: Seals, known: Known, now: datetime, *, anew: bool = False) -> RootListing:
    """A root or mark that cannot be read is named, the others are still listed. ``anew``: read each object, known or not."""
    known.load(seals)
    due = anew or known.is_due(now)
    damaged_roots = _list_roots(store, seals, known, anew=anew, due=due)
    damaged_marks = _list_marks(store, seals, known, anew=anew, due=due)
    if due:
        known.walked(now, telling=isinstance(store, Stamping))
    known.save(seals)
    return known.list_all((*damaged_roots, *damaged_marks))


def list_roots_shown(store: Readable, seals: Seals, known: Known, now: datetime) -> tuple[Root, ...]:
    """The same without marks, and without those that cannot be read."""
    known.load(seals)
    _list_roots(store, seals, known, anew=False, due=known.is_due(now))
    return known.newest_first()


def _list_roots(store: Readable, seals: Seals, known: Known, *, anew: bool, due: bool) -> DamagedObjects:

    def read(found: Found) -> Root:
        return shown_root(unseal_root(seals, found.name, store.get(found.name, OBJECT_BYTES_MAX)), found.stored_at)

    stamp = store.stamp(_ROOTS) if isinstance(store, Stamping) else None
    if not due and known.roots.stands(stamp):
        return ()
    believed = () if stamp is None or due or anew else known.roots.found
    there = without_twins(_there(store, _ROOTS, believed))
    shelves, damaged = filled(store, {_ROOTS: (stamp, there)}, {_ROOTS: known.roots}, read, anew=anew)
    known.learn_roots(shelves[_ROOTS])
    return damaged


def _there(store: Readable, folder: str, believed: Iterable[Found]) -> Iterable[Found]:
    """What is in it. Of what is ``believed`` only the names are looked at: in a folder that tells when it changes, no more than those can
    be others."""
    names = store.names(folder) if believed and isinstance(store, Stamping) else None
    if names is None:
        return store.list(folder)
    known = {each.name: each for each in believed}
    there = (known[name] if name in known else store.find(name) for name in names)
    return [each for each in there if each is not None]


def _list_marks(store: Readable, seals: Seals, known: Known, *, anew: bool, due: bool) -> DamagedObjects:

    def read(found: Found) -> MarkRecord:
        return read_mark(store, seals, found.name)

    stamps = store.stamps(_MARKS) if isinstance(store, Stamping) else None
    if stamps is not None and not due and stamps == known.stamps:
        return ()
    if stamps is None:
        folders, standing = _mark_folders(store), {}
    else:
        standing = {} if due else {folder: shelf for folder, shelf in known.marks.items() if shelf.stands(stamps.get(folder))}
        about = [folder for folder in stamps.keys() - standing.keys() if is_about_snapshot(folder)]
        folders = {folder: (stamps[folder], without_twins(store.list(folder))) for folder in sorted(about)}
    shelves, damaged = filled(store, folders, known.marks, read, anew=anew)
    known.learn_marks(standing | shelves)
    known.stamps = stamps if not damaged and all(shelf.stamp is not None for shelf in shelves.values()) else None
    return damaged


def _mark_folders(store: Readable) -> dict[str, Folder]:
    """From one list of all of them."""
    found = [each for each in without_twins(store.list(_MARKS)) if is_about_snapshot(each.name)]
    return {folder: (None, tuple(marks)) for folder, marks in groupby(found, lambda each: each.name.rpartition("/")[0])}
