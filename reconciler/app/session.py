"""All verbs in one place, each told in the file that is named after its family. Synchronous; safe to use from one thread at a time.

A session looks at the specs anew in every verb: it holds no opinion about the world, only where things are. Verbs that read open
nothing for writing; the state directory is made by the first verb that has something to remember. A verb imports its family when it is
used: looking at what is remembered needs no cryptography, and a plan nothing of what would carry it out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from reconciler.app.house import House, agent_name
from reconciler.app.memory import Memory
from reconciler.app.state import choose as choose_state
from reconciler.app.verbs.acting import Acting
from reconciler.app.verbs.alerting import Alerting
from reconciler.app.verbs.keeping import Keeping
from reconciler.app.verbs.looking import Looking
from reconciler.app.verbs.recovering import Recovering
from reconciler.app.verbs.steering import Steering
from reconciler.base.clock import Clock, SystemClock

if TYPE_CHECKING:
    from types import TracebackType


class Session(Looking, Alerting, Acting, Steering, Recovering, Keeping):
    """One spec tree and its memory, ready for verbs."""

    def __init__(self, house: House) -> None:
        self.house = house

    @classmethod
    def open(
        cls,
        specs: Path,
        *,
        state: Path | None = None,
        agent: str | None = None,
        allow_commands: tuple[Path, ...] = (),
        allow_hosts: tuple[str, ...] = (),
        clock: Clock | None = None,
        read_only: bool = False,
        waits: bool = True,
    ) -> Self:
        """Nothing is read or made yet. ``read_only``: verbs that would change anything raise instead. ``waits``: for another process
        that works on the same thing; else the result says ``act-claimed`` at once.
        """
        clock = clock or SystemClock()
        memory = Memory(choose_state(specs, state), clock, read_only=read_only)
        return cls(House(specs.absolute(), memory, agent_name(agent), allow_commands, clock, allow_hosts, waits))

    def close(self) -> None:
        self.house.memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
