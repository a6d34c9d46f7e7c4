"""Writes a snapshot, or a part of it, into a target folder, and reads back what it wrote.

Files are written in the order in which their content lies in the packs, so that each segment is decoded once, by two threads or, where
there are many, by processes. Hard links, symbolic links and special files follow when all files are there, times of folders last. A file
that cannot be restored is named and the others go on; a target that is full ends it. One sync ends it all.
"""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

from msgspec import Struct, field

from reconciler.base.clock import Clock
from reconciler.base.errors import Cancelled
from reconciler.repository.entries import Entry, ids_of
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Raw
from reconciler.repository.restore_crew import Crew, suits
from reconciler.repository.restore_files import FileWriter, Written, attempt
from reconciler.repository.restore_order import batches, in_pack_order
from reconciler.repository.restore_pool import Pool
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import Seals
from reconciler.repository.sound import Refusal, folders_above, sound_entries
from reconciler.tree.entry import CTIME, GID, INO, MODE, MTIME, NAME, NLINK, SIZE, UID
from reconciler.tree.write import SPECIAL_FILE, Loss, Target

_T = TypeVar("_T")
_FIRST_WINDOW = 8192  # entries, or chunks of larger files, that are sorted at once
_WINDOW = 32768  # about 30 MB
_HELPERS_FROM = 4096  # files; fewer are written before helper processes would have started
_BATCH = (2**20, 128)  # bytes, files
_HELPER_BATCH = (8 * 2**20, 1024)
_SYNCED_BATCH = (64 * 2**20, 1024)  # fewer syncs, and no more than this is written twice after a power cut
_FORMAT = 0o170000
_PROGRESS_SECONDS = 0.2


class Chosen(Protocol):
    """Which entries are restored. Asked once for each entry, in the order of the tree."""

    @property
    def everything(self) -> bool:
        """Whether no entry need be asked about. False is always a right answer."""
        ...

    def __contains__(self, entry: Entry, /) -> bool: ...


class Restoring(Struct, frozen=True):
    """So far."""

    files: int
    bytes: int
    total_files: int
    total_bytes: int


class Restored(Struct, frozen=True):
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


class Restore(Struct):
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
    _failures: list[tuple[bytes, str, bool]] = field(default_factory=list)
    _refused: list[tuple[bytes, str]] = field(default_factory=list)
    _files: int = 0
    _bytes: int = 0
    _others: int = 0
    _folders: dict[bytes, Entry] = field(default_factory=dict)
    _made: int = 0
    _used: set[bytes] = field(default_factory=set)
    _chosen: set[bytes] = field(default_factory=set)
    _first_names: dict[tuple[int, int], Entry] = field(default_factory=dict)
    _links: list[tuple[Entry, Entry]] = field(default_factory=list)
    _later: list[Entry] = field(default_factory=list)
    _shown_at: float = 0.0

    def run(self, selection: Chosen, prefix: bytes = b"") -> Restored:
        """``prefix``: every chosen entry is known to lie below it (or to be it), so that nothing else need be read.

        Raises TargetFull, TargetUnusable, Cancelled, or a RepositoryError that concerns everything."""
        started = self.clock.monotonic()
        writer = FileWriter(self.fetcher, self.seals, self.target, self._stopped)
        pool = Pool(self._account)
        try:
            for number, window in enumerate(self._windows(selection, prefix)):
                if not number:
                    pool.open(Crew(writer) if len(window) >= _HELPERS_FROM and suits(writer) else writer)
                size = _SYNCED_BATCH if self.target.replaces else _BATCH if pool.small else _HELPER_BATCH
                placed = in_pack_order(window, self.fetcher.position)
                self.fetcher.expect(chunk for _, entry in placed for chunk in ids_of(entry.cold.chunks))
                pool.run(batches(placed, *size), self._between)
            pool.finish()
            self._between()  # a stop by now has left files of the last batches out
        finally:
            pool.close()
            self.fetcher.end()
        self._finish_links(writer)
        self._finish_folders()
        self.target.sync()
        return Restored(
            files=self._files,
            bytes=self._bytes,
            folders=self._made,
            others=self._others,
            losses=tuple(self._losses),
            failures=(*self._refused, *((path, why) for path, why, _ in self._failures)),
            seconds=self.clock.monotonic() - started,
            damaged=len(self._refused) + sum(damage for _, _, damage in self._failures),
        )

    def _windows(self, selection: Chosen, prefix: bytes) -> Iterator[list[Entry]]:
        """The files to be written, in the order of the tree: few at first, so that the work begins."""
        window: list[Entry] = []
        room, cost = _FIRST_WINDOW, 0
        if prefix:
            self._folders = {entry.path: entry for entry in folders_above(self.record, self.fetcher, prefix)}
        for entry in sound_entries(self.record, self.fetcher, partial(self._refuse, selection), prefix):
            if self._takes(entry, selection):
                window.append(entry)
                cost += max(1, len(entry.cold.chunks) // 32)
                if cost >= room:
                    yield window
                    window, room, cost = [], _WINDOW, 0
        if window:
            yield window

    def _takes(self, entry: Entry, selection: Chosen) -> bool:
        """Whether it is a file that must be written; everything else is noted for later."""
        kind = entry.row[MODE] & _FORMAT
        if kind == stat.S_IFDIR:
            self._folders[entry.path] = entry
        if entry not in selection:
            return False
        if kind == stat.S_IFDIR:
            self._use(entry.path)
            self._chosen.add(entry.path)
            return False
        self._use(entry.folder)
        if kind != stat.S_IFREG:
            self._later.append(entry)
            return False
        return not self._is_link(entry)

    def _stopped(self) -> bool:
        return self.stop is not None and self.stop.is_set()

    def _refuse(self, selection: Chosen, refusal: Refusal) -> None:
        """Note what the manifest says and nobody can believe, or cannot say any more; entries only when they are asked for."""
        if refusal.entry is None or refusal.entry in selection:
            self._refused.append((refusal.path, refusal.why))

    def _use(self, folder: bytes) -> None:
        """Note a folder and those above it: they will exist and get their metadata."""
        while folder and folder not in self._used:
            self._used.add(folder)
            folder = folder.rpartition(b"/")[0]

    def _is_link(self, entry: Entry) -> bool:
        if entry.row[NLINK] < 2:
            return False
        first = self._first_names.setdefault((entry.device, entry.row[INO]), entry)
        if first is entry or not _is_same_file(first, entry):
            return False
        self._links.append((entry, first))
        return True

    def _between(self) -> None:
        now = self.clock.monotonic()
        if self.progress is not None and now - self._shown_at >= _PROGRESS_SECONDS:
            self._shown_at = now
            self.progress(Restoring(self._files, self._bytes, self.record.files, self.record.bytes))
        if self._stopped():
            raise Cancelled("the restore was stopped; the files that are there are whole")

    def _account(self, batch: Sequence[Entry], written: Written) -> None:
        with self._lock:
            self._files += len(written.files)
            self._bytes += sum(batch[position].row[SIZE] for position in written.files)
            self._losses.extend(written.losses)
            self._failures.extend((batch[position].path, why, damage) for position, why, damage in written.failures)
            self._tell([batch[position] for position in written.files])

    def _tell(self, entries: Sequence[Entry]) -> None:
        if self.finished is not None and entries:
            self.finished(entries)

    def _guarded(self, entry: Entry, write: Callable[[Entry], _T]) -> _T | None:
        """None when the entry failed; then it is noted, with the reason, and nothing of it is left under its name."""
        return attempt(self.target, entry, write, partial(self._fail, entry))

    def _fail(self, entry: Entry, why: str, damage: bool) -> None:
        self._failures.append((entry.path, why, damage))

    def _finish_links(self, writer: FileWriter) -> None:
        told = []
        failed = {path for path, _, _ in self._failures}
        stand_ins: dict[bytes, Entry] = {}
        for entry, first in self._links:
            if first.path in failed and first.path not in stand_ins:  # what stands there is something else: this becomes the first name
                written = writer.write([entry])
                self._account([entry], written)
                if written.files:
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
                if path in self.target.made:
                    self._made += 1
                    self._losses.append(Loss(path, "owner, mode and time", "the snapshot does not say them"))
                continue
            losses = self._guarded(entry, self._folder_metadata)
            if losses is not None:
                self._made += 1
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
        losses = self.target.apply(handle, None, row, xattrs=tuple((entry.cold.xattrs or {}).items()), path=entry.path)
        return () if only_on_the_way else losses  # nobody asked for /home, and only root could give it back to root


def _is_same_file(first: Entry, entry: Entry) -> bool:
    """Whether a name of the same inode is of the same file: not when the inode was given away between the two, nor when somebody claims
    it in order to have another owner or mode. Links made in between move change time and count."""
    return first.cold == entry.cold and all(first.row[place] == entry.row[place] for place in (MODE, SIZE, MTIME, UID, GID))
