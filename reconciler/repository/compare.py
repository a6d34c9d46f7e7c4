"""One folder of a scan beside the same folder of the base: what is unchanged is kept, what changed is read.

The usual case is decided by one comparison of bytes: the encoded rows of the folder now and then. Only one that differs is taken apart.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from msgspec import Struct, field

from reconciler.repository.builder import ManifestBuilder, UnderWay
from reconciler.repository.content import ContentReader
from reconciler.repository.entries import UNREAD, Cold, decode_colds, decode_rows, smudged
from reconciler.repository.manifest import BaseCursor, BaseFolder
from reconciler.repository.turning import Ruin, Turning
from reconciler.tree.attributes import read_xattrs
from reconciler.tree.entry import (
    CTIME,
    GID,
    MODE,
    MTIME,
    NAME,
    NLINK,
    SIZE,
    UID,
    Counts,
    Defect,
    DefectKind,
    Given,
    Listing,
    Row,
    count,
    encode_rows,
    join,
)

_FORMAT, _REGULAR, _FOLDER, _LINK = 0o170000, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK
_REREAD_BYTES = 64 * 2**20  # a file this large is not read again and again because its time stamp was too fresh once
_EMPTY = Cold()


class Tally(Struct):
    """What the new snapshot holds, and whether it differs from the base."""

    files: int = 0
    folders: int = 0
    others: int = 0
    bytes: int = 0
    changed: bool = False
    uids: set[int] = field(default_factory=set)
    gids: set[int] = field(default_factory=set)

    def count(self, found: Counts) -> None:
        self.files += found.files
        self.folders += found.folders
        self.others += found.others
        self.bytes += found.bytes


class FolderReader(Struct):
    """One per run. ``reread``: read every file even when it looks unchanged (a full backup)."""

    content: ContentReader
    builder: ManifestBuilder
    cursor: BaseCursor | None
    tally: Tally
    reread: bool
    racy_after_ns: int
    sources: tuple[str, ...]
    turning: Turning | None = None
    """None: nothing is there to tell the turnover against."""
    _links: dict[tuple[int, int], tuple[Row, Cold]] = field(default_factory=dict)
    _ancestors: frozenset[bytes] = frozenset()
    _under_way: tuple[bytes, int, list[Row], list[Cold]] | None = None

    def __post_init__(self) -> None:
        """Note the folders above the sources: what happens beside a source is no change of it."""
        above: set[bytes] = set()
        for source in self.sources:
            path = os.fsencode(source).strip(b"/")
            while path:
                path = path.rpartition(b"/")[0]
                above.add(path)
        self._ancestors = frozenset(above)

    def folder(self, listing: Listing) -> None:
        """Put one folder into the manifest."""
        device = self.builder.device(listing.device)
        found = self.cursor.seek(listing.path) if self.cursor is not None else None
        aside = self.turning.before(listing.path, found) if self.turning is not None else None
        if listing.encoded is not None and self._is_as_before(listing.encoded, listing.counts, found, aside, device):
            return
        rows = self._rows(listing)
        unchanged = found is not None and not self.reread and not listing.given and _same_bytes(found, rows, device)
        turned = self.turning is not None and not (unchanged if aside is found else _same_bytes(aside, rows, device))
        if found is not None and unchanged:
            self.tally.count(count(rows))
            self.builder.keep(found)
            if self.turning is not None and turned:
                self.turning.folder(listing.path, _decoded(aside), {row[NAME] for row in rows}, _decoded(found).values(), {})
            return
        known = _decoded(found)
        once = (known if aside is found else _decoded(aside)) if turned else {}
        same = found is not None and len(known) == len(rows) and all(piece.device == device for piece in found.pieces)
        kept_rows: list[Row] = []
        colds: list[Cold] = []
        ruins: dict[bytes, Ruin] = {}
        others: list[tuple[Row, Cold]] = []
        noise = self.content.noise
        self._under_way = (listing.path, device, kept_rows, colds)
        for row in rows:
            before = known.get(row[NAME])
            was = once.get(row[NAME])
            other = turned and (was is None or was[0] != row)
            if noise is not None:
                noise.wanted = other
                if other:
                    noise.begin(row[NAME], was[1].chunks if was is not None else b"")
            now = self._entry(listing, row, before, device)
            if now is None:
                same = False
                continue
            if other:
                others.append(now)
            if noise is not None and other and noise.seen:
                ruins[row[NAME]] = Ruin(noise.fresh, noise.ruined, noise.blank)
            same = same and before is not None and _equal(before, now)
            kept_rows.append(now[0])
            colds.append(now[1])
        self._under_way = None
        self.tally.count(count(kept_rows))
        if self.turning is not None and turned:
            self.turning.folder(listing.path, once, {row[NAME] for row in kept_rows}, others, ruins)
        if same and found is not None:
            self.builder.keep(found)
        else:
            self.tally.changed = True
            self._note_owners(kept_rows)
            self.builder.add(listing.path, device, self._smudged(kept_rows), colds)

    def _is_as_before(self, encoded: bytes, counts: Counts | None, found: BaseFolder | None, aside: BaseFolder | None, device: int) -> bool:
        """Whether a folder that another process listed is as in the base, which then keeps it: nothing of it is decoded."""
        if self.reread or counts is None or found is None or aside is not (found if self.turning is not None else None):
            return False
        if any(piece.device != device for piece in found.pieces):
            return False
        if encoded != (found.pieces[0].hot if len(found.pieces) == 1 else _joined(found)):
            return False
        self.tally.count(counts)
        self.builder.keep(found)
        return True

    def under_way(self) -> UnderWay | None:
        """What is read so far of the folder that is being read."""
        if self._under_way is None:
            return None
        path, device, rows, colds = self._under_way
        return path, device, self._smudged(rows), colds

    def _smudged(self, rows: Sequence[Row]) -> list[Row]:
        return [smudged(row, self.racy_after_ns) for row in rows]

    def _rows(self, listing: Listing) -> list[Row]:
        if listing.path not in self._ancestors:
            return listing.rows
        return [(*row[:3], 0, 0, *row[5:]) if join(listing.path, row[NAME]) in self._ancestors else row for row in listing.rows]

    def _note_owners(self, rows: Sequence[Row]) -> None:
        self.tally.uids.update(row[UID] for row in rows)
        self.tally.gids.update(row[GID] for row in rows)

    def _entry(self, listing: Listing, row: Row, before: tuple[Row, Cold] | None, device: int) -> tuple[Row, Cold] | None:
        """The entry as it goes into the manifest; None when it vanished meanwhile."""
        given = listing.given.get(row[NAME])
        if given is not None:
            return self._given(listing, row, given, before)
        trusted = before is not None and before[0] == row and not before[1].flags & UNREAD
        kind = row[MODE] & _FORMAT
        if kind != _REGULAR:
            if trusted and before is not None and not self.reread:
                return row, before[1]
            return self._special(listing, row, kind)
        if trusted and before is not None and not self.reread:
            return row, before[1]
        if row[NLINK] > 1:
            other = self._links.get((device, row[5]))
            if other is not None and other[0][1:] == row[1:]:
                return row, other[1]
        read = self.content.read(listing, row)
        if read is not None and read[0][NLINK] > 1:
            self._links[(device, read[0][5])] = read
        return read

    def _given(self, listing: Listing, row: Row, given: Given, before: tuple[Row, Cold] | None) -> tuple[Row, Cold]:
        """A row that is read as a stream, each time: nothing tells beforehand whether it changed. Its change time is blank."""
        xattrs = read_xattrs(_attribute_path(listing, row[NAME])) if given.is_file else None
        size, cold = self.content.read_stream(given, xattrs)
        mtime = row[MTIME]
        if not given.is_file and before is not None and before[1] == cold:
            mtime = before[0][MTIME]
        name, mode, _, _, _, inode, uid, gid, _ = row
        return (name, mode, size, mtime, 0, inode, uid, gid, 1), cold

    def _special(self, listing: Listing, row: Row, kind: int) -> tuple[Row, Cold] | None:
        path = join(listing.path, row[NAME])
        link = None
        try:
            if kind == _LINK:
                link = _read_link(listing, row[NAME])
            rdev = _device_number(listing, row[NAME]) if kind not in {_LINK, _FOLDER} else 0
        except FileNotFoundError:
            self.content.defects.append(Defect(path, DefectKind.VANISHED, "it was gone when its turn came"))
            return None
        except OSError:
            self.content.defects.append(Defect(path, DefectKind.CHANGED, "it was replaced by something else while it was read"))
            return None
        xattrs = read_xattrs(_attribute_path(listing, row[NAME])) if not self._is_above(path) else None
        return row, (_EMPTY if link is None and xattrs is None and not rdev else Cold(link=link, xattrs=xattrs, rdev=rdev))

    def _is_above(self, path: bytes) -> bool:
        return path in self._ancestors


def _same_bytes(found: BaseFolder | None, rows: list[Row], device: int) -> bool:
    """Whether a folder is exactly as in the base, by its encoded rows."""
    if found is None:
        return False
    if len(found.pieces) == 1:
        piece = found.pieces[0]
        return piece.device == device and encode_rows(rows) == piece.hot
    return (
        all(piece.device == device for piece in found.pieces) and [row for piece in found.pieces for row in decode_rows(piece.hot)] == rows
    )


def _joined(found: BaseFolder) -> bytes:
    """The rows of all its pieces as one."""
    return encode_rows([row for piece in found.pieces for row in decode_rows(piece.hot)])


def _decoded(found: BaseFolder | None) -> dict[bytes, tuple[Row, Cold]]:
    known: dict[bytes, tuple[Row, Cold]] = {}
    for piece in found.pieces if found is not None else ():
        for row, cold in zip(decode_rows(piece.hot), decode_colds(piece.cold), strict=True):
            known[row[NAME]] = (row, cold)
    return known


def _equal(before: tuple[Row, Cold], now: tuple[Row, Cold]) -> bool:
    """Whether nothing changed that a restore would show. A blank change time (too fresh last time) is no change."""
    old, new = before[0], now[0]
    if before[1] != now[1]:
        return False
    if old == new:
        return True
    return old[CTIME] == 0 and new[SIZE] <= _REREAD_BYTES and old[:CTIME] == new[:CTIME] and old[CTIME + 1 :] == new[CTIME + 1 :]


def _read_link(listing: Listing, name: bytes) -> bytes:
    if listing.handle is None:
        return os.readlink(join(listing.absolute, name))
    return os.readlink(name, dir_fd=listing.handle)


def _device_number(listing: Listing, name: bytes) -> int:
    if listing.handle is None:
        return os.lstat(join(listing.absolute, name)).st_rdev
    return os.stat(name, dir_fd=listing.handle, follow_symlinks=False).st_rdev


def _attribute_path(listing: Listing, name: bytes) -> bytes:
    """A path for the attribute calls, which take no folder handle; through /proc it is the folder that was listed."""
    if listing.handle is not None and _HAS_PROC:
        return b"/proc/self/fd/%d/%s" % (listing.handle, name)
    return join(listing.absolute, name)


_HAS_PROC = os.path.isdir("/proc/self/fd")
