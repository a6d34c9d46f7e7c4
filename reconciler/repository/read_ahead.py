"""Has the small files of folders read before their turn comes, by other processes, where every file is to be read anyway.

Folders wait in a *window*, open, and go on in their order; their small files go to the crew in batches. When the turn of a file comes, it
is there; when it is not, or the crew is gone, the caller reads it. Nothing else depends on the crew: neither what is stored nor its order.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from reconciler.base import own_process
from reconciler.repository.errors import HelperLost
from reconciler.repository.format import SEGMENT_BYTES, WHOLE_FILE_BYTES
from reconciler.repository.read_crew import Batch, Folder, Read, ReadCrew
from reconciler.tree.entry import MODE, NAME, NLINK, SIZE, Listing, Row

_FILES_FROM: Final = 400  # fewer are read before the helpers would have started
_BYTES_FROM: Final = 8 * 2**20
_FILES_MAX: Final = 256  # in a batch
_FILES_FEW: Final = 16  # enough for a batch where the crew has nothing else to do
_WINDOW_FOLDERS: Final = 128  # open ones; each batch takes an eighth of them at most
_PROC: Final = "/proc/self/fd"


class Content(NamedTuple):
    """A file that was read ahead; ``view`` is valid until the next one is asked for."""

    view: memoryview
    read: Read


class _Waiting(NamedTuple):
    """A file that the crew was not asked for yet."""

    folder: Folder
    row: Row


def possible() -> bool:
    """Whether this machine has a second processor for it, and folders can be shown to another process."""
    return own_process.processors() > 1 and os.path.isdir(_PROC)


class ReadAhead:
    """One per run, for one thread."""

    def __init__(self, hire: Callable[[], ReadCrew | None], meanwhile: Callable[[], None]) -> None:
        """``hire``: starts the crew; None: there is none. ``meanwhile`` is called while it is waited for; what it raises ends the wait."""
        self._hire = hire
        self._meanwhile = meanwhile
        self._crew: ReadCrew | None = None
        self._window: deque[Listing] = deque()
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._sent: deque[Batch] = deque()
        self._position = self._offset = 0
        """In the first batch sent."""
        self._spent: Batch | None = None
        """Whose last file may still be looked at."""
        self._next: Row | None = None
        """Of all files that were given to the crew, or wait for it, the one whose turn it is."""
        self._seen_files = self._seen_bytes = 0
        self._is_hired = self._is_narrow = False

    def through(self, source: Iterable[Listing]) -> Iterator[Listing]:
        """The same listings. Each is valid until the next one is asked for."""
        listings = iter(source)
        for listing in listings:
            yield listing
            if self._has_started(listing):
                break
        while self._fill(listings):
            listing = self._window.popleft()
            try:
                yield listing
            finally:
                listing.let_go()

    def take(self, row: Row) -> Content | None:
        """The content of the next regular file, which looked like this; None: it must be read."""
        crew = self._crew
        if row is not self._next or crew is None:
            return None
        try:
            self._send_more(crew)
            content = None
            if self._sent:
                content = self._content(crew, self._sent[0])
            else:  # the crew is behind: whoever asks reads it as soon
                self._waiting_bytes -= self._waiting.popleft().row[SIZE]
            self._next = self._first()
            return content
        except HelperLost:
            self._dismiss()
            return None

    def close(self) -> None:
        """Let go of everything."""
        self._dismiss()
        while self._window:
            self._window.popleft().let_go()

    def _content(self, crew: ReadCrew, batch: Batch) -> Content | None:
        """Of the next file in the first batch."""
        reads = batch.reads
        if reads is None:
            reads = crew.receive(batch, self._meanwhile)
            if len(reads) > _FILES_FEW and not any(reads):
                raise HelperLost("it sees nothing of what this process sees")
        position, start = self._position, self._offset
        read = reads[position]
        self._position = position + 1
        if read is not None:
            self._offset = start + batch.rows[position][SIZE]
        view = batch.region.view[start : self._offset]
        if self._position == len(reads):
            self._spent = self._sent.popleft()
            self._position = self._offset = 0
        return Content(view, read) if read is not None else None

    def _first(self) -> Row | None:
        if self._sent:
            return self._sent[0].rows[self._position]
        return self._waiting[0].row if self._waiting else None

    def _has_started(self, listing: Listing) -> bool:
        """Count what is read without a crew, hire one when it is much, and say when all of that are there."""
        if self._crew is None and not self._is_hired:
            sizes = [row[SIZE] for row in listing.rows if _suits(row)]
            self._seen_files += len(sizes)
            self._seen_bytes += sum(sizes)
            if self._seen_files >= _FILES_FROM or self._seen_bytes >= _BYTES_FROM:
                self._is_hired = True
                with contextlib.suppress(OSError):  # no process, no memory: then without
                    self._crew = self._hire()
        try:
            return self._crew is not None and self._crew.is_ready()
        except HelperLost:
            self._dismiss()
            return False

    def _fill(self, listings: Iterator[Listing]) -> bool:
        """Look ahead as far as it is worth it; whether there is a next listing."""
        while not self._window or self._is_worth_more():
            listing = next(listings, None)
            if listing is None:
                break
            self._window.append(listing)
            try:
                listing.hold()
            except OSError:  # too many are open: this one is valid until the next is asked for, so none is before its turn
                self._is_narrow = True
                break
            self._give(listing)
        if self._crew is not None:
            try:
                self._send_more(self._crew, anew=True)
                self._next = self._first()
            except HelperLost:
                self._dismiss()
        return bool(self._window)

    def _is_worth_more(self) -> bool:
        if self._crew is None or self._is_narrow or len(self._window) >= _WINDOW_FOLDERS:
            return False
        return self._waiting_bytes < 2 * SEGMENT_BYTES and len(self._waiting) < 2 * _FILES_MAX

    def _give(self, listing: Listing) -> None:
        folder: Folder | None = None
        handle = listing.handle
        if handle is None:
            return
        for row in listing.rows:
            if _suits(row) and row[NAME] not in listing.given:
                if folder is None:
                    status = os.fstat(handle)
                    folder = Folder(handle, status.st_dev, status.st_ino)
                self._waiting.append(_Waiting(folder, row))
                self._waiting_bytes += row[SIZE]

    def _send_more(self, crew: ReadCrew, *, anew: bool = False) -> None:
        """Keep the crew busy, when a batch is used up or (``anew``) more files wait."""
        if self._spent is not None:
            crew.done(self._spent)
            self._spent = None
        elif not anew:
            return
        while crew.has_room and self._waiting:
            full = self._waiting_bytes >= SEGMENT_BYTES or len(self._waiting) >= _FILES_MAX
            if not full and (len(self._sent) >= len(crew.helpers) or len(self._waiting) < _FILES_FEW):
                return
            self._sent.append(crew.send(*self._batch()))

    def _batch(self) -> tuple[list[Folder], list[tuple[int, Row]]]:
        folders: list[Folder] = []
        files: list[tuple[int, Row]] = []
        size = 0
        while self._waiting and size < SEGMENT_BYTES and len(files) < _FILES_MAX:
            folder, row = self._waiting[0]
            if not folders or folders[-1] is not folder:
                if len(folders) == _WINDOW_FOLDERS // 8:
                    break
                folders.append(folder)
            self._waiting.popleft()
            files.append((len(folders) - 1, row))
            size += row[SIZE]
        self._waiting_bytes -= size
        return folders, files

    def _dismiss(self) -> None:
        crew, self._crew = self._crew, None
        self._waiting.clear()
        self._sent.clear()
        self._next = None
        if crew is not None:
            crew.close()


def _suits(row: Row) -> bool:
    """Whether it is a small regular file with one name: one with several may have been read under another."""
    return row[SIZE] <= WHOLE_FILE_BYTES and row[NLINK] == 1 and stat.S_ISREG(row[MODE])
