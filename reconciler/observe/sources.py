"""Are the sources there? Looked at in one thread, system after system; one that hangs is passed over, the others are still seen.

A loop looks at thousands of folders each half minute, and to list one takes ten times as long as to ask whether it is another than before:
:class:`KnownSources` remembers that.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zlib import crc32

from msgspec import Struct

from reconciler.model.declared.system import Source
from reconciler.model.desired import DesiredSystem
from reconciler.model.observed import Failure, SourceState
from reconciler.observe.deadline import remember_hanging, something_hangs, still_hanging
from reconciler.observe.errors import SourceSilent
from reconciler.sources.look import check_sources

SECONDS_MAX = 10.0
"""For one system: looking at a path takes microseconds, waking a disk some seconds."""

LISTED_EVERY = 20
SETTLED_SECONDS = 3.0
"""A folder that changed less long ago may change again without its times telling: they are as coarse as two seconds on some disks."""

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
    found: Looks = {}
    todo = [s for s in systems if not still_hanging(_key(s))] if something_hangs() else systems
    while todo:
        worker = _Worker(todo, known, allowed)
        worker.start()
        worker.wait(seconds_max)
        found |= worker.found
        stuck = worker.give_up()
        if stuck is None:
            break
        remember_hanging(_key(stuck), worker)
        todo = todo[todo.index(stuck) + 1 :]
    return {s.name: found[s.name] if s.name in found else _silent(s) for s in systems}


class _Worker(threading.Thread):
    def __init__(self, systems: Sequence[DesiredSystem], known: KnownSources, allowed: Sequence[Path]) -> None:
        super().__init__(name="observe sources", daemon=True)
        self.found: Looks = {}
        self._systems = systems
        self._known = known
        self._allowed = allowed
        self._given_up = False

    def run(self) -> None:
        for system in self._systems:
            states = self._known.of(system, self._allowed)
            if self._given_up:
                return
            self.found[system.name] = states

    def wait(self, seconds: float) -> None:
        """Until everything was looked at, or nothing came of it for so long."""
        seen = -1
        while self.is_alive() and len(self.found) > seen:
            seen = len(self.found)
            self.join(seconds)

    def give_up(self) -> DesiredSystem | None:
        """The system that it hangs at, or None when it has ended."""
        if not self.is_alive():
            return None
        self._given_up = True
        return next((s for s in self._systems if s.name not in self.found), None)


def _key(system: DesiredSystem) -> str:
    return "\n".join(source.title for source in system.sources)


def _silent(system: DesiredSystem) -> tuple[SourceState, ...]:
    def state(path: str) -> SourceState:
        error = SourceSilent(f"the source {path} does not answer")
        return SourceState(path, exists=False, readable=False, empty=False, failure=Failure.of(error))

    return tuple(state(source.title) for source in system.sources)
