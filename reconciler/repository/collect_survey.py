"""Everything that a clean-up must know, read from the repository in an order that misses nothing.

Deletion records, then roots (pending before acknowledged), then the index, then the packs themselves. So a root that is seen finds its
packs in the index that is read after it, and a pack that is seen condemned was condemned before the roots were listed.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from reconciler.repository.collect_live import LiveChunks
from reconciler.repository.collect_move import moves_whole
from reconciler.repository.collect_plan import SurveyedPack
from reconciler.repository.deletion import DeletionRecord, read_deletion_records
from reconciler.repository.errors import CleanUpRefused, ObjectMissing
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import OBJECT_BYTES_MAX
from reconciler.repository.index import ChunkIndex, read_index_object
from reconciler.repository.marks import distrusted_packs
from reconciler.repository.pack import PackEntry, read_directory
from reconciler.repository.root import unseal_root
from reconciler.repository.roots import RootNames, list_roots
from reconciler.repository.seal import Seals
from reconciler.repository.store import Found, Store

_DIGITS = 64


class Survey(Struct):
    """One look at a whole repository. Raises nothing later: whatever could not be read stopped :func:`survey`."""

    records: dict[str, DeletionRecord]
    condemned: frozenset[bytes]
    roots: RootNames
    described: dict[str, tuple[list[bytes], int]] = field(default_factory=dict)
    """Of each index object: its packs, and how many chunks it lists."""
    entries: dict[bytes, PackEntry] = field(default_factory=dict)
    """Packs that may be relied on: indexed, there, not condemned; those that nobody doubts first."""
    missing: dict[bytes, PackEntry] = field(default_factory=dict)
    doomed: dict[bytes, PackEntry] = field(default_factory=dict)
    """Condemned packs that are still there, by their own directories."""
    found: dict[bytes, Found] = field(default_factory=dict)
    doubted: frozenset[bytes] = frozenset()
    held: frozenset[bytes] = frozenset()
    homes: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    """Where each live chunk stays: pack and number of the segment in it."""
    index: ChunkIndex = field(default_factory=ChunkIndex)
    live: LiveChunks = field(default_factory=LiveChunks)

    @property
    def homeless(self) -> set[bytes]:
        """Live chunks that only condemned packs hold."""
        return self.live.chunks - self.homes.keys()

    def packs(self, now: datetime) -> list[SurveyedPack]:
        """Every pack, there or only named, with what is needed of it."""
        surveyed = []
        for pack in self.found.keys() | self.missing.keys():
            found, entry = self.found.get(pack), self.entries.get(pack)
            named = entry or self.missing.get(pack)
            surveyed.append(
                SurveyedPack(
                    pack,
                    found.size if found is not None else named.size if named is not None else 0,
                    sum(self.live_bytes(entry)) if entry is not None else 0,
                    now - found.stored_at if found is not None else now - now,
                    exists=found is not None,
                    indexed=named is not None,
                    condemned=pack in self.condemned,
                    doubted=pack in self.doubted,
                    held=pack in self.held,
                    stored_bytes=sum(segment.stored_bytes for segment in named.segments) if named is not None else 0,
                    chunks=_chunks(named) if named is not None else 0,
                )
            )
        return surveyed

    def live_bytes(self, entry: PackEntry) -> list[int]:
        """Of each segment about how many stored bytes would be written again, were the pack to go."""
        result = []
        for number, segment in enumerate(entry.segments):
            needed = sum(length for _, length in self.needed(entry, number))
            if moves_whole(segment, needed):
                result.append(segment.stored_bytes)
            else:
                result.append(max(1, segment.stored_bytes * needed // segment.plain_bytes) if needed else 0)
        return result

    def needed(self, entry: PackEntry, number: int) -> list[tuple[bytes, int]]:
        """Chunks of a segment that have their home here, with their lengths."""
        home = (entry.pack, number)
        return [(chunk, length) for chunk, _, length in entry.segments[number].chunks() if self.homes.get(chunk) == home]


def survey(store: Store, seals: Seals, live: LiveChunks | None = None) -> Survey:
    """Read everything. Raises CleanUpRefused or what the store says when anything is not as it should be: then nothing may be removed.

    ``live``: what an earlier survey of the same run found; blocks that it walked are not read again.
    """
    records = read_deletion_records(store, seals)
    condemned = frozenset(pack for record in records.values() for pack in record.packs)
    seen = Survey(records, condemned, list_roots(store), live=live or LiveChunks())
    if not seen.roots.acknowledged:
        raise CleanUpRefused(
            f"no snapshot is listed in {store.url}; a clean-up would remove everything",
            hint="Is it the right place, and is it mounted? What is not needed at all any more can be removed as a whole.",
        )
    seen.held = _held(store)
    seen.doubted = distrusted_packs(store)
    _read_index(seen, store, seals)
    _walk(seen, store, seals)
    return seen


def _held(store: Store) -> frozenset[bytes]:
    held = set()
    for found in store.list("holds"):
        name = found.name.rsplit("/", 1)[-1]
        if len(name) != _DIGITS or set(name) - set("0123456789abcdef"):
            raise CleanUpRefused(f"{found.name} holds something that this version does not know; nothing is removed")
        held.add(bytes.fromhex(name))
    return frozenset(held)


def _read_index(seen: Survey, store: Store, seals: Seals) -> None:
    named: dict[bytes, PackEntry] = {}
    replaced = {name for record in seen.records.values() for name in record.indexes}
    current: set[bytes] = set()
    """Packs that index objects name which no record replaced: one that is replaced and locked may go on naming what went."""
    for found in store.list("index"):
        described = read_index_object(store, seals, found.name)
        seen.described[found.name] = ([entry.pack for entry in described.packs], sum(_chunks(entry) for entry in described.packs))
        named.update((entry.pack, entry) for entry in described.packs)
        current |= {entry.pack for entry in described.packs} if found.name not in replaced else set()
    for found in store.list("packs"):
        seen.found[_digest(found)] = found
    for pack, entry in named.items():
        there = seen.found.get(pack)
        if there is None:
            if pack in current or pack not in seen.condemned:
                seen.missing[pack] = entry
        elif there.size != entry.size:
            raise CleanUpRefused(f"{entry.name} has {there.size} bytes instead of {entry.size}; nothing is removed", object=entry.name)
    usable = [entry for pack, entry in named.items() if pack in seen.found and pack not in seen.condemned]
    for entry in sorted(usable, key=lambda each: (each.pack in seen.doubted, -each.size, each.pack)):
        seen.entries[entry.pack] = entry
        seen.index.add(entry, seals)
    for pack in sorted(seen.condemned & seen.found.keys()):
        found = seen.found[pack]
        seen.doomed[pack] = entry = read_directory(store, seals, found.name, found.size)
        seen.index.add(entry, seals)


def _walk(seen: Survey, store: Store, seals: Seals) -> None:
    fetcher = Fetcher(store, seals, seen.index)
    for found in seen.roots.acknowledged:
        try:
            data = store.get(found.name, OBJECT_BYTES_MAX)
        except ObjectMissing:
            if store.find(found.name) is not None:
                raise
            continue  # forgotten a moment ago
        seen.live.add(found.name, unseal_root(seals, found.name, data), fetcher, seen.index.__contains__, withdrawn=False)
    for name, data in seen.roots.contents.items():
        record = unseal_root(seals, name, data)
        withdrawn = not seen.records.keys() <= set(record.gc_seen)
        seen.live.add(name, record, fetcher, seen.index.__contains__, withdrawn=withdrawn)
    needed = seen.live.chunks
    for entry in seen.entries.values():
        for number, segment in enumerate(entry.segments):
            for chunk, _, _ in segment.chunks():
                if chunk in needed:
                    seen.homes.setdefault(chunk, (entry.pack, number))


def _digest(found: Found) -> bytes:
    try:
        return bytes.fromhex(found.name.rsplit("/", 1)[-1])
    except ValueError:
        raise CleanUpRefused(f"{found.name} is not the name of a pack; nothing is removed", object=found.name) from None


def _chunks(entry: PackEntry) -> int:
    return sum(len(segment.ids) // 32 for segment in entry.segments)
