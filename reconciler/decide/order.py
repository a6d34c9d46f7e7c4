"""In which order systems are recovered: what others depend on first, and of those that are free the most critical."""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from reconciler.model.declared.builtin import TIERS
from reconciler.model.desired import DesiredSystem


def recovery_order(systems: Sequence[DesiredSystem]) -> tuple[DesiredSystem, ...]:
    """Each after those of ``systems`` that it depends on; the most critical that can come next comes next.

    Systems that depend on each other in a circle (their specs have a problem), and what depends on them, come last, in the order of
    their importance.
    """
    named = {system.name: system for system in systems}
    waits = {s.name: {other for other in s.depends_on if other in named} for s in systems}
    needed: dict[str, list[str]] = {}
    for name, others in waits.items():
        for other in others:
            needed.setdefault(other, []).append(name)
    free = [importance(named[name]) for name, others in waits.items() if not others]
    heapify(free)
    done: dict[str, DesiredSystem] = {}
    while free:
        name = heappop(free)[-1]
        done[name] = named[name]
        for other in needed.get(name, ()):
            waits[other].discard(name)
            if not waits[other]:
                heappush(free, importance(named[other]))
    return (*done.values(), *sorted((s for s in systems if s.name not in done), key=importance))


def importance(system: DesiredSystem) -> tuple[float, int, str]:
    """The more critical, the smaller: by the RTO that is promised, then by tier, then by name."""
    tiers = list(TIERS)
    rto = system.objectives.rto.total_seconds() if system.objectives.rto is not None else math.inf
    return rto, tiers.index(system.tier) if system.tier in tiers else len(tiers), system.name
