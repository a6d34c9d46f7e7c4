"""In which order files are written: as their content lies in the packs, so that each segment is decoded once for all its files.

Entries come in the order of the tree. After a first backup that is the order of the packs; after many small ones, neighbours lie far
apart. A window of entries is sorted, and cut into batches where one segment ends and the next begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from reconciler.repository.entries import Entry
from reconciler.repository.index import Position
from reconciler.tree.entry import SIZE


def in_pack_order(entries: Iterable[Entry], find: Callable[[bytes], Position | None]) -> list[tuple[int, Entry]]:
    """Each entry with the segment of its first chunk, by segment. What has none, or is unknown, stays beside its neighbour in the tree."""
    placed = []
    segment = 0
    for entry in entries:
        if entry.cold.chunks:
            position = find(entry.cold.chunks[:32])
            if position is not None:
                segment = position.segment
        placed.append((segment, entry))
    placed.sort(key=_segment)
    return placed


def batches(placed: Iterable[tuple[int, Entry]], bytes_max: int, files_max: int) -> Iterator[list[Entry]]:
    """Batches that end with a segment once they are half full, and in any case when they are full; one large file is a batch."""
    batch: list[Entry] = []
    size, last = 0, -1
    for segment, entry in placed:
        half = 2 * size >= bytes_max or 2 * len(batch) >= files_max
        if batch and ((half and segment != last) or size >= bytes_max or len(batch) >= files_max):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.row[SIZE]
        last = segment
    if batch:
        yield batch


def _segment(placed: tuple[int, Entry]) -> int:
    return placed[0]
