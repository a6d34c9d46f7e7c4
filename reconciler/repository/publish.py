"""Publishes a snapshot so that a crash at any line is fine.

Order: packs durable, index durable, ``pending/<id>`` durable, one more look at ``gc/``, ``snapshots/<id>`` durable, pending removed; only
then success. Index, roots, pack directories and entry blocks of the run are read back from the store before the last step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Self

import msgspec
from msgspec import Struct

from reconciler.base.ids import new_id
from reconciler.repository.abreast import together
from reconciler.repository.adopt import adopt
from reconciler.repository.compare import Tally
from reconciler.repository.deletion import condemned_packs, deletion_records
from reconciler.repository.entries import BlockRef
from reconciler.repository.errors import Collected, Damaged, ObjectMissing
from reconciler.repository.format import OBJECT_BYTES_MAX
from reconciler.repository.header import Chunker
from reconciler.repository.index import ChunkIndex, load_index, write_index_objects
from reconciler.repository.marks import distrusted_packs
from reconciler.repository.near import Kept
from reconciler.repository.owners import group_names, user_names
from reconciler.repository.pack import PackWriter
from reconciler.repository.request import TakeRequest
from reconciler.repository.rescue import lacking, rescue
from reconciler.repository.root import Root, RootRecord, seal_root, shown_root, to_micros
from reconciler.repository.seal import Seals
from reconciler.repository.store import Readable, Store
from reconciler.repository.turnover import Turnover
from reconciler.tree.entry import Defect

_DEFECTS_MAX = 10_000
_RESCUES_MAX = 5


class Writer(Struct, frozen=True):
    """Who writes: a random id per state directory, its last sequence number and its newest snapshot, so that a missing one shows."""

    id: str
    sequence: int
    previous: str | None

    @classmethod
    def of(cls, writer: str, snapshots: Iterable[Root]) -> Self:
        """``writer`` after what it has written so far."""
        newest = max((each for each in snapshots if each.writer == writer), key=attrgetter("sequence"), default=None)
        return cls(writer, newest.sequence, newest.id) if newest is not None else cls(writer, 0, None)


class Publisher:
    """One per run. ``thorough``: read back the data, too, and take nothing for stored whose pack is gone."""

    def __init__(
        self,
        store: Store,
        seals: Seals,
        chunker: Chunker,
        request: TakeRequest,
        base: RootRecord | None,
        writer: Writer,
        *,
        thorough: bool = False,
        near: Readable | None = None,
        kept: Kept | None = None,
        lock: Callable[[RootRecord, ChunkIndex, bool], None] | None = None,
    ) -> None:
        """``lock``: what keeps a snapshot locked where the place does that.

        ``near``: the place as it was listed a moment ago; None: it is listed now. ``kept``: what is read back is kept there."""
        near = near or store
        self._store = store
        self._seals = seals
        self._chunker = chunker
        self._request = request
        self._base = base
        self._writer = writer
        self.id = new_id()
        self.gone: frozenset[bytes] = frozenset()
        """Packs that the index describes and the store does not have; looked for by a thorough run only."""
        self._kept = kept
        self._lock = lock
        self._records = deletion_records(near, seals)
        condemned, distrusted = condemned_packs(self._records), distrusted_packs(near)
        if request.kind == "full":  # what is known to be damaged is stored anew
            self.index, self.damage = load_index(near, seals, condemned | distrusted)
            self.gone = _gone(store, self.index) if thorough else frozenset()
            if self.gone:
                self.index, self.damage = load_index(near, seals, condemned | distrusted | self.gone)
        else:
            self.index, self.damage = load_index(near, seals, condemned, distrusted)
        self._adopted = list(adopt(store, near, seals, self.index.packs | condemned | distrusted, thorough=thorough))
        """Left by killed runs, and indexed with the first packs of this one."""
        for entry in self._adopted:
            self.index.add(entry, seals)
        self._relied = set(self.index.packs)
        """Packs that the new root may name: those known at the beginning, and those of this run."""
        self.packs = PackWriter(store, seals, thorough=thorough, kept=kept)
        self._object_bytes = 0
        self._unread: list[Callable[[], None]] = []
        """What reads back the packs and index objects that were written last, until it has been done."""
        self._pending: list[str] = []
        """Pending roots of this run, checkpoints first, that are still there."""

    @property
    def added_bytes(self) -> int:
        """Everything stored by this run: packs, index objects, roots."""
        return self.packs.stored_bytes + self._object_bytes

    @property
    def gc_seen(self) -> list[str]:
        """Deletion records known at the beginning."""
        return sorted(self._records)

    def index_packs(self) -> None:
        """Publish the packs written so far and make them findable; both durable, and read back, when this returns."""
        self.write_index()
        self._read_rest()

    def write_index(self) -> None:
        """The same, and :meth:`publish` reads back while it does the rest."""
        adopted, self._adopted = self._adopted, []
        entries = [*adopted, *self.packs.flush()]
        self._store.barrier()
        if not entries:
            return
        self._relied |= {entry.pack for entry in entries}
        if self._lock is not None:
            for entry in entries:
                self.index.add(entry, self._seals)
        written = write_index_objects(self._store, self._seals, entries)
        self._store.barrier()
        self._object_bytes += sum(len(data) for _, data in written)
        self._unread += [*(partial(self._read_back, name, data) for name, data in written), self.packs.read_back]

    def _read_rest(self, *meanwhile: Callable[[], None]) -> None:
        unread, self._unread = self._unread, []
        try:
            together(self._store, *meanwhile, *unread)
        except ObjectMissing as error:
            if not deletion_records(self._store, self._seals, self._records):
                raise
            raise Collected("a clean-up removed what this backup had just stored", system=self._request.system) from error

    def checkpoint(self, record: RootRecord) -> None:
        """A numbered pending root: clean-up keeps what it names, any later run finds its chunks."""
        self.index_packs()
        number = len(self._pending) + 1
        name = f"pending/{self.id}-{number}"
        self._put_root(name, _numbered(record, number))
        self._pending.append(name)

    def publish(self, record: RootRecord, under: str | None = None) -> Root:
        """The snapshot, acknowledged: it survives a power cut when this returns. Its packs are indexed before, and read back by now.

        ``under``: the id of the original of a copy; FileExistsError when that is there already.
        """
        pending, final = f"pending/{self.id}", f"snapshots/{under or self.id}"
        try:
            data = self._put_root(pending, record, partial(self._look_at_deletions, record))
        except (Collected, Damaged, ObjectMissing):  # withdrawn only once nobody reads it back any more
            self._store.delete(pending)
            raise
        self._pending.append(pending)
        self.keep_locked(record)
        if under is not None:
            record = msgspec.structs.replace(record, id=under)
            data = seal_root(self._seals, record)
        self._store.put(final, data)
        self._store.barrier()
        found, expired, _ = together(  # from here on the snapshot protects what the pending root did
            self._store,
            partial(self._store.find, final),
            partial(self._store.find, f"expired/{self.id}"),
            partial(self._store.delete, self._pending.pop()),
        )
        if found is None or expired is not None:
            self._store.delete(final)
            raise Collected(f"the snapshot of {self._request.system} was given up by a clean-up while it was being published")
        if self._kept is not None:
            self._kept.put(final, data)
        self.clear()
        return shown_root(record, found.stored_at)

    def keep_locked(self, record: RootRecord, *, published: bool = False) -> None:
        """Where the place locks what it holds: all below ``record`` for as long as was promised, counted from now. ``published``: the root,
        too.
        """
        if self._lock is not None:
            self._lock(record, self.index, published)

    def clear(self) -> None:
        """Remove the pending roots of this run, and the checkpoints of the one that it continued: they have served."""
        base = self._base
        continued = [f"pending/{base.id}-{number}" for number in range(1, base.checkpoint + 1)] if base is not None else []
        together(self._store, *(partial(self._store.delete, name) for name in (*self._pending, *continued)))

    def record(
        self,
        *,
        grade: str,
        ended: datetime,
        defects: Sequence[Defect],
        devices: Sequence[int],
        tally: Tally,
        read_bytes: int,
        new_chunks: int,
        blocks: list[BlockRef],
        lists: list[BlockRef],
        turnover: Turnover | None,
    ) -> RootRecord:
        """The root as it will be stored."""
        request, base = self._request, self._base
        return RootRecord(
            id=self.id,
            realm=request.realm,
            system=request.system,
            host=request.host,
            user=request.user,
            kind=request.kind,
            parent=base.id if base is not None and not base.checkpoint else None,
            as_of=to_micros(request.as_of),
            ended=to_micros(ended),
            grade=grade,
            defects=[_defect_text(defect) for defect in defects[:_DEFECTS_MAX]],
            defect_count=len(defects),
            generation=request.generation,
            specs=request.specs,
            paths=list(request.paths),
            writer=self._writer.id,
            sequence=self._writer.sequence + 1,
            previous=self._writer.previous,
            chunker={"min": self._chunker.bytes_min, "average": self._chunker.bytes_average, "max": self._chunker.bytes_max},
            checksums=list(request.checksums),
            devices=list(devices),
            users=user_names(tally.uids, base.users if base is not None else {}),
            groups=group_names(tally.gids, base.groups if base is not None else {}),
            files=tally.files,
            folders=tally.folders,
            others=tally.others,
            bytes=tally.bytes,
            added_bytes=self.added_bytes,
            read_bytes=read_bytes,
            new_chunks=new_chunks,
            blocks=list(blocks),
            lists=lists,
            gc_seen=self.gc_seen,
            turnover=turnover,
        )

    def _put_root(self, name: str, record: RootRecord, meanwhile: Callable[[], None] | None = None) -> bytes:
        """``meanwhile``: what else may be done once the root is durable, while it is read back."""
        data = seal_root(self._seals, record)
        self._store.put(name, data)
        self._store.barrier()
        self._object_bytes += len(data)
        self._read_rest(partial(self._read_back, name, data), *((meanwhile,) if meanwhile is not None else ()))
        return data

    def _read_back(self, name: str, data: bytes) -> None:
        if self._store.get(name, OBJECT_BYTES_MAX) != data:
            raise Damaged(f"{name} reads back other bytes than were written", object=name, hint="Is the disk of the repository sound?")
        if self._kept is not None and name.startswith("index/"):
            self._kept.put(name, data)

    def _look_at_deletions(self, record: RootRecord) -> None:
        """After the pending root is durable: a clean-up that began since either saw it, or its record is visible here.

        A condemned pack is no harm as long as everything that the root names stands in other packs, too; what does not is copied.
        """
        for _ in range(_RESCUES_MAX):
            recent = deletion_records(self._store, self._seals, self._records)
            records, fresh = self._records | recent, condemned_packs(recent)
            if not fresh & self._relied:
                return
            condemned = condemned_packs(records)
            index, _damage = load_index(self._store, self._seals, condemned)
            wanted = lacking(self._store, self._seals, record, index)
            if not wanted:
                return
            saved = rescue(self._store, self._seals, wanted, condemned, self._request.system)
            self._object_bytes += sum(entry.size for entry in saved)
            self._relied = set(index.packs) | {entry.pack for entry in saved}
            self._records = records
        raise Collected("clean-ups condemned again and again what this backup relies on", system=self._request.system)


def _gone(store: Store, index: ChunkIndex) -> frozenset[bytes]:
    """Packs that the index describes and the store does not have."""
    listed = {bytes.fromhex(found.name.rsplit("/", 1)[-1]) for found in store.list("packs")}
    return index.packs - listed


def _numbered(record: RootRecord, number: int) -> RootRecord:
    return msgspec.structs.replace(record, checkpoint=number)


def _defect_text(defect: Defect) -> str:
    return f"{defect.kind.value} {defect.path.decode('utf-8', 'backslashreplace')}: {defect.message}"
