"""Runs one course: lets every fault happen at its hour and end at its hour, and asks the oracle at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.decide.clocks import LEAP
from reconciler.model.declared.objectives import Objectives
from reconciler.model.declared.system import Suspend
from reconciler.model.desired import DesiredSystem
from reconciler.model.plan import ActionKind, Plan
from reconciler.model.snapshot import Snapshot
from reconciler.simulate import Pace, Simulation, Store
from tests.fakes.worlds import snapshot
from tests.simulation.broken_world import BrokenWorld
from tests.simulation.oracle import DISTURBED, Oracle
from tests.simulation.schedules import AS_BUILT_IN, DAYS, START, TIGHT, WIDE, Course, Fault, clock_error, other_schedule

END = START + timedelta(days=DAYS)


class Ran(Struct, frozen=True):
    """What a course came to."""

    violations: tuple[tuple[datetime, str], ...]
    log: tuple[tuple[datetime, str], ...]
    actions: Counter[ActionKind]
    faults: Counter[str]
    forgotten: int
    tiers: frozenset[str]


def run(course: Course, faults: Sequence[Fault] | None = None) -> Ran:
    """``faults``: instead of those of the course."""
    return _Driver(course, course.faults if faults is None else tuple(faults)).run()


class _Watching(Oracle):
    """The oracle, with an eye on what the last plan held."""

    last: Plan | None = None

    def planned(self, plan: Plan, at: datetime) -> None:
        super().planned(plan, at)
        self.last = plan


class _Driver:
    def __init__(self, course: Course, faults: tuple[Fault, ...]) -> None:
        seconds_max = 20.0 if course.seed % AS_BUILT_IN == 0 else 200.0
        self.course = course
        self.faults = faults
        self.world = BrokenWorld(course.seed, seconds_max)
        self.decoys = _decoys(course)
        self.stores = {
            r.name: Store(r.name, course.desired.realm, [replace(s, repository=r.name) for s in self.decoys])
            for r in course.desired.repositories
        }
        self.oracle = _Watching(course.desired, self.stores, START, seconds_max)
        self.systems = {s.name: s for s in course.desired.systems}
        self.removed: Counter[str] = Counter()
        self.suspended: dict[str, datetime] = {}
        self.broken = 0
        self.down = 0
        self.edits = 0
        self.sim = Simulation(course.desired, self.stores, self.world, self.oracle, START, Pace(look_every=timedelta(days=1)))

    def run(self) -> Ran:
        for fault in self.faults:
            self.sim.at(fault.at, lambda fault=fault: self._strike(fault))
        self.sim.at(END - timedelta(days=11), self._mend)
        self.sim.run(END - timedelta(days=4))
        expired = self.oracle.expired(self.sim.clock.true)
        self.sim.run(END)
        plan = self.oracle.last
        assert plan is not None
        self.oracle.close(END, expired, {(h.system, h.repository) for h in plan.held if h.guard == "tightening" and self._may_hold()})
        for name, store in self.stores.items():
            gone = {decoy.id for decoy in self.decoys} - {s.id for s in store.everything()}
            if gone:
                self.oracle.violations.append((END, f"{name}: snapshots of others were removed: {gone}"))
        return Ran(
            tuple(self.oracle.violations),
            tuple(self.oracle.log),
            self.oracle.actions,
            Counter(fault.kind for fault in self.faults),
            self.oracle.forgotten,
            frozenset(s.tier for s in self.course.desired.systems),
        )

    def _may_hold(self) -> bool:
        """A guard may wait for a person only where the accepted retention was lost or edited."""
        return any(fault.kind in {"catalog", "tighten", "loosen"} for fault in self.faults)

    def _strike(self, fault: Fault) -> None:
        self.oracle.log.append((fault.at, f"fault: {fault}"))
        ends = fault.at + fault.lasts
        span = (fault.at, ends)
        match fault.kind:
            case "outage":
                self.world.outages[fault.subject].append(span)
                self._blocked("outage", [n for n, s in self.systems.items() if s.repositories[0] == fault.subject], ends)
            case "slow":
                self.world.slow[fault.subject].append((span, 2 + 2 * fault.draw))
                self._disturb(ends)
            case "missing" | "unreadable":
                (self.world.missing if fault.kind == "missing" else self.world.unreadable)[fault.subject].append(span)
                # After a partial snapshot the schedule paces the next try, so what became readable is read a whole RPO later at worst.
                pace = self.oracle.promises[fault.subject].rpo if fault.kind == "unreadable" else timedelta(0)
                self._blocked(fault.kind, [fault.subject], ends + pace)
            case "crash" | "sleep" | "catalog":
                self._crash(fault, ends)
            case "clock":
                self.sim.clock.error = clock_error(fault)
                self._disturb(ends)
                if timedelta(0) < self.sim.clock.error < LEAP:
                    self.oracle.ahead_until = ends
                self._until(ends, self._right_clock)
            case _:
                self._edit(fault, ends)
        self.sim.look()

    def _until(self, moment: datetime, deed: Callable[[], None]) -> None:
        def then() -> None:
            deed()
            self.sim.look()

        self.sim.at(moment, then)

    def _disturb(self, ends: datetime) -> None:
        self.oracle.disturbed_until = max(self.oracle.disturbed_until, ends + 12 * DISTURBED)

    def _blocked(self, reason: str, names: Sequence[str], ends: datetime) -> None:
        now = self.sim.clock.true
        for name in names:
            self.oracle.block(name, reason, now)

        def free() -> None:
            for name in names:
                self.oracle.allow(name, reason, ends)

        self._until(ends, free)

    def _crash(self, fault: Fault, ends: datetime) -> None:
        for flight in self.sim.die() if self.sim.running else ():
            if fault.draw < 0.5:  # what it was doing reached the repository, and nobody wrote it down
                self.sim.finish(flight)
        if fault.kind == "catalog":
            self.sim.lose_catalog()
        self.down += 1
        self._blocked("down", list(self.systems), ends)

        def restart() -> None:
            self.down -= 1
            if not self.down:
                self.sim.start()

        self.sim.at(ends, restart)

    def _right_clock(self) -> None:
        """And a day later a person removes what is dated in the future: until then the guard of the clock holds everything."""
        self.sim.clock.error = timedelta(0)
        self.sim.at(self.sim.clock.true + timedelta(days=1), self._forget_the_future)

    def _forget_the_future(self) -> None:
        for store in self.stores.values():
            for each in store.everything():
                if each.as_of > self.sim.clock.true + timedelta(minutes=5):
                    store.forget(each.system, [each.id])
        self.sim.look()

    def _edit(self, fault: Fault, ends: datetime) -> None:
        name, original = fault.subject, self.course.desired.system(fault.subject)
        rpo = original.objectives.rpo if original is not None else None
        self.edits += 1
        match fault.kind:
            case "broken":
                self.broken += 1
                self.sim.at(ends, self._repair)
            case "remove":
                self.removed[name] += 1
                self._blocked("removed", [name], ends)
                self.sim.at(ends, lambda: self.removed.subtract([name]))
                self._until(ends, self._declare)
            case "suspend":
                self.suspended[name] = max(ends, self.suspended.get(name, ends))
                self._blocked("suspended", [name], self.suspended[name])
            case "promise":
                assert rpo is not None
                self._change(name, objectives=Objectives(rpo=rpo * (0.5 if fault.draw < 0.5 else 2)))
            case "schedule":
                assert rpo is not None
                self._change(name, schedule=other_schedule(fault, rpo))
            case "tighten":
                self._change(name, retention=TIGHT)
            case "loosen":
                self._change(name, retention=WIDE)
        self._declare()

    def _change(self, name: str, **changes: object) -> None:
        system = self.systems[name]
        self.systems[name] = replace(system, generation=f"{name} g{self.edits}", **changes)  # type: ignore[arg-type]

    def _repair(self) -> None:
        self.broken -= 1
        self._declare()

    def _mend(self) -> None:
        """A person puts the tree back as it was, before the quiet days."""
        self.edits += 1
        self.broken = 0
        self.removed.clear()
        self.suspended.clear()
        self.systems = {s.name: replace(s, generation=f"{s.name} g{self.edits}") for s in self.course.desired.systems}
        self._declare()

    def _declare(self) -> None:
        systems = [self._as_declared(s) for s in self.systems.values() if self.removed[s.name] <= 0]
        tree = replace(self.course.desired, systems=tuple(sorted(systems, key=lambda s: s.name)), clean=not self.broken)
        self.oracle.declared(tree, self.sim.clock.true)
        self.sim.declare(tree)

    def _as_declared(self, system: DesiredSystem) -> DesiredSystem:
        until = self.suspended.get(system.name)
        standing = until is not None and until > self.sim.clock.true
        return replace(system, suspend=Suspend(reason="moving", until=until) if standing else None)


def _decoys(course: Course) -> list[Snapshot]:
    """Snapshots of a namesake in another realm and of a system that nobody declares: they look alike and must survive."""
    moments = [START - timedelta(days=9 * number) for number in range(1, 4)]
    namesake = course.desired.systems[0].name
    foreign = [snapshot(moment, id=f"foreign-{moment:%m%d}", realm="other-realm", system=namesake) for moment in moments]
    return foreign + [snapshot(moment, id=f"orphan-{moment:%m%d}", system="gone-0") for moment in moments]
