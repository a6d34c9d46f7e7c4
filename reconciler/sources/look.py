"""What the sources of a system are right now: there, readable, empty.

A path that is a symbolic link is refused, not followed: the snapshot would hold a link and nothing behind it, and following it would let
whoever may change the link choose what is read.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Sequence
from pathlib import Path

from msgspec.structs import replace

from reconciler.base.errors import ReconcilerError
from reconciler.model.declared.system import Source
from reconciler.model.observed import Failure, SourceState
from reconciler.sources import live
from reconciler.sources.errors import CommandNotAllowed, SourceEmpty, SourceError, SourceMissing, SourceUnreadable


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
            from reconciler.sources import sqlite

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
    from reconciler.sources.commands import check_allowed

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
