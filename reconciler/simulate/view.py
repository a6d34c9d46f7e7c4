"""What the loop would see at one instant: the world as ``observe/`` gathers it, of some systems or of all.

A repository is listed as often as the loop lists it: at the first look, after an own action, when it was unreachable, and every
``observeEvery``. Only then it is fresh, and only then anything may be deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.listing import newest_first
from reconciler.model.observed import Observed, RepositoryState
from reconciler.model.snapshot import Snapshot
from reconciler.simulate.store import Store
from reconciler.simulate.world import Memory, World


class View:
    """Looks at stores on behalf of the loop, and remembers in ``memory`` when."""

    def __init__(self, stores: Mapping[str, Store], world: World, agent: str) -> None:
        self._stores = stores
        self._world = world
        self._agent = agent
        self.touched: set[str] = set()
        """Repositories that were worked on since they were last listed."""

    def whole(self, desired: Desired, memory: Memory, now: datetime, true: datetime, jump: timedelta | None) -> Observed:
        """Everything."""
        states = {r.name: self._listed(desired, r.name, memory, now, true) for r in desired.repositories}
        return self._observed(states, memory, now, jump)

    def part(self, desired: Desired, systems: Collection[DesiredSystem], memory: Memory, now: datetime, true: datetime) -> Observed:
        """All snapshots of some systems, freshly listed where the loop would do so."""
        names = [name for system in systems for name in system.repositories]
        states = {}
        for name in dict.fromkeys(names):
            state = self._listed(desired, name, memory, now, true, read=False)
            states[name] = replace(state, snapshots=self._stores[name].listing(system.name for system in systems))
        return self._observed(states, memory, now, None)

    def head(self, system: DesiredSystem, memory: Memory, now: datetime, true: datetime) -> Observed:
        """No more than the next backup of one system is decided by. Nothing is listed, so nothing can be deleted."""
        name = system.repositories[0]
        history = memory.histories.get((system.name, name))
        confirmed = history.confirmed[0] if history is not None and history.confirmed is not None else None
        state = self._as_known(name, self._stores[name].head(system.name, confirmed), memory, true)
        runs = {(system.name, name): history} if history is not None else {}
        return Observed(now, self._agent, {name: state}, runs)

    def newest(self, system: DesiredSystem, count: int, memory: Memory, now: datetime, true: datetime) -> Observed:
        """No more than copies of what came last are decided by, in each repository of one system. Nothing is listed here either."""
        came = self._stores[system.repositories[0]].newest(system.name, count)
        states = {}
        for name in system.repositories:
            store = self._stores[name]
            there = {s.id: s for s in (*store.head(system.name), *(store.find(system.name, each.id) for each in came)) if s is not None}
            states[name] = self._as_known(name, newest_first(there.values()), memory, true)
        runs = {(system.name, name): history for name in states if (history := memory.histories.get((system.name, name))) is not None}
        return Observed(now, self._agent, states, runs)

    def _as_known(self, name: str, snapshots: tuple[Snapshot, ...], memory: Memory, true: datetime) -> RepositoryState:
        listed_at = memory.listed.get(name)
        reachable = self._world.unreachable(name, true) is None and listed_at is not None
        return RepositoryState(name, listed_at, reachable, id=name, snapshots=snapshots)

    def _listed(self, desired: Desired, name: str, memory: Memory, now: datetime, true: datetime, *, read: bool = True) -> RepositoryState:
        listed_at = memory.listed.get(name)
        failure = self._world.unreachable(name, true)
        old = listed_at is None or abs(now - listed_at) >= desired.settings.observe_every
        fresh = failure is None and (old or name in self.touched or name in memory.failures)
        if failure is not None:
            memory.failures[name] = failure
        elif fresh:
            memory.failures.pop(name, None)
            listed_at = memory.listed[name] = now
            self.touched.discard(name)
        snapshots = self._stores[name].listing() if read else ()
        return RepositoryState(name, listed_at, failure is None and listed_at is not None, fresh, name, snapshots, failure)

    def _observed(self, states: dict[str, RepositoryState], memory: Memory, now: datetime, jump: timedelta | None) -> Observed:
        return Observed(
            at=now,
            agent=self._agent,
            repositories=states,
            runs=dict(memory.histories),
            accepted_retention=dict(memory.accepted),
            clock_jump=jump,
            pruned=dict(memory.pruned),
            drills=tuple(memory.drills),
        )
