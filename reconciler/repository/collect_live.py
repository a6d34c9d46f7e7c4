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

        ``withdrawn``: its writer did not know every deletion record, so it looks again before it acknowledges; what is
        missing of such a root is not an error, for it will not be acknowledged as it stands.
        """
        if name in self._roots:
            return
        walked: set[bytes] = set()
        try:
            needed = self._walk(record, fetcher, walked)
        except ObjectMissing:
            if not withdrawn:
                raise
            needed, walked = {ref.id for ref in (*record.lists, *record.blocks)}, set()
        missing = [chunk for chunk in needed if not exists(chunk)]
        if missing and not withdrawn:
            raise ObjectMissing(f"{name} needs chunk {missing[0].hex()[:16]}, which is in no pack", object=name)
        if not missing:
            self._walked |= walked
        self.chunks |= needed.difference(missing)
        self._roots.add(name)

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
