"""Answers about single systems, kept for the next pass as long as they hold: nobody asks 2,000 systems what one of them has changed.

An answer holds while nothing is another that it was made from: the tree, the system's own things, what else it looked at
(``reads.py``), and the hour up to its horizon (``moment.py``). What was asked and how is observed, not declared, so a decision
that is written tomorrow is remembered as rightly as those of today. Answers that contain the hour itself are not kept at all.

What is remembered when a loop ends serves the process that goes on after it (``keepsake.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from heapq import heappop, heappush
from operator import is_
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct
from msgspec.structs import astuple, replace

from reconciler.decide.keepsake import Answered, Holding, Keepsake
from reconciler.decide.moment import TICK, Age, Horizon, Moment
from reconciler.decide.reads import Read, Reads, changed, owner, through_windows
from reconciler.decide.scene import Scene
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.observed import Observed

RENEWED = timedelta(hours=1)
"""So often everything is asked anew all the same: a defect in here must not outlive that."""
RESTLESS = 20
"""So many passes an answer that holds for one instant is worked out without watching what it looks at: to watch takes as long again."""
T = TypeVar("T")
_NONE = object()


class _Answers(Generic[T]):
    """Of one question, by system."""

    def __init__(self, lasts: Callable[[T], bool] | None) -> None:
        self._lasts = lasts
        self.kept: dict[str, Answered[T]] = {}
        self.restless: dict[str, int] = {}
        """For so many passes more the answer is not even watched."""
        self.whole: list[T] | None = None
        """The answers to the last pass in the order of the systems; the same list again where nothing of it is another."""
        self.given: Mapping[str, Any] | None = None
        self.stale: set[str] = set()
        """Whose answer in ``whole`` is not known to hold."""
        self._ends: list[tuple[datetime, str]] = []
        """A heap: when which answer ends."""
        self._readers: dict[frozenset[Read], set[str]] = {}

    def put(self, name: str, kept: Answered[T]) -> None:
        self.drop(name)
        self.kept[name] = kept
        self._readers.setdefault(kept.read, set()).add(name)
        self.stale.discard(name)
        if kept.until is not None:
            heappush(self._ends, (kept.until, name))

    def drop(self, name: str) -> None:
        self.stale.add(name)
        if (kept := self.kept.pop(name, None)) is not None:
            readers = self._readers[kept.read]
            readers.discard(name)
            if not readers:
                del self._readers[kept.read]

    def forget(self, different: set[Read]) -> None:
        """What was made from something that is another now."""
        stale = {name for read in different if (name := owner(str(read[0]), read[1])) is not None}
        stale |= {name for read, names in self._readers.items() if not different.isdisjoint(read) for name in names}
        for name in stale:
            self.drop(name)

    def asked_now(self, now: datetime, given: Mapping[str, Any] | None) -> set[str]:
        """The systems that must be asked in this pass."""
        while self._ends and self._ends[0][0] <= now:
            until, name = heappop(self._ends)
            if (kept := self.kept.get(name)) is not None and kept.until == until:
                self.stale.add(name)
        if given is not None and given != self.given:
            before = self.given or {}
            self.stale |= {name for name, more in given.items() if (was := before.get(name)) is not more and was != more}
        self.given = given
        return self.stale

    def take_up(self, left: Iterable[tuple[str, Answered[T]]], given: Mapping[str, Any] | None) -> None:
        """Begin with what another process has left, by system."""
        for name, answered in left:
            self.put(name, answered)
        self.given = given

    def lasting(self) -> dict[str, Answered[T]]:
        """By system: what may be left to another process."""
        lasts = self._lasts
        return {n: kept for n, kept in self.kept.items() if n not in self.stale and (lasts is None or lasts(kept.answer))}


class Remembered:
    """From one pass to the next. Give the same one again and only what changed is asked anew; ticks come from one thread."""

    def __init__(self, renewed: timedelta = RENEWED, keepsake: Keepsake | None = None) -> None:
        """``keepsake``: of the loop before this one."""
        self.asked = 0
        """How often a system was asked something anew."""
        self._renewed = renewed
        self._keepsake = keepsake
        self._holding: Holding | None = None
        """What of it holds in the first scene, while that is the scene."""
        self._scene: Scene | None = None
        self._begun: datetime | None = None
        """When everything was last asked anew."""
        self._answers: dict[str, _Answers[Any]] = {}
        self._positions: dict[str, int] = {}
        self._recalled: dict[str, tuple[tuple[object, ...], object, Any]] = {}

    def scene(self, desired: Desired, observed: Observed, now: datetime) -> Scene:
        """The world as it is now; the same one again for the same arguments."""
        last = self._scene
        if last is not None and last.desired is desired and last.observed is observed and last.now == now:
            return last
        same_tree = last is not None and _same_tree(last.desired, desired)
        scene = Scene.of(desired, observed, now, before=last if same_tree else None)
        over = self._begun is None or now - self._begun >= self._renewed
        if last is None or over or now < last.now or not same_tree:
            self._answers.clear()
            self._recalled.clear()
            keepsake, self._keepsake = self._keepsake, None
            self._holding = keepsake.holding(scene, self._renewed) if keepsake is not None else None
            self._begun = self._holding.begun if self._holding is not None else now
            self._positions = {system.name: position for position, system in enumerate(desired.systems)}
        else:
            self._holding, different = None, changed(last, scene)
            for answers in self._answers.values() if different else ():
                answers.forget(different)
        self._scene = scene
        return scene

    def each(
        self,
        question: str,
        scene: Scene,
        work_out: Callable[[Scene, DesiredSystem, Any], T],
        given: Mapping[str, Any] | None = None,
        *,
        kind: Any,
        lasts: Callable[[T], bool] | None = None,
    ) -> list[T]:
        """The answer for each system, in their order; the same list as last time where no answer is another. Nobody may change it.

        ``scene``: of :meth:`scene`. ``given``: what else it is made from, by system. ``kind``: the type of an answer. ``lasts``: whether
        another process may believe an answer; None: each.
        """
        answers: _Answers[T] | None = self._answers.get(question)
        if answers is None:
            answers = self._answers[question] = _Answers(lasts)
            if self._holding is not None:
                answers.take_up(self._holding.answers(question, kind, given, scene.now), given)
        asked = answers.asked_now(scene.now, given)
        if answers.whole is None:
            asked = self._positions.keys() - answers.kept.keys()
        elif not asked:
            return answers.whole
        fresh: _Asking | None = None
        known = answers.kept
        found: list[Any] = list(answers.whole or (known[name].answer if name in known else _NONE for name in self._positions))
        differs = answers.whole is None
        for position in sorted(self._positions[name] for name in asked if name in self._positions):
            system = scene.desired.systems[position]
            more = given[system.name] if given is not None else None
            self.asked += 1
            if answers.restless.get(system.name):
                answers.restless[system.name] -= 1
                answers.stale.add(system.name)
                answer = work_out(scene, system, more)
            else:
                fresh = fresh or _Asking(scene)
                answer = fresh.ask(answers, system, more, work_out)
            if found[position] is _NONE or found[position] != answer:
                found[position], differs = answer, True
        if differs:
            answers.whole = found
        assert answers.whole is not None
        return answers.whole

    def keepsake(self, program: str) -> bytes:
        """What the next process may go by, after a pass that came to its end; empty: nothing. ``program``: which code has answered."""
        if self._scene is None or self._begun is None:
            return b""
        answers = {name: answers.lasting() for name, answers in self._answers.items()}
        return Keepsake.write(program, self._scene, self._begun, answers)

    def recall(self, about: str, same: tuple[object, ...], make: Callable[[], T], *, equal: object = None) -> T:
        """What ``make`` made last time, while the objects of ``same`` are the same ones and ``equal`` equals what it was then.

        For what is put together from answers and from nothing else: neither from the scene nor from the hour.
        """
        known = self._recalled.get(about)
        if known is not None and len(known[0]) == len(same) and all(map(is_, known[0], same)) and known[1] == equal:
            found: T = known[2]
            return found
        made = make()
        self._recalled[about] = same, equal, made
        return made


class _Asking:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._reads, self._horizon = Reads(), Horizon(scene.now)
        self._windows = through_windows(scene, self._reads, Moment.of(self._horizon))

    def ask(self, answers: _Answers[T], system: DesiredSystem, given: Any, work_out: Callable[[Scene, DesiredSystem, Any], T]) -> T:
        self._reads.begin(system.name)
        self._horizon.begin()
        answer = work_out(self._windows, system, given)
        if _has_the_hour(answer):
            answers.drop(system.name)
            answers.restless[system.name] = RESTLESS
            return work_out(self._scene, system, given)
        until = self._horizon.until
        if until is not None and until <= self._scene.now + TICK:
            answers.restless[system.name] = RESTLESS
        answers.put(system.name, Answered(answer, until, self._reads.found(), given))
        return answer


def _same_tree(before: Desired, after: Desired) -> bool:
    """Whether the same is wanted; the revision alone changes nothing."""
    if before is after:
        return True
    if before.systems is not after.systems and before.systems != after.systems:
        return False
    return replace(before, systems=(), revision=None) == replace(after, systems=(), revision=None)


def _has_the_hour(answer: object) -> bool:
    """Whether it is, or contains, something that moves with the hour. Asked of a million values in a first pass; nearly all are plain."""
    waiting: list[Any] = [answer]
    for value in waiting:  # grows meanwhile
        parts = _PARTS.get(type(value), _met)(value)
        if parts is None:
            return True
        if not _PLAIN.issuperset(map(type, parts)):
            waiting += [part for part in parts if type(part) not in _PLAIN]
    return False


def _met(value: Any) -> Collection[Any] | None:
    """The parts of a value of a type that was not met before: it is from now on."""
    kind = type(value)
    if issubclass(kind, Moment | Age):
        return None
    if issubclass(kind, Struct):
        known: Callable[[Any], Collection[Any]] = astuple
    elif issubclass(kind, Mapping):
        known = _of_mapping
    elif issubclass(kind, list | tuple | set | frozenset):
        known = _itself
    else:
        _PLAIN.add(kind)
        return ()
    _PARTS[kind] = known
    return known(value)


def _itself(value: Any) -> Collection[Any]:
    return cast("Collection[Any]", value)


def _of_mapping(value: Mapping[Any, Any]) -> Collection[Any]:
    return (*value.keys(), *value.values())


_PARTS: dict[type, Callable[[Any], Collection[Any]]] = {}
"""What values of a type are made of."""
_PLAIN: set[type] = set()
"""Types of values without parts."""
