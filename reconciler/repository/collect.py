"""The clean-up: removes what no snapshot needs, with no lock and no trust in any clock, whatever else runs at the same time.

1. Survey, plan. What is still needed of packs that go is copied into new packs, and these are indexed.
2. A permanent *deletion record* condemns the packs that go. From now on nobody uses them for anything new, ever.
3. Survey again, after the record is durable. What a root needs and only condemned packs hold is copied, too, whoever condemned them. A root
   that appears later belongs to a writer that looks at the records after publishing and sees this one.
4. Index objects that were replaced are removed, then the condemned packs: also those of earlier runs that did not come to their end.

Whoever dies anywhere leaves nothing that the next run, on any host, would not finish.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct

from reconciler.base.errors import Cancelled
from reconciler.repository.collect_live import LiveChunks
from reconciler.repository.collect_move import Mover, Needed, each_once
from reconciler.repository.collect_plan import ABANDONED, FRESH, PrunePlan, but_locked, decide_fates, freed_bytes, within_half
from reconciler.repository.collect_survey import Survey, survey
from reconciler.repository.deletion import write_deletion_record
from reconciler.repository.errors import CleanUpRefused, ConfirmationNeeded, Damaged, Locked, ObjectMissing
from reconciler.repository.format import INDEX_CHUNKS_SMALL
from reconciler.repository.index import read_index_object, write_index_objects
from reconciler.repository.locks import locked_until
from reconciler.repository.marks import MarkRecord, write_mark
from reconciler.repository.pack import PackEntry
from reconciler.repository.roots import snapshot_of
from reconciler.repository.seal import Seals
from reconciler.repository.store import Store

_INDEXES_MERGED_FROM = 16


class Pruned(Struct, frozen=True):
    """How a clean-up ended."""

    plan: PrunePlan
    removed_packs: int
    removed_bytes: int
    written_bytes: int
    """What was still needed of the removed packs and now stands in new ones."""
    rescued: int
    """Chunks that were needed and stood in condemned packs only."""


class CleanUp:
    """One run; used once. ``stop`` is heeded between two packs: then the next run continues.

    ``gradual``: nobody is there to agree to much at once, so no more than half of all bytes goes, and the rest another time.
    """

    def __init__(self, store: Store, seals: Seals, now: datetime, stop: threading.Event | None = None, *, gradual: bool = False) -> None:
        self._store = store
        self._seals = seals
        self._now = now
        self._stop = stop
        self._gradual = gradual
        self._live = LiveChunks()
        self._written: set[bytes] = set()
        self._written_bytes = 0

    def plan(self) -> PrunePlan:
        """What would be done; nothing changes. Raises CleanUpRefused, or what could not be read."""
        return self._plan(survey(self._store, self._seals, self._live))

    def run(self, confirm: str | None = None) -> Pruned:
        """Plan and do it. ``confirm``: the digest of the plan; without it no more than half of all bytes may go."""
        seen = survey(self._store, self._seals, self._live)
        plan = self._plan(seen)
        _check_confirmed(plan, confirm)
        if plan.empty:
            return Pruned(plan, 0, 0, 0, 0)
        going = _going(plan)
        self._store.try_listing()
        moved = self._copy([seen.entries[_pack(pack.name)] for pack in plan.packs if pack.fate.rewritten], seen.needed)
        self._index([*moved, *_kept_entries(seen, plan.indexes, going)])
        condemned = (going & seen.found.keys()) - seen.condemned
        if condemned or plan.indexes:
            write_deletion_record(self._store, self._seals, seen.records, condemned, plan.indexes)
        after = survey(self._store, self._seals, self._live)
        rescued = self._rescue(after)
        removed, removed_bytes = self._remove(after)
        self._expire(plan.expired)
        return Pruned(plan, removed, removed_bytes, self._written_bytes, rescued)

    def _plan(self, seen: Survey) -> PrunePlan:
        packs = decide_fates(seen.packs(self._now))
        packs = but_locked(packs, locked_until(self._store, [pack.name for pack in packs if not pack.fate.stays], self._now))
        total = sum(found.size for found in seen.found.values())
        if self._gradual:
            packs = within_half(packs, total)
        going = {_pack(pack.name) for pack in packs if not pack.fate.stays}
        return PrunePlan(packs, self._replaced(seen, going), self._leftover(seen), total, freed_bytes(packs))

    def _replaced(self, seen: Survey, going: set[bytes]) -> tuple[str, ...]:
        """Index objects that go. One that a record names already and that is still locked is left alone until it may go."""
        replaced = _replaced(seen, going)
        recorded = {name for record in seen.records.values() for name in record.indexes}.intersection(replaced)
        locked = locked_until(self._store, sorted(recorded), self._now)
        return tuple(name for name in replaced if name not in locked)

    def _leftover(self, seen: Survey) -> tuple[str, ...]:
        """Pending roots that nobody published for a long time, and those that were published and left behind."""
        published = {snapshot_of(found.name) for found in seen.roots.acknowledged}
        limits = [(found, FRESH if snapshot_of(found.name) in published else ABANDONED) for found in seen.roots.pending]
        return tuple(sorted(found.name for found, limit in limits if self._now - found.stored_at >= limit))

    def _copy(self, entries: Iterable[PackEntry], needed: Callable[[PackEntry, int], Needed]) -> list[PackEntry]:
        """New packs with what is needed of ``entries``, durable and read back. A pack that turns out damaged is marked so."""
        mover = Mover(self._store, self._seals)
        try:
            for entry in entries:
                self._heed()
                mover.move(entry, needed)
            written = mover.finish()
        except Damaged as error:
            self._doubt(error)
            raise
        finally:
            mover.abort()
        self._written |= {entry.pack for entry in written}
        self._written_bytes += sum(entry.size for entry in written)
        return written

    def _index(self, entries: Iterable[PackEntry]) -> None:
        written = write_index_objects(self._store, self._seals, entries)
        self._store.barrier()
        for name, _ in written:
            read_index_object(self._store, self._seals, name)

    def _rescue(self, seen: Survey) -> int:
        """Copy what only condemned packs hold whole. Returns how many chunks; raises before anything is removed when some are nowhere."""
        wanted = seen.homeless | self._damaged_homes(seen)
        if not wanted:
            return 0
        missing = set(wanted)
        rescued = self._copy(seen.doomed.values(), each_once(missing))
        if missing:
            raise CleanUpRefused(f"{len(missing)} chunks that snapshots need are in no pack of {self._store.url}; nothing was removed")
        self._index(rescued)
        return len(wanted)

    def _damaged_homes(self, seen: Survey) -> set[bytes]:
        """Chunks that condemned packs hold, too, and whose other copy is damaged: the rotten twin must not be the one that stays."""
        relied: dict[tuple[bytes, int], set[bytes]] = {}
        for entry in seen.doomed.values():
            for segment in entry.segments:
                for chunk, _, _ in segment.chunks():
                    home = seen.homes.get(chunk)
                    if home is not None and home[0] not in self._written:
                        relied.setdefault(home, set()).add(chunk)
        damaged: set[bytes] = set()
        mover = Mover(self._store, self._seals)
        try:
            for (pack, number), chunks in sorted(relied.items()):
                self._heed()
                try:
                    if pack not in damaged:
                        mover.check(seen.entries[pack], number, chunks)
                except (Damaged, ObjectMissing) as error:
                    self._doubt(error)
                    damaged.add(pack)
        finally:
            mover.abort()
        return {chunk for (pack, _), chunks in relied.items() if pack in damaged for chunk in chunks}

    def _remove(self, seen: Survey) -> tuple[int, int]:
        """(packs, bytes) that went. Index objects that some record names as replaced, then every condemned pack that is still there."""
        for name in sorted({name for record in seen.records.values() for name in record.indexes} & seen.described.keys()):
            with contextlib.suppress(Locked):  # the record names it as replaced: a later run removes it
                self._store.delete(name)
        marked: dict[str, list[str]] = {}
        for found in self._store.list("marks"):
            marked.setdefault(found.name.split("/")[1], []).append(found.name)
        removed = removed_bytes = 0
        for pack, entry in sorted(seen.doomed.items()):
            self._heed()
            try:
                self._store.delete(entry.name)
            except Locked:  # condemned all the same: a later run removes it
                continue
            removed += 1
            removed_bytes += entry.size
            for name in marked.get(pack.hex(), ()):
                self._store.delete(name)
        return removed, removed_bytes

    def _expire(self, names: Iterable[str]) -> None:
        """Give up abandoned pending roots: tombstone first, then look whether the writer published after all."""
        for name in names:
            snapshot = snapshot_of(name)
            tombstone, final = f"expired/{snapshot}", f"snapshots/{snapshot}"
            if self._store.find(final) is None:
                with contextlib.suppress(FileExistsError):  # a run that was killed put it already
                    self._store.put(tombstone, b"")
                self._store.barrier()
                if self._store.find(final) is not None:
                    self._store.delete(tombstone)
                    continue
            self._store.delete(name)

    def _doubt(self, error: Damaged | ObjectMissing) -> None:
        """Remember a damaged pack: reading and the next plan prefer others."""
        name = str(error.context.get("object", ""))
        if name.startswith("packs/"):
            write_mark(self._store, self._seals, _pack(name).hex(), MarkRecord("damaged", self._now, "found by a clean-up"))

    def _heed(self) -> None:
        if self._stop is not None and self._stop.is_set():
            raise Cancelled("the clean-up was stopped; the next one continues")


def _check_confirmed(plan: PrunePlan, confirm: str | None) -> None:
    if confirm is not None and confirm != plan.digest:
        raise ConfirmationNeeded(f"the plan is {plan.digest} by now, not {confirm}")
    if plan.needs_confirmation and confirm is None:
        share = round(100 * plan.freed_bytes / plan.total_bytes)
        raise ConfirmationNeeded(f"{share} % of all stored bytes would go with plan {plan.digest}; nothing was removed", digest=plan.digest)


def _going(plan: PrunePlan) -> set[bytes]:
    return {_pack(pack.name) for pack in plan.packs if not pack.fate.stays}


def _pack(name: str) -> bytes:
    return bytes.fromhex(name.rsplit("/", 1)[-1])


def _replaced(seen: Survey, going: set[bytes]) -> tuple[str, ...]:
    """Index objects that name a pack that goes, those that a record replaced, and small ones when there are many."""
    replaced = {name for name, (packs, _) in seen.described.items() if going.intersection(packs)}
    replaced |= {name for record in seen.records.values() for name in record.indexes} & seen.described.keys()
    small = {name for name, (_, chunks) in seen.described.items() if chunks < INDEX_CHUNKS_SMALL}
    return tuple(sorted(replaced | small if len(small) >= _INDEXES_MERGED_FROM else replaced))


def _kept_entries(seen: Survey, replaced: Iterable[str], going: set[bytes]) -> list[PackEntry]:
    """What the replaced index objects say of packs that stay."""
    packs = {pack for name in replaced for pack in seen.described[name][0]} - going
    return [seen.entries[pack] for pack in sorted(packs & seen.entries.keys())]
