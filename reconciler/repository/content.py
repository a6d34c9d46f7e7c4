"""Reads the content of regular files into chunks: small files whole, large ones cut by content, holes of sparse files skipped.

A file that changes while it is read is read again, three times at most; what was read last is stored and the defect is named.
"""

from __future__ import annotations

import errno
import hashlib
import os
import queue
import stat
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.base.arena import Region
from reconciler.base.files import read_into
from reconciler.repository.entries import UNREAD, Cold
from reconciler.repository.format import WHOLE_FILE_BYTES, Type
from reconciler.repository.header import Chunker
from reconciler.repository.index import ChunkIndex
from reconciler.repository.noise import Noise
from reconciler.repository.pieces import SPARSE_FROM_BYTES, Flow, Hash, Pieces, extents_of
from reconciler.repository.seal import Seals
from reconciler.repository.sink import Sink
from reconciler.tree.attributes import read_xattrs
from reconciler.tree.entry import MODE, NAME, SIZE, Defect, DefectKind, Given, Listing, Row, join

if TYPE_CHECKING:
    from pyfastcdc import FastCDC

    from reconciler.repository.read_ahead import ReadAhead
    from reconciler.repository.read_crew import Read

_ATTEMPTS = 3
_WINDOW_BYTES = 16 * 2**20
_WINDOWS = 3
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NOATIME = getattr(os, "O_NOATIME", 0)
_REPLACED = {errno.ELOOP, errno.ENOTDIR, errno.ENXIO}  # by a link, below something that is no folder any more, by a socket


class ContentReader:
    """One per run. ``defects`` collects what could not be read as it should."""

    def __init__(
        self,
        seals: Seals,
        sink: Sink,
        index: ChunkIndex,
        chunker: Chunker,
        checksums: tuple[str, ...],
        between: Callable[[], None],
        noise: Noise | None = None,
    ) -> None:
        """``between`` is called before each file and before each window of a large one: it may take a checkpoint, or raise to stop.
        ``noise`` is shown what is read; None: there is nothing to compare it with."""
        self._seals = seals
        self._sink = sink
        self._index = index
        self._chunker = chunker
        self._between = between
        self.noise = noise
        self.ahead: ReadAhead | None = None
        """Where files may have been read before their turn."""
        self._sha256 = "sha256" in checksums
        self._md5 = "md5" in checksums
        self._cdc: FastCDC | None = None
        self._windows: queue.SimpleQueue[Region] = queue.SimpleQueue()
        self._windows_made = 0
        self._noatime = _NOATIME
        self.defects: list[Defect] = []
        self.read_bytes = 0

    def read(self, listing: Listing, row: Row) -> tuple[Row, Cold] | None:
        """The row and content of a regular file as read; None when it vanished (a note is left)."""
        self._between()
        content = self.ahead.take(row) if self.ahead is not None else None
        if content is not None:
            return row, self._read_before(*content)
        path = join(listing.path, row[NAME])
        try:
            handle = self._open(listing, row[NAME])
        except OSError as error:
            return self._not_opened(path, row, error)
        try:
            return self._read_stable(handle, path, row)
        except OSError as error:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                return self._unread(path, row, error)
            self._note_replaced(path)
            return None
        finally:
            os.close(handle)

    def _open(self, listing: Listing, name: bytes) -> int:
        target, folder = (name, listing.handle) if listing.handle is not None else (join(listing.absolute, name), None)
        if self._noatime:
            try:
                return os.open(target, _OPEN | self._noatime, dir_fd=folder)
            except PermissionError:
                pass  # only the owner may ask for O_NOATIME: an ordinary open decides
        return os.open(target, _OPEN, dir_fd=folder)

    def _not_opened(self, path: bytes, row: Row, error: OSError) -> tuple[Row, Cold] | None:
        if error.errno == errno.ENOENT:
            self.defects.append(Defect(path, DefectKind.VANISHED, "it was gone when its turn came"))
            return None
        if error.errno not in _REPLACED:
            return self._unread(path, row, error)
        self._note_replaced(path)
        return None

    def _unread(self, path: bytes, row: Row, error: OSError) -> tuple[Row, Cold]:
        """An entry without content. Its change time is blank, so that no later run takes it for known."""
        self.defects.append(Defect(path, DefectKind.UNREADABLE, os.strerror(error.errno) if error.errno else str(error)))
        return _untrusted(row), Cold(flags=UNREAD)

    def _note_replaced(self, path: bytes) -> None:
        """More than a note: what stands there now is not in the snapshot."""
        self.defects.append(Defect(path, DefectKind.CHANGED, "it was replaced by something else while it was read"))

    def _read_stable(self, handle: int, path: bytes, row: Row) -> tuple[Row, Cold] | None:
        for attempt in range(_ATTEMPTS):
            cold, extra = self._read_once(handle, row)
            seen = _row_of(row[NAME], os.fstat(handle))
            if not stat.S_ISREG(seen[MODE]):
                self._note_replaced(path)
                return None
            if seen == row and not extra:
                return row, cold
            if attempt == _ATTEMPTS - 1:
                break
            row = seen
        self.defects.append(Defect(path, DefectKind.CHANGED, "it kept changing while it was read"))
        return _untrusted(row), cold

    def _read_once(self, handle: int, row: Row) -> tuple[Cold, bool]:
        """The content, and whether there was more than the row promised."""
        size = row[SIZE]
        extents = extents_of(handle, size) if size >= SPARSE_FROM_BYTES else None
        if size <= WHOLE_FILE_BYTES and extents is None:
            return self._read_whole(handle, size)
        hashes = self._hashes()
        ids, extra = self._read_cut(handle, size, extents, hashes)
        sha256 = hashes[0].digest() if self._sha256 else None
        md5 = hashes[-1].digest() if self._md5 else None
        return Cold(ids, sha256, md5, None, extents, read_xattrs(handle)), extra

    def _hashes(self) -> list[Hash]:
        return [hashlib.new(name) for name, wanted in (("sha256", self._sha256), ("md5", self._md5)) if wanted]

    def _read_whole(self, handle: int, size: int) -> tuple[Cold, bool]:
        """One chunk. One byte more is asked for than expected: that tells a grown file without another call."""
        room = self._sink.room(size + 1)
        got = 0
        while got < size:
            count = read_into(handle, room[got:], got)
            if not count:
                break
            got += count
        length = min(got, size)
        self.read_bytes += length
        view = room[:length]
        sha256 = hashlib.sha256(view).digest() if self._sha256 else None
        md5 = hashlib.md5(view, usedforsecurity=False).digest() if self._md5 else None
        chunk = self._seals.chunk_id(Type.DATA, view) if length else b""
        if length and self._is_new(chunk, view):
            self._sink.keep(chunk, length)
        return Cold(chunk, sha256, md5, None, None, read_xattrs(handle)), got != size

    def _read_before(self, view: memoryview, read: Read) -> Cold:
        """The same for a file that another process has read."""
        length = len(view)
        self.read_bytes += length
        if length and self._is_new(read.chunk, view):
            self._sink.room(length)[:] = view
            self._sink.keep(read.chunk, length)
        return Cold(read.chunk, read.sha256, read.md5, None, None, read.xattrs)

    def _is_new(self, chunk: bytes, view: memoryview) -> bool:
        """Whether the only chunk of a file has to be stored."""
        known = chunk in self._index
        if self.noise is not None:
            self.noise.see(chunk, view, first=True, fresh=not known)
        return not known

    def _read_cut(self, handle: int, size: int, extents: list[tuple[int, int]] | None, hashes: list[Hash]) -> tuple[bytes, bool]:
        pieces = Pieces(handle, extents if extents is not None else [(0, size)], size, hashes, self._between)
        ids = self._cut(pieces)
        return ids, pieces.short or (extents is None and bool(read_into(handle, memoryview(bytearray(1)), size)))

    def read_stream(self, given: Given, xattrs: dict[bytes, bytes] | None) -> tuple[int, Cold]:
        """The size and content of what is given instead of a file. What it raises ends the run: half a dump is none."""
        self._between()
        hashes = self._hashes()
        with given.open() as stream:
            pieces = Flow(stream, hashes)
            ids = self._cut(pieces)
        sha256 = hashes[0].digest() if self._sha256 else None
        md5 = hashes[-1].digest() if self._md5 else None
        return pieces.read_bytes, Cold(ids, sha256, md5, None, None, xattrs)

    def _cut(self, pieces: Pieces | Flow) -> bytes:
        """Chunks by content, window after window."""
        cdc = self._cutter()
        ids = bytearray()
        carry = b""
        while True:
            self._between()
            window = self._window()
            filled = len(carry)
            window.view[:filled] = carry
            try:
                filled += pieces.fill(window.view[filled:])
            except BaseException:
                self._windows.put(window)
                raise
            whole = isinstance(pieces, Flow) and pieces.ended and not ids and filled <= WHOLE_FILE_BYTES
            carry = self._cut_window(None if whole else cdc, window, filled, pieces.ended, ids)
            if pieces.ended and not carry:
                break
        self.read_bytes += pieces.read_bytes
        return bytes(ids)

    def _cut_window(self, cdc: FastCDC | None, window: Region, filled: int, last: bool, ids: bytearray) -> bytes:
        """Cut what is in the window (None: it is one chunk), hand new chunks over, return what must be carried into the next one."""
        shared = _Shared(window, self._windows)
        view, base = window
        cuts = [(chunk.offset, chunk.length) for chunk in cdc.cut_buf(view[:filled])] if filled and cdc else [(0, filled)] * bool(filled)
        carry = b""
        if cuts and not last:  # only the end of the window made the last cut
            offset, length = cuts.pop()
            carry = bytes(view[offset : offset + length])
        for offset, length in cuts:
            piece = view[offset : offset + length]
            chunk = self._seals.chunk_id(Type.DATA, piece)
            ids += chunk
            known = chunk in self._index
            if self.noise is not None:
                self.noise.see(chunk, piece, first=len(ids) == len(chunk), fresh=not known)
            if known:
                continue
            if length < self._chunker.bytes_min:
                self._sink.room(length)[:] = piece
                self._sink.keep(chunk, length)
            else:
                self._sink.put_alone(chunk, Region(piece, None if base is None else base + offset), shared.hold())
        shared.release()
        return carry

    def _cutter(self) -> FastCDC:
        if self._cdc is None:
            from pyfastcdc import FastCDC

            sizes = self._chunker
            self._cdc = FastCDC(sizes.bytes_average, min_size=sizes.bytes_min, max_size=sizes.bytes_max, seed=self._seals.chunker_seed)
        return self._cdc

    def _window(self) -> Region:
        if self._windows_made < _WINDOWS and self._windows.empty():
            self._windows_made += 1
            return self._sink.memory(_WINDOW_BYTES)
        return self._sink.waited(self._windows)


class _Shared:
    """A window that several sealers read from; it goes back to the pool when the last one is done."""

    def __init__(self, window: Region, pool: queue.SimpleQueue[Region]) -> None:
        self._window = window
        self._pool = pool
        self._users = 1
        self._lock = threading.Lock()

    def hold(self) -> Callable[[], None]:
        with self._lock:
            self._users += 1
        return self.release

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            free = self._users == 0
        if free:
            self._pool.put(self._window)


def _untrusted(row: Row) -> Row:
    return (*row[:4], 0, *row[5:])


def _row_of(name: bytes, info: os.stat_result) -> Row:
    regular = stat.S_ISREG(info.st_mode)
    return (
        name,
        info.st_mode,
        info.st_size if regular else 0,
        info.st_mtime_ns,
        info.st_ctime_ns,
        info.st_ino,
        info.st_uid,
        info.st_gid,
        info.st_nlink if regular else 0,
    )
