"""A repository in memory: snapshots with their marks, and how many bytes they would take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice

from msgspec.structs import replace

from reconciler.model.listing import Group, Listing, Owner
from reconciler.model.snapshot import BackupKind, Mark, MarkKind, Snapshot

_HEAD = 3
"""Of each kind so many snapshots are in the head of a system."""


class Store:
    """What a listing of one repository would show."""

    def __init__(self, name: str, realm: str, snapshots: Iterable[Snapshot] = ()) -> None:
        """``realm``: whose snapshots are asked for by the name of their system; those of others are there, too."""
        self.name = name
        self._realm = realm
        self._systems: dict[str, dict[str, Snapshot]] = {}
        self._heads: dict[str, tuple[Snapshot, ...]] = {}
        self._groups: dict[str, Mapping[Owner, Group]] = {}
        """By the name of the system, as long as nothing has changed: what was worked out about a group stays with it."""
        for snapshot in snapshots:
            self.put(snapshot)

    def put(self, snapshot: Snapshot) -> None:
        """Add it, or replace what was known of it."""
        if snapshot.realm != self._realm:
            self._groups.pop(f"{snapshot.realm}:{snapshot.system}", None)
            self._systems.setdefault(f"{snapshot.realm}:{snapshot.system}", {})[snapshot.id] = snapshot
            return
        self._groups.pop(snapshot.system, None)
        group = self._systems.setdefault(snapshot.system, {})
        head = self._heads.get(snapshot.system)
        if head is not None and (snapshot.id in group or snapshot.counted_at < head[0].counted_at):
            del self._heads[snapshot.system]  # a remark, or an old one that arrived late
        elif head is not None:
            self._heads[snapshot.system] = _with(snapshot, head)
        group[snapshot.id] = snapshot

    def of(self, system: str) -> tuple[Snapshot, ...]:
        """In the order of their arrival."""
        return tuple(self._systems.get(system, {}).values())

    def everything(self) -> tuple[Snapshot, ...]:
        return tuple(snapshot for group in self._systems.values() for snapshot in group.values())

    def listing(self, systems: Iterable[str] | None = None) -> Listing:
        """What a look shows: everything, or what is there of some systems."""
        groups: dict[Owner, Group] = {}
        for name in self._systems if systems is None else systems:
            groups |= self._grouped(name)
        return Listing.of_groups(groups)

    def find(self, system: str, snapshot: str) -> Snapshot | None:
        return self._systems.get(system, {}).get(snapshot)

    def head(self, system: str, also: str | None = None) -> tuple[Snapshot, ...]:
        """The few snapshots by which the next backup is decided: the newest of each kind, and the one named ``also``.

        Only for a clock that is right: what a wrong one makes of older snapshots may need all of them.
        """
        head = self._heads.get(system)
        if head is None:
            head = tuple(_newest_of_each(self.of(system)))
            if head:
                self._heads[system] = head
        confirmed = self.find(system, also) if also is not None else None
        return head if confirmed is None or confirmed in head else (*head, confirmed)

    def newest(self, system: str, count: int) -> tuple[Snapshot, ...]:
        """The ``count`` that arrived last."""
        return tuple(islice(reversed(self._systems.get(system, {}).values()), count))

    def mark(self, system: str, ids: Iterable[str], kind: MarkKind, at: datetime, until: datetime | None = None) -> None:
        """Remark it; an older remark of the same kind is replaced."""
        for snapshot in self._chosen(system, ids):
            self.put(replace(snapshot, marks=(*(m for m in snapshot.marks if m.kind is not kind), Mark(kind, at, until=until))))

    def unmark(self, system: str, ids: Iterable[str], kind: MarkKind) -> None:
        for snapshot in self._chosen(system, ids):
            self.put(replace(snapshot, marks=tuple(m for m in snapshot.marks if m.kind is not kind)))

    def forget(self, system: str, ids: Iterable[str]) -> tuple[Snapshot, ...]:
        """What was really there, and is no longer."""
        gone = self._chosen(system, ids)
        self._groups.pop(system, None)
        for snapshot in gone:
            del self._systems[system][snapshot.id]
        if any(snapshot in gone for snapshot in self._heads.get(system, ())):
            del self._heads[system]
        return gone

    def _grouped(self, name: str) -> Mapping[Owner, Group]:
        known = self._groups.get(name)
        if known is None:
            known = self._groups[name] = Listing(self.of(name)).groups
        return known

    def _chosen(self, system: str, ids: Iterable[str]) -> tuple[Snapshot, ...]:
        return tuple(found for snapshot in ids if (found := self.find(system, snapshot)) is not None)


def _with(newest: Snapshot, head: tuple[Snapshot, ...]) -> tuple[Snapshot, ...]:
    alike = [s for s in head if s.kind is newest.kind]
    fallback = [s for s in alike[_HEAD - 1 :] if s.good][:1]
    return (newest, *alike[: _HEAD - 1], *fallback, *(s for s in head if s.kind is not newest.kind))


def _newest_of_each(snapshots: Iterable[Snapshot]) -> Iterable[Snapshot]:
    newest = sorted(snapshots, key=lambda s: s.counted_at, reverse=True)
    found: list[Snapshot] = []
    for kind in BackupKind:
        alike = [snapshot for snapshot in newest if snapshot.kind is kind]
        found += [*alike[:_HEAD], *[snapshot for snapshot in alike[_HEAD:] if snapshot.good][:1]]
    return sorted(found, key=lambda s: s.counted_at, reverse=True)
