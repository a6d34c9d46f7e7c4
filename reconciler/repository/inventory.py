"""Everything that a repository holds, looked at once: what can be read, what cannot, and which snapshots that costs. Changes nothing.

Roots first, then the index, then the packs: whatever a root needs was there before it, so a backup that runs meanwhile looks like no
damage. What a clean-up or a forget removed meanwhile is asked for again before it is called missing.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from msgspec import Struct, field

from reconciler.base.errors import Cancelled
from reconciler.repository.deletion import condemned_packs, legible_records
from reconciler.repository.errors import Damaged, HeaderLost, NewerFormat, NotInitialised, ObjectMissing, RepositoryError, Unreachable
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import OBJECT_BYTES_MAX, Raw, Type
from reconciler.repository.header import check_header, read_header
from reconciler.repository.index import ChunkIndex, IndexObject, read_index_object
from reconciler.repository.keys import SLOT_BYTES_MAX, parse_checked
from reconciler.repository.pack import PackEntry, pack_name, read_directory
from reconciler.repository.root import RootRecord, unseal_root
from reconciler.repository.roots import list_roots
from reconciler.repository.seal import Seals, lengths_of
from reconciler.repository.store import Found, Store
from reconciler.repository.survey import Affected, Survey

_CONTROL_BYTES_MAX = 4 * 2**20


class Part(StrEnum):
    """What a faulty object is."""

    HEADER = "header"
    SLOT = "key slot"
    CONFIG = "configuration"
    RECORD = "deletion record"
    ROOT = "snapshot"
    MARK = "mark"
    INDEX = "index object"
    PACK = "pack"


class Fault(Struct, frozen=True):
    """One object that is not as it should be."""

    name: str
    part: Part
    error: RepositoryError


class Inventory(Struct):
    """One look at a whole repository. Memory: about 200 bytes per chunk."""

    faults: list[Fault] = field(default_factory=list)
    objects: int = 0
    """Looked at."""
    bytes: int = 0
    """Content of packs that was read whole."""
    roots: dict[str, RootRecord] = field(default_factory=dict)
    """Readable ones by object name, pending ones included."""
    configs: set[str] = field(default_factory=set)
    """Object names, of what can be read and what cannot."""
    indexes: dict[str, IndexObject] = field(default_factory=dict)
    packs: dict[Raw, PackEntry] = field(default_factory=dict)
    """Every pack that is there and not condemned, as its own directory says, or, where that is damaged, as the index does."""
    bad: dict[Raw, set[int]] = field(default_factory=dict)
    """Of each damaged pack: the numbers of the segments that cannot be read."""
    unindexed: set[Raw] = field(default_factory=set)
    """There, but named by no readable index object: left by a killed run, or the index object is lost."""
    good: set[Raw] = field(default_factory=set)
    """Chunks that can be read."""
    index: ChunkIndex = field(default_factory=ChunkIndex)
    affected: tuple[Affected, ...] = ()


class Look:
    """One inspection; used once. ``deep``: read, decrypt and hash every byte; otherwise only of the ``doubted`` packs."""

    def __init__(
        self,
        store: Store,
        seals: Seals,
        *,
        deep: bool = False,
        doubted: frozenset[bytes] = frozenset(),
        stop: threading.Event | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._store = store
        self._seals = seals
        self._deep = deep
        self._doubted = doubted
        self._stop = stop
        self._progress = progress
        self._seen = Inventory()

    def run(self) -> Inventory:
        """Damage is in the result; raises only what concerns the place as a whole, or Cancelled."""
        store, seen = self._store, self._seen
        self._header()
        self._each("keys", Part.SLOT, lambda name: parse_checked(name, store.get(name, SLOT_BYTES_MAX)))
        self._each("config", Part.CONFIG, lambda name: self._control(Type.CONFIG, name))
        seen.configs = {found.name for found in store.list("config")}
        if not seen.configs:
            seen.faults.append(Fault("config/0", Part.CONFIG, ObjectMissing("config/0 is missing", object="config/0")))
        self._each("gc", Part.RECORD, lambda name: self._control(Type.DELETION, name))
        for found in (roots := list_roots(store)).pending + roots.acknowledged:
            self._try(found.name, Part.ROOT, self._root)
        self._each("marks", Part.MARK, lambda name: self._control(Type.MARK, name))
        self._each("index", Part.INDEX, self._index)
        self._packs(condemned_packs(self._records()))
        self._learn()
        survey = self._find_affected()
        if self._doubt(survey):
            self._learn()
            self._find_affected()
        return seen

    def _header(self) -> None:
        try:
            check_header(read_header(self._store), self._seals.header_key)
        except (HeaderLost, NotInitialised, Damaged) as error:
            self._seen.faults.append(Fault("header", Part.HEADER, error))

    def _find_affected(self) -> Survey:
        seen = self._seen
        survey = Survey(seen.index, Fetcher(self._store, self._seals, seen.index))
        records = [record for name, record in seen.roots.items() if name.startswith("snapshots/")]
        found = (survey.affected(record, lambda chunk: chunk not in seen.good) for record in records)
        seen.affected = tuple(each for each in found if each is not None and self._is_there(f"snapshots/{each.snapshot}"))
        return survey

    def _doubt(self, survey: Survey) -> bool:
        """Read whole the packs in which a list of files cannot be read; True when that taught anything."""
        seen = self._seen
        broken = [seen.roots[f"snapshots/{each.snapshot}"] for each in seen.affected if each.manifest]
        names = {str(error.context.get("object", "")) for record in broken for error in survey.needs(record).faults}
        for entry in [entry for pack, entry in seen.packs.items() if entry.name in names and pack not in seen.bad]:
            error = self._read_segments(entry)
            if error is not None:
                seen.faults.append(Fault(entry.name, Part.PACK, error))
        return bool(names)

    def _each(self, folder: str, part: Part, read: Callable[[str], object]) -> None:
        for found in self._store.list(folder):
            self._try(found.name, part, read)

    def _try(self, name: str, part: Part, read: Callable[[str], object]) -> None:
        """Read one object. One that was removed meanwhile is none."""
        if self._stop is not None and self._stop.is_set():
            raise Cancelled("the check was stopped")
        try:
            with readable(name):
                read(name)
        except ObjectMissing as error:
            if self._is_there(name):
                self._seen.faults.append(Fault(name, part, error))
        except (Damaged, NewerFormat) as error:
            self._seen.faults.append(Fault(name, part, error))
        self._seen.objects += 1

    def _is_there(self, name: str) -> bool:
        return self._store.find(name) is not None

    def _control(self, kind: Type, name: str) -> None:
        self._seals.unseal_object(kind, name, self._store.get(name, _CONTROL_BYTES_MAX if kind is Type.MARK else OBJECT_BYTES_MAX))

    def _root(self, name: str) -> None:
        self._seen.roots[name] = unseal_root(self._seals, name, self._store.get(name, OBJECT_BYTES_MAX))

    def _index(self, name: str) -> None:
        self._seen.indexes[name] = read_index_object(self._store, self._seals, name)

    def _records(self) -> dict[str, frozenset[bytes]]:
        return legible_records(self._store, self._seals)[0]  # the others are among the faults already

    def _packs(self, condemned: frozenset[bytes]) -> None:
        named = {entry.pack: entry for described in self._seen.indexes.values() for entry in described.packs}
        there = set()
        for found in self._store.list("packs"):
            try:
                pack = bytes.fromhex(found.name.rsplit("/", 1)[-1])
            except ValueError:
                stranger = Damaged(f"{found.name} is not the name of a pack", object=found.name)
                self._seen.faults.append(Fault(found.name, Part.PACK, stranger))
                continue
            there.add(pack)
            if pack not in condemned:
                self._try(found.name, Part.PACK, lambda _, pack=pack, found=found: self._pack(pack, found, named.get(pack)))  # type: ignore[misc]
        gone = named.keys() - there - condemned
        late = condemned_packs(self._records()) if gone else frozenset()
        for pack in sorted(gone - late):
            name = pack_name(pack)
            if not self._is_there(name):
                self._seen.faults.append(Fault(name, Part.PACK, ObjectMissing(f"{name} is missing in {self._store.url}", object=name)))

    def _pack(self, pack: bytes, found: Found, named: PackEntry | None) -> None:
        seen = self._seen
        if named is None:
            seen.unindexed.add(pack)
        try:
            with readable(found.name):
                entry = read_directory(self._store, self._seals, found.name, found.size)
            if named is not None and (named.segments != entry.segments or named.size != entry.size):
                raise Damaged(f"{found.name} holds other segments than the index says", object=found.name)
        except (Damaged, NewerFormat):
            if named is not None:
                seen.packs[pack] = named
                self._read_segments(named)
                seen.bad.setdefault(pack, set())
            else:
                seen.bad[pack] = set()
            raise
        seen.packs[pack] = entry
        if self._deep or pack in self._doubted:
            error = self._read_segments(entry)
            if error is not None:
                raise error

    def _read_segments(self, entry: PackEntry) -> RepositoryError | None:
        """Read a pack whole; the first error of its segments, all of them noted."""
        alone = ChunkIndex()
        alone.add(entry, self._seals)
        fetcher = Fetcher(self._store, self._seals, alone)
        fetcher.expect_parts(alone.of_pack(entry.pack))
        first: RepositoryError | None = None
        for number, segment in enumerate(entry.segments):
            if self._stop is not None and self._stop.is_set():
                raise Cancelled("the check was stopped")
            try:
                with readable(entry.name):
                    plain = memoryview(fetcher.read_segment(number))
                offset = 0
                for position, length in enumerate(lengths_of(segment.lengths)):
                    if self._seals.chunk_id(Type(segment.kind), plain[offset : offset + length]) != segment.ids[32 * position :][:32]:
                        raise Damaged(f"a chunk in {entry.name} is not what its id says", object=entry.name)
                    offset += length
                self._seen.bytes += len(plain)
            except (Damaged, ObjectMissing) as error:
                self._seen.bad.setdefault(entry.pack, set()).add(number)
                first = first or error
            if self._progress is not None:
                self._progress(self._seen.bytes)
        return first

    def _learn(self) -> None:
        """Whole packs first, so that a chunk is read where it is good."""
        seen = self._seen
        seen.good, seen.index = set(), ChunkIndex()
        for entry in sorted(seen.packs.values(), key=lambda each: (each.pack in seen.bad, each.pack)):
            bad = seen.bad.get(entry.pack, set())
            seen.index.add(entry, self._seals)
            for number, segment in enumerate(entry.segments):
                if number not in bad:
                    seen.good.update(segment.ids[start : start + 32] for start in range(0, len(segment.ids), 32))


@contextmanager
def readable(name: str) -> Iterator[None]:
    """A bad block of the disk is damage of this object; anything else that cannot be reached may pass with time."""
    try:
        yield
    except Unreachable as error:
        if getattr(error.__cause__, "errno", None) != errno.EIO:
            raise
        raise Damaged(f"{name} cannot be read: the disk reports an error", object=name) from error
