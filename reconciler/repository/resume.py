"""Continues a backup that was killed: its last checkpoint is a root of what it had listed so far, and the next run compares with it.

Only for a run without a base, which would read everything again; a killed incremental has its base. What the checkpoint lists was read by
an attempt at the same backup not long before, so a full that continues it has read every byte still.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from reconciler.repository.entries import decode_colds
from reconciler.repository.errors import Damaged, ObjectMissing
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import OBJECT_BYTES_MAX
from reconciler.repository.index import ChunkIndex
from reconciler.repository.manifest import block_refs, read_block
from reconciler.repository.request import TakeRequest
from reconciler.repository.root import Root, RootRecord, to_micros, unseal_root
from reconciler.repository.seal import Seals
from reconciler.repository.store import Readable

RESUMABLE: Final = timedelta(days=1)  # since the checkpoint: later, "every byte was read" would say too much


def last_checkpoint(store: Readable, seals: Seals, request: TakeRequest, snapshots: Iterable[Root]) -> RootRecord | None:
    """The newest checkpoint of the very backup that ``request`` asks for, unless one of ``snapshots`` ended after it."""
    newest: RootRecord | None = None
    for found in list(store.list("pending")):
        try:
            record = unseal_root(seals, found.name, store.get(found.name, OBJECT_BYTES_MAX))
        except (Damaged, ObjectMissing):
            continue  # published or withdrawn meanwhile; a damaged one is found by a check
        if _is_of(record, request) and (newest is None or record.ended > newest.ended):
            newest = record
    if newest is None or any(to_micros(each.ended_at) >= newest.ended for each in snapshots if _subject(each) == _subject(newest)):
        return None
    return newest


def _is_of(record: RootRecord, request: TakeRequest) -> bool:
    age = timedelta(microseconds=to_micros(request.as_of) - record.ended)
    return (
        record.checkpoint > 0
        and bool(record.blocks)
        and record.parent is None
        and timedelta(0) <= age <= RESUMABLE
        and _subject(record) == (request.realm, request.system)
        and (record.host, record.kind) == (request.host, request.kind)
        and (tuple(record.paths), tuple(record.checksums)) == (request.paths, request.checksums)
    )


def _subject(record: Root | RootRecord) -> tuple[str, str]:
    return record.realm, record.system


def is_whole(record: RootRecord, fetcher: Fetcher, index: ChunkIndex) -> bool:
    """Whether everything that a root lists is in the index: a clean-up owes nothing to a checkpoint that did not know its record."""
    try:
        refs = list(block_refs(record, fetcher))
        fetcher.expect((ref.id for ref in refs), once=True)
        for ref in refs:
            for piece in read_block(fetcher, ref):
                for cold in decode_colds(piece.cold):
                    if any(index.find(cold.chunks[at : at + 32]) is None for at in range(0, len(cold.chunks), 32)):
                        return False
    except (Damaged, ObjectMissing):
        return False
    return True
