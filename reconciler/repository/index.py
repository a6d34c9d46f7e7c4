"""Where each chunk is. Index objects repeat the directories of packs; together they are a cache that the packs can rebuild.

In memory: the ids and the offsets inside their decoded segments, packed (chunk_table.py), and one table of segments. About 50 bytes per
chunk.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, islice
from typing import NamedTuple

import msgspec
from msgspec import Struct

from reconciler.base.wire import UNREADABLE
from reconciler.repository.abreast import abreast
from reconciler.repository.chunk_table import ChunkTable
from reconciler.repository.errors import Damaged, ObjectMissing, RepositoryError
from reconciler.repository.format import INDEX_CHUNKS_MAX, OBJECT_BYTES_MAX, Type
from reconciler.repository.pack import HEAD_BYTES, PackEntry, check_entry, pack_name, read_directory
from reconciler.repository.seal import Seals, lengths_of
from reconciler.repository.store import Readable, Store


class IndexObject(msgspec.Struct, array_like=True, frozen=True):
    """What an index object holds."""

    packs: list[PackEntry]
    supersedes: list[str]
    """Names of index objects that this one replaces; their packs are all here or deleted."""


class Position(NamedTuple):
    """A chunk inside a decoded segment."""

    segment: int
    offset: int
    length: int


class SegmentPlace(Struct, frozen=True):
    """A sealed segment inside its pack."""

    pack: bytes
    offset: int
    stored_bytes: int
    plain_bytes: int
    kind: int
    packed: int
    id: bytes

    @property
    def pack_name(self) -> str:
        return pack_name(self.pack)


def places_of(entry: PackEntry, seals: Seals, kinds: frozenset[int] | None = None) -> Iterator[SegmentPlace]:
    """The segments of a pack as its directory describes them. ``kinds``: only of these; None: of all."""
    offset = HEAD_BYTES
    for segment in entry.segments:
        if kinds is None or segment.kind in kinds:
            yield SegmentPlace(
                entry.pack,
                offset,
                segment.stored_bytes,
                segment.plain_bytes,
                segment.kind,
                segment.packed,
                seals.segment_id(segment.ids, segment.lengths),
            )
        offset += segment.stored_bytes


class _Placed:
    """Chunks in segments whose places are known."""

    def __init__(self) -> None:
        self.chunks = ChunkTable()
        self._offsets = array("I")
        """Inside the decoded segment, by number of the chunk."""
        self._firsts = array("Q")
        """The number of the first chunk of each segment that holds any, in order."""
        self._segments = array("I")

    def add(self, segment: int, ids: bytes, lengths: bytes) -> None:
        if not ids:
            return
        self._firsts.append(len(self.chunks))
        self._segments.append(segment)
        self._offsets.extend(islice(accumulate(lengths_of(lengths), initial=0), len(ids) // 32))
        self.chunks.add(ids)

    def find(self, chunk: bytes, segments: Sequence[SegmentPlace]) -> Position | None:
        number = self.chunks.find(chunk)
        if number is None:
            return None
        which = bisect_right(self._firsts, number) - 1
        segment = self._segments[which]
        beyond = self._firsts[which + 1] if which + 1 < len(self._firsts) else len(self._offsets)
        end = self._offsets[number + 1] if number + 1 < beyond else segments[segment].plain_bytes
        offset = self._offsets[number]
        return Position(segment, offset, end - offset)


class ChunkIndex:
    """All chunks of a repository, except those in packs that a clean-up condemned."""

    def __init__(self) -> None:
        self._content, self._metadata = _Placed(), _Placed()  # who reads a manifest needs no table of all contents
        self._expected = ChunkTable()
        self._segments: list[SegmentPlace] = []
        self._packs: dict[bytes, range] = {}

    def __contains__(self, chunk: bytes) -> bool:
        return chunk in self._content.chunks or chunk in self._expected or chunk in self._metadata.chunks

    def __len__(self) -> int:
        """How many are stored; one that lies in two packs counts twice."""
        return len(self._content.chunks) + len(self._metadata.chunks)

    def find(self, chunk: bytes) -> Position | None:
        return self._metadata.find(chunk, self._segments) or self._content.find(chunk, self._segments)

    def segment(self, number: int) -> SegmentPlace:
        return self._segments[number]

    @property
    def content_bytes(self) -> tuple[int, int]:
        """(plain, stored) of all its segments."""
        return sum(segment.plain_bytes for segment in self._segments), sum(segment.stored_bytes for segment in self._segments)

    @property
    def packs(self) -> frozenset[bytes]:
        return frozenset(self._packs)

    def of_pack(self, pack: bytes) -> tuple[SegmentPlace, ...]:
        """Every segment of a known pack, in its order."""
        return tuple(self._segments[number] for number in self._packs[pack])

    def expect(self, chunk: bytes) -> None:
        """Note a chunk that this run has handed over for storing: the same content is not stored twice. Its place comes with ``add``."""
        self._expected.note(chunk)

    def add(self, entry: PackEntry, seals: Seals, kinds: frozenset[int] | None = None) -> None:
        """Learn a pack, or of it only segments of these kinds; learning it twice changes nothing."""
        if entry.pack in self._packs:
            return
        first = len(self._segments)
        self._segments += places_of(entry, seals, kinds)
        self._packs[entry.pack] = range(first, len(self._segments))
        segments = entry.segments if kinds is None else [segment for segment in entry.segments if segment.kind in kinds]
        for number, segment in zip(self._packs[entry.pack], segments, strict=True):
            placed = self._content if segment.kind == Type.DATA else self._metadata
            placed.add(number, segment.ids, segment.lengths)


def load_index(
    store: Readable,
    seals: Seals,
    condemned: frozenset[bytes] = frozenset(),
    distrusted: frozenset[bytes] = frozenset(),
    *,
    unindexed: bool = False,
    kinds: frozenset[int] | None = None,
) -> tuple[ChunkIndex, tuple[RepositoryError, ...]]:
    """Read every index object. ``condemned`` packs are left out; a chunk of a ``distrusted`` one is taken from another pack if any has it.

    A damaged index object is reported and replaced by the directories of the packs that no other one describes. ``unindexed``: learn such
    packs in any case, for an index object may be lost without a trace. For readers only: a clean-up may remove such a pack at any time.
    ``kinds``: learn only segments of these; None: all.
    """
    index = ChunkIndex()
    damage: list[RepositoryError] = []
    last: list[PackEntry] = []
    for described in _index_objects(store, seals, damage):
        for entry in described.packs:
            if entry.pack in distrusted:
                last.append(entry)
            elif entry.pack not in condemned:
                index.add(entry, seals, kinds)
    for entry in last:
        if entry.pack not in condemned:
            index.add(entry, seals, kinds)
    if damage or unindexed:
        for entry in unindexed_packs(store, seals, index.packs | condemned, damage if damage else []):  # what nobody may need is no damage
            index.add(entry, seals, kinds)
    return index, tuple(damage)


def _index_objects(store: Readable, seals: Seals, damage: list[RepositoryError]) -> Iterator[IndexObject]:
    """All that can be read. One that goes between listing and reading was replaced by a clean-up: its replacement is listed by then."""
    seen: set[str] = set()
    replaced = True
    while replaced:
        replaced = False
        names = [found.name for found in store.list("index") if found.name not in seen]
        seen.update(names)
        for name, described in zip(names, abreast(store, partial(_read_or_why, store, seals), names), strict=True):
            if isinstance(described, IndexObject):
                yield described
            elif store.find(name) is None:
                replaced = True
            else:
                damage.append(described)


def _read_or_why(store: Readable, seals: Seals, name: str) -> IndexObject | RepositoryError:
    try:
        return read_index_object(store, seals, name)
    except (Damaged, ObjectMissing) as error:
        return error


def unindexed_packs(store: Readable, seals: Seals, known: frozenset[bytes], damage: list[RepositoryError]) -> Iterator[PackEntry]:
    """Packs that are there and not ``known``, by their own directories. One that cannot be read is added to ``damage``."""
    for found in store.list("packs"):
        try:
            digest = bytes.fromhex(found.name.rsplit("/", 1)[-1])
        except ValueError:
            continue  # not the name of a pack
        if digest in known:
            continue
        try:
            yield read_directory(store, seals, found.name, found.size)
        except (Damaged, ObjectMissing) as error:
            damage.append(error)


def read_index_object(store: Readable, seals: Seals, name: str) -> IndexObject:
    """Raises Damaged naming it."""
    data = store.get(name, OBJECT_BYTES_MAX)
    if hashlib.sha256(data).hexdigest() != name.rsplit("/", 1)[-1]:
        raise Damaged(f"{name} does not match its name", object=name)
    try:
        decoded = msgspec.msgpack.decode(seals.unseal_object(Type.INDEX, "", data, shown=name), type=IndexObject)
    except UNREADABLE as error:
        raise Damaged(f"{name} cannot be read", object=name) from error
    for entry in decoded.packs:
        check_entry(entry, name)
    return decoded


def write_index_objects(store: Store, seals: Seals, entries: Iterable[PackEntry]) -> list[tuple[str, bytes]]:
    """Store index objects for ``entries``; returns their names and bytes for reading back."""
    written = []
    for group in _grouped(entries):
        data = seals.seal_object(Type.INDEX, "", msgspec.msgpack.encode(IndexObject(group, [])))
        name = f"index/{hashlib.sha256(data).hexdigest()}"
        store.put(name, data)
        written.append((name, data))
    return written


def _grouped(entries: Iterable[PackEntry]) -> Iterator[list[PackEntry]]:
    group: list[PackEntry] = []
    chunks = 0
    for entry in entries:
        size = sum(len(segment.ids) // 32 for segment in entry.segments)
        if group and chunks + size > INDEX_CHUNKS_MAX:
            yield group
            group, chunks = [], 0
        group.append(entry)
        chunks += size
    if group:
        yield group
