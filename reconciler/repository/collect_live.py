"""Which chunks the roots of a repository need: each block of a manifest is read once, however many snapshots share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.repository.entries import BlockRef, decode_colds, decode_list
from reconciler.repository.errors import ObjectMissing
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Type
from reconciler.repository.manifest import read_block
from reconciler.repository.root import RootRecord


class LiveChunks:
    """All chunks that some root needs. It only grows: a root that was forgotten meanwhile keeps its data until the next clean-up."""

    def __init__(self) -> None:
        self.chunks: set[bytes] = set()
        self._walked: set[bytes] = set()
        self._roots: set[str] = set()

    def add(self, name: str, record: RootRecord, fetcher: Fetcher, exists: Callable[[bytes], bool], *, withdrawn: bool) -> None:
        """Everything below one root. Raises Damaged or ObjectMissing when something of it cannot be found.

        ``withdrawn``: its writer did not know every deletion record when it began. Either it looks again before it acknowledges, or
        it has looked already and somebody saves what it needs; so what is missing of such a root is no error, and is looked for again.
        """
        if name in self._roots:
            return
        walked: set[bytes] = set()
        whole = True
        try:
            needed = self._walk(record, fetcher, walked)
        except ObjectMissing:
            if not withdrawn:
                raise
            needed, whole = {ref.id for ref in (*record.lists, *record.blocks)}, False
        missing = [chunk for chunk in needed if not exists(chunk)]
        if missing and not withdrawn:
            raise ObjectMissing(f"{name} needs chunk {missing[0].hex()[:16]}, which is in no pack", object=name)
        self.chunks |= needed.difference(missing)
        if whole and not missing:
            self._walked |= walked
            self._roots.add(name)  # only then: what is missing may be on its way, and the second survey must look for it

    def _walk(self, record: RootRecord, fetcher: Fetcher, walked: set[bytes]) -> set[bytes]:
        needed = {outer.id for outer in record.lists}
        for ref in _refs(record, fetcher):
            if ref.id in self._walked or ref.id in walked:
                continue
            needed.add(ref.id)
            for piece in read_block(fetcher, ref):
                for cold in decode_colds(piece.cold):
                    needed.update(cold.chunks[start : start + 32] for start in range(0, len(cold.chunks), 32))
            walked.add(ref.id)
        return needed


def _refs(record: RootRecord, fetcher: Fetcher) -> Iterator[BlockRef]:
    yield from record.blocks
    for outer in record.lists:
        yield from decode_list(fetcher.chunk(Type.BLOCKS, outer.id), f"the block list {outer.id.hex()[:16]}")
