"""What the sources of a system are right now, what of them is to be scanned, and how grave are the defects that a scan met.

A path that is a symbolic link is refused, not followed: the snapshot would hold a link and nothing behind it, and following it would let
whoever may change the link choose what is read. Reading the tree itself is the work of :mod:`reconciler.tree.scan`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.base.errors import ReconcilerError
from reconciler.model.declared.system import Source, Tolerate
from reconciler.model.observed import Failure, SourceState
from reconciler.model.snapshot import Grade
from reconciler.sources import live, sqlite
from reconciler.sources.commands import check_allowed
from reconciler.sources.errors import CommandNotAllowed, SourceEmpty, SourceError, SourceMissing, SourceUnreadable
from reconciler.tree.entry import Defect, DefectKind
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import ScanRoot, path_of


def check_sources(sources: Sequence[Source], previous: bool, allowed: Sequence[Path] = ()) -> tuple[SourceState, ...]:
    """What is at each path right now. ``previous``: an earlier snapshot had content, so an empty folder is a failure.

    ``allowed``: directories whose commands may run.
    """
    frozen = {source.sqlite for source in sources if source.sqlite is not None}
    return tuple(_warned(_look(source, previous, allowed)[0], source, frozen) for source in sources)


def require_sources(sources: Sequence[Source], previous: bool = False, allowed: Sequence[Path] = ()) -> tuple[SourceState, ...]:
    """The same, for somebody who is about to read: raises the first failure (SourceMissing, SourceUnreadable, SourceEmpty, …)."""
    looks = [_look(source, previous, allowed) for source in sources]
    for _, error in looks:
        if error is not None:
            raise error
    return tuple(state for state, _ in looks)


def scan_roots(sources: Sequence[Source]) -> list[ScanRoot]:
    """The roots of a scan; the paths of ``sources`` are absolute. A command has none."""
    return [
        ScanRoot(
            source.place,
            Excludes(source.exclude),
            source.one_file_system,
            source.exclude_caches,
            frozenset(os.fsencode(name) for name in source.exclude_if_present),
            source.exclude_larger_than,
        )
        for source in sources
        if source.place is not None
    ]


def judge_defects(defects: Sequence[Defect], sources: Sequence[Source]) -> tuple[Grade, tuple[Defect, ...], tuple[Defect, ...]]:
    """The grade of the snapshot, the defects that ``tolerate`` covers, and those that make it partial. Notes are in neither.

    A pattern covers what lies below a folder that it matches. What kind of thing could not be read is unknown, so one that
    ends in "/" covers a file of that name, too.
    """
    allowances = [_Allowance(source.path, source.tolerate) for source in sources if source.path is not None]
    tolerated: list[Defect] = []
    counted: list[Defect] = []
    for defect in defects:
        if not defect.kind.is_note:
            covered = any(allowance.covers(defect) for allowance in allowances)
            (tolerated if covered else counted).append(defect)
    return (Grade.PARTIAL if counted else Grade.COMPLETE), tuple(tolerated), tuple(counted)


class _Allowance:
    """What one source tolerates."""

    def __init__(self, path: str, tolerate: Tolerate | None) -> None:
        self._path = path_of(path)
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


def _warned(state: SourceState, source: Source, frozen: Collection[str]) -> SourceState:
    if source.path is None or not state.exists:
        return state
    return replace(state, warnings=live.sentences(source.path, frozen))


def _look(source: Source, previous: bool, allowed: Sequence[Path]) -> tuple[SourceState, ReconcilerError | None]:
    if source.command is not None:
        return _look_at_command(source.title, source.command, allowed)
    path = source.place or ""
    exists, readable, empty = False, False, False
    error: SourceError | None = None
    try:
        status = os.lstat(path)
        exists = True
        if source.sqlite is not None:
            sqlite.check(path)
        else:
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
    return SourceState(path, exists, readable, empty, Failure.of(error) if error else None), error


def _look_at_command(title: str, argv: Sequence[str], allowed: Sequence[Path]) -> tuple[SourceState, ReconcilerError | None]:
    """Whether it may run; it is not run."""
    try:
        check_allowed(argv, allowed)
    except CommandNotAllowed as error:
        return SourceState(title, exists=True, readable=False, empty=False, failure=Failure.of(error)), error
    return SourceState(title, exists=True, readable=True, empty=False), None


def _try_to_read(path: str, mode: int) -> bool:
    """Whether it is an empty folder; raises when it cannot be read."""
    if stat.S_ISDIR(mode):
        with os.scandir(path) as entries:
            return next(entries, None) is None
    if stat.S_ISREG(mode):
        # Asked, not opened: closing a database that this process has open elsewhere, such as our own catalog, would let go of its locks.
        if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return False
    if stat.S_ISLNK(mode):
        hint = f"Name what it leads to instead: {os.path.realpath(path)}"
        raise SourceUnreadable(f"the source {path} is a symbolic link, which is not followed", hint=hint, source=path)
    if stat.S_ISSOCK(mode):
        raise SourceUnreadable(f"the source {path} is a socket", hint="Name the folder that holds the data.", source=path)
    return False
