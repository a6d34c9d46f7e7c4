"""Every snapshot with its marks, at one instant. What is there says the repository; what it says, the object or who read it before."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from reconciler.repository.errors import Damaged, ObjectMissing, RepositoryError
from reconciler.repository.format import OBJECT_BYTES_MAX
from reconciler.repository.known import Known
from reconciler.repository.marks import MarkRecord, is_about_snapshot, read_mark
from reconciler.repository.root import Root, shown_root, unseal_root
from reconciler.repository.seal import Seals
from reconciler.repository.store import Found, Store

DamagedObjects = tuple[tuple[str, RepositoryError], ...]


class RootListing(Struct, frozen=True):
    """All snapshots at one instant. ``damaged``: (object name, error) of roots and marks that cannot be read."""

    roots: tuple[Root, ...]
    """Newest ``as_of`` first."""
    marks: Mapping[str, tuple[MarkRecord, ...]]
    damaged: DamagedObjects = ()

    @property
    def complete(self) -> bool:
        """Only a complete listing may decide about removing anything."""
        return not self.damaged


def list_snapshots(store: Store, seals: Seals, known: Known, *, anew: bool = False) -> RootListing:
    """A root or mark that cannot be read is named, the others are still listed. ``anew``: read each object, known or not."""
    roots, damaged_roots = list_roots_shown(store, seals, known, anew=anew)
    marks, damaged_marks = _list_marks(store, seals, known, anew=anew)
    known.save(seals)
    return RootListing(roots, marks, (*damaged_roots, *damaged_marks))


def list_roots_shown(store: Store, seals: Seals, known: Known, *, anew: bool = False) -> tuple[tuple[Root, ...], DamagedObjects]:
    """The same without marks."""
    known.load(seals)
    listed: dict[str, tuple[Found, Root]] = {}  # by name: a place that lists one twice must not make two snapshots of it
    damaged = []
    for found in store.list("snapshots"):
        root = None if anew else known.root(found)
        if root is None:
            try:
                root = shown_root(unseal_root(seals, found.name, store.get(found.name, OBJECT_BYTES_MAX)), found.stored_at)
            except (Damaged, ObjectMissing) as error:
                damaged.append((found.name, error))
                continue
        listed[found.name] = (found, root)
    known.learn_roots(listed)
    roots = sorted((root for _, root in listed.values()), key=lambda root: (root.as_of, root.id), reverse=True)
    return tuple(roots), tuple(damaged)


def _list_marks(store: Store, seals: Seals, known: Known, *, anew: bool) -> tuple[dict[str, tuple[MarkRecord, ...]], DamagedObjects]:
    listed: dict[str, tuple[Found, MarkRecord]] = {}
    damaged = []
    for found in store.list("marks"):
        if not is_about_snapshot(found.name):
            continue
        mark = None if anew else known.mark(found)
        if mark is None:
            try:
                mark = read_mark(store, seals, found.name)
            except (Damaged, ObjectMissing) as error:
                damaged.append((found.name, error))
                continue
        listed[found.name] = (found, mark)
    known.learn_marks(listed)
    marks: dict[str, list[MarkRecord]] = {}
    for name, (_, mark) in listed.items():
        marks.setdefault(name.split("/")[1], []).append(mark)
    return {snapshot: tuple(each) for snapshot, each in marks.items()}, tuple(damaged)
