"""Counts the turnover of a run while its folders are read: only in those that are not as before, so it costs what changed."""

from __future__ import annotations

import re
import stat
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from reconciler.repository.entries import UNREAD, BlockRef, Cold, decode_chunks, decode_rows
from reconciler.repository.errors import BaseUnusable
from reconciler.repository.fetch import Fetcher
from reconciler.repository.manifest import BaseCursor, BaseFolder
from reconciler.repository.noise import Noise, ending
from reconciler.repository.renaming import Renaming, beside
from reconciler.repository.turnover import Turnover
from reconciler.tree.entry import MODE, NAME, SIZE, Row, join

Known = Mapping[bytes, tuple[Row, Cold]]


class Ruin(NamedTuple):
    """What the new content of one file looks like."""

    fresh: bool
    """Whether any of it was new to the repository."""
    ruined: bool
    blank: bool


LOOSE = re.compile(rb"(.*)\bobjects/[0-9a-f]{2}$", re.DOTALL)
"""The folder of some objects of git: all that is in it goes when they are packed, and one file comes elsewhere."""
_PACKS = b"objects/pack"
_SOUND = Ruin(fresh=False, ruined=False, blank=False)


class Turning:
    """One per run. ``canaries``: paths as a manifest has them. ``redrawn``: what went is not counted, for it may only be excluded now."""

    def __init__(self, compared_files: int, canaries: Iterable[bytes], *, redrawn: bool) -> None:
        self._redrawn = redrawn
        self.noise = Noise()
        self._renaming = Renaming()
        self._cursor: BaseCursor | None = None
        self._compared_files = compared_files
        self._lost = False
        self._canaries = frozenset(canaries)
        self._loose: Counter[bytes] = Counter()
        self._packed: set[bytes] = set()
        self._counts = dict.fromkeys(
            ("changed", "added", "gone", "moved", "renamed", "ruined_changed", "ruined_added", "canaries", "emptied"), 0
        )

    def look_beside(self, refs: Sequence[BlockRef], fetcher: Fetcher) -> None:
        """Compare with another snapshot than the base: a full has none, and a differential an older one."""
        self._cursor = BaseCursor(refs, fetcher, self.removed)

    @property
    def compares_with_base(self) -> bool:
        """Whether the snapshot to tell it against is the base itself."""
        return self._cursor is None

    def before(self, path: bytes, found: BaseFolder | None) -> BaseFolder | None:
        """The folder as it was; ``found``: as it is in the base. Folders must come in walk order."""
        if self._cursor is None:
            return found
        try:
            return self._cursor.seek(path) if not self._lost else None
        except BaseUnusable:  # it is only compared with: the backup does not need it
            self._lost = True
            return None

    def folder(
        self, path: bytes, before: Known, names: AbstractSet[bytes], after: Iterable[tuple[Row, Cold]], ruins: Mapping[bytes, Ruin]
    ) -> None:
        """One folder then and now: all ``names`` in it, and of these at least what is not as before.

        ``ruins``: by name, of the files with content that they did not have.
        """
        counts = self._counts
        added: list[bytes] = []
        gone: list[bytes] = []
        went = [name for name in before.keys() - names if _regular(before[name][0])]
        around = beside([name for name, (row, _) in before.items() if _regular(row)]) if went else ()
        for row, cold in after:
            known = before.get(row[NAME])
            if known is not None and (known[0] == row and known[1] == cold):
                continue
            was, now = known is not None and _regular(known[0]), _regular(row)
            if was and known is not None and now:
                if _same_content(known, (row, cold)):
                    continue
                counts["changed"] += 1
                ruin = ruins.get(row[NAME], _SOUND)
                counts["ruined_changed"] += ruin.ruined
                counts["emptied"] += (ruin.blank or not row[SIZE]) and ending(row[NAME]) != b"log"  # which is emptied when it is rotated
                self._canary(path, row[NAME])
            elif now:
                ruin = ruins.get(row[NAME], _SOUND)
                counts["ruined_added"] += ruin.ruined
                counts["moved"] += bool(row[SIZE]) and not ruin.fresh
                added.append(row[NAME])
                if not ruin.fresh:
                    self._renaming.came(path, row[NAME], cold.chunks)
            elif was:
                gone.append(row[NAME])
                self._canary(path, row[NAME])
        for name in went:
            gone.append(name)
            self._canary(path, name)
            self._renaming.went(path, name, before[name][1].chunks, around)
        if added and path.endswith(_PACKS) and any(name.endswith(b".pack") and not ruins.get(name, _SOUND).ruined for name in added):
            self._packed.add(path.removesuffix(_PACKS))
        self._went(path, len(gone))
        counts["added"] += len(added)
        counts["renamed"] += relabelled(gone, added)

    def removed(self, folder: BaseFolder) -> None:
        """A folder that is there no more."""
        gone, around = 0, None
        for piece in folder.pieces:
            rows = decode_rows(piece.hot)
            around = around or beside([row[NAME] for row in rows if _regular(row)])
            for row, chunks in zip(rows, decode_chunks(piece.cold), strict=True):
                if _regular(row):
                    gone += 1
                    self._canary(folder.path, row[NAME])
                    self._renaming.went(folder.path, row[NAME], chunks, around)
        self._went(folder.path, gone)

    def total(self) -> Turnover | None:
        """At the end; None: what it was compared with could not be read to its end."""
        if self._cursor is not None and not self._lost:
            try:
                self._cursor.finish()
            except BaseUnusable:
                self._lost = True
        if self._lost:
            return None
        self._counts["gone"] -= sum(self._loose[repository] for repository in self._packed)
        unnamed = self._renaming.unnamed()
        if self._redrawn:
            self._counts |= {"gone": 0, "renamed": 0}
            unnamed = 0
        fresh, noise = self.noise.fresh_bytes, self.noise.noise_bytes
        return Turnover(self._compared_files, **self._counts, fresh_bytes=fresh, noise_bytes=noise, unnamed=unnamed)

    def _went(self, folder: bytes, count: int) -> None:
        """Files that are there no more: loose objects of git are counted by repository until it is known whether they were packed."""
        loose = LOOSE.search(folder) if count else None
        if loose is not None:
            self._loose[loose[1]] += count
        self._counts["gone"] += count

    def _canary(self, folder: bytes, name: bytes) -> None:
        self._counts["canaries"] += bool(self._canaries) and join(folder, name) in self._canaries


def relabelled(gone: Sequence[bytes], came: Sequence[bytes]) -> int:
    """How many of the names that went made room for one with another ending. People rename many at once, and let them end as they did.

    Numbers are one ending: a library of another version has not become something else.
    """
    if not gone or not came:
        return 0
    before, after = Counter(map(_label, gone)), Counter(map(_label, came))
    return min(len(gone), len(came)) - (before & after).total()


def _label(name: bytes) -> bytes:
    found = ending(name)
    return b"" if found.isdigit() else found


def _regular(row: Row) -> bool:
    return stat.S_ISREG(row[MODE])


def _same_content(before: tuple[Row, Cold], after: tuple[Row, Cold]) -> bool:
    """What could not be read then or now is no change of content."""
    if (before[1].flags | after[1].flags) & UNREAD:
        return True
    return before[0][SIZE] == after[0][SIZE] and before[1].chunks == after[1].chunks
