"""The order of a manifest: folders as a scan walks them, names by raw bytes, nothing twice.

Everything that reads entries beside something else (a comparison, a selection, the next backup) relies on it. Where it is broken, as many
entries as possible are kept and the others named: one entry that claims a place far behind costs only itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from operator import lt

from reconciler.repository.entries import Entry
from reconciler.tree.entry import NAME, walk_key

Key = tuple[bytes, bytes]
"""Where an entry stands: (folder in walk order, name)."""


def key_of(folder: bytes, name: bytes) -> Key:
    return walk_key(folder), name


class Order:
    """Asked block after block."""

    def __init__(self) -> None:
        self._last: Key | None = None

    def holds(self, pieces: Sequence[Sequence[Entry]], before: Key | None) -> bool:
        """Whether the entries of a block come after all that came so far, in order, and before ``before``; if so, they came.

        ``pieces``: each of one folder, none of them empty. Costs a twentieth of a microsecond for an entry.
        """
        last = self._last
        for piece in pieces:
            folder = walk_key(piece[0].folder)
            names = [entry.row[NAME] for entry in piece]
            if (last is not None and (folder, names[0]) <= last) or not all(map(lt, names, islice(names, 1, None))):
                return False
            last = (folder, names[-1])
        if before is not None and last is not None and last >= before:
            return False
        self._last = last
        return True

    def sort_out(self, entries: Sequence[Entry], before: Key | None) -> tuple[list[Entry], list[Entry]]:
        """(kept, refused): as many as possible are kept, in order, and came. ``before`` is not believed when most would go by it."""
        keys = [key_of(entry.folder, entry.row[NAME]) for entry in entries]
        last = self._last
        if before is not None and 2 * sum(key < before for key in keys) <= len(keys):
            before = None
        inside = [place for place, key in enumerate(keys) if (last is None or key > last) and (before is None or key < before)]
        kept = [inside[place] for place in rising([keys[place] for place in inside])]
        if kept:
            self._last = keys[kept[-1]]
        stays = set(kept)
        return [entries[place] for place in kept], [entry for place, entry in enumerate(entries) if place not in stays]


def rising(keys: Sequence[Key]) -> list[int]:
    """Positions of a longest strictly rising run of ``keys`` (patience sorting; Fredman, 1975)."""
    tops: list[Key] = []
    ends: list[int] = []
    before: list[int] = []
    for position, key in enumerate(keys):
        pile = bisect_left(tops, key)
        before.append(ends[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(key)
            ends.append(position)
        elif key < tops[pile]:  # of two equal ones the first stays
            tops[pile], ends[pile] = key, position
    kept = []
    position = ends[-1] if ends else -1
    while position >= 0:
        kept.append(position)
        position = before[position]
    return kept[::-1]
