"""What is looked for across snapshots: one path, or a pattern with .gitignore semantics. Only the entry itself counts, not what lies below.

Most blocks are ruled out without decoding them: a name stands in a block as its raw bytes, so a block without the longest literal piece of
the last component holds no match.
"""

from __future__ import annotations

import re
import stat

from reconciler.repository.entries import BlockRef, Entry, decode_block, decode_halves, decode_rows
from reconciler.repository.manifest import may_hold
from reconciler.tree.entry import MODE, NAME, join
from reconciler.tree.excludes import Excludes

_SIGNS = frozenset(b"*?[\\")


class Pattern:
    """``text``: counted from "/", such as ``home/me/*.pdf``; ``**/name`` fits at any depth."""

    def __init__(self, text: bytes) -> None:
        text = text.strip(b"/")
        components = text.split(b"/")
        literal = next((i for i, component in enumerate(components) if _SIGNS & set(component)), len(components))
        self._any_depth = components[0] == b"**" and len(components) == 2 and not _SIGNS & set(components[1])
        self._name = components[1] if self._any_depth else b""
        self._exact = text if literal == len(components) else None
        self._below = b"/".join(components[: min(literal, len(components) - 1)])
        self._excludes = Excludes([f"/{text.decode('utf-8', 'surrogateescape')}"])
        self.literal = components[-1] if self._exact is not None else literal_of(text)
        """Bytes that every name which fits contains; may be empty."""

    def may_be_in(self, ref: BlockRef, after: BlockRef | None) -> bool:
        """Whether a block can hold a match. ``after``: the one that follows it."""
        return not self._below or may_hold(ref, after, self._below)

    def matches(self, data: bytes, shown: str) -> tuple[Entry, ...]:
        """The entries of an encoded block that fit. Raises Damaged."""
        if self.literal not in data:
            return ()
        found: list[Entry] = []
        for piece in decode_block(data, shown):
            if self.literal not in piece.hot or (self._below and not self._leads_to(piece.folder)):
                continue
            rows = decode_rows(piece.hot)
            places = [place for place, row in enumerate(rows) if self._fits(piece.folder, row[NAME], row[MODE])]
            if places:
                rows, colds = decode_halves(piece)
                found += [Entry(piece.folder, piece.device, rows[place], colds[place]) for place in places]
        return tuple(found)

    def _leads_to(self, folder: bytes) -> bool:
        return folder == self._below or folder.startswith(self._below + b"/")

    def _fits(self, folder: bytes, name: bytes, mode: int) -> bool:
        if self._any_depth:
            return name == self._name
        if self.literal not in name:
            return False
        if self._exact is not None:
            return join(folder, name) == self._exact
        return self._excludes.match(join(folder, name), stat.S_ISDIR(mode))


def literal_of(text: bytes) -> bytes:
    """The longest run of ordinary bytes in the last component. Brackets may hold slashes, and a backslash changes what follows it."""
    if b"\\" in text:
        return b""
    first, last = text.find(b"["), text.rfind(b"]")
    if first < 0:
        parts = [text.rpartition(b"/")[2]]
    elif last < first:
        return b""  # never closed: such a pattern fits nothing
    elif b"/" in text[first:]:
        parts = [text[last + 1 :].rpartition(b"/")[2]]
    else:
        parts = [text[:first].rpartition(b"/")[2], text[last + 1 :]]
    return max((run for part in parts for run in re.split(rb"[*?]+", part)), key=len)
