"""Writes a snapshot, or a part of it, into a target folder, and reads back what it wrote.

Folders and files come in the order of the tree, which is the order of the packs for the most part, so that each segment is decoded about
once; batches of files go to two threads. Hard links, symbolic links and special files follow when all files are there, times of folders
last. A file that cannot be restored is named and the others go on; a target that is full ends it.

Into a new target nothing is synced file by file: one sync ends it. Where files are replaced, a batch is synced before its renames: a power
cut leaves the old content under a name or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from reconciler.base.clock import Clock
from reconciler.base.errors import Cancelled, Fate
from reconciler.repository.entries import UNREAD, Entry
from reconciler.repository.errors import Damaged, ObjectMissing, TargetFull, Unread
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Raw, Type
from reconciler.repository.manifest import read_entries
from reconciler.repository.places import Places
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import Seals
from reconciler.repository.select import bearable, possible
from reconciler.tree.entry import CTIME, INO, MODE, MTIME, NAME, NLINK, SIZE
from reconciler.tree.errors import TreeError
from reconciler.tree.write import SPECIAL_FILE, Loss, NewFile, Target

_T = TypeVar("_T")
_WORKERS = 2  # measured: a third gains nothing on two cores, Python's part is under one lock
_BATCH_BYTES = 2**20
_BATCH_FILES = 128
_SYNCED_BYTES = 64 * 2**20  # a batch that is synced: fewer syncs, and no more than this is written twice after a power cut
_SYNCED_FILES = 1024
_AHEAD = 4
_FORMAT = 0o170000
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_PROGRESS_SECONDS = 0.2


class Chosen(Protocol):
    """Which entries are restored. Asked once for each entry, in the order of the tree."""

    def __contains__(self, entry: Entry, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Restoring:
    """So far."""

    files: int
    bytes: int
    total_files: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Restored:
    """How it ended. ``failures``: (path, why) of entries that are not there; ``losses``: metadata that could not be set."""

    files: int
    bytes: int
    folders: int
    others: int
    losses: tuple[Loss, ...]
    failures: tuple[tuple[Raw, str], ...]
    seconds: float
    damaged: int = 0
    """Of the failures: those for which the repository is to blame."""

    @property
    def nothing(self) -> bool:
        """Not one entry was chosen."""
        return not (self.files or self.folders or self.others or self.failures)


@dataclass(slots=True)
class Restore:
    """One restore; used once."""

    record: RootRecord
    fetcher: Fetcher
    seals: Seals
    target: Target
    clock: Clock
    stop: threading.Event | None = None
    progress: Callable[[Restoring], None] | None = None
    finished: Callable[[Sequence[Entry]], None] | None = None
    """Told after each batch what is whole under its final name by then: files first, then links and special files, then folders with
    their metadata. By one thread at a time, in the order in which batches end. In a target that replaces, the content of the files is
    durable by then, their names are after the next sync of the target. What it raises ends the restore."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _losses: list[Loss] = field(default_factory=list)
    _failures: list[tuple[bytes, str]] = field(default_factory=list)
    _damaged: int = 0
    _files: int = 0
    _bytes: int = 0
    _others: int = 0
    _folders: dict[bytes, Entry] = field(default_factory=dict)
    _used: set[bytes] = field(default_factory=set)
    _chosen: set[bytes] = field(default_factory=set)
    _first_names: dict[tuple[int, int], Entry] = field(default_factory=dict)
    _links: list[tuple[Entry, Entry]] = field(default_factory=list)
    _later: list[Entry] = field(default_factory=list)
    _batch: list[Entry] = field(default_factory=list)
    _batch_bytes: int = 0
    _shown_at: float = 0.0

    def run(self, selection: Chosen) -> Restored:
        """Raises TargetFull, TargetUnusable, Cancelled, or a RepositoryError that concerns everything."""
        started = self.clock.monotonic()
        pool = ThreadPoolExecutor(_WORKERS, "restore")
        jobs: deque[Future[None]] = deque()
        try:
            for entry in read_entries(self.record, self.fetcher):
                self._take(entry, selection, pool, jobs)
            self._send(pool, jobs)
            while jobs:
                jobs.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        self._finish_links()
        self._finish_folders()
        self.target.sync()
        return Restored(
            files=self._files,
            bytes=self._bytes,
            folders=len(self._used),
            others=self._others,
            losses=tuple(self._losses),
            failures=tuple(self._failures),
            seconds=self.clock.monotonic() - started,
            damaged=self._damaged,
        )

    def _take(self, entry: Entry, selection: Chosen, pool: ThreadPoolExecutor, jobs: deque[Future[None]]) -> None:
        kind = entry.row[MODE] & _FORMAT
        if kind == stat.S_IFDIR and possible(entry):
            self._folders[entry.path] = entry
        if entry not in selection or not self._guarded(entry, bearable):
            return
        if kind == stat.S_IFDIR:
            self._use(entry.path)
            self._chosen.add(entry.path)
            return
        self._use(entry.folder)
        if kind != stat.S_IFREG:
            self._later.append(entry)
        elif not self._is_link(entry):
            self._batch.append(entry)
            self._batch_bytes += entry.row[SIZE]
            most = (_SYNCED_BYTES, _SYNCED_FILES) if self.target.replaces else (_BATCH_BYTES, _BATCH_FILES)
            if self._batch_bytes >= most[0] or len(self._batch) >= most[1]:
                self._send(pool, jobs)

    def _use(self, folder: bytes) -> None:
        """Note a folder and those above it: they will exist and get their metadata."""
        while folder and folder not in self._used:
            self._used.add(folder)
            folder = folder.rpartition(b"/")[0]

    def _is_link(self, entry: Entry) -> bool:
        if entry.row[NLINK] < 2:
            return False
        first = self._first_names.setdefault((entry.device, entry.row[INO]), entry)
        if first is entry or first.cold != entry.cold:
            return False
        self._links.append((entry, first))
        return True

    def _send(self, pool: ThreadPoolExecutor, jobs: deque[Future[None]]) -> None:
        if self._batch:
            jobs.append(pool.submit(self._write_batch, self._batch))
            self._batch, self._batch_bytes = [], 0
        while len(jobs) > _AHEAD or (jobs and jobs[0].done()):
            jobs.popleft().result()
        self._show()
        if self.stop is not None and self.stop.is_set():
            raise Cancelled("the restore was stopped; the files that are there are whole")

    def _show(self) -> None:
        now = self.clock.monotonic()
        if self.progress is not None and now - self._shown_at >= _PROGRESS_SECONDS:
            self._shown_at = now
            self.progress(Restoring(self._files, self._bytes, self.record.files, self.record.bytes))

    def _write_batch(self, batch: list[Entry]) -> None:
        written: list[tuple[Entry, NewFile, tuple[Loss, ...]]] = []
        try:
            for entry in batch:
                if self.stop is not None and self.stop.is_set():
                    break  # what is written keeps its name: it is whole
                done = self._guarded(entry, self._write_file)
                if done is not None:
                    written.append((entry, *done))
            if self.target.replaces:
                written = self._put(written)
        except BaseException:
            if self.target.replaces:
                for entry, file, _ in written:
                    with contextlib.suppress(OSError, TreeError):
                        self.target.discard(self.target.folder(entry.folder), file)
            raise
        with self._lock:
            self._files += len(written)
            for entry, _, losses in written:
                self._bytes += entry.row[SIZE]
                self._losses.extend(losses)
            self._tell([entry for entry, _, _ in written])

    def _put(self, written: list[tuple[Entry, NewFile, tuple[Loss, ...]]]) -> list[tuple[Entry, NewFile, tuple[Loss, ...]]]:
        """Sync what is written and put it over what was there; those that have their name."""
        if written:
            self.target.sync()

        return [done for done in written if self._guarded(done[0], partial(self._put_one, done[1]))]

    def _put_one(self, file: NewFile, entry: Entry) -> bool:
        self.target.put(self.target.folder(entry.folder), file)
        return True

    def _tell(self, entries: Sequence[Entry]) -> None:
        if self.finished is not None and entries:
            self.finished(entries)

    def _guarded(self, entry: Entry, write: Callable[[Entry], _T]) -> _T | None:
        """None when the entry failed; then it is noted, with the reason, and nothing of it is left under its name."""
        try:
            return write(entry)
        except OSError as error:
            if error.errno in _FULL:
                reason = os.strerror(error.errno or 0).lower()
                raise TargetFull(f"{self.target.root} takes no more: {reason}", target=self.target.root) from error
            why, damage = os.strerror(error.errno).lower() if error.errno else str(error), False
        except (Damaged, ObjectMissing, Unread, TreeError) as error:
            why, damage = str(error), error.fate is Fate.DAMAGE
        with self._lock:
            self._damaged += damage
            self._failures.append((entry.path, why))
        return None

    def _write_file(self, entry: Entry) -> tuple[NewFile, tuple[Loss, ...]]:
        if entry.cold.flags & UNREAD:
            raise Unread("its content could not be read when the backup was taken")
        file = self.target.create(self.target.folder(entry.folder), entry.row[NAME])
        try:
            lengths = self._write_content(file, entry)
            self._read_back(file, entry, lengths)
            xattrs = tuple((entry.cold.xattrs or {}).items())
            losses = self.target.apply(file.fd, None, entry.row, xattrs=xattrs, path=entry.path)
        except BaseException:
            self.target.abandon(file)
            raise
        if self.target.replaces:
            os.close(file.fd)
        else:
            self.target.finish(file)
        return file, losses

    def _write_content(self, file: NewFile, entry: Entry) -> list[int]:
        """Write the chunks where they belong; returns their lengths."""
        chunks = entry.cold.chunks
        places = Places(entry)
        lengths = []
        for start in range(0, len(chunks), 32):
            view = self.fetcher.view(chunks[start : start + 32])
            lengths.append(len(view))
            for offset, piece in places.split(view):
                while piece:
                    written = os.pwrite(file.fd, piece, offset)
                    offset += written
                    piece = piece[written:]
        if not places.complete:
            raise Damaged("its chunks do not add up to its size")
        if entry.cold.extents is not None:
            os.ftruncate(file.fd, entry.row[SIZE])
        return lengths

    def _read_back(self, file: NewFile, entry: Entry, lengths: list[int]) -> None:
        """What is on the disk now has the ids that the manifest names."""
        places = Places(entry)
        for number, length in enumerate(lengths):
            chunk = entry.cold.chunks[32 * number : 32 * number + 32]
            data = places.read(file.fd, length)
            if self.seals.chunk_id(Type.DATA, data) != chunk:
                raise Damaged(f"what was written differs from chunk {chunk.hex()[:16]} of {self.fetcher.pack_of(chunk)}")

    def _finish_links(self) -> None:
        told = []
        failed = {path for path, _ in self._failures}
        stand_ins: dict[bytes, Entry] = {}
        for entry, first in self._links:
            if first.path in failed and first.path not in stand_ins:  # what stands there is something else: this becomes the first name
                files = self._files
                self._write_batch([entry])
                if self._files > files:
                    stand_ins[first.path] = entry
            elif self._guarded(entry, partial(self._link, stand_ins.get(first.path, first))) is not None:
                self._files += 1
                told.append(entry)
        made: dict[tuple[int, int], Entry] = {}
        for entry in self._later:
            known = made.get((entry.device, entry.row[INO]))
            if known is not None and known.row[1:] == entry.row[1:] and known.cold == entry.cold:  # another name of the same link or pipe
                losses = self._guarded(entry, partial(self._link, known))
            else:
                losses = self._guarded(entry, self._special)
            if losses is None:
                continue
            self._losses.extend(losses)
            if not any(loss.what == SPECIAL_FILE for loss in losses):  # else this user may not make it, and it is not there
                made.setdefault((entry.device, entry.row[INO]), entry)
                self._others += 1
                told.append(entry)
        self._tell(told)

    def _link(self, first: Entry, entry: Entry) -> tuple[Loss, ...]:
        handle = self.target.folder(entry.folder)
        self.target.hardlink(handle, entry.row[NAME], self.target.folder(first.folder), first.row[NAME])
        return ()

    def _special(self, entry: Entry) -> tuple[Loss, ...]:
        handle = self.target.folder(entry.folder)
        if stat.S_ISLNK(entry.row[MODE]):
            self.target.symlink(handle, entry.row[NAME], entry.cold.link or b"")
        else:
            loss = self.target.special(handle, entry.row[NAME], entry.row[MODE], entry.cold.rdev, entry.path)
            if loss is not None:
                return (loss,)
        return self.target.apply(handle, entry.row[NAME], entry.row, xattrs=tuple((entry.cold.xattrs or {}).items()), path=entry.path)

    def _finish_folders(self) -> None:
        """Metadata of folders, innermost first: each new entry would move the time of its folder."""
        told = []
        for path in sorted(self._used, reverse=True):
            entry = self._folders.get(path)
            if entry is None:
                continue
            losses = self._guarded(entry, self._folder_metadata)
            if losses is not None:
                self._losses.extend(losses)
                told.append(entry)
        self._tell(told)

    def _folder_metadata(self, entry: Entry) -> tuple[Loss, ...]:
        handle = self.target.folder(entry.path)
        row, only_on_the_way = entry.row, not (entry.row[MTIME] or entry.row[CTIME])
        if entry.path not in self.target.made and (only_on_the_way or entry.path not in self._chosen):
            return ()  # it stood there: in place, /tmp and /home lead to nearly everything, and are not ours to change
        if only_on_the_way:
            row = (*row[:MTIME], self.record.as_of * 1000, *row[CTIME:])
        return self.target.apply(handle, None, row, xattrs=tuple((entry.cold.xattrs or {}).items()), path=entry.path)
