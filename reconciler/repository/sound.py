"""The door through which a manifest is read when something is made of it: only what can be believed comes out, the rest is named.

A block that cannot be read costs its own entries; an entry that claims what cannot be, or stands where it cannot stand, costs itself.
Everything else arrives. What only lists a snapshot reads it as it is (manifest.py).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from operator import lt
from typing import NamedTuple

from msgspec import Struct

from reconciler.repository.claims import wrong_entry, wrong_folder
from reconciler.repository.entries import BlockRef, Entry, Piece, count_rows, decode_rows, entries_of
from reconciler.repository.errors import Damaged, ObjectMissing
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import BLOCK_ENTRIES_MAX
from reconciler.repository.manifest import block_refs, folder_touches, is_below, read_block, wanted_blocks
from reconciler.repository.order import Key, Order, key_of
from reconciler.repository.root import RootRecord
from reconciler.tree.entry import NAME, join
from reconciler.tree.write import shown

_ENTRIES_MAX = 32 * BLOCK_ENTRIES_MAX  # of a block; a writer cuts long before. About 60 MB, decoded
_LONG_BYTES = 2**12
_DISORDER = "it stands twice in the snapshot, or out of its order"


class Refusal(Struct, frozen=True):
    """What is not restored, and why."""

    path: bytes
    why: str
    entry: Entry | None = None
    """None: not one entry but a run of the manifest that begins with ``path``."""


Listener = Callable[[Refusal], None]


class _Block(NamedTuple):
    """One that can be read. Of its reference only what is true of the block itself is believed."""

    pieces: list[list[Entry]]
    begins: Key | None
    """With its first entry, as its reference says; None: that was a lie."""


def sound_entries(record: RootRecord, fetcher: Fetcher, refused: Listener, prefix: bytes = b"") -> Iterator[Entry]:
    """Entries below ``prefix``, as manifest.read_entries gives them, in order and each once, that a restore can make something of.

    Memory holds two blocks: an entry that claims a place behind the beginning of the next one would have that refused.
    """
    order, blocks = Order(), _blocks(record, fetcher, refused, prefix)
    block = next(blocks, None)
    while block is not None:
        following = next(blocks, None)
        yield from _sound(block.pieces, order, following.begins if following is not None else None, refused)
        block = following


def folders_above(record: RootRecord, fetcher: Fetcher, path: bytes) -> Iterator[Entry]:
    """The entries of the folders that lead to ``path``, outermost first, from one block each. One that cannot be read or believed is left
    out: it is only on the way."""
    refs = list(block_refs(record, fetcher, lambda *_: None))
    keys = [key_of(ref.folder, ref.name) for ref in refs]
    names = path.split(b"/")
    for depth in range(len(names) - 1):
        folder, name = b"/".join(names[:depth]), names[depth]
        position = bisect_right(keys, key_of(folder, name)) - 1
        with suppress(Damaged, ObjectMissing):  # the file itself may be sound without this folder
            pieces = _read(fetcher, refs[max(0, position)])
            found = [entry for piece in pieces if piece.folder == folder for entry in entries_of(piece) if entry.row[NAME] == name]
            yield from (entry for entry in found[:1] if wrong_folder(folder) is None and wrong_entry(entry) is None)


def _sound(pieces: Sequence[Sequence[Entry]], order: Order, before: Key | None, refused: Listener) -> Iterator[Entry]:
    """What claims nothing that cannot be, and stands in order."""
    if order.holds(pieces, before):
        for piece in pieces:
            yield from _believed(piece, refused)
        return
    believed = [entry for piece in pieces for entry in _believed(piece, refused)]
    kept, disordered = order.sort_out(believed, before)
    for entry in disordered:
        refused(Refusal(entry.path, _DISORDER, entry))
    yield from kept


def _believed(entries: Sequence[Entry], refused: Listener) -> Iterator[Entry]:
    for entry in entries:
        wrong = wrong_entry(entry)
        if wrong is None:
            yield entry
        else:
            refused(Refusal(entry.path, str(wrong), entry))


def _blocks(record: RootRecord, fetcher: Fetcher, refused: Listener, prefix: bytes) -> Iterator[_Block]:
    refs = _in_order(list(block_refs(record, fetcher, lambda ref, why: refused(Refusal(join(ref.folder, ref.name), why)))), fetcher)
    for ref, after in wanted_blocks(refs, fetcher, prefix, once=True):
        try:
            pieces = [entries for piece in _read(fetcher, ref) if (entries := _decoded(piece, prefix, refused))]
        except (Damaged, ObjectMissing) as error:
            refused(Refusal(join(ref.folder, ref.name), f"{error}; {_extent(after)} is not known"))
            continue
        if pieces:
            first = pieces[0][0]
            is_true = (first.folder, first.row[NAME]) == (ref.folder, ref.name)
            yield _Block(pieces, key_of(ref.folder, ref.name) if is_true else None)


def _in_order(refs: list[BlockRef], fetcher: Fetcher) -> list[BlockRef]:
    """As their blocks begin in truth, when what the references say of it is in disorder."""
    keys = [key_of(ref.folder, ref.name) for ref in refs]
    if all(map(lt, keys, islice(keys, 1, None))):
        return refs

    def begins(ref: BlockRef) -> Key:
        with suppress(Damaged, ObjectMissing):  # named as damaged when it is read in its turn
            for piece in _read(fetcher, ref):
                for row in decode_rows(piece.hot):
                    return key_of(piece.folder, row[NAME])
        return key_of(ref.folder, ref.name)

    return sorted(refs, key=begins)


def _read(fetcher: Fetcher, ref: BlockRef) -> list[Piece]:
    pieces = read_block(fetcher, ref)
    if sum(count_rows(piece.hot) for piece in pieces) > _ENTRIES_MAX:
        raise Damaged(f"the entry block {ref.id.hex()[:16]} holds more entries than a block may")
    return pieces


def _decoded(piece: Piece, prefix: bytes, refused: Listener) -> list[Entry]:
    """The entries of a piece below ``prefix``; none when nothing in its folder can be restored."""
    if prefix and not folder_touches(piece.folder, prefix):
        return []
    try:
        entries = [entry for entry in entries_of(piece) if not prefix or is_below(entry.path, prefix)]
    except Damaged as error:
        refused(Refusal(piece.folder, f"{error}; what it holds is not known"))
        return []
    wrong = wrong_folder(piece.folder) if entries else None
    if wrong is None:
        return entries
    if len(piece.folder) > _LONG_BYTES and len(entries) > 1:  # named one by one, they would take gigabytes
        refused(Refusal(entries[0].path, f"{wrong}, as do {len(entries) - 1:,} more beside it", entries[0]))
    else:
        for entry in entries:
            refused(Refusal(entry.path, str(wrong), entry))
    return []


def _extent(after: BlockRef | None) -> str:
    """What a lost block covers, in words, from the first entry of it, under which the failure is named."""
    if after is None:
        return "everything from here to the end of the snapshot"
    return f"everything from here up to {shown(join(after.folder, after.name))}"
