"""The embedded store as the rest of the house sees it: open, list, take, restore, verify, mark, forget.

Knows no spec and no schedule. Nothing is locked: writers, readers and clean-up may run at the same time on any number of hosts.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from reconciler.base.ids import new_id
from reconciler.base.secret import Secret
from reconciler.repository.entries import Entry
from reconciler.repository.errors import (
    BaseUnusable,
    Damaged,
    Locked,
    NoSuchPath,
    NoSuchSnapshot,
)
from reconciler.repository.fetch import Fetcher
from reconciler.repository.keys import new_slot
from reconciler.repository.listing import list_roots_shown
from reconciler.repository.marks import MarkRecord, distrusted_packs, drop_marks, write_mark
from reconciler.repository.opened import Opened
from reconciler.repository.place import checked_key, refuse_taken, store_at
from reconciler.repository.request import TakeRequest
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import Seals
from reconciler.repository.select import Selection
from reconciler.repository.store import Locking, Readable, Store
from reconciler.tree.entry import Defect, Listing
from reconciler.tree.write import Target

if TYPE_CHECKING:
    from reconciler.repository.check import Checked
    from reconciler.repository.collect import Pruned
    from reconciler.repository.collect_plan import PrunePlan
    from reconciler.repository.copier import Side
    from reconciler.repository.copy import Copied
    from reconciler.repository.donor import Donor
    from reconciler.repository.header import Chunker
    from reconciler.repository.index import ChunkIndex
    from reconciler.repository.inventory import Look
    from reconciler.repository.known import Cache
    from reconciler.repository.repair import Repaired, RepairPlan
    from reconciler.repository.restore import Restore, Restored, Restoring
    from reconciler.repository.take import Progress, Taken
    from reconciler.repository.verify import Verified

_TEMPORARY_KEPT = timedelta(days=1)


class Repository(Opened):
    """One open repository."""

    @classmethod
    def init(
        cls, url: str, key: Secret, *, kind: str = "raw", created_at: datetime, store: Store | None = None, cache: Cache | None = None
    ) -> Self:
        """Create a repository in a new or empty place. Raises AlreadyInitialised, WeakKey, Unreachable, NoSpace.

        ``cache``: as in :meth:`open`.
        """
        from reconciler.repository.header import new_config, new_header

        store = store or store_at(url)
        checked = checked_key(key, kind)
        refuse_taken(store)
        store.prepare()
        repository_id, master = new_id(), os.urandom(32)
        seals = Seals(master, repository_id)
        slot, data = new_slot(master, checked, kind, repository_id, created_at)
        store.put(f"keys/{slot}", data)
        store.put("config/0", new_config(seals))
        store.barrier()
        store.put("header", new_header(repository_id, seals.header_key, created_at.isoformat()))  # last: its presence says "complete"
        store.barrier()
        made = cls.open(url, key, kind=kind, store=store, cache=cache)
        if made._kept is not None:
            made._sizes(made._glance("config"))  # and it lies here for the first backup
        return made

    def take(
        self,
        source: Iterable[Listing],
        request: TakeRequest,
        *,
        base: str | None,
        judge: Callable[[Sequence[Defect]], str],
        stop: threading.Event | None = None,
        progress: Callable[[Progress], None] | None = None,
        beside: str | None = None,
    ) -> Taken:
        """Back up what ``source`` lists. ``base``: id of the snapshot to compare with; None reads everything, or all that the last
        checkpoint of a killed attempt does not list. ``beside``: id of the one that the turnover is told against; None: the base.

        ``judge`` says the grade from all defects. Raises BaseUnusable when the base cannot be read: then call again without one.
        Damaged index objects do not stop a backup; they come back in ``damage``.
        """
        from reconciler.repository.publish import Writer
        from reconciler.repository.resume import last_checkpoint
        from reconciler.repository.take import Surroundings, take

        near = self._glance("snapshots", "gc", "index", "packs", *(() if base else ("pending",)), "config", "tmp", folders=("marks",))
        known = list_roots_shown(near, self._seals, self._known, self._clock.now())  # better a hole than no backup
        self._sweep(request.as_of, near)
        around = Surroundings(self._store, self._seals, self._sizes(near), self._clock, stop, progress, near, self._kept, self._locked)
        compared = self._base(base, near) or last_checkpoint(near, self._seals, request, known)
        aside = compared if base is not None and beside in {None, base} else self._base(beside, near, needed=False)
        return take(around, source, request, compared, Writer.of(request.writer, known), judge, aside)

    def restore(
        self,
        snapshot: str,
        target: Target,
        *,
        paths: Sequence[bytes] = (),
        stop: threading.Event | None = None,
        progress: Callable[[Restoring], None] | None = None,
    ) -> Restored:
        """Write a snapshot into ``target``. ``paths``: absolute, with all below; or patterns; empty: all. NoSuchPath: nothing matches."""
        selection = Selection(paths)
        restored = self.restoring(snapshot, target, stop=stop, progress=progress).run(selection, selection.prefix)
        if paths and restored.nothing:
            shown = b", ".join(paths).decode("utf-8", "backslashreplace")
            raise NoSuchPath(f"nothing in snapshot {snapshot[:12]} matches {shown}")
        return restored

    def restoring(
        self,
        snapshot: str,
        target: Target,
        *,
        stop: threading.Event | None = None,
        progress: Callable[[Restoring], None] | None = None,
        finished: Callable[[Sequence[Entry]], None] | None = None,
    ) -> Restore:
        """A restore that is ready to run with any choice of entries. See :class:`Restore` for ``finished``."""
        from reconciler.repository.restore import Restore

        record, fetcher = self._ready(snapshot)
        return Restore(record, fetcher, self._seals, target, self._clock, stop, progress, finished)

    def copy_from(
        self,
        origin: Repository,
        snapshots: Sequence[str],
        *,
        compression: tuple[str, int | None] = ("zstd", None),
        stop: threading.Event | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Iterator[Copied]:
        """Copy snapshots of another repository into this one, in this order, under their ids. What is here already is not copied again.

        Raises OriginDamaged when ``origin`` cannot give what a snapshot needs, NoSuchSnapshot, Cancelled, and what writing raises.
        """
        from reconciler.repository.copier import Copier
        from reconciler.repository.take import Surroundings

        self._sweep(self._clock.now(), self._store)
        around = Surroundings(
            self._store, self._seals, self._sizes(self._store), self._clock, stop, progress, self._store, lock=self._locked
        )
        there = [root.id for root in self.listing().roots]
        copier = Copier(around, origin._side(), self._side(), there, compression)
        return (copier.copy(snapshot) for snapshot in snapshots)

    def verify(self, snapshot: str, *, stop: threading.Event | None = None, progress: Callable[[int], None] | None = None) -> Verified:
        """Read, decrypt and hash again everything that a snapshot needs. Damage is in the result."""
        from reconciler.repository.settled import settled
        from reconciler.repository.verify import Verify

        record = self._record(snapshot)

        def look() -> Verified:
            index, damage = self._load()
            fetcher = Fetcher(self._store, self._seals, index)
            verify = Verify(self._store, self._seals, index, fetcher, self._clock, stop=stop, progress=progress)
            return verify.run([record], lambda: [record], damage=damage)

        return settled(self._store, self._seals, look)

    def examine(
        self,
        snapshots: Sequence[str],
        *,
        deep: bool,
        scope: str,
        fresh_for: timedelta | None = None,
        stop: threading.Event | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Verified:
        """Verify several snapshots, in this order, and remember in the repository which packs were read whole.

        ``fresh_for``: packs read whole within this time count; None: all are read, but an unfinished run of the same ``scope`` is
        continued. When something is damaged, the files that it affects are looked for in all snapshots of the repository.
        """
        from reconciler.repository.header import config_damage
        from reconciler.repository.readings import Readings
        from reconciler.repository.settled import settled
        from reconciler.repository.verify import Verify

        records = [self._record(snapshot) for snapshot in snapshots]

        def look() -> Verified:
            index, damage = self._load()
            fetcher = Fetcher(self._store, self._seals, index)
            readings = Readings.load(self._store, self._seals, self._clock, scope) if deep else None
            begun = readings.begun if readings is not None and readings.continued else None
            since = begun if fresh_for is None else self._clock.now() - fresh_for
            distrusted = distrusted_packs(self._store)
            verify = Verify(self._store, self._seals, index, fetcher, self._clock, readings, distrusted, stop, progress)
            known = [*damage, *config_damage(self._store, self._seals), *(readings.damage if readings else ())]
            return verify.run(records, self._readable_records, deep=deep, since=since, damage=known)

        return settled(self._store, self._seals, look)

    def mark(self, snapshot: str, kind: str, at: datetime, note: str = "", *, until: datetime | None = None, sole: bool = False) -> None:
        """Remark on a snapshot; durable when this returns. ``until``: when a hold ends by itself. ``sole``: then earlier marks of this kind
        on it go, for this one says it all.
        """
        if self._store.find(f"snapshots/{snapshot}") is None:
            raise NoSuchSnapshot(f"there is no snapshot {snapshot} in {self.url}")
        name = write_mark(self._store, self._seals, snapshot, MarkRecord(kind, at, note, until))
        if sole:
            drop_marks(self._store, self._seals, snapshot, kind, at, name)

    def unmark(self, snapshot: str, kind: str) -> None:
        """Take back every mark of this kind on a snapshot; one that cannot be read stays."""
        drop_marks(self._store, self._seals, snapshot, kind)

    def distrust(self, packs: Sequence[str], at: datetime, note: str = "") -> None:
        """Remark that packs (object names) are damaged: the next full backup stores anew what they hold, reading prefers others."""
        known = distrusted_packs(self._store)
        for name in packs:
            digits = name.rsplit("/", 1)[-1]
            if bytes.fromhex(digits) not in known:
                write_mark(self._store, self._seals, digits, MarkRecord("damaged", at, note))

    def forget(self, snapshots: Sequence[str]) -> tuple[str, ...]:
        """Remove roots and then their marks; the data stays until a clean-up. Returns the ids that were there and could go: not those that
        the place keeps locked.
        """
        gone = []
        for snapshot in snapshots:
            if self._store.find(f"snapshots/{snapshot}") is None:
                continue
            try:
                self._store.delete(f"snapshots/{snapshot}")
            except Locked:
                continue  # it stays, and so it is not among those that went
            gone.append(snapshot)
            for found in list(self._store.list(f"marks/{snapshot}")):
                self._store.delete(found.name)
        return tuple(gone)

    def plan_clean_up(self) -> PrunePlan:
        """What a clean-up would remove; nothing changes. Raises CleanUpRefused, Damaged or ObjectMissing when anything is in doubt."""
        from reconciler.repository.collect import CleanUp

        return CleanUp(self._store, self._seals, self._clock.now()).plan()

    def clean_up(self, *, confirm: str | None = None, gradual: bool = False, stop: threading.Event | None = None) -> Pruned:
        """Remove what no snapshot needs. ConfirmationNeeded: more than half would go, and ``confirm`` is not the digest of the plan.

        ``gradual``: then only half goes, and the rest another time.
        """
        from reconciler.repository.collect import CleanUp

        return CleanUp(self._store, self._seals, self._clock.now(), stop, gradual=gradual).run(confirm)

    def check(self, *, deep: bool, stop: threading.Event | None = None, progress: Callable[[int], None] | None = None) -> Checked:
        """Look at every object; ``deep``: at every byte. Damage is in the result, with the files that it costs."""
        from reconciler.repository.check import check

        return check(self._look(deep=deep, stop=stop, progress=progress), self._clock, self._store, deep=deep)

    def plan_repair(self, *, deep: bool, stop: threading.Event | None = None, progress: Callable[[int], None] | None = None) -> RepairPlan:
        """What would be moved, described again and set aside. Changes nothing."""
        from reconciler.repository.repair import plan

        return plan(self._look(deep=deep, stop=stop, progress=progress).run(), self.id, deep=deep)

    def repair(
        self,
        digest: str,
        *,
        deep: bool,
        donors: Sequence[Donor] = (),
        stop: threading.Event | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Repaired:
        """Carry out the plan with this digest. Raises RepairChanged when it would be another one by now."""
        from reconciler.repository.repair import Repair, plan

        seen = self._look(deep=deep, stop=stop, progress=progress).run()
        return Repair(self._store, self._seals, seen, self._clock.now(), donors).run(plan(seen, self.id, deep=deep), digest)

    def donor(self) -> Donor:
        """This repository as one that can give back what another one lost."""
        from reconciler.repository.donor import Donor

        return Donor(self._side(), self.listing().roots)

    def _base(self, base: str | None, place: Readable, *, needed: bool = True) -> RootRecord | None:
        if base is None:
            return None
        try:
            return self._record(base, place)
        except (NoSuchSnapshot, Damaged) as error:
            if not needed:
                return None
            raise BaseUnusable(f"the base snapshot {base} cannot be read: {error}") from error

    def _look(self, *, deep: bool, stop: threading.Event | None, progress: Callable[[int], None] | None) -> Look:
        from reconciler.repository.inventory import Look

        return Look(self._store, self._seals, deep=deep, doubted=distrusted_packs(self._store), stop=stop, progress=progress)

    def _side(self) -> Side:
        from reconciler.repository.copier import Side

        return Side(self._store, self._seals, self._record, self._index)

    @property
    def _locked(self) -> Callable[[RootRecord, ChunkIndex, bool], None] | None:
        return self._lock if isinstance(self._store, Locking) else None

    def _lock(self, record: RootRecord, index: ChunkIndex, published: bool) -> None:
        from reconciler.repository.locks import keep_locked

        now, dates = self._clock.now(), dict(self._known.locks)
        if keep_locked(
            self._store, self._seals, record, Fetcher(self._store, self._seals, index, kept=self._kept), index, dates, now, published
        ):
            self._known.learn_locks(dates, now)
            self._known.save(self._seals)

    def _sizes(self, place: Readable) -> Chunker:
        """How large files are cut. Only writers need it: a lost configuration keeps nobody from restoring."""
        from reconciler.repository.header import read_config

        if self._chunker is None:
            self._chunker = read_config(place, self._seals)
        return self._chunker

    def _sweep(self, now: datetime, place: Readable) -> None:
        """Leftovers of killed runs that nobody can still be writing."""
        for found in list(place.list("tmp")):
            if now - found.stored_at > _TEMPORARY_KEPT:
                with contextlib.suppress(Locked):  # whoever has the credentials can lock rubbish; it must not stop a backup
                    self._store.delete(found.name)
