"""Everything that a decision may know, gathered at one instant."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from reconciler.model.declared.policy import Retention
from reconciler.model.desired import Desired
from reconciler.model.drill import DrillRecord
from reconciler.model.observed import Observed, Pace, RepositoryState, RunHistory
from reconciler.model.wishes import Pause, Wish
from reconciler.observe.repositories import LISTING_SECONDS_MAX, Foreigner, Opener, observe_all
from reconciler.observe.sources import KnownSources, observe_sources

if TYPE_CHECKING:
    from reconciler.model.recovery import RecoveryRun


class Paces(Protocol):
    """How long actions took."""

    def read(self) -> Mapping[tuple[str, str], tuple[Pace, ...]]: ...


class Memory(Protocol):
    """What the catalog remembers; reading it changes nothing."""

    def repositories(self) -> Mapping[str, RepositoryState]: ...
    def histories(self) -> Mapping[tuple[str, str], RunHistory]: ...
    def accepted_retention(self) -> Mapping[str, Retention]: ...
    def busy(self) -> Collection[tuple[str, str, str]]: ...
    def pruned(self) -> Mapping[str, datetime]: ...
    def wishes(self) -> tuple[Wish, ...]: ...
    def pause(self) -> Pause | None: ...
    @property
    def paces(self) -> Paces: ...
    @property
    def drills(self) -> Drills: ...
    @property
    def recoveries(self) -> Recoveries: ...


class Drills(Protocol):
    """Rehearsed recoveries."""

    def recent(self) -> tuple[DrillRecord, ...]: ...


class Recoveries(Protocol):
    """Runs and tests of recovery plans."""

    def recent(self) -> tuple[RecoveryRun, ...]: ...


class Look(Struct, frozen=True):
    """How to look."""

    agent: str
    opener: Opener
    refresh: frozenset[str] | None = None
    """Names of the repositories to list now; None: all of them."""
    clock_jump: timedelta | None = None
    seconds_max: float = LISTING_SECONDS_MAX
    foreigner: Foreigner | None = None
    allow_commands: tuple[Path, ...] = ()
    """Directories whose programs the specs may name on this host."""
    sources: KnownSources | None = None
    """What a loop knows of the sources from its earlier looks."""


def observe(desired: Desired, memory: Memory, look: Look, now: datetime) -> Observed:
    """The world as of ``now``. What another tree left in the catalog under names that are not wanted is not looked at."""
    known = memory.repositories()
    if look.sources is not None:
        look.sources.begin(now)
    names = frozenset(r.name for r in desired.repositories)
    return Observed(
        at=now,
        agent=look.agent,
        repositories=observe_all(
            desired.repositories,
            known,
            refresh=names if look.refresh is None else look.refresh & names,
            opener=look.opener,
            now=now,
            seconds_max=look.seconds_max,
            foreigner=look.foreigner,
        ),
        runs=memory.histories(),
        sources=observe_sources([s for s in desired.systems if s.runs_on(look.agent)], allowed=look.allow_commands, known=look.sources),
        accepted_retention=dict(memory.accepted_retention()),
        clock_jump=look.clock_jump,
        pruned=dict(memory.pruned()),
        busy=frozenset(memory.busy()),
        wishes=memory.wishes(),
        drills=memory.drills.recent(),
        recoveries=memory.recoveries.recent() if desired.recovery_plans else (),
        pause=memory.pause(),
        paces=memory.paces.read(),
    )
