"""What would make a bad end better, the cheapest first. Each is tried on the same world, and named only when the verdict gets better.

A change is a hypothetical world in which only what the change reaches is judged again (:class:`Aftermath`). What can be tried on a system
does not hang on the disaster, or on little of it: it is worked out once and tried in all scenarios (:class:`Changes`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from reconciler.decide.impact.changes import Change, Changes
from reconciler.decide.impact.outcome import Aftermath, Outcome, shown
from reconciler.decide.impact.world import World
from reconciler.model.desired import DesiredSystem
from reconciler.model.impact import Remedy, Verdict

SHOWN = 5
KEPT = 64
"""Systems whose changes are remembered: the one that is looked at, and what many others depend on."""

Struck = tuple[Aftermath, Outcome]
Blamed = tuple[DesiredSystem, Outcome]


class Remedies:
    """Of one world. ``tried`` counts the changes that were tried on it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: OrderedDict[str, Changes] = OrderedDict()
        self.tried = 0

    def of(self, system: DesiredSystem, struck: Sequence[Struck]) -> tuple[Remedy, ...]:
        """At most SHOWN. Where what it depends on is to blame, that is mended; where both are, both. ``struck``: every incident of a
        scenario that the system is judged in, the worst first; a remedy counts only when the worst that is left is better.
        """
        return tuple(self._better(system, struck, self.candidates(system, struck)))

    def candidates(self, system: DesiredSystem, struck: Sequence[Struck]) -> Iterator[Iterator[Change]]:
        """All that is worth a try, in groups; a later one only where no change of an earlier one helps."""
        aftermaths = [aftermath for aftermath, _ in struck]
        chain = _blamed(self._world, system, *struck[0])
        yield self._changes(chain[-1][0]).of(chain[-1][1], aftermaths)
        if len(chain) > 1:
            yield self._for_all(chain, aftermaths)

    def _better(self, system: DesiredSystem, struck: Sequence[Struck], groups: Iterator[Iterator[Change]]) -> list[Remedy]:
        today, found = struck[0][1].verdict, list[Remedy]()
        for group in groups:
            for change in group:
                self.tried += 1
                verdict = _worst(change, struck, system.name, today)
                if verdict.rank > today.rank:
                    found.append(Remedy(change.kind, change.what, verdict))
                    if len(found) == SHOWN:
                        return found
            if found:
                break
        return found

    def _changes(self, system: DesiredSystem) -> Changes:
        if system.name not in self._known:
            self._known[system.name] = Changes(self._world, system)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(system.name)
        return self._known[system.name]

    def _for_all(self, chain: list[Blamed], aftermaths: Sequence[Aftermath]) -> Iterator[Change]:
        """The same kind of change for each of them."""
        (system, outcome), *others = chain
        names = ", ".join(other.name for other, _ in others)
        for change in self._changes(system).of(outcome, aftermaths):
            whole: Change | None = change
            for other, its in others:
                second = next(self._changes(other).of(its, aftermaths, (change.kind,)), None)
                whole = _both(whole, second) if whole is not None and second is not None else None
            if whole is not None:
                yield replace(whole, what=f"{change.what}; and the same for {names}")


def _worst(change: Change, struck: Sequence[Struck], name: str, today: Verdict) -> Verdict:
    """Of all the incidents; looks no further than to one that is as bad as it is today."""
    worst = Verdict.UNTOUCHED
    for aftermath, _ in struck:
        verdict = aftermath.tried(change.world, change.scenario).of(name).verdict
        if verdict.rank < worst.rank:
            worst = verdict
            if worst.rank <= today.rank:
                break
    return worst


def _blamed(world: World, system: DesiredSystem, aftermath: Aftermath, outcome: Outcome) -> list[Blamed]:
    """The system, and what it depends on as far as that breaks it."""
    chain = [(system, outcome)]
    while (name := shown(chain[-1][1]).blocked_by) and name not in {each.name for each, _ in chain}:
        chain.append((world.systems[name], aftermath.of(name)))
    return chain


def _both(first: Change, second: Change) -> Change:
    scenarios = [c.scenario for c in (first, second) if c.scenario is not None]
    scenario = min(scenarios, key=lambda s: s.detection_latency, default=None)
    return Change(first.kind, first.what, first.world.beside(second.world), scenario)
