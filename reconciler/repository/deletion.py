"""Deletion records: what a clean-up condemned. A record is permanent, and a condemned pack is never used again.

Written by the clean-up only; here they are read, because every writer must respect them: before it starts it leaves condemned packs out
of its index, and after its pending root is durable it looks once more. Each side writes its own flag before it reads the other's, so one of
the two always sees the other, without clocks or locks.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import partial

import msgspec

from reconciler.base.ids import new_id
from reconciler.base.wire import UNREADABLE
from reconciler.repository.abreast import abreast
from reconciler.repository.errors import Damaged, ObjectMissing, RepositoryError
from reconciler.repository.format import FORMAT, OBJECT_BYTES_MAX, Type
from reconciler.repository.seal import Seals
from reconciler.repository.store import Readable, Store


class DeletionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`gc/<sequence>-<run id>` as stored."""

    format: int
    packs: list[bytes]
    """SHA-256 names of condemned packs."""
    indexes: list[str]
    """Index objects that the same run superseded."""


def read_deletion_records(store: Readable, seals: Seals, known: Container[str] = ()) -> dict[str, DeletionRecord]:
    """Every record by its name, but for ``known`` ones. Raises Damaged: without all of them nobody knows what may be relied on."""
    names = [found.name for found in store.list("gc") if found.name not in known]
    return dict(zip(names, abreast(store, partial(_read, store, seals), names), strict=True))


def deletion_records(store: Readable, seals: Seals, known: Container[str] = ()) -> dict[str, frozenset[bytes]]:
    """Name of each record, and the packs it condemns. ``known``: names that are left out; a record never changes."""
    return {name: frozenset(record.packs) for name, record in read_deletion_records(store, seals, known).items()}


def legible_records(store: Readable, seals: Seals) -> tuple[dict[str, frozenset[bytes]], tuple[RepositoryError, ...]]:
    """For those who only read: the records that can be read, and what is wrong with the others.

    Each stands for packs that had better be read elsewhere, and nothing more: a rotten one must not take every snapshot away.
    """
    records: dict[str, frozenset[bytes]] = {}
    damage: list[RepositoryError] = []
    names = [found.name for found in store.list("gc")]
    for name, record in zip(names, abreast(store, partial(_read_or_why, store, seals), names), strict=True):
        if isinstance(record, DeletionRecord):
            records[name] = frozenset(record.packs)
        else:
            records[name] = frozenset()
            damage.append(record)
    return records, tuple(damage)


def _read_or_why(store: Readable, seals: Seals, name: str) -> DeletionRecord | RepositoryError:
    try:
        return _read(store, seals, name)
    except (Damaged, ObjectMissing) as error:
        return error


def _read(store: Readable, seals: Seals, name: str) -> DeletionRecord:
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
