"""What a writer does when a clean-up condemned packs that its new root relies on: it copies what it needs while that is still there.

A condemned pack is never used again, so the copy goes into a new pack, which is indexed. When some of it is gone already, the run ends
with Collected, and its caller reads the source again.
"""

from __future__ import annotations

from reconciler.repository.collect_live import LiveChunks
from reconciler.repository.collect_move import Mover, each_once
from reconciler.repository.errors import Collected, Damaged, ObjectMissing
from reconciler.repository.fetch import Fetcher
from reconciler.repository.index import ChunkIndex, load_index, write_index_objects
from reconciler.repository.pack import PackEntry, read_directory
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import Seals
from reconciler.repository.store import Store


def lacking(store: Store, seals: Seals, record: RootRecord, index: ChunkIndex) -> set[bytes]:
    """Chunks below ``record`` that ``index`` does not know; those that are still in some pack are read on the way.

    Raises Collected when the list of files itself cannot be read any more.
    """
    everything, _ = load_index(store, seals, unindexed=True)
    live = LiveChunks()
    try:
        live.add("the new snapshot", record, Fetcher(store, seals, everything), lambda _chunk: True, withdrawn=False)
    except (ObjectMissing, Damaged) as error:
        raise Collected("a clean-up removed a part of the list of files of this backup", system=record.system) from error
    return {chunk for chunk in live.chunks if chunk not in index}


def rescue(store: Store, seals: Seals, wanted: set[bytes], condemned: frozenset[bytes], system: str) -> list[PackEntry]:
    """New packs with ``wanted``, copied from condemned ones: durable, read back and indexed. Raises Collected when some of it is gone."""
    left = set(wanted)
    mover = Mover(store, seals)
    try:
        for found in store.list("packs"):
            if left and bytes.fromhex(found.name.rsplit("/", 1)[-1]) in condemned:
                mover.move(read_directory(store, seals, found.name, found.size), each_once(left))
        written = mover.finish()
    except (ObjectMissing, Damaged) as error:
        raise Collected("a clean-up removed data of this backup while it was being saved", system=system) from error
    finally:
        mover.abort()
    if left:
        raise Collected(f"a clean-up removed {len(left)} chunks that this backup had found stored", system=system)
    write_index_objects(store, seals, written)
    store.barrier()
    return written
