"""Takes a snapshot: scan, compare with the base, read what changed, store it, publish the root (publish.py).

Memory holds one folder, one block and a fixed set of buffers; what is new goes through the sink to the packs while the scan runs on.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from msgspec import Struct

from reconciler.base.clock import Clock
from reconciler.base.errors import Cancelled
from reconciler.repository import read_ahead
from reconciler.repository.builder import ManifestBuilder
from reconciler.repository.codec import Codec
from reconciler.repository.compare import FolderReader, Tally
from reconciler.repository.content import ContentReader
from reconciler.repository.entries import BlockRef, Cuts
from reconciler.repository.errors import BaseUnusable, Damaged, ObjectMissing, RepositoryError
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import CHECKPOINT_BYTES, CHECKPOINT_CHUNKS, CHECKPOINT_SECONDS
from reconciler.repository.header import Chunker
from reconciler.repository.index import ChunkIndex
from reconciler.repository.manifest import BaseCursor, block_refs
from reconciler.repository.near import Kept
from reconciler.repository.publish import Publisher, Writer
from reconciler.repository.request import TakeRequest
from reconciler.repository.resume import is_whole
from reconciler.repository.root import Root, RootRecord, to_micros
from reconciler.repository.seal import Seals
from reconciler.repository.sink import Sink
from reconciler.repository.store import Readable, Store
from reconciler.repository.turning import Turning
from reconciler.repository.turnover import Turnover
from reconciler.tree.entry import Defect, Listing

SCOUTED_FROM = 20_000  # files in the base: fewer are listed before another process would have started
_PROGRESS_SECONDS = 0.2
_RACY_SECONDS = 2  # the coarsest time stamps in use (FAT); a file changed later than this before the scan is read again next time


class Progress(Struct, frozen=True):
    """So far. ``stored_bytes`` lags behind while segments are under way."""

    files: int
    bytes: int
    read_bytes: int
    stored_bytes: int


class Taken(Struct, frozen=True):
    """How it ended. ``root`` None: nothing changed, ``base`` still describes the source."""

    root: Root | None
    base: str | None
    files: int
    bytes: int
    added_bytes: int
    read_bytes: int
    defects: tuple[Defect, ...]
    seconds: float
    continued: bool = False
    """From the last checkpoint of a run that was killed or stopped: what that lists was not read again."""
    damage: tuple[RepositoryError, ...] = ()
    """Damaged index objects that the run could do without; a person should know."""

    @property
    def unchanged(self) -> bool:
        return self.root is None


class Surroundings(Struct, frozen=True):
    """Where a run happens and how it talks to its caller."""

    store: Store
    seals: Seals
    chunker: Chunker
    clock: Clock
    stop: threading.Event | None = None
    progress: Callable[[Progress], None] | None = None
    near: Readable | None = None
    """The place as the beginning of the run sees it; None: as it is."""
    kept: Kept | None = None
    lock: Callable[[RootRecord, ChunkIndex, bool], None] | None = None
    """Keeps a snapshot locked; None: the place locks nothing."""

    def fetcher(self, index: ChunkIndex) -> Fetcher:
        return Fetcher(self.store, self.seals, index, kept=self.kept)


def take(
    around: Surroundings,
    source: Iterable[Listing],
    request: TakeRequest,
    base: RootRecord | None,
    writer: Writer,
    judge: Callable[[Sequence[Defect]], str],
    beside: RootRecord | None = None,
) -> Taken:
    """Take one snapshot. ``source`` may have an attribute ``defects``, complete after the iteration (a Scan has), and a method ``expect``,
    which hears before the iteration where folders of the base are.

    ``base`` may be a checkpoint: then it is continued if everything in it is still there, and the result is a snapshot without a parent.

    ``beside``: the snapshot that the turnover is told against; None: it is not told.

    Raises RepositoryError or Cancelled; everything acknowledged before stays as it was. BaseUnusable: try again without a base.
    """
    started = around.clock.monotonic()
    publisher = Publisher(
        around.store, around.seals, around.chunker, request, base, writer, near=around.near, kept=around.kept, lock=around.lock
    )
    if base is not None and base.checkpoint and not is_whole(base, around.fetcher(publisher.index), publisher.index):
        base = None
    sink = Sink(around.seals, Codec(*request.compression), publisher.packs, publisher.index)
    try:
        run = _Run(around, request, base, publisher, sink, beside)
        with _collector_paused():
            run.walk(source)
        defects = (*getattr(source, "defects", ()), *run.content.defects)
        root = run.publish(judge(defects), defects)
        return Taken(
            root=root,
            base=base.id if base is not None and not base.checkpoint else None,
            continued=base is not None and base.checkpoint > 0,
            files=run.tally.files,
            bytes=run.tally.bytes,
            added_bytes=publisher.added_bytes,
            read_bytes=run.content.read_bytes,
            defects=defects,
            seconds=around.clock.monotonic() - started,
            damage=publisher.damage,
        )
    finally:
        sink.close()
        publisher.packs.abort()


class _Run:
    """The walk of one take."""

    def __init__(
        self,
        around: Surroundings,
        request: TakeRequest,
        base: RootRecord | None,
        publisher: Publisher,
        sink: Sink,
        beside: RootRecord | None,
    ) -> None:
        self._around = around
        self._request = request
        self._base = base
        self._publisher = publisher
        self._sink = sink
        self.tally = Tally()
        refs: Sequence[BlockRef] = ()
        self._cursor: BaseCursor | None = None
        fetcher = around.fetcher(publisher.index)
        self._turning = _turning(beside, base, request, fetcher)
        if base is not None:
            refs = _readable_refs(base, fetcher)
            same = self._turning if beside is not None and beside.id == base.id and not base.checkpoint else None
            self._cursor = BaseCursor(refs, fetcher, same.removed if same is not None else None)
        self.builder = ManifestBuilder(sink, Cuts(around.seals.cut_key), self._cursor, refs, base.devices if base is not None else ())
        self._refs = refs
        noise = self._turning.noise if self._turning is not None else None
        self.content = ContentReader(around.seals, sink, publisher.index, around.chunker, request.checksums, self._between, noise)
        self._folders = FolderReader(
            content=self.content,
            builder=self.builder,
            cursor=self._cursor,
            tally=self.tally,
            reread=request.kind == "full" and not (base is not None and base.checkpoint),
            racy_after_ns=(to_micros(request.as_of) - _RACY_SECONDS * 1_000_000) * 1000,
            sources=request.paths,
            turning=self._turning,
        )
        self._checked_at = self._shown_at = around.clock.monotonic()
        self._checked_bytes = self._checked_chunks = 0

    def walk(self, source: Iterable[Listing]) -> None:
        self._foretell(source)
        with self._reading_ahead(source) as listings:
            for listing in listings:
                self._folders.folder(listing)
                self._between()
        if self._cursor is not None:
            self._cursor.finish()
        self._show()

    def _foretell(self, source: Iterable[Listing]) -> None:
        """Tell a source that is large and mostly as before where its folders were: it may look at some of them ahead."""
        expect = getattr(source, "expect", None)
        base = self._base
        compares_alone = self._turning is None or self._turning.compares_with_base
        if expect is not None and base is not None and base.files >= SCOUTED_FROM and self._request.kind != "full" and compares_alone:
            expect([ref.folder for ref in self._refs])

    @contextlib.contextmanager
    def _reading_ahead(self, source: Iterable[Listing]) -> Iterator[Iterable[Listing]]:
        """Where every file is to be read, other processes read small ones before their turn."""
        everything = self._base is None or (self._request.kind == "full" and not self._base.checkpoint)
        if not everything or not read_ahead.possible():
            yield source
            return
        hire = partial(self._sink.readers, self._request.checksums, much_to_seal=self._turning is None)
        self.content.ahead = read_ahead.ReadAhead(hire, self._between)
        try:
            yield self.content.ahead.through(source)
        finally:
            self.content.ahead.close()

    def publish(self, grade: str, defects: Sequence[Defect]) -> Root | None:
        """The published root, or None when the base still says it all; then only what a run read in vain was stored, and is indexed."""
        blocks, lists = self.builder.finish()
        self._sink.flush()
        self._publisher.write_index()
        acknowledged = self._base is not None and not self._base.checkpoint
        unchanged = acknowledged and self._request.kind != "full" and not self.tally.changed and not self._removed
        if unchanged and self._base is not None:
            self._publisher.index_packs()
            self._publisher.keep_locked(self._base, published=True)
            return None
        turnover = self._turning.total() if self._turning is not None else None
        return self._publisher.publish(self._record(grade, defects, blocks, lists, turnover))

    @property
    def _removed(self) -> bool:
        return self._cursor is not None and self._cursor.skipped > 0

    def _between(self) -> None:
        """Between two files: progress, checkpoint, stop."""
        now = self._around.clock.monotonic()
        if now - self._shown_at >= _PROGRESS_SECONDS:
            self._shown_at = now
            self._show()
        stopping = self._around.stop is not None and self._around.stop.is_set()
        fresh = self._publisher.packs.stored_bytes - self._checked_bytes
        many = self._sink.new_chunks - self._checked_chunks >= CHECKPOINT_CHUNKS
        if stopping or many or now - self._checked_at >= CHECKPOINT_SECONDS or fresh >= CHECKPOINT_BYTES:
            self._checkpoint()
        if stopping:
            raise Cancelled(f"the backup of {self._request.system} was stopped; what it stored so far is kept by a checkpoint")

    def _show(self) -> None:
        if self._around.progress is not None:
            stored = self._publisher.packs.stored_bytes
            self._around.progress(Progress(self.tally.files, self.tally.bytes, self.content.read_bytes, stored))

    def _checkpoint(self) -> None:
        """Make what was stored so far durable and findable: the next run continues from here, whoever it is."""
        blocks = self.builder.so_far(self._folders.under_way())
        self._sink.flush()
        self._publisher.checkpoint(self._record("partial", (), blocks, [], None))
        self._checked_at = self._around.clock.monotonic()
        self._checked_bytes = self._publisher.packs.stored_bytes
        self._checked_chunks = self._sink.new_chunks

    def _record(
        self, grade: str, defects: Sequence[Defect], blocks: list[BlockRef], lists: list[BlockRef], turnover: Turnover | None
    ) -> RootRecord:
        return self._publisher.record(
            grade=grade,
            ended=self._around.clock.now(),
            defects=defects,
            devices=self.builder.devices,
            tally=self.tally,
            read_bytes=self.content.read_bytes,
            new_chunks=self._sink.new_chunks,
            blocks=blocks,
            lists=lists,
            turnover=turnover,
        )


def _turning(beside: RootRecord | None, base: RootRecord | None, request: TakeRequest, fetcher: Fetcher) -> Turning | None:
    """What counts the turnover; None: there is nothing to tell it against, or it cannot be read, which must not stop a backup."""
    if beside is None:
        return None
    turning = Turning(beside.files, request.canaries, redrawn=request.redrawn)
    if base is None or base.checkpoint or base.id != beside.id:
        try:
            turning.look_beside(_readable_refs(beside, fetcher), fetcher)
        except BaseUnusable:
            return None
    return turning


def _readable_refs(base: RootRecord, fetcher: Fetcher) -> list[BlockRef]:
    try:
        return list(block_refs(base, fetcher))
    except (Damaged, ObjectMissing) as error:
        raise BaseUnusable(f"the base snapshot {base.id} cannot be read: {error}") from error


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Python's cycle collector walks every live object again and again while millions of tuples are made, and frees nothing here."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
