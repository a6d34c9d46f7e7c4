"""Are the sources there? Looked at in one thread, system after system; one that hangs is passed over, the others are still seen."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from reconciler.model.desired import DesiredSystem
from reconciler.model.observed import Failure, SourceState
from reconciler.observe.deadline import remember_hanging, still_hanging
from reconciler.observe.errors import SourceSilent
from reconciler.sources.look import check_sources

SECONDS_MAX = 10.0
"""For one system: looking at a path takes microseconds, waking a disk some seconds."""

Looks = dict[str, tuple[SourceState, ...]]


def observe_sources(systems: Sequence[DesiredSystem], *, allowed: Sequence[Path] = (), seconds_max: float = SECONDS_MAX) -> Looks:
    """What is at every path, by system. ``allowed``: directories whose commands may run here."""
    found: Looks = {s.name: _silent(s) for s in systems}
    todo = [s for s in systems if not still_hanging(_key(s))]
    while todo:
        worker = _Worker(todo, allowed)
        worker.start()
        worker.wait(seconds_max)
        found |= worker.found
        stuck = worker.give_up()
        if stuck is None:
            break
        remember_hanging(_key(stuck), worker)
        todo = todo[todo.index(stuck) + 1 :]
    return found


class _Worker(threading.Thread):
    def __init__(self, systems: Sequence[DesiredSystem], allowed: Sequence[Path]) -> None:
        super().__init__(name="observe sources", daemon=True)
        self.found: Looks = {}
        self._systems = systems
        self._allowed = allowed
        self._given_up = False

    def run(self) -> None:
        for system in self._systems:
            states = check_sources(system.sources, previous=False, allowed=self._allowed)
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
