"""Takes over what a killed run left: packs that are durable and that no index object names yet.

Their directories say what is in them. The writer that takes them over names them in an index object of its own before any root does;
from then on they are packs like any other, and a clean-up that condemns one meanwhile is met by the look at its records that every writer
takes before it publishes. A clean-up itself never relies on a pack without index: nobody else would find what it holds there.

They may be those of a run that is still alive. Then two index objects name them, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.repository.errors import Damaged, ObjectMissing
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Type
from reconciler.repository.index import ChunkIndex, places_of, unindexed_packs
from reconciler.repository.pack import PackEntry
from reconciler.repository.seal import Seals
from reconciler.repository.store import Readable, Store


def adopt(store: Store, place: Readable, seals: Seals, avoided: frozenset[bytes], *, thorough: bool) -> Iterator[PackEntry]:
    """Packs without index except ``avoided`` ones, read back as a run reads back its own; durable with the next barrier of the store.

    ``place``: what lists the packs. ``thorough``: their data, too.
    One that does not read back is left alone: nobody needs it, and the next clean-up takes it.
    """
    fetcher = Fetcher(store, seals, ChunkIndex())
    for entry in unindexed_packs(place, seals, avoided, []):
        try:
            _read_back(entry, seals, fetcher, thorough=thorough)
        except (Damaged, ObjectMissing):
            continue  # as the docstring says: left to the next clean-up
        store.settle(entry.name)
        yield entry


def _read_back(entry: PackEntry, seals: Seals, fetcher: Fetcher, *, thorough: bool) -> None:
    for place, segment in zip(places_of(entry, seals), entry.segments, strict=True):
        if thorough or segment.kind != Type.DATA:
            view = memoryview(fetcher.read_place(place))
            for chunk, offset, length in segment.chunks():
                if seals.chunk_id(Type(segment.kind), view[offset : offset + length]) != chunk:
                    raise Damaged(f"chunk {chunk.hex()[:16]} in {entry.name} is not what its id says", object=entry.name)
