"""Reading manifests: blocks in order, pieces grouped by folder, entries of a path. Memory holds one block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct, field

from reconciler.repository.entries import BlockRef, Entry, Piece, decode_block, decode_list, entries_of
from reconciler.repository.errors import BaseUnusable, Damaged, ObjectMissing
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import BLOCKS_PER_LIST, Type
from reconciler.repository.root import RootRecord
from reconciler.tree.entry import walk_key

_LIST_MAX = 2 * BLOCKS_PER_LIST


def block_refs(record: RootRecord, fetcher: Fetcher, refused: Callable[[BlockRef, str], None] | None = None) -> Iterator[BlockRef]:
    """References to all blocks of a snapshot, in order, each once: a manifest names as many as it stores, and no endless number.

    ``refused``: told what is left out (with the first entry that it would hold) and why; None: Damaged or ObjectMissing ends it.
    """
    seen: set[bytes] = set()
    for ref in record.blocks:
        if _is_new(ref, seen, refused):
            yield ref
    for outer in record.lists:
        if not _is_new(outer, seen, refused):
            continue
        try:
            inner = _read_list(outer, fetcher)
        except (Damaged, ObjectMissing) as error:
            if refused is None:
                raise
            refused(outer, f"{error}; everything from here to the next block list is not known")
            continue
        for ref in inner:
            if _is_new(ref, seen, refused):
                yield ref


def _is_new(ref: BlockRef, seen: set[bytes], refused: Callable[[BlockRef, str], None] | None) -> bool:
    """Whether it was not named before: a block holds folders and names, so that no two places share one."""
    if ref.id not in seen:
        seen.add(ref.id)
        return True
    why = f"the block {ref.id.hex()[:16]} is named twice"
    if refused is None:
        raise Damaged(why)
    refused(ref, why)
    return False


def _read_list(outer: BlockRef, fetcher: Fetcher) -> list[BlockRef]:
    name = f"the block list {outer.id.hex()[:16]}"
    refs = decode_list(fetcher.chunk(Type.BLOCKS, outer.id), name)
    if len(refs) > _LIST_MAX:
        raise Damaged(f"{name} holds more than {_LIST_MAX:,} references", object=name)
    return refs


def read_block(fetcher: Fetcher, ref: BlockRef) -> list[Piece]:
    return decode_block(fetcher.chunk(Type.ENTRIES, ref.id), _shown(ref))


def _shown(ref: BlockRef) -> str:
    return f"the entry block {ref.id.hex()[:16]}"


def read_entries(
    record: RootRecord, fetcher: Fetcher, prefix: bytes = b"", may_be_in: Callable[..., bool] = lambda *_encoded: True
) -> Iterator[Entry]:
    """Entries below ``prefix`` (the entry of the prefix itself included), in order; blocks that cannot hold any are not read.

    ``may_be_in``: asked with an encoded block, then with folder and rows of a piece; False: nothing in it is decoded.
    """
    for ref, _ in wanted_blocks(list(block_refs(record, fetcher)), fetcher, prefix):
        block = fetcher.chunk(Type.ENTRIES, ref.id)
        if not may_be_in(block):
            continue
        for piece in decode_block(block, _shown(ref)):
            if (not prefix or folder_touches(piece.folder, prefix)) and may_be_in(piece.folder, piece.hot):
                entries = entries_of(piece)
                yield from entries if not prefix else [entry for entry in entries if is_below(entry.path, prefix)]


def wanted_blocks(
    refs: Sequence[BlockRef], fetcher: Fetcher, prefix: bytes, *, once: bool = False
) -> list[tuple[BlockRef, BlockRef | None]]:
    """(block, the one after it) of those that may hold something of ``prefix``; they will be read now. ``once``: and then not again."""
    beside = zip(refs, (*refs[1:], None), strict=True)
    wanted = [(ref, after) for ref, after in beside if not prefix or may_hold(ref, after, prefix)]
    fetcher.expect((ref.id for ref, _ in wanted), once=once)
    return wanted


def is_below(path: bytes, prefix: bytes) -> bool:
    """Whether it is that path or lies below it."""
    return path == prefix or path.startswith(prefix + b"/")


def folder_touches(folder: bytes, prefix: bytes) -> bool:
    """Whether a folder may hold something below the prefix, or the entry of the prefix itself."""
    return is_below(folder, prefix) or folder == prefix.rpartition(b"/")[0]


def may_hold(ref: BlockRef, after: BlockRef | None, prefix: bytes) -> bool:
    """Whether a block can hold ``prefix`` or what lies below: it has folders from its first one to that of the next, both included."""
    first = walk_key(ref.folder)
    last = walk_key(after.folder) if after is not None else None
    parent = walk_key(prefix.rpartition(b"/")[0])
    inside = walk_key(prefix)
    holds_parent = first <= parent and (last is None or parent <= last)
    holds_below = (first <= inside or first.startswith(inside + b"\0")) and (last is None or last >= inside)
    return holds_parent or holds_below


class BaseFolder(Struct):
    """One folder of the base snapshot: its pieces with their place (block number, piece number)."""

    path: bytes
    pieces: list[Piece] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)


class BaseCursor:
    """Walks the folders of a base snapshot beside a scan, in the same order; each is asked for at most once."""

    def __init__(self, refs: Sequence[BlockRef], fetcher: Fetcher, removed: Callable[[BaseFolder], None] | None = None) -> None:
        """``removed`` hears of each folder that the scan did not meet."""
        self._refs = refs
        self._fetcher = fetcher
        self._removed = removed
        self.block_sizes: dict[int, int] = {}
        """Pieces of each block read so far, by block number; the builder recognises a whole block by it."""
        self._folders = self._grouped()
        self._current = next(self._folders, None)
        self.skipped = 0
        """Folders of the base that the scan did not meet: removed since."""

    def seek(self, path: bytes) -> BaseFolder | None:
        """The base's version of this folder, or None. Paths must come in walk order."""
        key = walk_key(path)
        while self._current is not None and walk_key(self._current.path) < key:
            self._skip(self._current)
        if self._current is None or self._current.path != path:
            return None
        found = self._current
        self._current = next(self._folders, None)
        return found

    def finish(self) -> None:
        """Count what is left as skipped."""
        while self._current is not None:
            self._skip(self._current)

    def _skip(self, folder: BaseFolder) -> None:
        self.skipped += 1
        if self._removed is not None:
            self._removed(folder)
        self._current = next(self._folders, None)

    def _grouped(self) -> Iterator[BaseFolder]:
        folder: BaseFolder | None = None
        self._fetcher.expect((ref.id for ref in self._refs), once=True)
        for number, ref in enumerate(self._refs):
            try:
                pieces = read_block(self._fetcher, ref)
            except (Damaged, ObjectMissing) as error:
                raise BaseUnusable(f"a block of the base snapshot cannot be read: {error}") from error
            self.block_sizes[number] = len(pieces)
            for position, piece in enumerate(pieces):
                if folder is None or folder.path != piece.folder:
                    if folder is not None:
                        yield folder
                    folder = BaseFolder(piece.folder)
                folder.pieces.append(piece)
                folder.places.append((number, position))
        if folder is not None:
            yield folder
