"""Copies a snapshot into another repository: the same id, entries and content, under other keys.

Ids of chunks are keyed, so every reference is translated: a chunk that the target is known to hold keeps its place there; any other is
read from the origin, hashed under both keys, and stored when the target lacks it. What is stored is read back before the root is
published. Until then the copy is a pending root with an id of its own, so that two copiers, or the leftovers of a killed one,
never stand in each other's way. Reading the origin takes no lock and changes nothing there.
"""

from __future__ import annotations

import queue
import stat
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from reconciler.base.arena import Region
from reconciler.base.errors import Cancelled
from reconciler.repository.builder import ManifestBuilder
from reconciler.repository.codec import Codec
from reconciler.repository.copy_known import Known, Pair
from reconciler.repository.entries import Cold, Cuts, decode_colds, decode_rows, ids_of
from reconciler.repository.errors import Damaged, ObjectMissing, OriginDamaged
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import CHECKPOINT_BYTES, CHECKPOINT_SECONDS, WHOLE_FILE_BYTES, Type
from reconciler.repository.manifest import BaseFolder, block_refs, read_block
from reconciler.repository.marks import MarkRecord, write_mark
from reconciler.repository.publish import Publisher, Writer
from reconciler.repository.request import TakeRequest
from reconciler.repository.root import Root, RootRecord, from_micros
from reconciler.repository.sink import Sink
from reconciler.repository.take import Progress, Surroundings
from reconciler.tree.entry import MODE, NAME, SIZE, Row, join

_PROGRESS_SECONDS = 0.2
_ALONE = 8  # large chunks on their way at a time


class Copied(Struct, frozen=True):
    """How it ended. ``root`` None: the target held the snapshot already."""

    snapshot: str
    root: Root | None
    files: int
    bytes: int
    read_bytes: int
    """Content that had to be read from the origin."""
    added_bytes: int
    seconds: float


def copy(
    around: Surroundings,
    url: str,
    origin: Fetcher,
    record: RootRecord,
    pairs: Sequence[Pair],
    compression: tuple[str, int | None],
) -> Copied:
    """Copy one snapshot. ``around``: the target; ``url`` and ``origin``: where it is read; ``pairs``: manifests that both sides hold.

    Raises OriginDamaged when the origin cannot give what the snapshot needs; nothing is published then. Also RepositoryError of the
    target, and Cancelled; what was stored until then is found again by the next copy.
    """
    started = around.clock.monotonic()
    publisher = Publisher(
        around.store,
        around.seals,
        around.chunker,
        _request(record, compression),
        None,
        Writer("", 0, None),
        thorough=True,
        lock=around.lock,
    )
    for pack in sorted(publisher.gone):  # readers must look for its chunks elsewhere from now on
        write_mark(around.store, around.seals, pack.hex(), MarkRecord("damaged", around.clock.now(), "missing"))
    sink = Sink(around.seals, Codec(*compression), publisher.packs, publisher.index)
    known = Known(pairs, publisher.index, origin, Fetcher(around.store, around.seals, publisher.index))
    try:
        run = _Run(around, url, origin, record, known, publisher, sink)
        try:
            root = run.publish()
        except OriginDamaged:
            run.checkpoint()  # what was good until here need not be stored again when another repository can give the rest
            raise
        return Copied(
            snapshot=record.id,
            root=root,
            files=record.files,
            bytes=record.bytes,
            read_bytes=run.read_bytes,
            added_bytes=publisher.added_bytes,
            seconds=around.clock.monotonic() - started,
        )
    except BaseException:
        origin.end()
        raise
    finally:
        sink.close()
        publisher.packs.abort()


def _request(record: RootRecord, compression: tuple[str, int | None]) -> TakeRequest:
    """As a full: what is known to be damaged in the target is stored anew."""
    return TakeRequest(
        realm=record.realm,
        system=record.system,
        host=record.host,
        kind="full",
        as_of=from_micros(record.as_of),
        generation=record.generation,
        specs=record.specs,
        writer=record.writer,
        paths=tuple(record.paths),
        compression=compression,
    )


class _Run:
    """The walk of one copy."""

    def __init__(
        self, around: Surroundings, url: str, origin: Fetcher, record: RootRecord, known: Known, publisher: Publisher, sink: Sink
    ) -> None:
        self._around = around
        self._url = url
        self._origin = origin
        self._record = record
        self._known = known
        self._publisher = publisher
        self._sink = sink
        self._builder = ManifestBuilder(sink, Cuts(around.seals.cut_key), None, (), record.devices)
        self._alone: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        for _ in range(_ALONE):
            self._alone.put(bytearray())
        self._files = self._bytes = 0
        self.read_bytes = 0
        self._checked_at = self._shown_at = around.clock.monotonic()
        self._checked_bytes = 0

    def publish(self) -> Root | None:
        """The published root; None when another copier was faster."""
        for folder in self._folders():
            self._folder(folder)
        blocks, lists = self._builder.finish()
        self._sink.flush()
        self._publisher.index_packs()
        self._show()
        root = msgspec.structs.replace(self._now(), blocks=list(blocks), lists=lists)
        try:
            return self._publisher.publish(root, self._record.id)
        except FileExistsError:
            self._publisher.clear()
            return None

    def _folders(self) -> Iterator[BaseFolder]:
        """The folders of the snapshot, each whole: blocks end elsewhere under another key."""
        folder: BaseFolder | None = None
        try:
            for ref in block_refs(self._record, self._origin):
                for piece in read_block(self._origin, ref):
                    if folder is None or folder.path != piece.folder:
                        if folder is not None:
                            yield folder
                        folder = BaseFolder(piece.folder)
                    folder.pieces.append(piece)
        except (Damaged, ObjectMissing) as error:
            raise self._unreadable("its list of files", error) from error
        if folder is not None:
            yield folder

    def _folder(self, folder: BaseFolder) -> None:
        self._known.look_at(folder.path)
        rows: list[Row] = []
        colds: list[Cold] = []
        for piece in folder.pieces:
            there = decode_colds(piece.cold)
            self._origin.expect(chunk for cold in there for chunk in ids_of(cold.chunks) if self._known.find(chunk) is None)
            for row, cold in zip(decode_rows(piece.hot), there, strict=True):
                rows.append(row)
                colds.append(self._translated(folder.path, row, cold))
                self._files += stat.S_ISREG(row[MODE])
                self._bytes += row[SIZE]
        self._builder.add(folder.path, folder.pieces[0].device, rows, colds)
        self._between()

    def _translated(self, folder: bytes, row: Row, cold: Cold) -> Cold:
        if not cold.chunks:
            return cold
        ids = bytearray()
        for start in range(0, len(cold.chunks), 32):
            chunk = cold.chunks[start : start + 32]
            there = self._known.find(chunk)
            if there is None:
                try:
                    there = self._fetched(chunk, large=row[SIZE] > WHOLE_FILE_BYTES)
                except (Damaged, ObjectMissing) as error:
                    path = join(folder, row[NAME]).decode("utf-8", "backslashreplace")
                    raise self._unreadable(f"/{path}", error) from error
            ids += there
        return msgspec.structs.replace(cold, chunks=bytes(ids))

    def _fetched(self, chunk: bytes, *, large: bool) -> bytes:
        """Read a chunk of the origin and store it unless the target holds it; its id there."""
        self._between()
        data = self._origin.chunk(Type.DATA, chunk)
        self.read_bytes += len(data)
        there = self._around.seals.chunk_id(Type.DATA, data)
        self._known.learn(chunk, there)
        if there in self._publisher.index:
            return there
        if large and len(data) >= self._around.chunker.bytes_min:
            token = self._sink.waited(self._alone)
            self._sink.put_alone(there, Region(memoryview(data), None), lambda: self._alone.put(token))
        else:
            self._sink.room(len(data))[:] = data
            self._sink.keep(there, len(data))
        return there

    def _unreadable(self, what: str, error: Damaged | ObjectMissing) -> OriginDamaged:
        return OriginDamaged(
            f"snapshot {self._record.id} cannot be copied from {self._url}: {what}: {error.message}",
            snapshot=self._record.id,
            object=error.context.get("object", ""),
        )

    def _between(self) -> None:
        """Between two reads: progress, checkpoint, stop."""
        now = self._around.clock.monotonic()
        if now - self._shown_at >= _PROGRESS_SECONDS:
            self._shown_at = now
            self._show()
        stopping = self._around.stop is not None and self._around.stop.is_set()
        fresh = self._publisher.packs.stored_bytes - self._checked_bytes
        if stopping or now - self._checked_at >= CHECKPOINT_SECONDS or fresh >= CHECKPOINT_BYTES:
            self.checkpoint()
        if stopping:
            raise Cancelled(f"the copy of snapshot {self._record.id} was stopped; what it stored so far is kept by a checkpoint")

    def _show(self) -> None:
        if self._around.progress is not None:
            self._around.progress(Progress(self._files, self._bytes, self.read_bytes, self._publisher.packs.stored_bytes))

    def checkpoint(self) -> None:
        """Make what was stored so far durable and findable."""
        self._sink.flush()
        self._publisher.checkpoint(msgspec.structs.replace(self._now(), grade="partial", blocks=list(self._builder.blocks)))
        self._checked_at = self._around.clock.monotonic()
        self._checked_bytes = self._publisher.packs.stored_bytes

    def _now(self) -> RootRecord:
        """The root as far as it is: everything that the original says of the source, and what this copy says of its own repository."""
        return msgspec.structs.replace(
            self._record,
            id=self._publisher.id,
            added_bytes=self._publisher.added_bytes,
            read_bytes=self.read_bytes,
            new_chunks=self._sink.new_chunks,
            blocks=[],
            lists=[],
            gc_seen=self._publisher.gc_seen,
        )
