"""Files and folders as a source: is the path there, what is to be scanned, and how grave are the defects that a scan met.

A path that is a symbolic link is refused, not followed: the snapshot would hold a link and nothing behind it, and following it would let
whoever may change the link choose what is read. Reading the tree itself is the work of :mod:`reconciler.tree.scan`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from reconciler.model.declared.system import Source
from reconciler.model.observed import Failure, SourceState
from reconciler.model.snapshot import Grade
from reconciler.sources.errors import SourceEmpty, SourceError, SourceMissing, SourceUnreadable
from reconciler.tree.entry import Defect, DefectKind
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import ScanRoot, path_of


def check_sources(sources: Sequence[Source], previous: bool) -> tuple[SourceState, ...]:
    """What is at each path right now. ``previous``: an earlier snapshot had content, so an empty folder is a failure."""
    return tuple(_look(source.path, previous)[0] for source in sources)


def require_sources(sources: Sequence[Source], previous: bool = False) -> tuple[SourceState, ...]:
    """The same, for somebody who is about to read: raises the first failure (SourceMissing, SourceUnreadable, SourceEmpty)."""
    looks = [_look(source.path, previous) for source in sources]
    for _, error in looks:
        if error is not None:
            raise error
    return tuple(state for state, _ in looks)


def scan_roots(sources: Sequence[Source]) -> list[ScanRoot]:
    """The roots of a scan; the paths of ``sources`` are absolute."""
    return [ScanRoot(source.path, Excludes(source.exclude), source.one_file_system) for source in sources]


def judge_defects(defects: Sequence[Defect], sources: Sequence[Source]) -> tuple[Grade, tuple[Defect, ...], tuple[Defect, ...]]:
    """The grade of the snapshot, the defects that ``tolerate`` covers, and those that make it partial. Notes are in neither.

    A pattern covers what lies below a folder that it matches. What kind of thing could not be read is unknown, so one that
    ends in "/" covers a file of that name, too.
    """
    allowances = [_Allowance(source) for source in sources]
    tolerated: list[Defect] = []
    counted: list[Defect] = []
    for defect in defects:
        if not defect.kind.is_note:
            covered = any(allowance.covers(defect) for allowance in allowances)
            (tolerated if covered else counted).append(defect)
    return (Grade.PARTIAL if counted else Grade.COMPLETE), tuple(tolerated), tuple(counted)


class _Allowance:
    """What one source tolerates."""

    def __init__(self, source: Source) -> None:
        self._path = path_of(source.path)
        tolerate = source.tolerate
        self._patterns = {
            DefectKind.CHANGED: Excludes(tolerate.changing if tolerate else ()),
            DefectKind.UNREADABLE: Excludes(tolerate.unreadable if tolerate else ()),
        }

    def covers(self, defect: Defect) -> bool:
        relative = relative_to(defect.path, self._path)
        return relative is not None and self._patterns[defect.kind].covers(relative, is_folder=True)


def relative_to(path: bytes, root: bytes) -> bytes | None:
    """``path`` counted from a source, as its patterns see it; None when it lies elsewhere. A source that is a file is known by its name."""
    if path == root:
        return root.rpartition(b"/")[2]
    if not root:
        return path
    return path[len(root) + 1 :] if path.startswith(root + b"/") else None


def _look(path: str, previous: bool) -> tuple[SourceState, SourceError | None]:
    exists, readable, empty = False, False, False
    error: SourceError | None = None
    try:
        status = os.lstat(path)
        exists = True
        empty = _try_to_read(path, status.st_mode)
        readable = True
    except (FileNotFoundError, NotADirectoryError):
        exists = False
        error = SourceMissing(f"the source {path} does not exist", source=path)
    except OSError as err:
        error = SourceUnreadable(f"the source {path} cannot be read: {(err.strerror or 'failed').lower()}", source=path)
    except SourceUnreadable as err:
        error = err
    if empty and previous:
        error = SourceEmpty(f"the source {path} is empty, but the previous snapshot has files below it", source=path)
    failure = Failure(error.code, error.message, error.hint) if error else None
    return SourceState(path, exists, readable, empty, failure), error


def _try_to_read(path: str, mode: int) -> bool:
    """Whether it is an empty folder; raises when it cannot be read."""
    if stat.S_ISDIR(mode):
        with os.scandir(path) as entries:
            return next(entries, None) is None
    if stat.S_ISREG(mode):
        os.close(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)))
        return False
    if stat.S_ISLNK(mode):
        hint = f"Name what it leads to instead: {os.path.realpath(path)}"
        raise SourceUnreadable(f"the source {path} is a symbolic link, which is not followed", hint=hint, source=path)
    if stat.S_ISSOCK(mode):
        raise SourceUnreadable(f"the source {path} is a socket", hint="Name the folder that holds the data.", source=path)
    return False
