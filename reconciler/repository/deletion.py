"""Deletion records: what a clean-up condemned. A record is permanent, and a condemned pack is never used again.

Written by the clean-up only; here they are read, because every writer must respect them: before it starts it leaves condemned packs out
of its index, and after its pending root is durable it looks once more. Each side writes its own flag before it reads the other's, so one of
the two always sees the other, without clocks or locks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from reconciler.base.ids import new_id
from reconciler.repository.errors import Damaged, ObjectMissing, RepositoryError
from reconciler.repository.format import FORMAT, OBJECT_BYTES_MAX, Type
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


def read_deletion_records(store: Store, seals: Seals) -> dict[str, DeletionRecord]:
    """Every record by its name. Raises Damaged: without all of them nobody knows what may be relied on."""
    return {found.name: _read(store, seals, found.name) for found in store.list("gc")}


def deletion_records(store: Store, seals: Seals) -> dict[str, frozenset[bytes]]:
    """Name of each record, and the packs it condemns."""
    return {name: frozenset(record.packs) for name, record in read_deletion_records(store, seals).items()}


def legible_records(store: Store, seals: Seals) -> tuple[dict[str, frozenset[bytes]], tuple[RepositoryError, ...]]:
    """For those who only read: the records that can be read, and what is wrong with the others.

    Each stands for packs that had better be read elsewhere, and nothing more: a rotten one must not take every snapshot away.
    """
    records: dict[str, frozenset[bytes]] = {}
    damage: list[RepositoryError] = []
    for found in store.list("gc"):
        try:
            records[found.name] = frozenset(_read(store, seals, found.name).packs)
        except (Damaged, ObjectMissing) as error:
            records[found.name] = frozenset()
            damage.append(error)
    return records, tuple(damage)


def _read(store: Store, seals: Seals, name: str) -> DeletionRecord:
    plain = seals.unseal_object(Type.DELETION, name, store.get(name, OBJECT_BYTES_MAX))
    try:
        return msgspec.msgpack.decode(plain, type=DeletionRecord)
    except UNREADABLE as error:
        raise Damaged(f"{name} cannot be read", object=name) from error


def write_deletion_record(store: Store, seals: Seals, known: Iterable[str], packs: Iterable[bytes], indexes: Iterable[str]) -> str:
    """The point of no return: durable when this returns. Its name is new, whoever else writes one at the same time."""
    sequence = max((int(name.split("/")[1].partition("-")[0]) for name in known), default=0) + 1
    name = f"gc/{sequence:08d}-{new_id()}"
    record = DeletionRecord(format=FORMAT, packs=sorted(packs), indexes=sorted(indexes))
    store.put(name, seals.seal_object(Type.DELETION, name, msgspec.msgpack.encode(record)))
    store.barrier()
    return name


def condemned_packs(records: Mapping[str, frozenset[bytes]]) -> frozenset[bytes]:
    return frozenset().union(*records.values())
