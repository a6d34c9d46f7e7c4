"""Lost lists of files, made anew from a copy of the same snapshot in another repository.

Ids are keyed, so a copy names every chunk otherwise; everything else of an entry is the same in both, and so is where files are cut. An
entry block that is lost is built from the entries of the copy that lie in its place, with the ids that their contents have here: for that,
the contents are read there. What was built counts only when its own keyed id is the one that is missed.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import msgspec
from msgspec import Struct, field

from reconciler.repository.builder import ManifestBuilder
from reconciler.repository.entries import BlockRef, Cold, Cuts, Piece, decode_halves, encode_block, encode_colds, encode_list, ids_of
from reconciler.repository.errors import Damaged, ObjectMissing
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Type
from reconciler.repository.manifest import block_refs, read_block
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import Seals
from reconciler.tree.entry import NAME, Row, encode_rows, walk_key

Place = tuple[bytes, bytes]
"""Where in the order of a walk something stands: folder and name."""


class Run(Struct, frozen=True):
    """A run of entries of one folder, as a piece holds it, decoded."""

    folder: bytes
    device: int
    rows: list[Row]
    colds: list[Cold]


class Span(Struct, frozen=True):
    """What one reference of a manifest stands for: an entry block, or a whole list of them that cannot be read."""

    ref: BlockRef
    kind: Type
    """ENTRIES or BLOCKS."""

    @property
    def place(self) -> Place:
        return walk_key(self.ref.folder), self.ref.name


class _Sink(Struct):
    """Keeps in memory what is lost of the blocks that a builder makes."""

    seals: Seals
    lost: Callable[[bytes], bool]
    made: dict[bytes, tuple[Type, bytes]] = field(default_factory=dict)

    def put(self, kind: Type, data: bytes) -> bytes:
        chunk = self.seals.chunk_id(kind, data)
        if self.lost(chunk):
            self.made[chunk] = (kind, data)
        return chunk


def spans(record: RootRecord, fetcher: Fetcher) -> list[Span]:
    """Everything that a snapshot is made of, in order."""
    lost: list[BlockRef] = []
    blocks = [Span(ref, Type.ENTRIES) for ref in block_refs(record, fetcher, lambda ref, _why: lost.append(ref))]
    return sorted([*blocks, *(Span(ref, Type.BLOCKS) for ref in lost)], key=lambda span: span.place)


class ListRebuild(Struct, frozen=True):
    """Makes the lost parts of the list of one snapshot. Memory: what is lost of it, and one folder."""

    seals: Seals
    record: RootRecord
    ours: list[Span]
    lost: Callable[[bytes], bool]
    """Whether a chunk cannot be read here."""

    def blocks(self, theirs: RootRecord, fetcher: Fetcher) -> Iterator[tuple[Type, bytes, bytes]]:
        """(kind, id, bytes) of what a copy gives of them; what it does not give is left out. ``fetcher``: of the other repository."""
        parts = _parted(_folders(theirs, fetcher), [span.place for span in self.ours])
        for number, group in groupby(parts, key=lambda numbered: numbered[0]):
            if self.lost(self.ours[number].ref.id):
                try:
                    yield from self._built(self.ours[number], (part for _, part in group), fetcher)
                except (Damaged, ObjectMissing):
                    continue  # the copy is damaged there; what follows may be whole

    def _built(self, span: Span, parts: Iterable[Run], fetcher: Fetcher) -> Iterator[tuple[Type, bytes, bytes]]:
        here = (msgspec.structs.replace(part, colds=[self._here(cold, fetcher) for cold in part.colds]) for part in parts)
        sink = _Sink(self.seals, self.lost)
        if span.kind is Type.ENTRIES:  # where it ends is known, even if a rule of another day put it there
            pieces = [Piece(part.folder, part.device, encode_rows(part.rows), encode_colds(part.colds)) for part in here]
            sink.put(Type.ENTRIES, encode_block(pieces))
        else:
            builder = ManifestBuilder(sink, Cuts(self.seals.cut_key), None, (), self.record.devices)
            for part in here:
                builder.add(part.folder, part.device, part.rows, part.colds)
            sink.put(Type.BLOCKS, encode_list(builder.finish()[0]))
        if span.ref.id in sink.made:
            yield from ((kind, chunk, data) for chunk, (kind, data) in sink.made.items())

    def _here(self, cold: Cold, fetcher: Fetcher) -> Cold:
        ids = (self.seals.chunk_id(Type.DATA, fetcher.chunk(Type.DATA, chunk)) for chunk in ids_of(cold.chunks))
        return msgspec.structs.replace(cold, chunks=b"".join(ids))


def _folders(record: RootRecord, fetcher: Fetcher) -> Iterator[Run]:
    """Of everything that can be read of a snapshot, in order: each folder whole, because blocks end elsewhere under another key."""
    for folder, pieces in groupby(_pieces(record, fetcher), key=lambda piece: piece.folder):
        whole = Run(folder, 0, [], [])
        for piece in pieces:
            rows, colds = decode_halves(piece)
            whole = Run(folder, piece.device, whole.rows + rows, whole.colds + colds)
        yield whole


def _pieces(record: RootRecord, fetcher: Fetcher) -> Iterator[Piece]:
    for ref in block_refs(record, fetcher, lambda _ref, _why: None):
        try:
            yield from read_block(fetcher, ref)
        except (Damaged, ObjectMissing):
            continue  # what it named cannot come from here


def _parted(parts: Iterable[Run], places: list[Place]) -> Iterator[tuple[int, Run]]:
    """Each part with the number of the last place that is not behind it; one that reaches over several of them is split."""
    for part in parts:
        folder = walk_key(part.folder)
        start = 0
        for number, group in groupby(_last_place(places, folder, row[NAME]) for row in part.rows):
            end = start + sum(1 for _ in group)
            yield number, Run(part.folder, part.device, part.rows[start:end], part.colds[start:end])
            start = end
        if not part.rows:
            yield _last_place(places, folder, b""), part


def _last_place(places: list[Place], folder: bytes, name: bytes) -> int:
    return max(0, bisect.bisect_right(places, (folder, name)) - 1)
