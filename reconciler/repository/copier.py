"""Copies snapshots from one repository into another, one by one: skips what is there, and looks for what makes each copy cheap."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from reconciler.repository.copy import Copied, copy
from reconciler.repository.copy_known import Pair, leftover
from reconciler.repository.errors import Damaged, NoSuchSnapshot, ObjectMissing, OriginDamaged
from reconciler.repository.fetch import Fetcher
from reconciler.repository.index import ChunkIndex
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import Seals
from reconciler.repository.store import Store
from reconciler.repository.take import Surroundings


class Side(Struct, frozen=True):
    """A repository as a copier sees it."""

    store: Store
    seals: Seals
    record: Callable[[str], RootRecord]
    """The root of a snapshot. Raises NoSuchSnapshot, Damaged."""
    index: Callable[[], ChunkIndex]
    """Loaded anew at each call."""

    def fetcher(self) -> Fetcher:
        return Fetcher(self.store, self.seals, self.index())


class Copier:
    """Used by one thread."""

    def __init__(self, around: Surroundings, origin: Side, target: Side, there: Iterable[str], compression: tuple[str, int | None]) -> None:
        """``around`` and ``target``: the repository that is written; ``there``: the snapshots in it that can be read."""
        self._around = around
        self._origin = origin
        self._target = target
        self._there = list(there)
        self._compression = compression
        self._fetcher: Fetcher | None = None

    def copy(self, snapshot: str) -> Copied:
        """Copy one snapshot unless it is there."""
        if self._around.store.find(f"snapshots/{snapshot}") is not None:
            return Copied(snapshot, None, 0, 0, 0, 0, 0.0)
        try:
            record = self._origin.record(snapshot)
        except Damaged as error:
            raise OriginDamaged(
                f"snapshot {snapshot} cannot be copied from {self._origin.store.url}: {error.message}",
                snapshot=snapshot,
                object=f"snapshots/{snapshot}",
            ) from error
        try:
            return self._copy(record, again=False)
        except OriginDamaged as error:
            if not isinstance(error.__cause__, ObjectMissing):
                raise
            return self._copy(record, again=True)  # a clean-up may have moved it into another pack since the index was read

    def _copy(self, record: RootRecord, *, again: bool) -> Copied:
        if self._fetcher is None or again:
            self._fetcher = self._origin.fetcher()
        copied = copy(self._around, self._origin.store.url, self._fetcher, record, self._pairs(record), self._compression)
        self._there.append(record.id)
        return copied

    def _pairs(self, record: RootRecord) -> list[Pair]:
        """The leftover of a killed copy of this very snapshot, and the nearest one that both sides hold."""
        left = leftover(self._around.store, self._around.seals, record)
        pairs = [Pair(record, left)] if left is not None else []
        ours = [self._target.record(snapshot) for snapshot in self._there]
        alike = [each for each in ours if (each.realm, each.system) == (record.realm, record.system)]
        for each in sorted(alike, key=lambda root: abs(root.as_of - record.as_of)):
            try:
                return [*pairs, Pair(self._origin.record(each.id), each)]
            except (NoSuchSnapshot, Damaged):
                continue  # then beside the next nearest one
        return pairs
