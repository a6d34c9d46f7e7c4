"""The embedded store as the rest of the house sees it: open, list, take, restore, verify, mark, forget.

Knows no spec and no schedule. Nothing is locked: writers, readers and clean-up may run at the same time on any number of hosts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from reconciler.base.clock import Clock, SystemClock
from reconciler.base.ids import new_id
from reconciler.base.secret import Secret
from reconciler.repository.browse import Browser
from reconciler.repository.check import Checked, check
from reconciler.repository.collect import CleanUp, Pruned
from reconciler.repository.collect_plan import PrunePlan
from reconciler.repository.copier import Copier, Side
from reconciler.repository.copy import Copied
from reconciler.repository.deletion import condemned_packs, legible_records
from reconciler.repository.donor import Donor
from reconciler.repository.entries import Entry
from reconciler.repository.errors import (
    BaseUnusable,
    Damaged,
    NoSuchPath,
    NoSuchSnapshot,
    ObjectMissing,
    RepositoryError,
)
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import FOLDERS, INDEX_BYTES_SMALL, OBJECT_BYTES_MAX
from reconciler.repository.header import Chunker, check_header, config_damage, new_config, new_header, read_config, read_header
from reconciler.repository.index import ChunkIndex, load_index
from reconciler.repository.inventory import Look
from reconciler.repository.keys import new_slot, open_slots, read_slots
from reconciler.repository.known import Cache, Known
from reconciler.repository.listing import RootListing, list_roots_shown, list_snapshots
from reconciler.repository.manifest import read_entries
from reconciler.repository.marks import MarkRecord, distrusted_packs, drop_marks, write_mark
from reconciler.repository.place import checked_key, refuse_taken, store_at
from reconciler.repository.publish import Writer
from reconciler.repository.readings import Readings
from reconciler.repository.repair import Repair, Repaired, RepairPlan
from reconciler.repository.repair import plan as plan_repair
from reconciler.repository.request import TakeRequest
from reconciler.repository.restore import Restore, Restored, Restoring
from reconciler.repository.resume import last_checkpoint
from reconciler.repository.root import RootRecord, unseal_root
from reconciler.repository.seal import Seals
from reconciler.repository.select import Selection
from reconciler.repository.settled import settled
from reconciler.repository.sound import Refusal, sound_entries
from reconciler.repository.store import Store
from reconciler.repository.take import Progress, Surroundings, Taken, take
from reconciler.repository.verify import Verified, Verify
from reconciler.tree.entry import Defect, Listing
from reconciler.tree.write import Target

_TEMPORARY_KEPT = timedelta(days=1)


class Repository:
    """One open repository. Threads may share it; close it to let go of the keys."""

    def __init__(self, store: Store, seals: Seals, repository_id: str, clock: Clock, known: Known, *, owned: bool = True) -> None:
        self._store = store
        self._owned = owned
        self._seals = seals
        self._chunker: Chunker | None = None
        self._clock = clock
        self._known = known
        self.id = repository_id
        self.url = store.url

    @classmethod
    def init(cls, url: str, key: Secret, *, kind: str = "raw", created_at: datetime, store: Store | None = None) -> Self:
        """Create a repository in a new or empty place. Raises AlreadyInitialised, WeakKey, Unreachable, NoSpace."""
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
        return cls.open(url, key, kind=kind, store=store)

    @classmethod
    def open(
        cls,
        url: str,
        key: Secret,
        *,
        kind: str = "raw",
        clock: Clock | None = None,
        store: Store | None = None,
        cache: Cache | None = None,
        owned: bool = False,
    ) -> Self:
        """Open what is there. Raises NotInitialised, WrongKey, WeakKey, Damaged, NewerFormat, Unreachable.

        ``cache``: where to remember what immutable objects say, so that a listing reads only what is new. ``owned``: ``store`` is closed
        with the repository, as is one that nobody gave.
        """
        owned = owned or store is None
        store = store or store_at(url)
        try:
            header = read_header(store)
            seals = Seals(open_slots(read_slots(store), checked_key(key, kind), kind, header["id"]), header["id"])
            check_header(header, seals.header_key)
        except BaseException:
            if owned:
                store.close()
            raise
        return cls(store, seals, header["id"], clock or SystemClock(), (cache or Cache(None)).known(header["id"]), owned=owned)

    def close(self) -> None:
        self._known = Cache(None).known(self.id)
        if self._owned:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def listing(self, *, anew: bool = False) -> RootListing:
        """Every snapshot with its marks. ``anew``: each object is read, known or not: for whoever is about to remove something."""
        return list_snapshots(self._store, self._seals, self._known, anew=anew)

    def take(
        self,
        source: Iterable[Listing],
        request: TakeRequest,
        *,
        base: str | None,
        judge: Callable[[Sequence[Defect]], str],
        stop: threading.Event | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Taken:
        """Back up what ``source`` lists. ``base``: id of the snapshot to compare with; None reads everything, or all that the last
        checkpoint of a killed attempt does not list.

        ``judge`` says the grade from all defects. Raises BaseUnusable when the base cannot be read: then call again without one.
        Damaged index objects do not stop a backup; they come back in ``damage``.
        """
        self._sweep(request.as_of)
        around = Surroundings(self._store, self._seals, self._sizes(), self._clock, stop, progress)
        known, _ = list_roots_shown(self._store, self._seals, self._known)  # listing() names the others: a hole is better than no backup
        compared = self._base(base) or last_checkpoint(self._store, self._seals, request, known)
        return take(around, source, request, compared, Writer.of(request.writer, known), judge)

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
        fetcher = Fetcher(self._store, self._seals, self._index())
        return Restore(self._record(snapshot), fetcher, self._seals, target, self._clock, stop, progress, finished)

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
        self._sweep(self._clock.now())
        around = Surroundings(self._store, self._seals, self._sizes(), self._clock, stop, progress)
        there = [root.id for root in self.listing().roots]
        copier = Copier(around, origin._side(), self._side(), there, compression)
        return (copier.copy(snapshot) for snapshot in snapshots)

    def entries(self, snapshot: str, prefix: bytes = b"", refused: Callable[[Refusal], None] | None = None) -> Iterator[Entry]:
        """What a snapshot holds, in the order of the tree; ``prefix`` limits it to one path and what lies below.

        ``refused``: only what a restore can make something of comes, and this hears of the rest; None: all of it, and damage raises.
        """
        record, fetcher = self._record(snapshot), Fetcher(self._store, self._seals, self._index())
        if refused is not None:
            return sound_entries(record, fetcher, refused, prefix)
        return read_entries(record, fetcher, prefix)

    def browse(self) -> Browser:
        """For looking into snapshots, as the repository is now."""
        return Browser(self._store, self._seals, self._record, lambda kinds: self._load(kinds)[0])

    def verify(self, snapshot: str, *, stop: threading.Event | None = None, progress: Callable[[int], None] | None = None) -> Verified:
        """Read, decrypt and hash again everything that a snapshot needs. Damage is in the result."""
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
        """Remove roots and then their marks; the data stays until a clean-up. Returns the ids that were there."""
        gone = []
        for snapshot in snapshots:
            if self._store.find(f"snapshots/{snapshot}") is None:
                continue
            self._store.delete(f"snapshots/{snapshot}")
            gone.append(snapshot)
            for found in list(self._store.list(f"marks/{snapshot}")):
                self._store.delete(found.name)
        return tuple(gone)

    def plan_clean_up(self) -> PrunePlan:
        """What a clean-up would remove; nothing changes. Raises CleanUpRefused, Damaged or ObjectMissing when anything is in doubt."""
        return CleanUp(self._store, self._seals, self._clock.now()).plan()

    def clean_up(self, *, confirm: str | None = None, gradual: bool = False, stop: threading.Event | None = None) -> Pruned:
        """Remove what no snapshot needs. ConfirmationNeeded: more than half would go, and ``confirm`` is not the digest of the plan.

        ``gradual``: then only half goes, and the rest another time.
        """
        return CleanUp(self._store, self._seals, self._clock.now(), stop, gradual=gradual).run(confirm)

    def check(self, *, deep: bool, stop: threading.Event | None = None, progress: Callable[[int], None] | None = None) -> Checked:
        """Look at every object; ``deep``: at every byte. Damage is in the result, with the files that it costs."""
        return check(self._look(deep=deep, stop=stop, progress=progress), self._clock, deep=deep)

    def plan_repair(self, *, deep: bool, stop: threading.Event | None = None, progress: Callable[[int], None] | None = None) -> RepairPlan:
        """What would be moved, described again and set aside. Changes nothing."""
        return plan_repair(self._look(deep=deep, stop=stop, progress=progress).run(), self.id, deep=deep)

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
        seen = self._look(deep=deep, stop=stop, progress=progress).run()
        return Repair(self._store, self._seals, seen, self._clock.now(), donors).run(plan_repair(seen, self.id, deep=deep), digest)

    def donor(self) -> Donor:
        """This repository as one that can give back what another one lost."""
        return Donor(self._side(), self.listing().roots)

    def free_bytes(self) -> int | None:
        """Space left where the repository is; None when the place does not say."""
        return self._store.free_bytes()

    def small_indexes(self) -> int:
        """How many index objects a clean-up would merge with others. Every backup that stores something adds one."""
        return sum(found.size < INDEX_BYTES_SMALL for found in self._store.list("index"))

    def stored_bytes(self) -> int:
        """Sum over all objects."""
        return sum(found.size for folder in FOLDERS for found in self._store.list(folder))

    def _record(self, snapshot: str) -> RootRecord:
        name = f"snapshots/{snapshot}"
        try:
            return unseal_root(self._seals, name, self._store.get(name, OBJECT_BYTES_MAX))
        except ObjectMissing:
            raise NoSuchSnapshot(f"there is no snapshot {snapshot} in {self.url}") from None

    def _readable_records(self) -> Iterator[RootRecord]:
        """Every snapshot whose root can be read, newest first; :meth:`listing` names the others."""
        for root in self.listing().roots:
            yield self._record(root.id)

    def _base(self, base: str | None) -> RootRecord | None:
        if base is None:
            return None
        try:
            return self._record(base)
        except (NoSuchSnapshot, Damaged) as error:
            raise BaseUnusable(f"the base snapshot {base} cannot be read: {error}") from error

    def _look(self, *, deep: bool, stop: threading.Event | None, progress: Callable[[int], None] | None) -> Look:
        return Look(self._store, self._seals, deep=deep, doubted=distrusted_packs(self._store), stop=stop, progress=progress)

    def _side(self) -> Side:
        return Side(self._store, self._seals, self._record, self._index)

    def _index(self) -> ChunkIndex:
        return self._load()[0]

    def _load(self, kinds: frozenset[int] | None = None) -> tuple[ChunkIndex, tuple[RepositoryError, ...]]:
        """Every chunk of these kinds, from a pack that nobody doubts where there is one; a condemned one is read last, while it exists."""
        records, illegible = legible_records(self._store, self._seals)
        distrusted = condemned_packs(records) | distrusted_packs(self._store)
        index, damage = load_index(self._store, self._seals, distrusted=distrusted, unindexed=True, kinds=kinds)
        return index, (*illegible, *damage)

    def _sizes(self) -> Chunker:
        """How large files are cut. Only writers need it: a lost configuration keeps nobody from restoring."""
        if self._chunker is None:
            self._chunker = read_config(self._store, self._seals)
        return self._chunker

    def _sweep(self, now: datetime) -> None:
        """Leftovers of killed runs that nobody can still be writing."""
        for found in list(self._store.list("tmp")):
            if now - found.stored_at > _TEMPORARY_KEPT:
                self._store.delete(found.name)
