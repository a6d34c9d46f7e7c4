"""Listings in a form that a process reads at once, in a file for each repository beside the catalog.

The catalog is what counts: a file says of which revision of the catalog's listing it is, and serves for no other. It holds *columns*: for
each owner of snapshots one list per field, so that what thousands of rows share is said once and nothing is worked out for each row. From
rows of the database a listing of 100,000 snapshots takes half a second, from such a file a tenth. A small listing has none.

A file may be deleted at any moment; one that is torn, foreign or of another version of the program counts as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, repeat
from pathlib import Path
from sys import intern
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

import reconciler
from reconciler.base import kept
from reconciler.model.listing import Digest, Group, Listing, Owner
from reconciler.model.snapshot import BackupKind, Grade, Mark, Snapshot
from reconciler.model.turnover import Turnover

SMALL = 1000
"""Snapshots up to which reading rows takes no longer than opening a file."""
_LENGTH_SIZE = 4
_FORM: tuple[int | str, ...] = (
    2,
    reconciler.__version__,
    *(field for kind in (Snapshot, Mark, Turnover) for field in kind.__struct_fields__),
)
"""Another one where this program would write another file."""
T = TypeVar("T")


class _Head(Struct, array_like=True, gc=False):
    form: list[int | str]
    revision: str
    order: bytes
    """Where each snapshot of the listing stands among those of all owners: four bytes each."""


class _Columns(Struct, array_like=True, gc=False):
    """The snapshots of one owner, newest first. A column of one value stands for a column full of it."""

    realm: str
    system: str
    safety: bool
    ids: list[str]
    hosts: list[str]
    kinds: list[BackupKind]
    as_of: list[datetime]
    ended_at: list[datetime]
    arrived_at: list[datetime]
    """Empty: each when it ended."""
    grades: list[Grade]
    files: list[int]
    bytes: list[int]
    added_bytes: list[int]
    parents: list[str | None]
    defects: list[int]
    marks: list[tuple[Mark, ...]]
    turnovers: list[tuple[int, ...] | None]
    digest: Digest
    """Of the group: working it out takes longer than reading it."""


class Listings:
    """Of one catalog."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, str] = {}
        """By repository: the revision that its file is known to be of."""

    def read(self, repository: str, revision: str) -> Listing | None:
        """The listing of ``repository`` as of ``revision``, where it was kept."""
        body = kept.read(self._path(repository))
        if body is None:
            return None
        try:
            parts = _parts(body)
            head = msgspec.msgpack.decode(next(parts), type=_Head)
            if tuple(head.form) != _FORM or head.revision != revision:
                return None
            listing = _listing(repository, head, parts)
        except (msgspec.DecodeError, ValueError, LookupError, TypeError, StopIteration):
            return None
        self._written[repository] = revision
        return listing

    def keep(self, known: Mapping[str, tuple[str, Sequence[Snapshot]]]) -> None:
        """Write what was not written before, and take away what is of no repository any more. ``known``: (revision, snapshots) of all.

        A disk that refuses costs only the time.
        """
        with contextlib.suppress(OSError):
            for name, (revision, snapshots) in known.items():
                if len(snapshots) > SMALL and self._written.get(name) != revision and isinstance(snapshots, Listing):
                    self._written[name] = revision
                    kept.write(self._path(name), _encoded(revision, snapshots))
            wanted = {self._path(name).name for name in known}
            for file in os.listdir(self._folder):
                if file not in wanted:
                    (self._folder / file).unlink()

    def _path(self, repository: str) -> Path:
        return self._folder / hashlib.sha256(repository.encode()).hexdigest()[:32]


def _encoded(revision: str, listing: Listing) -> Iterator[bytes]:
    """A head, and then owner by owner: what a big listing takes is not needed twice at any moment."""
    encode = msgspec.msgpack.Encoder().encode
    places = {id(snapshot): place for place, snapshot in enumerate(chain.from_iterable(listing.groups.values()))}
    order = array("I", [places[id(snapshot)] for snapshot in listing])
    heads = (encode(_Head(list(_FORM), revision, order.tobytes())),)
    for part in chain(heads, (encode(_columns(owner, group)) for owner, group in listing.groups.items())):
        yield from (len(part).to_bytes(_LENGTH_SIZE, "big"), part)


def _parts(body: memoryview) -> Iterator[memoryview]:
    at = 0
    while at < len(body):
        begin = at + _LENGTH_SIZE
        at = begin + int.from_bytes(body[at:begin], "big")
        yield body[begin:at]


def _listing(repository: str, head: _Head, parts: Iterable[memoryview]) -> Listing:
    decode = msgspec.msgpack.Decoder(_Columns).decode
    groups = dict(_group(repository, decode(part)) for part in parts)
    every = tuple(chain.from_iterable(groups.values()))
    order = array("I", head.order)
    if len(order) != len(every):
        raise ValueError("a snapshot is missing")
    return Listing.in_order(map(every.__getitem__, order), groups)


def _columns(owner: Owner, group: Group) -> _Columns:
    def column(of: Callable[[Snapshot], T]) -> list[T]:
        values = [of(snapshot) for snapshot in group]
        return values[:1] if values.count(values[0]) == len(values) else values

    return _Columns(
        *owner,
        ids=[s.id for s in group],
        hosts=column(lambda s: s.host),
        kinds=column(lambda s: s.kind),
        as_of=[s.as_of for s in group],
        ended_at=[s.ended_at for s in group],
        arrived_at=[s.arrived_at for s in group] if any(s.arrived_at != s.ended_at for s in group) else [],
        grades=column(lambda s: s.grade),
        files=column(lambda s: s.files),
        bytes=column(lambda s: s.bytes),
        added_bytes=column(lambda s: s.added_bytes),
        parents=column(lambda s: s.parent),
        defects=column(lambda s: s.defects),
        marks=column(lambda s: s.marks),
        turnovers=column(lambda s: astuple(s.turnover) if s.turnover is not None else None),
        digest=group.digest,
    )


def _group(repository: str, of: _Columns) -> tuple[Owner, Group]:
    """Ids, which are the same in each repository, and words are kept once for the whole process."""
    count, realm, system = len(of.ids), intern(of.realm), intern(of.system)

    def full(column: Sequence[T]) -> Iterable[T]:
        return repeat(column[0], count) if len(column) == 1 else column

    fields: tuple[Iterable[Any], ...] = (
        map(intern, of.ids),
        repeat(repository),
        repeat(realm),
        repeat(system),
        map(intern, full(of.hosts)),
        full(of.kinds),
        of.as_of,
        of.ended_at,
        of.arrived_at or of.ended_at,
        full(of.grades),
        full(of.files),
        full(of.bytes),
        full(of.added_bytes),
        (intern(parent) if parent is not None else None for parent in full(of.parents)),
        full(of.defects),
        full(of.marks),
        (Turnover(*counts) if counts is not None else None for counts in full(of.turnovers)),
    )
    group = Group(map(Snapshot, *fields))
    if len(group) != count:
        raise ValueError("a column is too short")
    group.__dict__["digest"] = of.digest
    return (realm, system, of.safety), group
