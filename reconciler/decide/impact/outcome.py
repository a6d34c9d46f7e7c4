"""What one incident leaves of each system, in the certain and in the hopeful world."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import IntEnum

from msgspec import Struct
from msgspec.structs import replace

from reconciler.decide.impact.incidents import Fate, Incident, fate, reached, worst
from reconciler.decide.impact.world import Option, Promised, World
from reconciler.model.desired import DesiredRepository, DesiredScenario, DesiredSystem
from reconciler.model.impact import Copy, Survival, Verdict

_NONE, _LONG = timedelta(0), timedelta.max


class Level(IntEnum):
    """Of one system in one world."""

    LOST = 0
    BREACHED = 1
    MET = 2


class Side(Struct, frozen=True, gc=False):
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


class Outcome(Struct, frozen=True, gc=False):
    """One system after one incident."""

    verdict: Verdict
    certain: Side
    hopeful: Side
    promised: Promised
    taken: bool
    waits: tuple[str, ...]
    """What it depends on and what is down, too."""


class Aftermath:
    """One incident in one world. Systems are asked for by name; what they depend on is worked out with them, each once."""

    def __init__(self, world: World, incident: Incident, today: Aftermath | None = None) -> None:
        """``today``: the incident as it is now, in the world of the scene; what is as it is there is not worked out again."""
        self.incident = incident
        self._world, self._today = world, today
        self._found: dict[str, Outcome] = {}
        self._differing: set[str] = set()
        self._fates: dict[str, Fate] = today._fates if today is not None and not world.refated else {}
        self._promises: dict[str, Promised] = world.promises(incident.scenario.type) if today is None else today._promises
        self._same_scenario = today is not None and today.incident is incident
        self._verified = bool(incident.scenario.takes.unverified)
        self._before: datetime | None = today._before if today is not None and self._same_scenario else self._trusted_until()

    def of(self, name: str) -> Outcome:
        """What is left of this system."""
        for needed in self._closure(name):
            if needed not in self._found:
                self._found[needed] = self._outcome(self._world.system(needed))
        return self._found[name]

    def tried(self, world: World, scenario: DesiredScenario | None = None) -> Aftermath:
        """The same incident with a change made: in another ``world``, or in another ``scenario`` that takes the same."""
        incident = replace(self.incident, scenario=scenario) if scenario is not None else self.incident
        return Aftermath(world, incident, self)

    def _outcome(self, system: DesiredSystem) -> Outcome:
        """Only what the change reaches is judged again: the system itself, or something that it depends on."""
        if self._today is not None and self._same_scenario:
            untouched = self._differing.isdisjoint(system.depends_on)
            if untouched and not self._world.differs(system, self._before, verified=self._verified):
                return self._today.of(system.name)
            self._differing.add(system.name)
        return self._judged(system)

    def _trusted_until(self) -> datetime | None:
        latency = self.incident.scenario.detection_latency
        return self._world.scene.now - latency if latency else None

    def _closure(self, name: str) -> Iterable[str]:
        """Itself and what it depends on, in the order of a recovery. What nothing can stop is not looked at."""
        taken = self.incident.taken
        if not taken or taken == {name} or not self._world.system(name).depends_on:
            return (name,)
        seen, waiting = {name}, [name]
        while waiting:
            for other in self._world.system(waiting.pop()).depends_on:
                if other in self._world.systems and other not in seen:
                    seen.add(other)
                    if other not in self._found:
                        waiting.append(other)
        return sorted(seen, key=self._world.order.__getitem__)

    def _judged(self, system: DesiredSystem) -> Outcome:
        taken = system.name in self.incident.taken
        down = [(name, self._found[name]) for name in system.depends_on if self._waits_for(system.name, name)]
        promised = self._promised(system)
        certain, hopeful, whole = self._options(system)
        worlds = [(certain, [(name, other.certain) for name, other in down], False)]
        known = len(certain) == len(hopeful) and all(option.seconds is not None for option in certain)
        if not known or any(other.certain is not other.hopeful for _, other in down):  # otherwise both worlds are one
            worlds.append((hopeful, [(name, other.hopeful) for name, other in down], True))
        sides = [self._side(system, promised, options, others, taken=taken, hope=hope) for options, others, hope in worlds]
        touched = not whole or self._before is not None or self._verified
        if taken:
            verdict = _of_taken(sides[0].level, sides[-1].level)
        else:
            stopped = Verdict.UNTOUCHED if not down else _of_stopped(sides[0].level, sides[-1].level)
            levels = [self._alone(promised, options, hope=hope) for options, _, hope in worlds] if touched else []
            verdict = min(stopped, _exposed(levels), key=lambda each: each.rank)
        return Outcome(verdict, sides[0], sides[-1], promised, taken, tuple(name for name, _ in down))

    def _promised(self, system: DesiredSystem) -> Promised:
        """While such a disaster lasts."""
        name = system.name
        if name in self._world.repromised:
            return self._world.repromised[name]
        if name not in self._promises:
            self._promises[name] = Promised.of(system.objectives, self.incident.scenario.type)
        return self._promises[name]

    def _waits_for(self, name: str, other: str) -> bool:
        """Whether ``other`` is down, too. In a circle of dependencies the one that comes back first waits for none of the others."""
        found, order = self._found.get(other), self._world.order
        return found is not None and order[other] < order[name] and (found.taken or bool(found.waits))

    def _alone(self, promised: Promised, options: Sequence[Option], *, hope: bool) -> Level:
        option, keeps = self._chosen(promised, options, hope=hope)
        own = _own(option, hope=hope)
        return Level.MET if option is not None and keeps and promised.in_time(own) else Level.BREACHED

    def _options(self, system: DesiredSystem) -> tuple[list[Option], list[Option], bool]:
        """What the certain and the hopeful world may choose from, and whether every repository of it survives for certain."""
        certain: list[Option] = []
        hopeful: list[Option] = []
        whole = True
        for name in self._world.repositories_of(system):
            survival = self._fate(name, system)[0]
            if survival is Survival.TAKEN:
                whole = False
            elif not self._world.observed(name):
                whole = False
                hopeful.append(Option(name, None, self._world.scene.now, _NONE))
            else:
                whole = whole and survival is Survival.SURVIVES
                option = self._world.option(system.name, name, self._before, verified=self._verified)
                if option is not None:
                    hopeful.append(option)
                    if survival is Survival.SURVIVES:
                        certain.append(option)
        return certain, hopeful, whole

    def copies(self, name: str) -> tuple[Copy, ...]:
        """How each repository of this system fares, for people."""
        system = self._world.system(name)
        return tuple(self._copy(system, repository) for repository in self._world.repositories_of(system))

    def _copy(self, system: DesiredSystem, repository: str) -> Copy:
        survival, why = self._fate(repository, system)
        if not self._world.observed(repository):
            if survival is Survival.TAKEN:
                return Copy(repository, survival, why)
            return Copy(repository, Survival.UNKNOWN, why or "it could not be listed, so nobody knows what it holds")
        option = self._world.option(system.name, repository, self._before, verified=self._verified)
        if option is None:
            return Copy(repository, survival, why or self._empty(system.name, repository))
        at = (option.snapshot_id, option.point_at, option.seconds) if survival is not Survival.TAKEN else (None, None, None)
        return Copy(repository, survival, why, *at)

    def _fate(self, name: str, system: DesiredSystem) -> Fate:
        """Of the repository as this system sees it."""
        repository = self._world.repository(name)
        if repository is None:
            return Survival.UNKNOWN, "it is not declared"
        found = self._fate_of(repository)
        return found if self.incident.scenario.takes.reach is None else worst((found, reached(repository, system, self.incident)))

    def _fate_of(self, repository: DesiredRepository) -> Fate:
        name = repository.name
        if name not in self._fates:
            if self._today is not None and name not in self._world.refated:
                self._fates[name] = self._today._fate_of(repository)
            else:
                self._fates[name] = fate(repository, self.incident, self._world.writers(name))
        return self._fates[name]

    def _empty(self, system: str, repository: str) -> str:
        if self._world.point(system, repository) is None:
            return "it holds no good snapshot of it"
        return "it holds none that was verified whole" if self._verified else "all that it holds is too young to be trusted"

    def _side(
        self,
        system: DesiredSystem,
        promised: Promised,
        options: Sequence[Option],
        waits: list[tuple[str, Side]],
        *,
        taken: bool,
        hope: bool,
    ) -> Side:
        broken = next((name for name, side in waits if not side.keeps_rpo), "")
        option, keeps = self._chosen(promised, options, hope=hope) if taken else (None, True)
        if taken and option is None:
            return Side(Level.BREACHED if self.incident.scenario.temporary else Level.LOST, keeps_rpo=False, blocked_by=broken)
        own = _own(option, hope=hope) if taken else _NONE
        total, path, measured = self._total(system.name, own, waits)
        level = Level.MET if keeps and not broken and promised.in_time(total) else Level.BREACHED
        return Side(level, option, total, path, keeps and not broken, broken, measured)

    def _chosen(self, promised: Promised, options: Sequence[Option], *, hope: bool) -> tuple[Option | None, bool]:
        """The fastest of those that keep the RPO, else the newest; and whether it keeps it."""
        now, unknown = self._world.scene.now, _NONE if hope else _LONG
        keeping = options if promised.rpo is None else [o for o in options if now - o.point_at <= promised.rpo]
        among = keeping or options
        if len(among) < 2:
            return (among[0] if among else None), bool(keeping)
        if keeping:
            return min(keeping, key=lambda o: (o.seconds if o.seconds is not None else unknown, now - o.point_at)), True
        return min(options, key=lambda o: (now - o.point_at, o.seconds if o.seconds is not None else unknown)), False

    def _total(self, name: str, own: timedelta | None, waits: list[tuple[str, Side]]) -> tuple[timedelta | None, tuple[str, ...], bool]:
        """As many at a time as the dependencies allow: the longest way through them."""
        known = self._world.plan_times.get((self.incident.scenario.name, name))
        if known is not None:
            return known, (name,), True
        if not waits:
            return own, (name,), False
        last = max((side for _, side in waits), key=lambda side: side.total if side.total is not None else _LONG)
        total = own + last.total if own is not None and last.total is not None else None
        return total, (*last.path, name), False


def shown(outcome: Outcome) -> Side:
    """The world that a verdict speaks of: what is certain, unless only hope has something to recover from."""
    return outcome.certain if outcome.certain.option is not None or outcome.verdict is not Verdict.BREACHED else outcome.hopeful


def _own(option: Option | None, *, hope: bool) -> timedelta | None:
    seconds = option.seconds if option is not None else None
    return _NONE if seconds is None and hope else seconds


def _exposed(levels: Sequence[Level]) -> Verdict:
    """The data is where it was: what would be, if it had to come back while this lasts? ``levels``: the certain one, the hopeful one."""
    if not levels:
        return Verdict.UNTOUCHED
    return Verdict.EXPOSED if levels[-1] is not Level.MET else Verdict.MET if levels[0] is Level.MET else Verdict.UNKNOWN


def _of_taken(certain: Level, hopeful: Level) -> Verdict:
    if hopeful is Level.MET:
        return Verdict.MET if certain is Level.MET else Verdict.UNKNOWN
    return Verdict.BREACHED if hopeful is Level.BREACHED else Verdict.LOST


def _of_stopped(certain: Level, hopeful: Level) -> Verdict:
    if hopeful is not Level.MET:
        return Verdict.BREACHED
    return Verdict.MET if certain is Level.MET else Verdict.UNKNOWN
