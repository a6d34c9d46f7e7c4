"""What the declared policy will come to in a world where nothing goes wrong and every system behaves as it did.

The bytes of a state are spread evenly: of what a state holds, a share of ``exp(-change × time / bytes)`` is still unchanged after a time.
So a snapshot costs what no later one shares with it, and what is forgotten gives back only what nobody needs, and that at a clean-up.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import exp

from msgspec.structs import replace

from reconciler.catalog.records import RunOutcome
from reconciler.decide.objectives import recovery_point
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.forecast import Forecast, Rates, RepositoryForecast, SystemForecast
from reconciler.model.observed import Failure, Observed, RunHistory
from reconciler.model.plan import Action, ActionKind, Plan
from reconciler.model.snapshot import BackupKind, Snapshot
from reconciler.simulate.loop import Simulation
from reconciler.simulate.store import Store
from reconciler.simulate.world import Memory, Pace, Reading, Witness, World

SAMPLES = 60
_DAY = timedelta(days=1)
_SPREAD = 0.1
"""A backup takes up to so much more or less than its rate says."""


def forecast(desired: Desired, observed: Observed, rates: Mapping[str, Rates], now: datetime, days: int, seed: int = 0) -> Forecast:
    """From the world as observed, ``days`` ahead. The same input gives the same forecast."""
    stores = {r.name: Store(r.name, desired.realm, _seen(observed, r.name)) for r in desired.repositories}
    witness = _Book(stores, rates, now)
    for system in desired.systems:
        primary = system.repositories[0] if system.repositories else ""
        seen = sorted(stores[primary].of(system.name), key=lambda s: s.counted_at, reverse=True) if primary else ()
        point = recovery_point(seen, observed.runs.get((system.name, primary), RunHistory()), now)
        if point is not None:
            witness.proven[system.name] = point.at
    pace = Pace(concurrency=desired.settings.concurrency, agent=observed.agent)
    memory = Memory(dict(observed.runs), dict(observed.accepted_retention), dict(observed.pruned))
    desired = replace(desired, recovery_plans=())  # their tests store nothing
    simulation = Simulation(desired, stores, _Steady(rates, now, seed), witness, now, pace, memory)
    ends = now + days * _DAY
    samples: dict[str, list[tuple[datetime, int]]] = {name: [(now, witness.bytes[name])] for name in stores}
    for number in range(1, SAMPLES + 1):
        moment = now + (ends - now) * number / SAMPLES
        simulation.run(moment)
        for name in stores:
            samples[name].append((moment, witness.bytes[name]))
    return Forecast(
        now,
        ends,
        tuple(_system(s, stores, witness, rates[s.name], ends) for s in desired.systems if s.repositories),
        tuple(RepositoryForecast(name, tuple(samples[name]), witness.pruned[name]) for name in sorted(stores)),
    )


def kept_bytes(snapshots: Sequence[Snapshot], rates: Rates, now: datetime) -> int:
    """What these snapshots of one system take together after a clean-up."""
    moments = sorted(s.as_of for s in snapshots)
    if not moments:
        return 0
    size = rates.bytes
    changed = rates.change_per_day / size if size else 0.0
    shares = (1 - exp(-changed * ((later - earlier) / _DAY)) for earlier, later in pairwise(moments))
    return round(size + size * sum(shares))


class _Steady(World):
    """Every reading finds a change; durations differ a little, by the seed."""

    def __init__(self, rates: Mapping[str, Rates], now: datetime, seed: int) -> None:
        self._rates = rates
        self._now = now
        self._draw = random.Random(seed)

    def seconds(self, action: Action, at: datetime) -> float:
        if action.kind is not ActionKind.BACKUP:
            return super().seconds(action, at)
        return self._rates[action.system].seconds * self._draw.uniform(1 - _SPREAD, 1 + _SPREAD)

    def read(self, system: DesiredSystem, kind: BackupKind, at: datetime, before: datetime | None) -> Reading:
        rates = self._rates[system.name]
        size = rates.bytes + round(rates.growth_per_day * max((at - self._now) / _DAY, 0))
        if before is None:
            return Reading(int(at.timestamp()), bytes=size, added_bytes=size)
        passed = max((at - before) / _DAY, 0)
        changed = size * (1 - exp(-rates.change_per_day * passed / size)) if size else 0
        return Reading(int(at.timestamp()), bytes=size, added_bytes=round(changed + rates.growth_per_day * passed))


class _Book(Witness):
    """Keeps what the forecast tells."""

    def __init__(self, stores: Mapping[str, Store], rates: Mapping[str, Rates], now: datetime) -> None:
        self._stores = stores
        self._rates = rates
        self.now = now
        self.bytes = {name: self.kept(name, now) for name in stores}
        self.pruned: Counter[str] = Counter()
        self.backups: Counter[str] = Counter()
        self.removed: Counter[str] = Counter()
        self.held: dict[str, int] = {}
        self.longest: dict[str, tuple[timedelta, datetime]] = {}
        self.proven: dict[str, datetime] = {}

    def kept(self, repository: str, now: datetime) -> int:
        """Of the systems that are declared; what others hold there is not foreseen."""
        store = self._stores[repository]
        return sum(kept_bytes(store.of(name), rates, now) for name, rates in self._rates.items())

    def planned(self, plan: Plan, at: datetime) -> None:
        held: dict[str, int] = defaultdict(int)
        for change in plan.held:
            if change.guard in {"tightening", "floor"}:
                held[change.system] += len(change.snapshots)
        self.held = held

    def backed_up(self, action: Action, outcome: RunOutcome, began: datetime, at: datetime, snapshot: Snapshot | None) -> None:
        self.backups[action.system] += 1
        self.age(action.system, at)
        self.proven[action.system] = began

    def age(self, system: str, at: datetime) -> None:
        """Note how old the newest good state is at this moment, if it never was older."""
        proven = self.proven.get(system)
        if proven is not None:
            self.longest[system] = max(self.longest.get(system, (timedelta(0), at)), (at - proven, at), key=lambda each: each[0])

    def stored(self, repository: str, system: str, added_bytes: int, at: datetime) -> None:
        self.bytes[repository] += added_bytes

    def forgot(self, action: Action, gone: Sequence[Snapshot], at: datetime) -> None:
        self.removed[action.system] += len(gone)

    def ended(self, action: Action, failure: Failure | None, at: datetime) -> None:
        if action.kind is ActionKind.PRUNE and failure is None:
            self.pruned[action.repository] += 1
            self.bytes[action.repository] = self.kept(action.repository, at)


def _seen(observed: Observed, repository: str) -> tuple[Snapshot, ...]:
    state = observed.repositories.get(repository)
    return state.snapshots if state is not None else ()


def _system(system: DesiredSystem, stores: Mapping[str, Store], book: _Book, rates: Rates, ends: datetime) -> SystemForecast:
    name, primary = system.name, system.repositories[0]
    book.age(name, ends)
    longest, longest_at = book.longest.get(name, (timedelta(0), None))
    there = sorted((s.counted_at for s in stores[primary].of(name)), reverse=True)
    return SystemForecast(
        system=name,
        repository=primary,
        rpo=system.objectives.rpo,
        longest_age=longest,
        longest_age_at=longest_at,
        snapshots=len(there),
        oldest=there[-1] if there else None,
        moments=tuple(there),
        backups=book.backups[name],
        removed=book.removed[name],
        held=book.held.get(name, 0),
        rates=rates,
    )
