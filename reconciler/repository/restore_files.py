"""Writes the content of files into a target and reads it back: batch by batch, whoever asks. One per process; threads may share it.

Into a new target nothing is synced file by file. Where files are replaced, a batch is synced before its renames: a power cut leaves the
old content under a name or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TypeVar

from msgspec import Struct, field

from reconciler.base.errors import Fate
from reconciler.repository.entries import UNREAD, Entry
from reconciler.repository.errors import Damaged, ObjectMissing, TargetFull, Unread
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Type
from reconciler.repository.restore_large import LargeWriter
from reconciler.repository.seal import Seals
from reconciler.tree.entry import NAME, SIZE
from reconciler.tree.errors import TreeError
from reconciler.tree.write import Loss, NewFile, Target

_T = TypeVar("_T")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class Written(Struct):
    """What became of a batch. Positions count in the batch; those of neither list were not tried, because of a stop."""

    files: list[int] = field(default_factory=list)
    failures: list[tuple[int, str, bool]] = field(default_factory=list)
    """(position, why, whether the repository is to blame)."""
    losses: list[Loss] = field(default_factory=list)


def attempt(target: Target, entry: Entry, write: Callable[[Entry], _T], failed: Callable[[str, bool], None]) -> _T | None:
    """What ``write`` returns; None when the entry failed: ``failed`` is told why and whether the repository is to blame.

    Raises TargetFull, and whatever concerns more than this entry.
    """
    try:
        return write(entry)
    except OSError as error:
        if error.errno in _FULL:
            reason = os.strerror(error.errno or 0).lower()
            raise TargetFull(f"{target.root} takes no more: {reason}", target=target.root) from error
        failed(os.strerror(error.errno).lower() if error.errno else str(error), False)
    except (Damaged, ObjectMissing, Unread, TreeError) as error:
        failed(str(error), error.fate is Fate.DAMAGE)
    return None


class FileWriter(Struct, dict=True):
    """Writes batches of regular files, each under a temporary name until it is whole, read back and has its metadata."""

    fetcher: Fetcher
    seals: Seals
    target: Target
    stopped: Callable[[], bool]
    """Asked between two files. What is written by then keeps its name: it is whole."""

    @cached_property
    def _large(self) -> LargeWriter:
        return LargeWriter(self.fetcher, self.seals)

    def write(self, batch: Sequence[Entry]) -> Written:
        """Raises TargetFull, TargetUnusable, or a RepositoryError that concerns everything; then nothing half is left."""
        done = Written()
        pending: list[tuple[int, NewFile]] = []
        try:
            for position, entry in enumerate(batch):
                if self.stopped():
                    break
                made = attempt(self.target, entry, self._write_file, partial(_fail, done, position))
                if made is not None:
                    file, losses = made
                    done.losses.extend(losses)
                    if self.target.replaces:
                        pending.append((position, file))
                    else:
                        done.files.append(position)
            if pending:
                self._put_all(batch, pending, done)
        except BaseException:
            for position, file in pending:
                with contextlib.suppress(OSError, TreeError):
                    self.target.discard(self.target.folder(batch[position].folder), file)
            raise
        return done

    def _put_all(self, batch: Sequence[Entry], pending: Sequence[tuple[int, NewFile]], done: Written) -> None:
        """Sync what is written and put it over what was there."""
        self.target.sync()
        for position, file in pending:
            if attempt(self.target, batch[position], partial(self._put, file), partial(_fail, done, position)):
                done.files.append(position)

    def _put(self, file: NewFile, entry: Entry) -> bool:
        self.target.put(self.target.folder(entry.folder), file)
        return True

    def _write_file(self, entry: Entry) -> tuple[NewFile, tuple[Loss, ...]]:
        if entry.cold.flags & UNREAD:
            raise Unread("its content could not be read when the backup was taken")
        file = self.target.create(self.target.folder(entry.folder), entry.row[NAME])
        try:
            if len(entry.cold.chunks) <= 32 and entry.cold.extents is None:
                self._write_small(file, entry)
            else:
                self._large.write(file.fd, entry)
                if entry.cold.extents is not None:
                    os.ftruncate(file.fd, entry.row[SIZE])
            xattrs = tuple(entry.cold.xattrs.items()) if entry.cold.xattrs else ()
            losses = self.target.apply(file.fd, None, entry.row, xattrs=xattrs, path=entry.path)
        except BaseException:
            self.target.abandon(file)
            raise
        if self.target.replaces:
            os.close(file.fd)
        else:
            self.target.finish(file)
        return file, losses

    def _write_small(self, file: NewFile, entry: Entry) -> None:
        """A file of one chunk or none, nearly every one: the same as a large one in a third of the calls."""
        chunk, size = entry.cold.chunks, entry.row[SIZE]
        view = self.fetcher.view(chunk) if chunk else memoryview(b"")
        if len(view) != size:
            raise Damaged("its chunks do not add up to its size")
        if not size:
            return
        written = os.write(file.fd, view)
        while written < size:
            written += os.pwrite(file.fd, view[written:], written)
        if self.seals.chunk_id(Type.DATA, os.pread(file.fd, size, 0)) != chunk:
            raise self._differs(chunk)

    def _differs(self, chunk: bytes) -> Damaged:
        return Damaged(f"what was written differs from chunk {chunk.hex()[:16]} of {self.fetcher.pack_of(chunk)}")


def _fail(done: Written, position: int, why: str, damage: bool) -> None:
    done.failures.append((position, why, damage))
