"""Keeps locked what a snapshot relies on, where a place locks what it holds.

An object is locked for longer than was promised (its slack), and again only once less is left than was promised. So a pack that
each backup relies on costs one question in that time and not one in each backup. Which objects are short is known from earlier
runs on this machine; what this machine does not know is asked of the place.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from datetime import datetime

from reconciler.repository.abreast import abreast
from reconciler.repository.collect_live import LiveChunks
from reconciler.repository.deletion import read_deletion_records
from reconciler.repository.fetch import Fetcher
from reconciler.repository.index import ChunkIndex
from reconciler.repository.pack import pack_name
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import Seals
from reconciler.repository.store import Locking, Store


def locked_until(store: Store, names: Iterable[str], now: datetime) -> dict[str, datetime]:
    """Of those that are locked now: until when, as the place says."""
    if not isinstance(store, Locking):
        return {}
    asked = list(names)
    dates = zip(asked, abreast(store, store.locked_until, asked), strict=True)
    return {name: until for name, until in dates if until is not None and until > now}


def keep_locked(
    store: Store,
    seals: Seals,
    record: RootRecord,
    fetcher: Fetcher,
    index: ChunkIndex,
    known: MutableMapping[str, datetime],
    now: datetime,
    published: bool,
) -> bool:
    """Everything below ``record`` stays locked for as long as was promised, from ``now`` on. Returns whether anything was asked for it.

    ``known``: dates from earlier runs. They are only ever made later, so one that is out of date is never too good. ``published``: the
    root is there already.
    """
    if not isinstance(store, Locking):
        return False
    wanted = now + store.terms.retain
    short = {name for name in map(pack_name, index.packs) if known.get(name, now) < wanted}
    if short:
        short &= set(map(pack_name, _packs(record, fetcher, index)))
    replaced = {name for each in read_deletion_records(store, seals).values() for name in each.indexes}
    others = {found.name for folder in ("index", "keys", "config", "gc") for found in store.list(folder)} | {"header"}
    others |= {f"snapshots/{record.id}"} if published else set()
    names = sorted(short | {name for name in others - replaced if known.get(name, now) < wanted})
    dates = dict(zip(names, abreast(store, store.locked_until, names), strict=True))
    late = [name for name in names if (dates[name] or now) < wanted]
    known.update({name: until for name, until in dates.items() if until is not None})
    known.update(zip(late, abreast(store, store.lock, late), strict=True))
    return bool(names)


def _packs(record: RootRecord, fetcher: Fetcher, index: ChunkIndex) -> set[bytes]:
    live = LiveChunks()
    live.add("the snapshot", record, fetcher, index.__contains__, withdrawn=False)
    found = (index.find(chunk) for chunk in live.chunks)
    return {index.segment(position.segment).pack for position in found if position is not None}
