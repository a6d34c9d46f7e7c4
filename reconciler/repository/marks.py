"""Marks: what is learned about a snapshot later is a small immutable object ``marks/<snapshot>/<random>``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from reconciler.base.ids import new_id
from reconciler.repository.errors import Damaged
from reconciler.repository.format import Type
from reconciler.repository.root import from_micros, to_micros
from reconciler.repository.seal import Seals
from reconciler.repository.store import Store

_LIMIT = 64 * 1024


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    at: int
    note: str


@dataclass(frozen=True, slots=True)
class MarkRecord:
    """One mark. ``kind``: verified, suspect, damaged, held, remove; readers keep kinds that they do not know."""

    kind: str
    at: datetime
    note: str


def write_mark(store: Store, seals: Seals, snapshot: str, mark: MarkRecord) -> None:
    """Durable when this returns."""
    name = f"marks/{snapshot}/{new_id()}"
    stored = _Stored(kind=mark.kind, at=to_micros(mark.at), note=mark.note)
    store.put(name, seals.seal_object(Type.MARK, name, msgspec.msgpack.encode(stored)))
    store.barrier()


def read_mark(store: Store, seals: Seals, name: str) -> MarkRecord:
    """Raises Damaged naming it."""
    plain = seals.unseal_object(Type.MARK, name, store.get(name, _LIMIT))
    try:
        stored = msgspec.msgpack.decode(plain, type=_Stored)
        return MarkRecord(stored.kind, from_micros(stored.at), stored.note)
    except (msgspec.MsgspecError, OverflowError) as error:
        raise Damaged(f"{name} cannot be read", object=name) from error
