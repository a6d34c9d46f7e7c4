"""Every snapshot with its marks, at one instant. What is there says the repository; what it says, the object or who read it before."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from reconciler.repository.abreast import abreast
from reconciler.repository.errors import Damaged, ObjectMissing, RepositoryError
from reconciler.repository.format import OBJECT_BYTES_MAX
from reconciler.repository.known import Known
from reconciler.repository.marks import MarkRecord, is_about_snapshot, read_mark
from reconciler.repository.root import Root, shown_root, unseal_root
from reconciler.repository.seal import Seals
from reconciler.repository.store import Found, Readable

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


def list_snapshots(store: Readable, seals: Seals, known: Known, *, anew: bool = False) -> RootListing:
    """A root or mark that cannot be read is named, the others are still listed. ``anew``: read each object, known or not."""
    roots, damaged_roots = list_roots_shown(store, seals, known, anew=anew)
    marks, damaged_marks = _list_marks(store, seals, known, anew=anew)
    known.save(seals)
    return RootListing(roots, marks, (*damaged_roots, *damaged_marks))


def list_roots_shown(store: Readable, seals: Seals, known: Known, *, anew: bool = False) -> tuple[tuple[Root, ...], DamagedObjects]:
    """The same without marks."""
    known.load(seals)

    def read(found: Found) -> Root | RepositoryError:
        try:
            return shown_root(unseal_root(seals, found.name, store.get(found.name, OBJECT_BYTES_MAX)), found.stored_at)
        except (Damaged, ObjectMissing) as error:
            return error

    listed: dict[str, tuple[Found, Root]] = {}  # by name: a place that lists one twice must not make two snapshots of it
    damaged = []
    there = list(store.list("snapshots"))
    unknown = [found for found in there if anew or known.root(found) is None]
    fresh = dict(zip(unknown, abreast(store, read, unknown), strict=True))
    for found in there:
        root = fresh.get(found) or known.root(found)
        if isinstance(root, Root):
            listed[found.name] = (found, root)
        elif root is not None:
            damaged.append((found.name, root))
    known.learn_roots(listed)
    roots = sorted((root for _, root in listed.values()), key=lambda root: (root.as_of, root.id), reverse=True)
    return tuple(roots), tuple(damaged)


def _list_marks(store: Readable, seals: Seals, known: Known, *, anew: bool) -> tuple[dict[str, tuple[MarkRecord, ...]], DamagedObjects]:

    def read(found: Found) -> MarkRecord | RepositoryError:
        try:
            return read_mark(store, seals, found.name)
        except (Damaged, ObjectMissing) as error:
            return error

    listed: dict[str, tuple[Found, MarkRecord]] = {}
    damaged = []
    there = [found for found in store.list("marks") if is_about_snapshot(found.name)]
    unknown = [found for found in there if anew or known.mark(found) is None]
    fresh = dict(zip(unknown, abreast(store, read, unknown), strict=True))
    for found in there:
        mark = fresh.get(found) or known.mark(found)
        if isinstance(mark, MarkRecord):
            listed[found.name] = (found, mark)
        elif mark is not None:
            damaged.append((found.name, mark))
    known.learn_marks(listed)
    marks: dict[str, list[MarkRecord]] = {}
    for name, (_, mark) in listed.items():
        marks.setdefault(name.split("/")[1], []).append(mark)
    return {snapshot: tuple(each) for snapshot, each in marks.items()}, tuple(damaged)
