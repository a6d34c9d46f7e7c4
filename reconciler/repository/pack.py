"""Packs: immutable files of sealed segments with an encrypted directory at the end. The index repeats it: two copies of the truth.

``magic 8 | format u16 | salt 32 | segments … | directory | directory length u32 | end magic 8``. The name is the SHA-256 of the whole file,
so any tool can check it without a key; fresh nonces make it unique, so a name never comes back with other content.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import msgspec
from blake3 import blake3
from msgspec import Struct

from reconciler.base.wire import UNREADABLE
from reconciler.repository.abreast import abreast
from reconciler.repository.errors import Damaged
from reconciler.repository.format import (
    DIRECTORY_BYTES_MAX,
    FORMAT,
    PACK_BYTES,
    PACK_BYTES_MAX,
    PACK_CHUNKS,
    PACK_END,
    PACK_MAGIC,
    SEGMENT_BYTES_MAX,
    Packed,
    Type,
)
from reconciler.repository.near import Kept, segment_name
from reconciler.repository.seal import Seals, lengths_of
from reconciler.repository.store import Draft, Readable, Store

_READ_BACK_BYTES = 8 * 2**20
_HEAD = struct.Struct(">8sH32s")
_TAIL = struct.Struct(">I8s")
HEAD_BYTES = _HEAD.size
_CHUNK_TYPES = frozenset({Type.DATA, Type.ENTRIES, Type.BLOCKS})
_PACKED = frozenset(Packed)


class Segment(msgspec.Struct, array_like=True, frozen=True):
    """One sealed segment in the order of the pack; its offset is the sum of what stands before it."""

    kind: int
    packed: int
    stored_bytes: int
    plain_bytes: int
    ids: bytes
    """32 bytes per chunk, in order."""
    lengths: bytes
    """u32 little endian per chunk."""

    def chunks(self) -> Iterator[tuple[bytes, int, int]]:
        """(id, offset in the decoded segment, length) of each chunk, in order."""
        offset = 0
        for position, length in enumerate(lengths_of(self.lengths)):
            yield self.ids[32 * position : 32 * position + 32], offset, length
            offset += length


class PackEntry(msgspec.Struct, array_like=True, frozen=True):
    """One pack as the index describes it."""

    pack: bytes
    """SHA-256 of the file."""
    size: int
    segments: list[Segment]

    @property
    def name(self) -> str:
        return pack_name(self.pack)


def pack_name(digest: bytes) -> str:
    text = digest.hex()
    return f"packs/{text[:2]}/{text}"


class _Check(Struct):
    """What must be read back before success: a range of a pack and the BLAKE3 of its bytes."""

    offset: int
    length: int
    digest: bytes
    describes: bool = False
    """A segment that says what a snapshot holds."""


class PackWriter:
    """Appends segments to one open pack, closes it when full, and publishes it from a thread of its own. Threads may share it."""

    def __init__(self, store: Store, seals: Seals, *, thorough: bool = False, kept: Kept | None = None) -> None:
        """``thorough``: read back the data, too, not only directories and metadata. ``kept``: where the latter is kept when it was read."""
        self._kept = kept
        self._store = store
        self._seals = seals
        self._thorough = thorough
        self._lock = threading.Lock()
        self._publisher = ThreadPoolExecutor(store.uploads, "publish-pack")
        self._publishing: list[Future[None]] = []
        self._draft: Draft | None = None
        self._broken: BaseException | None = None
        self._finished: list[PackEntry] = []
        self._checks: dict[str, list[_Check]] = {}
        self.stored_bytes = 0

    def append(self, kind: Type, packed: int, plain_bytes: int, ids: bytes, lengths: bytes, sealed: memoryview) -> None:
        with self._lock, self._final():
            draft = self._draft or self._begin()
            draft.write(sealed)
            self._hash.update(sealed)
            if self._thorough or kind != Type.DATA:
                self._open_checks.append(_Check(self._size, len(sealed), blake3(sealed).digest(), kind != Type.DATA))
            self._segments.append(Segment(kind, packed, len(sealed), plain_bytes, ids, lengths))
            self._open_chunks += len(ids) // 32
            self._size += len(sealed)
            self.stored_bytes += len(sealed)
            if self._size >= PACK_BYTES or self._open_chunks >= PACK_CHUNKS:
                self._close()

    def flush(self) -> list[PackEntry]:
        """Publish what is open and return every pack that was finished since the last flush, durable but for their folder entries."""
        with self._lock, self._final():
            if self._draft is not None:
                self._close()
            publishing, self._publishing = self._publishing, []
            finished, self._finished = self._finished, []
        for future in publishing:
            future.result()
        return finished

    def read_back(self) -> None:
        """Read the directories and the metadata segments of all flushed packs from the store again. Raises Damaged naming the pack.

        What was sealed was decoded and hashed again before it was written: equal bytes are whole chunks.
        """
        each = [(name, run) for name, checks in self._checks.items() for run in _side_by_side(checks)]
        for _ in abreast(self._store, self._read_back, each):
            pass
        self._checks.clear()

    def _read_back(self, run: tuple[str, list[_Check]]) -> None:
        name, checks = run
        begin = checks[0].offset
        data = memoryview(self._store.get_range(name, begin, checks[-1].offset + checks[-1].length - begin))
        for check in checks:
            piece = data[check.offset - begin :][: check.length]
            if blake3(piece).digest() != check.digest:
                raise Damaged(f"{name} reads back other bytes than were written", object=name, hint="Is the disk of the repository sound?")
            if self._kept is not None and check.describes:
                self._kept.put(segment_name(name, check.offset), bytes(piece))

    def abort(self) -> None:
        """Let go of the open pack; packs already published stay and are used by the next run or collected."""
        with self._lock:
            draft, self._draft = self._draft, None
        if draft is not None:
            draft.discard()
        self._publisher.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        self._publisher.shutdown(wait=True)

    def failure(self) -> BaseException | None:
        """The error of a pack that could not be published, as soon as it is known."""
        for future in self._publishing:
            if future.done() and future.exception() is not None:
                return future.exception()
        return None

    @contextlib.contextmanager
    def _final(self) -> Iterator[None]:
        """What fails inside is final: an unknown part of it is in the open pack, so nobody may append to that or publish it."""
        if self._broken is not None:
            raise self._broken
        try:
            yield
        except BaseException as error:
            self._broken = error
            raise

    def _begin(self) -> Draft:
        self._draft = draft = self._store.draft()
        self._salt = os.urandom(32)
        self._segments: list[Segment] = []
        self._open_chunks = 0
        self._open_checks: list[_Check] = []
        head = _HEAD.pack(PACK_MAGIC, FORMAT, self._salt)
        self._hash = hashlib.sha256(head)
        draft.write(head)
        self._size = len(head)
        return draft

    def _close(self) -> None:
        draft = self._draft
        assert draft is not None
        directory = self._seals.seal_object(Type.DIRECTORY, self._salt.hex(), msgspec.msgpack.encode(self._segments))
        tail = directory + _TAIL.pack(len(directory), PACK_END)
        draft.write(tail)
        self._hash.update(tail)
        digest = self._hash.digest()
        entry = PackEntry(digest, self._size + len(tail), self._segments)
        self._open_checks.append(_Check(self._size, len(tail), blake3(tail).digest()))
        self._checks[entry.name] = self._open_checks
        self._finished.append(entry)
        self.stored_bytes += len(tail) + HEAD_BYTES
        self._draft = None
        self._make_way()
        self._publishing.append(self._publisher.submit(_publish, draft, entry.name))

    def _make_way(self) -> None:
        """Where packs wait in memory, none waits behind those that are on their way."""
        under_way = [future for future in self._publishing if not future.done()]
        if self._store.uploads > 1 and len(under_way) >= self._store.uploads:
            wait(under_way, return_when=FIRST_COMPLETED)


def _side_by_side(checks: Sequence[_Check]) -> Iterator[list[_Check]]:
    """Checks of one pack in the order of their offsets, joined where nothing stands between them and they are not too much for one read."""
    run: list[_Check] = []
    for check in checks:
        if run and (run[-1].offset + run[-1].length != check.offset or check.offset - run[0].offset + check.length > _READ_BACK_BYTES):
            yield run
            run = []
        run.append(check)
    if run:
        yield run


def _publish(draft: Draft, name: str) -> None:
    try:
        draft.commit(name)
    except BaseException:
        draft.discard()
        raise


def read_directory(store: Readable, seals: Seals, name: str, size: int) -> PackEntry:
    """The directory out of a pack itself. Raises Damaged or ObjectMissing naming the pack."""
    if not HEAD_BYTES + _TAIL.size <= size <= PACK_BYTES_MAX:
        raise Damaged(f"{name} has an impossible size of {size} bytes", object=name)
    magic, version, salt = _HEAD.unpack(store.get_range(name, 0, HEAD_BYTES))
    length, end = _TAIL.unpack(store.get_range(name, size - _TAIL.size, _TAIL.size))
    if magic != PACK_MAGIC or version != FORMAT or end != PACK_END or length > min(DIRECTORY_BYTES_MAX, size - HEAD_BYTES - _TAIL.size):
        raise Damaged(f"{name} does not begin and end like a pack", object=name)
    sealed = store.get_range(name, size - _TAIL.size - length, length)
    plain = seals.unseal_object(Type.DIRECTORY, salt.hex(), sealed, shown=f"the directory of {name}")
    del sealed  # it may be large, and what comes is as large again
    try:
        segments = msgspec.msgpack.decode(plain, type=list[Segment])
        digest = bytes.fromhex(name.rsplit("/", 1)[-1])
    except (*UNREADABLE, ValueError) as error:
        raise Damaged(f"the directory of {name} cannot be read", object=name) from error
    entry = PackEntry(digest, size, segments)
    check_entry(entry, name)
    if HEAD_BYTES + sum(segment.stored_bytes for segment in segments) + length + _TAIL.size != size:
        raise Damaged(f"the directory of {name} does not fit its size", object=name)
    return entry


def check_entry(entry: PackEntry, shown: str) -> None:
    """Raise Damaged unless the numbers of a pack's directory can be true; checked before anything is allocated by them."""
    total = HEAD_BYTES
    for segment in entry.segments:
        total += segment.stored_bytes
        if (
            len(segment.ids) % 32
            or len(segment.ids) != 8 * len(segment.lengths)
            or sum(lengths_of(segment.lengths)) != segment.plain_bytes
            or segment.kind not in _CHUNK_TYPES
            or segment.packed not in _PACKED
            or not 0 < segment.stored_bytes <= SEGMENT_BYTES_MAX
            or not 0 <= segment.plain_bytes <= SEGMENT_BYTES_MAX
        ):
            raise Damaged(f"{shown} describes an impossible segment", object=shown)
    if total > entry.size or entry.size > PACK_BYTES_MAX or len(entry.pack) != 32:
        raise Damaged(f"{shown} describes an impossible pack", object=shown)
