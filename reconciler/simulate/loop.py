"""The loop itself: wake, look, plan, let workers act; then on to the next moment at which something happens.

A backup is decided on the *head* of its system, a handful of snapshots that decide the same as all of them; everything else on a look at
all. What each look wants replaces what the one before wanted of the same systems, as in the real queue.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from msgspec.structs import replace

from reconciler.decide.backups import plan_backups
from reconciler.decide.clocks import unsettled_since
from reconciler.decide.guard import settled_retention
from reconciler.decide.plan import plan as decide_plan
from reconciler.decide.replicate import AT_A_TIME, plan_copies
from reconciler.decide.scene import Scene
from reconciler.loop.jump import JumpWatch
from reconciler.loop.queue import Queue
from reconciler.loop.rest import Rest
from reconciler.loop.workers import EVERY_LANE, OBJECTIVE_ONLY
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.observed import Observed, RepositoryState, RunHistory
from reconciler.model.plan import REMOVING, Action, ActionKind, Plan, Waiting
from reconciler.simulate.clock import VirtualClock
from reconciler.simulate.effects import Effects, Flight
from reconciler.simulate.store import Store
from reconciler.simulate.view import View
from reconciler.simulate.world import Memory, Pace, Witness, World

_SOON = timedelta(seconds=1)
_NEWEST = 64
"""So many snapshots are looked at for what is to be copied after a backup or a copy. Those that lag further behind are more than one copy
brings at a time: after such a one all are looked at."""

Case = tuple[DesiredSystem, Mapping[str, RepositoryState], Mapping[tuple[str, str], RunHistory]]
"""What the backups of one system are decided on, beside the hour and what is under way."""


class Simulation:
    """One host with its loop. Everything that happens is decided by what it is given: the same input, the same course."""

    def __init__(
        self,
        desired: Desired,
        stores: Mapping[str, Store],
        world: World,
        witness: Witness,
        start: datetime,
        pace: Pace | None = None,
        memory: Memory | None = None,
    ) -> None:
        """``memory``: what a catalog remembers at the start."""
        self.clock = VirtualClock(start)
        self.memory = memory or Memory()
        self.desired = desired
        self._limits = _limits(desired)
        self._pace = pace or Pace()
        self._witness = witness
        self._world = world
        self._stores = stores
        self._effects = Effects(stores, world, witness, self.clock)
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()
        self._wakes: dict[str, datetime] = {}
        """By system: when its next backup is looked at."""
        self._quiet: dict[str, tuple[Case, datetime]] = {}
        """By system: what its backups were decided on since the last look at everything, and until when nothing of it is due."""
        self.running = False
        self.start()

    # What a schedule of faults may do

    def at(self, moment: datetime, deed: Callable[[], None]) -> None:
        """Let something happen at a moment of true time."""
        heapq.heappush(self._events, (max(moment, self.clock.true), next(self._order), deed))

    def start(self) -> None:
        """The process begins, with what is remembered on disk."""
        self.running = True
        self.running_since = self.clock.true
        self._queue = Queue()
        self._rest = Rest(self.clock)
        self._jumps = JumpWatch(self.clock)
        self._view = View(self._stores, self._world, self._pace.agent)
        self._wanted: list[Action] = []
        self._flights: list[Flight] = []
        self._only_objective = False
        self._wakes.clear()
        self.look()

    def die(self) -> tuple[Flight, ...]:
        """The process ends at once; what was under way."""
        self.running = False
        lost, self._flights = tuple(self._flights), []
        return lost

    def lose_catalog(self) -> None:
        self.memory = Memory()

    def declare(self, desired: Desired) -> None:
        """Edit the specs; the loop looks at once."""
        self.desired, self._limits = desired, _limits(desired)
        self.look()

    def finish(self, flight: Flight) -> None:
        """Let an action that outlived its process leave its effect in the repository, and no trace in the memory."""
        self._effects.apply(flight, Memory())

    def run(self, until: datetime) -> None:
        """Let time pass."""
        while self._events and self._events[0][0] <= until:
            moment, _, deed = heapq.heappop(self._events)
            self.clock.true = max(moment, self.clock.true)
            deed()
        self.clock.true = until

    # Looking

    def look(self) -> None:
        """At everything."""
        if not self.running:
            return
        self._quiet.clear()
        now, true = self.clock.now(), self.clock.true
        observed = self._view.whole(self.desired, self.memory, now, true, self._jumps.look())
        self._heed_clock(now)
        observed = replace(observed, busy=self._queue.under_way(), clock_unsettled=self.memory.unsettled)
        plan = decide_plan(self.desired, observed, now)
        self._witness.planned(plan, true)
        self.memory.accepted.update(settled_retention(self.desired, observed, now))
        self._take_over(plan.actions, plan.waiting, self.desired.systems, lambda action: True)
        self._next_look = true + self._pace.look_every
        self.at(self._next_look, partial(self._look_again, self._next_look))

    def _look_again(self, due: datetime) -> None:
        if due == self._next_look:
            self.look()

    def _look_at(self, system: DesiredSystem) -> None:
        """At all snapshots of one system, after an action of its upkeep."""
        now, true = self.clock.now(), self.clock.true
        self._heed_clock(now)
        observed = self._view.part(self.desired, (system,), self.memory, now, true)
        observed = replace(observed, busy=self._queue.under_way(), clock_unsettled=self.memory.unsettled)
        fresh = {name for name, state in observed.repositories.items() if state.fresh}
        plan = self._plan_of(system, observed)
        self._take_over(plan.actions, plan.waiting, (system,), partial(_is_judged, fresh))

    def _look_after(self, action: Action, system: DesiredSystem, *, failed: bool) -> None:
        """There may be more to do for its system at once; what follows a mark follows a day later."""
        caught_up = action.kind is ActionKind.COPY and len(action.snapshots) < AT_A_TIME
        if not failed and (action.kind is ActionKind.VERIFY or (action.kind is ActionKind.COPY and not caught_up)):
            self._look_at(system)
            return
        self._glance(system.name)  # its lane is free again: a backup may have waited for it
        if not failed and len(system.repositories) > 1 and action.kind in {ActionKind.BACKUP, ActionKind.COPY}:
            self._look_at_newest(system)

    def _look_at_newest(self, system: DesiredSystem) -> None:
        """For what a backup has brought and the other repositories lack: nothing else follows from a backup at once."""
        if self.clock.error:
            self._look_at(system)
            return
        observed = self._view.newest(system, _NEWEST, self.memory, self.clock.now(), self.clock.true)
        scene = self._scene_of(system, replace(observed, busy=self._queue.under_way()))
        self._take_over(plan_copies(scene, system), (), (system,), lambda action: action.kind is ActionKind.COPY)

    def _glance(self, name: str) -> None:
        """At the next backup of one system."""
        system = self.desired.system(name)
        if not self.running or system is None or not system.repositories:
            return
        if self.clock.error or any(s.previous_name for s in self.desired.systems):
            self.look()  # then the head does not decide the same as all of it
            return
        now = self.clock.now()
        observed = self._view.head(system, self.memory, now, self.clock.true)
        case = (system, observed.repositories, observed.runs)
        known = self._quiet.get(name)
        if known is not None and known[0] == case and now < known[1]:
            self._wake(name, known[1])  # nothing that its backups depend on has changed, and nothing has become due
            self._offer()
            self._begin()
            return
        actions, waiting = self._backups_of(system, replace(observed, busy=self._queue.under_way()))
        if not actions and waiting:
            self._quiet[name] = (case, min(w.due_at for w in waiting))
        self._take_over(actions, waiting, (system,), lambda action: action.kind is ActionKind.BACKUP)

    def _backups_of(self, system: DesiredSystem, observed: Observed) -> tuple[Sequence[Action], Sequence[Waiting]]:
        return plan_backups(self._scene_of(system, observed), system)

    def _heed_clock(self, now: datetime) -> None:
        """As each pass compares the hour with that of the last one. The passes that the simulation skips would have found nothing."""
        seen = self.memory.seen_at
        if seen is not None and self.running_since <= seen[0]:
            seen = (seen[0], seen[1] + (self.clock.true - seen[0]))  # ticks went on in between
        self.memory.unsettled = unsettled_since(seen[1] if seen is not None else None, self.memory.unsettled, now)
        self.memory.seen_at = (self.clock.true, now)

    def _alone(self, system: DesiredSystem, observed: Observed) -> Desired:
        repositories = tuple(r for r in self.desired.repositories if r.name in observed.repositories)
        return replace(self.desired, systems=(system,), repositories=repositories)

    def _plan_of(self, system: DesiredSystem, observed: Observed) -> Plan:
        return decide_plan(self._alone(system, observed), observed, observed.at)

    def _scene_of(self, system: DesiredSystem, observed: Observed) -> Scene:
        """For one of the decisions that make up a plan, where the others would be thrown away."""
        return Scene.of(self._alone(system, observed), observed, observed.at)

    def _take_over(
        self, actions: Iterable[Action], waiting: Sequence[Waiting], systems: Iterable[DesiredSystem], seen: Callable[[Action], bool]
    ) -> None:
        """Replace what was wanted of these systems by what the plan wants, and note when to look again."""
        names, declared = {system.name for system in systems}, {system.name for system in self.desired.systems}
        kept = [a for a in self._wanted if not ((a.system in names or not a.system) and seen(a)) and (not a.system or a.system in declared)]
        self._wanted = kept + [action for action in actions if seen(action) and self._rest.over(action)]
        now = self.clock.now()
        for name in names:
            due = [w.due_at for w in waiting if w.system == name and w.due_at > now]
            if due:
                self._wake(name, min(due) - self.clock.error)
        self._offer()
        self._begin()

    def _offer(self) -> None:
        self._queue.offer(self._wanted, self.clock.monotonic(), self._limits)

    def _wake(self, name: str, moment: datetime) -> None:
        """At the first tick of the loop from then on."""
        interval = self.desired.settings.interval
        since = datetime(2000, 1, 1, tzinfo=moment.tzinfo)
        tick = since - (since - moment) // interval * interval
        tick = max(tick, self.clock.true + _SOON)
        if self._wakes.get(name) != tick:
            self._wakes[name] = tick
            self.at(tick, partial(self._awake, name, tick))

    def _awake(self, name: str, tick: datetime) -> None:
        if self._wakes.get(name) == tick:
            del self._wakes[name]
            self._glance(name)

    # Acting

    def _begin(self) -> None:
        """Give each free worker the most urgent action of its lanes."""
        while (action := self._next()) is not None:
            self._wanted.remove(action)
            self.memory.begin(action, self.clock.now())
            flight = Flight(action, self.clock.true, self.clock.now(), self.desired, self._only_objective)
            self._flights.append(flight)
            ends = self.clock.true + timedelta(seconds=self._world.seconds(action, self.clock.true))
            self.at(ends, partial(self._end, flight))

    def _next(self) -> Action | None:
        if not self._wanted:
            return None
        others = sum(not flight.objective_worker for flight in self._flights)
        for objective, free in ((False, others < self._pace.concurrency), (True, others == len(self._flights))):
            lanes = OBJECTIVE_ONLY if objective else EVERY_LANE
            if free and (action := self._queue.take(lanes, self.clock.monotonic(), wait_seconds=0)) is not None:
                self._only_objective = objective
                return action
        return None

    def _end(self, flight: Flight) -> None:
        if flight not in self._flights:
            return  # its process died
        self._flights.remove(flight)
        failure = self._effects.apply(flight, self.memory)
        action = flight.action
        self._queue.done(action)
        self._rest.ended(action, failed=failure is not None)
        self._view.touched.add(action.repository)
        system = self.desired.system(action.system)
        if system is not None:
            self._look_after(action, system, failed=failure is not None)
        self._offer()
        self._begin()


def _is_judged(fresh: Collection[str], action: Action) -> bool:
    """Whether a look at one system, with a fresh list of these repositories, says all that is to be said of such an action. What removes is
    decided by a fresh list alone: a look without one says nothing of what is wanted already.
    """
    return action.kind not in REMOVING or (action.repository in fresh and action.system != "")


def _limits(desired: Desired) -> dict[str, int]:
    return {r.name: limit for r in desired.repositories if (limit := r.limits.concurrency) is not None}
