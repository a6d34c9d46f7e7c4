"""Looking into snapshots without restoring them: what one holds, one file of it, and what was where when.

Only what manifests need is looked up: the index is loaded without the chunks of files until one is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from reconciler.repository.entries import UNREAD, BlockRef, Entry, Found, Piece, decode_halves
from reconciler.repository.errors import Damaged, NoSuchSnapshot, ObjectMissing, RepositoryError, TooManyMatches, Unread
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Type
from reconciler.repository.index import ChunkIndex
from reconciler.repository.manifest import block_refs, read_block, read_entries
from reconciler.repository.near import Kept
from reconciler.repository.pattern import Pattern
from reconciler.repository.places import Places
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import Seals
from reconciler.repository.select import Selection
from reconciler.repository.store import Store
from reconciler.tree.entry import SIZE

_MANIFESTS: frozenset[int] = frozenset({Type.ENTRIES, Type.BLOCKS})
_ZEROS = bytes(2**20)
MATCHES_MAX = 500_000  # about 300 MB of memory


class SnapshotTree(Struct, frozen=True):
    """The manifest of one snapshot, ready to be read."""

    repository: bytes
    """Its id: ids of blocks and chunks mean the same within one repository only."""
    record: RootRecord
    refs: tuple[BlockRef, ...]
    fetcher: Fetcher

    @property
    def users(self) -> Mapping[int, str]:
        """Names that the source knew."""
        return self.record.users

    @property
    def groups(self) -> Mapping[int, str]:
        return self.record.groups

    def block(self, ref: BlockRef) -> list[Piece]:
        return read_block(self.fetcher, ref)


class Step(Struct, frozen=True):
    """From one snapshot to the next: entries that were looked for, in blocks that only one of the two has."""

    snapshot: str
    came: tuple[Entry, ...]
    gone: tuple[Entry, ...]
    whole: bool
    """False: a block of this snapshot cannot be read, and what is not seen may be there."""


class Searched(Struct, frozen=True):
    """What a search came upon."""

    steps: Iterator[Step]
    """One per snapshot that can be read, in the order in which they were named."""
    problems: tuple[tuple[str, RepositoryError], ...]
    """(snapshot or block, error): where the search could not look."""


class Browser:
    """Of one repository, as it was when its index was loaded."""

    def __init__(
        self,
        store: Store,
        seals: Seals,
        record: Callable[[str], RootRecord],
        load: Callable[[frozenset[int] | None], ChunkIndex],
        kept: Kept | None = None,
    ) -> None:
        """``load``: the index, of chunks of these types; None: of all. ``kept``: where parts of manifests lie on this machine."""
        self._kept = kept
        self._store = store
        self._seals = seals
        self._record = record
        self._load = load
        self._manifests: Fetcher | None = None
        self._files: Fetcher | None = None

    def tree(self, snapshot: str) -> SnapshotTree:
        """Raises NoSuchSnapshot, Damaged, ObjectMissing."""
        record, fetcher = self._record(snapshot), self._manifest_fetcher()
        return SnapshotTree(self._seals.repository, record, tuple(block_refs(record, fetcher)), fetcher)

    def entries(self, tree: SnapshotTree, chosen: Selection) -> Iterator[Entry]:
        """Those of a snapshot that are chosen, in the order of the tree."""
        found = read_entries(tree.record, tree.fetcher, chosen.prefix, chosen.may_be_in)
        return found if chosen.everything else (entry for entry in found if entry in chosen)

    def folders(self, tree: SnapshotTree) -> Iterator[tuple[bytes, Iterator[Found]]]:
        """All of a snapshot, each folder with what is in it; a large one may come in several parts."""
        for ref in tree.refs:
            for piece in tree.block(ref):
                yield piece.folder, zip(*decode_halves(piece), strict=True)

    def search(self, snapshots: Sequence[str], pattern: Pattern) -> Searched:
        """Where ``pattern`` fits, from snapshot to snapshot. A block that several of them have is read once."""
        problems: list[tuple[str, RepositoryError]] = []
        wanted: dict[bytes, BlockRef] = {}
        blocks: dict[str, frozenset[bytes]] = {}
        for snapshot in snapshots:
            try:
                refs = self.tree(snapshot).refs
            except (NoSuchSnapshot, Damaged, ObjectMissing) as error:
                problems.append((snapshot, error))
                continue
            for place, ref in enumerate(refs):
                if ref.id not in wanted and pattern.may_be_in(ref, refs[place + 1] if place + 1 < len(refs) else None):
                    wanted[ref.id] = ref
            blocks[snapshot] = frozenset([wanted[ref.id].id for ref in refs if ref.id in wanted])  # one object for all that share it
        found, unread = self._matches(wanted, pattern)
        problems += [(identity.hex(), error) for identity, error in unread.items()]
        return Searched(_steps(blocks, found, frozenset(unread)), tuple(problems))

    def content(self, entry: Entry) -> Iterator[memoryview | bytes]:
        """A regular file from its beginning to its end, each chunk checked against its id before it is handed out.

        Raises Unread before the first byte; Damaged or ObjectMissing at any of them.
        """
        if entry.cold.flags & UNREAD:
            raise Unread("its content could not be read when the backup was taken")
        if self._files is None:
            self._files = Fetcher(self._store, self._seals, self._load(None), kept=self._kept)
        return _content(entry, self._files)

    def _manifest_fetcher(self) -> Fetcher:
        if self._manifests is None:
            self._manifests = Fetcher(self._store, self._seals, self._load(_MANIFESTS), kept=self._kept)
        return self._manifests

    def _matches(
        self, wanted: dict[bytes, BlockRef], pattern: Pattern
    ) -> tuple[dict[bytes, tuple[Entry, ...]], dict[bytes, RepositoryError]]:
        """By block; blocks of one segment one after the other, so that it is decoded once."""
        fetcher = self._manifest_fetcher()
        found: dict[bytes, tuple[Entry, ...]] = {}
        unread: dict[bytes, RepositoryError] = {}
        placed: list[tuple[tuple[int, int, int], bytes]] = []
        count = 0
        for identity in wanted:
            try:
                placed.append((fetcher.locate(identity), identity))
            except ObjectMissing as error:
                unread[identity] = error
        for _, identity in sorted(placed):
            try:
                matches = pattern.matches(fetcher.chunk(Type.ENTRIES, identity), f"the entry block {identity.hex()[:16]}")
            except (Damaged, ObjectMissing) as error:
                unread[identity] = error
                continue
            if matches:
                found[identity] = matches
                count += len(matches)
            if count > MATCHES_MAX:
                raise TooManyMatches(f"more than {MATCHES_MAX:,} entries in {len(wanted):,} blocks of the manifests fit the pattern")
        return found, unread


def _steps(blocks: dict[str, frozenset[bytes]], found: dict[bytes, tuple[Entry, ...]], unread: frozenset[bytes]) -> Iterator[Step]:
    before: frozenset[bytes] = frozenset()
    for snapshot, now in blocks.items():
        came = tuple(entry for identity in now - before if identity in found for entry in found[identity])
        gone = tuple(entry for identity in before - now if identity in found for entry in found[identity])
        yield Step(snapshot, came, gone, whole=not (unread and unread & now))
        before = now


def _content(entry: Entry, fetcher: Fetcher) -> Iterator[memoryview | bytes]:
    places, position = Places(entry), 0
    for start in range(0, len(entry.cold.chunks), 32):
        chunk = fetcher.chunk(Type.DATA, entry.cold.chunks[start : start + 32])
        for offset, piece in places.split(memoryview(chunk)):
            yield from _hole(position, offset)
            yield piece
            position = offset + len(piece)
    if not places.complete:
        raise Damaged("its chunks do not add up to its size")
    yield from _hole(position, entry.row[SIZE])


def _hole(position: int, until: int) -> Iterator[bytes]:
    if until < position:
        raise Damaged("its extents overlap")
    while position < until:
        step = min(len(_ZEROS), until - position)
        yield _ZEROS[:step]
        position += step
