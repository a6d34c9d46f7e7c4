"""What differs between two snapshots. Blocks that both have are not read, and of the others only pieces that differ are decoded.

An entry stands in one block of a snapshot, and equal blocks hold equal entries; so what differs lies in the blocks that only one side has,
and these are merged folder by folder. Memory: one block of each side and one folder.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, repeat
from typing import NamedTuple

from reconciler.repository.browse import SnapshotTree
from reconciler.repository.entries import UNREAD, BlockRef, Cold, Entry, Piece, decode_halves
from reconciler.tree.entry import CTIME, GID, MODE, MTIME, NAME, SIZE, UID, Row, walk_key

CONTENT = frozenset({"type", "content", "link", "device", "unread"})
"""Words of :func:`alterations` that say more than metadata."""


class Change(NamedTuple):
    """An entry that is not the same on both sides."""

    old: Entry | None
    new: Entry | None
    what: tuple[str, ...]
    """In what it differs, when both sides have it; see :func:`alterations`."""


def differences(old: SnapshotTree, new: SnapshotTree) -> Iterator[Change]:
    """In the order of a walk. Raises Damaged or ObjectMissing for a block that cannot be read."""
    shared = old.repository == new.repository
    common = {ref.id for ref in old.refs} & {ref.id for ref in new.refs} if shared else set()
    olds, news = _folders(old, common), _folders(new, common)
    ours, theirs = next(olds, None), next(news, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and walk_key(ours[0]) < walk_key(theirs[0])):
            assert ours is not None
            yield from _in_folder(ours[1], (), shared=shared)
            ours = next(olds, None)
        elif ours is None or walk_key(theirs[0]) < walk_key(ours[0]):
            yield from _in_folder((), theirs[1], shared=shared)
            theirs = next(news, None)
        else:
            yield from _in_folder(ours[1], theirs[1], shared=shared)
            ours, theirs = next(olds, None), next(news, None)


def alterations(old: Entry, new: Entry, *, shared: bool) -> tuple[str, ...]:
    """In what two entries of one path differ: of ``type content link device unread mode owner mtime xattrs``; empty: in nothing.

    Inode, change time and number of names are of the machine, not of the state. ``shared``: both are of one repository, so that ids of
    chunks can be compared; otherwise SHA-256, and where that is not recorded, size and time stand for the content.
    """
    before, after = old.row, new.row
    if stat.S_IFMT(before[MODE]) != stat.S_IFMT(after[MODE]):
        return ("type",)
    words = []
    if (old.cold.flags ^ new.cold.flags) & UNREAD:
        words.append("unread")
    elif stat.S_ISREG(after[MODE]) and not _same_content(old, new, shared=shared):
        words.append("content")
    words += [
        word
        for word, differs in (
            ("link", old.cold.link != new.cold.link),
            ("device", old.cold.rdev != new.cold.rdev),
            ("mode", before[MODE] != after[MODE]),
            ("owner", (before[UID], before[GID]) != (after[UID], after[GID])),
            ("mtime", before[MTIME] != after[MTIME] and not _on_the_way(old) and not _on_the_way(new)),
            ("xattrs", (old.cold.xattrs or {}) != (new.cold.xattrs or {})),
        )
        if differs
    ]
    return tuple(words)


def _same_content(old: Entry, new: Entry, *, shared: bool) -> bool:
    if old.row[SIZE] != new.row[SIZE]:
        return False
    before, after = old.cold, new.cold
    if before.sha256 is not None and after.sha256 is not None:
        return before.sha256 == after.sha256
    if shared:
        return before.chunks == after.chunks and before.extents == after.extents
    return old.row[MTIME] == new.row[MTIME]


def _on_the_way(entry: Entry) -> bool:
    """A folder above a source: recorded because it leads there, with no time of its own."""
    return not (entry.row[MTIME] or entry.row[CTIME])


def _folders(tree: SnapshotTree, common: set[bytes]) -> Iterator[tuple[bytes, list[Piece]]]:
    pieces = (piece for ref in _only(tree.refs, common) for piece in tree.block(ref))
    for folder, group in groupby(pieces, key=lambda piece: piece.folder):
        yield folder, list(group)


def _only(refs: Iterable[BlockRef], common: set[bytes]) -> Iterator[BlockRef]:
    return (ref for ref in refs if ref.id not in common)


def _in_folder(old: Sequence[Piece], new: Sequence[Piece], *, shared: bool) -> list[Change]:
    same = {(piece.hot, piece.cold) for piece in old} & {(piece.hot, piece.cold) for piece in new} if shared and old and new else set()
    before = {row[NAME]: (piece, row, cold) for piece, row, cold in _decoded(old, same)}
    found = []
    for piece, row, cold in _decoded(new, same):
        known = before.pop(row[NAME], None)
        if known is None:
            found.append(Change(None, Entry(piece.folder, piece.device, row, cold), ()))
        elif known[1] != row or known[2] != cold:
            ours, theirs = Entry(known[0].folder, known[0].device, known[1], known[2]), Entry(piece.folder, piece.device, row, cold)
            what = alterations(ours, theirs, shared=shared)
            if what:
                found.append(Change(ours, theirs, what))
    found += [Change(Entry(piece.folder, piece.device, row, cold), None, ()) for piece, row, cold in before.values()]
    return sorted(found, key=_name)


def _decoded(pieces: Sequence[Piece], same: set[tuple[bytes, bytes]]) -> Iterator[tuple[Piece, Row, Cold]]:
    for piece in pieces:
        if (piece.hot, piece.cold) not in same:
            rows, colds = decode_halves(piece)
            yield from zip(repeat(piece), rows, colds, strict=False)


def _name(change: Change) -> bytes:
    entry = change.new or change.old
    assert entry is not None
    return entry.row[NAME]
