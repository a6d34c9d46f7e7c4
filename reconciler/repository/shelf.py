"""One folder of small immutable objects as it was listed: the names in it, what each of them says, and when the folder last changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reconciler.repository.abreast import abreast
from reconciler.repository.errors import Damaged, ObjectMissing, RepositoryError
from reconciler.repository.stamps import Stamp
from reconciler.repository.store import Found, Readable

T = TypeVar("T")

DamagedObjects = tuple[tuple[str, RepositoryError], ...]


class Shelf(Struct, Generic[T], frozen=True, array_like=True):
    """What can be read of a folder. The same object as long as nothing differs."""

    stamp: Stamp | None = None
    """None: it must be listed the next time."""
    found: tuple[Found, ...] = ()
    said: tuple[T, ...] = ()
    """By each of ``found``."""

    def stands(self, stamp: Stamp | None) -> bool:
        """Whether no name was added or removed since, as far as the place tells."""
        return stamp is not None and stamp == self.stamp

    def dated(self, stamp: Stamp | None) -> Shelf[T]:
        """The same content under another stamp."""
        return self if stamp == self.stamp else replace(self, stamp=stamp)


Folder = tuple[Stamp | None, tuple[Found, ...]]
"""As it is now."""


def filled(
    store: Readable, folders: Mapping[str, Folder], before: Mapping[str, Shelf[T]], read: Callable[[Found], T], *, anew: bool
) -> tuple[dict[str, Shelf[T]], DamagedObjects]:
    """A shelf for each folder. Read is what ``before`` does not hold under the same name, size and time; ``anew``: all of it.

    What cannot be read is on no shelf, and its folder is listed the next time.
    """

    def tried(found: Found) -> T | RepositoryError:
        try:
            return read(found)
        except (Damaged, ObjectMissing) as error:
            return error

    shelves, damaged = {}, []
    changed = {name: folder for name, folder in folders.items() if anew or name not in before or before[name].found != folder[1]}
    known = {} if anew else {found: said for name in changed if name in before for found, said in _pairs(before[name])}
    unknown = [found for _, there in changed.values() for found in there if found not in known]
    fresh = dict(zip(unknown, abreast(store, tried, unknown), strict=True))
    for name, (stamp, there) in folders.items():
        if name not in changed:
            shelves[name] = before[name].dated(stamp)
            continue
        answers = [(found, fresh[found] if found in fresh else known[found]) for found in there]
        good = [(found, said) for found, said in answers if not isinstance(said, RepositoryError)]
        damaged += [(found.name, said) for found, said in answers if isinstance(said, RepositoryError)]
        shelves[name] = Shelf(
            stamp if len(good) == len(answers) else None, tuple(found for found, _ in good), tuple(said for _, said in good)
        )
    return shelves, tuple(damaged)


def without_twins(found: Iterable[Found]) -> tuple[Found, ...]:
    """A place that lists an object twice must not make two of it."""
    return tuple({each.name: each for each in found}.values())


def _pairs(shelf: Shelf[T]) -> Iterable[tuple[Found, T]]:
    return zip(shelf.found, shelf.said, strict=True)
