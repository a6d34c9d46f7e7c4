"""Deletion records: what a clean-up condemned. A record is permanent, and a condemned pack is never used again.

Written by the clean-up only; here they are read, because every writer must respect them: before it starts it leaves condemned packs out
of its index, and after its pending root is durable it looks once more. Each side writes its own flag before it reads the other's, so one of
the two always sees the other, without clocks or locks.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from reconciler.repository.errors import Damaged
from reconciler.repository.format import OBJECT_BYTES_MAX, Type
from reconciler.repository.seal import Seals
from reconciler.repository.store import Store
from reconciler.repository.wire import UNREADABLE


class DeletionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`gc/<sequence>-<run id>` as stored."""

    format: int
    packs: list[bytes]
    """SHA-256 names of condemned packs."""
    indexes: list[str]
    """Index objects that the same run superseded."""


def deletion_records(store: Store, seals: Seals) -> dict[str, frozenset[bytes]]:
    """Name of each record, and the packs it condemns."""
    records = {}
    for found in store.list("gc"):
        plain = seals.unseal_object(Type.DELETION, found.name, store.get(found.name, OBJECT_BYTES_MAX))
        try:
            record = msgspec.msgpack.decode(plain, type=DeletionRecord)
        except UNREADABLE as error:
            raise Damaged(f"{found.name} cannot be read", object=found.name) from error
        records[found.name] = frozenset(record.packs)
    return records


def condemned_packs(records: Mapping[str, frozenset[bytes]]) -> frozenset[bytes]:
    return frozenset().union(*records.values())
