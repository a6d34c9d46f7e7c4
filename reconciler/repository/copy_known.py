"""What a copier knows without reading content: which chunk of the origin is which chunk of the target.

A *pair* is one snapshot as both repositories hold it: an older copy, or the checkpoint that a killed copy left. Its manifests list the same
entries in the same order, so they are walked side by side with the snapshot under way. Memory holds one folder of each and a bounded table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from reconciler.repository.entries import Cold, decode_colds, decode_rows
from reconciler.repository.errors import BaseUnusable, Damaged, ObjectMissing
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import OBJECT_BYTES_MAX
from reconciler.repository.index import ChunkIndex
from reconciler.repository.manifest import BaseCursor, BaseFolder, block_refs
from reconciler.repository.root import RootRecord, unseal_root
from reconciler.repository.seal import Seals
from reconciler.repository.store import Store
from reconciler.tree.entry import Row

_TABLE_MAX = 200_000  # about 45 MB


class Pair(Struct, frozen=True):
    """The same snapshot twice."""

    origin: RootRecord
    target: RootRecord


class Known:
    """One per copy. Folders must be looked at in walk order."""

    def __init__(self, pairs: Sequence[Pair], index: ChunkIndex, origin: Fetcher, target: Fetcher) -> None:
        """``index``: what the target holds for certain; nothing else is ever answered."""
        self._index = index
        self._table: dict[bytes, bytes] = {}
        self._pairs = [_Beside(pair, origin, target) for pair in pairs]

    def look_at(self, path: bytes) -> None:
        """Learn what the pairs say about the files of this folder."""
        for pair in self._pairs:
            for (row, here), (same, there) in pair.files(path):
                if row == same and len(here.chunks) == len(there.chunks) and here.sha256 == there.sha256:
                    for start in range(0, len(here.chunks), 32):
                        self.learn(here.chunks[start : start + 32], there.chunks[start : start + 32])

    def learn(self, chunk: bytes, there: bytes) -> None:
        if len(self._table) >= _TABLE_MAX:
            self._table.clear()
        self._table[chunk] = there

    def find(self, chunk: bytes) -> bytes | None:
        """The id in the target, when that holds the chunk or will hold it at the end of this run."""
        there = self._table.get(chunk)
        return there if there is not None and there in self._index else None


class _Beside:
    """The two manifests of a pair; one that cannot be read teaches nothing more."""

    def __init__(self, pair: Pair, origin: Fetcher, target: Fetcher) -> None:
        self._sides = ((pair.origin, origin), (pair.target, target))
        self._cursors: list[BaseCursor] | None = None
        self._usable = True

    def files(self, path: bytes) -> Iterable[tuple[tuple[Row, Cold], tuple[Row, Cold]]]:
        """The files of a folder, each as the two sides list it."""
        if not self._usable:
            return ()
        try:
            if self._cursors is None:
                self._cursors = [BaseCursor(list(block_refs(record, fetcher)), fetcher) for record, fetcher in self._sides]
            here, there = (cursor.seek(path) for cursor in self._cursors)
            return list(zip(_files(here), _files(there), strict=False)) if here is not None and there is not None else ()
        except (BaseUnusable, Damaged, ObjectMissing):
            self._usable = False  # the content is read instead
            return ()


def _files(folder: BaseFolder) -> Iterator[tuple[Row, Cold]]:
    for piece in folder.pieces:
        yield from zip(decode_rows(piece.hot), decode_colds(piece.cold), strict=False)


def leftover(store: Store, seals: Seals, record: RootRecord) -> RootRecord | None:
    """What a killed copy of the same snapshot left in the target: the largest of its pending roots."""
    found = []
    for each in store.list("pending"):
        try:
            pending = unseal_root(seals, each.name, store.get(each.name, OBJECT_BYTES_MAX))
        except (Damaged, ObjectMissing):
            continue  # it ended meanwhile, or it is of no help
        if _origins(pending) == _origins(record):
            found.append(pending)
    return max(found, key=lambda pending: (len(pending.lists), len(pending.blocks)), default=None)


def _origins(record: RootRecord) -> tuple[object, ...]:
    """What tells one snapshot from every other but its id."""
    return record.realm, record.system, record.host, record.writer, record.sequence, record.previous, record.as_of, record.ended
