"""What one incident leaves of each system, in the certain and in the hopeful world."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import IntEnum

from msgspec import Struct

from reconciler.decide.impact.incidents import Fate, Incident, fate, reached, worst
from reconciler.decide.impact.world import World
from reconciler.model.declared.objectives import Targets
from reconciler.model.desired import DesiredSystem
from reconciler.model.impact import Copy, Survival, Verdict

_NONE, _LONG = timedelta(0), timedelta.max


class Level(IntEnum):
    """Of one system in one world."""

    LOST = 0
    BREACHED = 1
    MET = 2


class Option(Struct, frozen=True):
    """One repository that a system could be recovered from."""

    repository: str
    snapshot_id: str | None
    point_at: datetime
    seconds: timedelta | None
    """None: nothing to go by."""
    source: str = ""


class Side(Struct, frozen=True):
    """One system in one world."""

    level: Level
    option: Option | None = None
    total: timedelta | None = None
    """Until it is back, with all that it waits for; None: not known, or never."""
    path: tuple[str, ...] = ()
    keeps_rpo: bool = True
    """False: too old a state comes back, or none, or that is so of something that it depends on."""
    blocked_by: str = ""
    """The dependency that breaks it."""
    measured: bool = False
    """``total`` was measured along a plan that was run."""


class Outcome(Struct, frozen=True):
    """One system after one incident."""

    verdict: Verdict
    copies: tuple[Copy, ...]
    certain: Side
    hopeful: Side
    promised: Targets
    taken: bool
    waits: tuple[str, ...]
    """What it depends on and what is down, too."""


class Aftermath:
    """One incident in one world. Systems are asked for by name; what they depend on is worked out with them, each once."""

    def __init__(self, world: World, incident: Incident) -> None:
        self._world, self._incident = world, incident
        self._fates: dict[str, Fate] = {}
        self._found: dict[str, Outcome] = {}
        latency = incident.scenario.detection_latency
        self._before = world.scene.now - latency if latency else None
        self._verified = bool(incident.scenario.takes.unverified)

    def of(self, name: str) -> Outcome:
        """What is left of this system."""
        for needed in self._closure(name):
            if needed not in self._found:
                self._found[needed] = self._judged(self._world.systems[needed])
        return self._found[name]

    def _closure(self, name: str) -> Iterable[str]:
        """Itself and what it depends on, in the order of a recovery. What nothing can stop is not looked at."""
        taken = self._incident.taken
        if not taken or taken == {name}:
            return (name,)
        seen, waiting = {name}, [name]
        while waiting:
            for other in self._world.systems[waiting.pop()].depends_on:
                if other in self._world.systems and other not in seen:
                    seen.add(other)
                    if other not in self._found:
                        waiting.append(other)
        return sorted(seen, key=self._world.order.__getitem__)

    def _judged(self, system: DesiredSystem) -> Outcome:
        taken = system.name in self._incident.taken
        down = [(name, self._found[name]) for name in system.depends_on if self._waits_for(system.name, name)]
        promised = system.objectives.under(self._incident.scenario.type)
        copies, certain, hopeful = self._copies(system)
        sides = []
        for options, hope in ((certain, False), (hopeful, True)):
            waits = [(name, other.hopeful if hope else other.certain) for name, other in down]
            sides.append(self._side(system, promised, options, waits, taken=taken, hope=hope))
        touched = self._before is not None or self._verified or any(copy.survival is not Survival.SURVIVES for copy in copies)
        if taken:
            verdict = _of_taken(sides[0].level, sides[1].level)
        else:
            stopped = Verdict.UNTOUCHED if not down else _of_stopped(sides[0].level, sides[1].level)
            exposed = self._exposed(promised, certain, hopeful) if touched else Verdict.UNTOUCHED
            verdict = min(stopped, exposed, key=lambda each: each.rank)
        return Outcome(verdict, copies, sides[0], sides[1], promised, taken, tuple(name for name, _ in down))

    def _waits_for(self, name: str, other: str) -> bool:
        """Whether ``other`` is down, too. In a circle of dependencies the one that comes back first waits for none of the others."""
        found, order = self._found.get(other), self._world.order
        return found is not None and order[other] < order[name] and (found.taken or bool(found.waits))

    def _exposed(self, promised: Targets, certain: Sequence[Option], hopeful: Sequence[Option]) -> Verdict:
        """The data is where it was: what would be, if it had to come back while this lasts?"""
        levels = [self._alone(promised, options, hope=hope) for options, hope in ((certain, False), (hopeful, True))]
        return Verdict.EXPOSED if levels[1] is not Level.MET else Verdict.MET if levels[0] is Level.MET else Verdict.UNKNOWN

    def _alone(self, promised: Targets, options: Sequence[Option], *, hope: bool) -> Level:
        option, keeps = self._chosen(promised, options, hope=hope)
        own = _own(option, hope=hope)
        return Level.MET if option is not None and keeps and _in_time(promised, own) else Level.BREACHED

    def _copies(self, system: DesiredSystem) -> tuple[tuple[Copy, ...], list[Option], list[Option]]:
        """How each repository fares, and what the two worlds may choose from."""
        copies: list[Copy] = []
        certain: list[Option] = []
        hopeful: list[Option] = []
        for name in self._world.repositories_of(system):
            survival, why = self._fate(name, system)
            observed = self._world.observed(name)
            point = self._world.point(system.name, name, self._before, verified=self._verified) if observed else None
            option = None
            if point is not None:
                expected = self._world.recovery(system.name, name, point.snapshot)
                option = Option(name, point.snapshot.id, point.at, expected.seconds, expected.source)
            if survival is not Survival.TAKEN and not observed:
                survival, why = Survival.UNKNOWN, why or "it could not be listed, so nobody knows what it holds"
                hopeful.append(Option(name, None, self._world.scene.now, _NONE))
            elif survival is not Survival.TAKEN and option is not None:
                hopeful.append(option)
                if survival is Survival.SURVIVES:
                    certain.append(option)
            shown = option if survival is not Survival.TAKEN else None
            why = why or ("" if option is not None else self._empty(system.name, name))
            at = (shown.snapshot_id, shown.point_at, shown.seconds) if shown is not None else (None, None, None)
            copies.append(Copy(name, survival, why, *at))
        return tuple(copies), certain, hopeful

    def _fate(self, name: str, system: DesiredSystem) -> Fate:
        repository = self._world.repositories.get(name)
        if repository is None:
            return Survival.UNKNOWN, "it is not declared"
        if name not in self._fates:
            self._fates[name] = fate(repository, self._incident, self._world.writers.get(name, frozenset()))
        return worst((self._fates[name], reached(repository, system, self._incident)))

    def _empty(self, system: str, repository: str) -> str:
        if self._world.point(system, repository) is None:
            return "it holds no good snapshot of it"
        return "it holds none that was verified whole" if self._verified else "all that it holds is too young to be trusted"

    def _side(
        self, system: DesiredSystem, promised: Targets, options: Sequence[Option], waits: list[tuple[str, Side]], *, taken: bool, hope: bool
    ) -> Side:
        broken = next((name for name, side in waits if not side.keeps_rpo), "")
        option, keeps = self._chosen(promised, options, hope=hope) if taken else (None, True)
        if taken and option is None:
            return Side(Level.BREACHED if self._incident.scenario.temporary else Level.LOST, keeps_rpo=False, blocked_by=broken)
        own = _own(option, hope=hope) if taken else _NONE
        total, path, measured = self._total(system.name, own, waits)
        level = Level.MET if keeps and not broken and _in_time(promised, total) else Level.BREACHED
        return Side(level, option, total, path, keeps and not broken, broken, measured)

    def _chosen(self, promised: Targets, options: Sequence[Option], *, hope: bool) -> tuple[Option | None, bool]:
        """The fastest of those that keep the RPO, else the newest; and whether it keeps it."""
        now, unknown = self._world.scene.now, _NONE if hope else _LONG
        keeping = [o for o in options if promised.rpo is None or now - o.point_at <= promised.rpo]
        if keeping:
            return min(keeping, key=lambda o: (o.seconds if o.seconds is not None else unknown, now - o.point_at)), True
        newest = min(options, key=lambda o: (now - o.point_at, o.seconds if o.seconds is not None else unknown), default=None)
        return newest, False

    def _total(self, name: str, own: timedelta | None, waits: list[tuple[str, Side]]) -> tuple[timedelta | None, tuple[str, ...], bool]:
        """As many at a time as the dependencies allow: the longest way through them."""
        known = self._world.plan_times.get((self._incident.scenario.name, name))
        if known is not None:
            return known, (name,), True
        last = max((side for _, side in waits), key=lambda side: side.total if side.total is not None else _LONG, default=None)
        path = (*(last.path if last is not None else ()), name)
        if own is None or (last is not None and last.total is None):
            return None, path, False
        return own + (last.total or _NONE if last is not None else _NONE), path, False


def shown(outcome: Outcome) -> Side:
    """The world that a verdict speaks of: what is certain, unless only hope has something to recover from."""
    return outcome.certain if outcome.certain.option is not None or outcome.verdict is not Verdict.BREACHED else outcome.hopeful


def _own(option: Option | None, *, hope: bool) -> timedelta | None:
    seconds = option.seconds if option is not None else None
    return _NONE if seconds is None and hope else seconds


def _in_time(promised: Targets, total: timedelta | None) -> bool:
    limits = [limit for limit in (promised.rto, promised.mtd) if limit is not None]
    return not limits or (total is not None and total <= min(limits))


def _of_taken(certain: Level, hopeful: Level) -> Verdict:
    if hopeful is Level.MET:
        return Verdict.MET if certain is Level.MET else Verdict.UNKNOWN
    return Verdict.BREACHED if hopeful is Level.BREACHED else Verdict.LOST


def _of_stopped(certain: Level, hopeful: Level) -> Verdict:
    if hopeful is not Level.MET:
        return Verdict.BREACHED
    return Verdict.MET if certain is Level.MET else Verdict.UNKNOWN
