"""Are the sources there? Looked at system after system; one that hangs is passed over, the others are still seen.

A loop looks at thousands of folders each half minute, and to list one takes ten times as long as to ask whether it is another than before:
:class:`KnownSources` remembers that.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from zlib import crc32

from msgspec import Struct

from reconciler.base.log import get
from reconciler.model.declared.system import Source
from reconciler.model.desired import DesiredSystem
from reconciler.model.observed import Failure, SourceState
from reconciler.observe.deadline import each_within
from reconciler.observe.errors import ObserveError, SourceSilent
from reconciler.sources.look import check_sources

SECONDS_MAX = 10.0
"""For one system: looking at a path takes microseconds, waking a disk some seconds."""

LISTED_EVERY = 20
SETTLED_SECONDS = 3.0
"""A folder that changed less long ago may change again without its times telling: they are as coarse as two seconds on some disks."""

_log = get("observe")

Looks = dict[str, tuple[SourceState, ...]]


_Mark = tuple[int, ...]
"""What changes with a folder: its times, and what and where it is."""


class _Seen(Struct):
    sources: Sequence[Source]
    marks: list[tuple[str, _Mark]]
    """By path."""
    states: tuple[SourceState, ...]
    passes_left: int


class KnownSources:
    """Folders that were well when they were last listed, and have not changed since: of these only the inode is asked.

    Whatever comes or goes directly below a folder, and whoever may read it, changes its times. Some file systems know no such times (those
    of a bucket), and a disk may fail: so every :data:`LISTED_EVERY` passes each is listed all the same, not all in the same pass.
    """

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._settled = 0

    def begin(self, now: datetime) -> None:
        """A pass begins."""
        self._settled = int((now.timestamp() - SETTLED_SECONDS) * 1e9)

    def of(self, system: DesiredSystem, allowed: Sequence[Path]) -> tuple[SourceState, ...]:
        """What is at every path of it."""
        seen = self._seen.get(system.name)
        if seen is not None and seen.passes_left > 0 and seen.sources == system.sources and _unchanged(seen.marks):
            seen.passes_left -= 1
            return seen.states
        marks = _marks(system.sources)
        states = check_sources(system.sources, previous=False, allowed=allowed)
        if marks is not None and all(state.failure is None for state in states) and all(at < self._settled for _, (*_, at) in marks):
            left = LISTED_EVERY if seen is not None else crc32(system.name.encode()) % LISTED_EVERY
            self._seen[system.name] = _Seen(system.sources, marks, states, left)
        else:
            self._seen.pop(system.name, None)
        return states


def _marks(sources: Sequence[Source]) -> list[tuple[str, _Mark]] | None:
    """Of the folders; None when one of them is none, or is not to be seen."""
    found = []
    for source in sources:
        if source.path is None:
            return None
        try:
            info = os.lstat(source.path)
        except OSError:
            return None
        if not stat.S_ISDIR(info.st_mode):
            return None
        found.append((source.path, _mark(info)))
    return found


def _mark(info: os.stat_result) -> _Mark:
    return (info.st_mode, info.st_ino, info.st_dev, info.st_ctime_ns, info.st_mtime_ns)


def _unchanged(marks: Sequence[tuple[str, _Mark]]) -> bool:
    try:
        for path, before in marks:
            if _mark(os.lstat(path)) != before:
                return False
    except OSError:
        return False
    return True


def observe_sources(
    systems: Sequence[DesiredSystem], *, allowed: Sequence[Path] = (), seconds_max: float = SECONDS_MAX, known: KnownSources | None = None
) -> Looks:
    """What is at every path, by system. ``allowed``: directories whose commands may run here. ``known``: the same one in each pass."""
    known = known if known is not None else KnownSources()
    looks = each_within(seconds_max, systems, partial(_looked, known, allowed), key=_key, silent=_silent, what="sources")
    return {system.name: states for system, states in zip(systems, looks, strict=True)}


def _looked(known: KnownSources, allowed: Sequence[Path], system: DesiredSystem) -> tuple[SourceState, ...]:
    try:
        return known.of(system, allowed)
    except Exception as error:  # noqa: BLE001 - a defect in looking at one leaves no other unseen
        _log.exception("looking at the sources of a system failed unexpectedly", system=system.name)
        return _unseen(system, ObserveError, f"cannot be looked at: unexpected {type(error).__name__}")


def _key(system: DesiredSystem) -> str:
    return "\n".join(source.title for source in system.sources)


def _silent(system: DesiredSystem, _: str) -> tuple[SourceState, ...]:
    """In the same words whether it was asked or not: it is one trouble."""
    return _unseen(system, SourceSilent, "does not answer")


def _unseen(system: DesiredSystem, kind: type[ObserveError], why: str) -> tuple[SourceState, ...]:
    def state(path: str) -> SourceState:
        return SourceState(path, exists=False, readable=False, empty=False, failure=Failure.of(kind(f"the source {path} {why}")))

    return tuple(state(source.title) for source in system.sources)
