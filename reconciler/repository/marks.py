"""Marks: what is learned about a snapshot or a pack later is a small immutable object ``marks/<snapshot or pack>/<random>``."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from reconciler.base.ids import new_id
from reconciler.base.wire import UNREADABLE
from reconciler.repository.errors import Damaged, ObjectMissing
from reconciler.repository.format import Type
from reconciler.repository.root import from_micros, to_micros
from reconciler.repository.seal import Seals
from reconciler.repository.store import Readable, Store

_LIMIT = 64 * 1024
_PACK_DIGITS = 64
READ = "read"


class _Stored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    kind: str
    at: int
    note: str
    until: int | None = None


class MarkRecord(Struct, frozen=True, array_like=True):
    """One mark. ``kind``: verified, checked, suspect, damaged, drilled, held, remove; readers keep kinds that they do not know."""

    kind: str
    at: datetime
    note: str
    until: datetime | None = None
    """Of a hold: when it ends by itself."""


def write_mark(store: Store, seals: Seals, about: str, mark: MarkRecord) -> str:
    """``about``: id of a snapshot, or the 64 digits of a pack. Durable when this returns; its name."""
    name = f"marks/{about}/{new_id()}"
    stored = _Stored(kind=mark.kind, at=to_micros(mark.at), note=mark.note, until=None if mark.until is None else to_micros(mark.until))
    store.put(name, seals.seal_object(Type.MARK, name, msgspec.msgpack.encode(stored)))
    store.barrier()
    return name


def drop_marks(store: Store, seals: Seals, about: str, kind: str, until: datetime | None = None, kept: str = "") -> None:
    """Remove marks of one kind; what cannot be read stays. ``kept``: one that says it better than those of moments up to ``until``."""
    for found in list(store.list(f"marks/{about}")):
        if found.name == kept:
            continue
        try:
            mark = read_mark(store, seals, found.name)
        except (Damaged, ObjectMissing):
            continue  # a listing names it
        if mark.kind == kind and (until is None or mark.at <= until):
            store.delete(found.name)


def read_mark(store: Readable, seals: Seals, name: str) -> MarkRecord:
    """Raises Damaged naming it."""
    plain = seals.unseal_object(Type.MARK, name, store.get(name, _LIMIT))
    try:
        stored = msgspec.msgpack.decode(plain, type=_Stored)
        until = None if stored.until is None else from_micros(stored.until)
        return MarkRecord(stored.kind, from_micros(stored.at), stored.note, until)
    except UNREADABLE as error:
        raise Damaged(f"{name} cannot be read", object=name) from error


def is_about_pack(name: str) -> bool:
    """Whether a mark of this name concerns a pack."""
    return len(name.split("/")[1]) == _PACK_DIGITS


def is_about_snapshot(name: str) -> bool:
    """Readings stand among the marks, too; see ``readings.py``."""
    return not is_about_pack(name) and name.split("/")[1] != READ


def distrusted_packs(store: Readable) -> frozenset[bytes]:
    """Packs in which a verification found damage. A mark that cannot be read counts: doubt stores once more."""
    packs = [name for name in store.folders("marks") if len(name) == _PACK_DIGITS]  # the folders of ten thousand snapshots stay closed
    return frozenset(bytes.fromhex(pack) for pack in packs if any(True for _ in store.list(f"marks/{pack}")))
