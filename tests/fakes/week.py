"""A week of the example specs as Prometheus would have recorded it: the loop on a virtual clock, its metrics sampled as if scraped.

Time begins at the epoch, because that is where `promtool test rules` begins: a timestamp among the samples needs no shifting then.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from ruamel.yaml import YAML

from reconciler.decide.conditions import conditions
from reconciler.decide.plan import plan as decide_plan
from reconciler.decide.status import status
from reconciler.metrics.collect import samples
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies, Verification
from reconciler.model.declared.policy import Retention
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.observed import Failure, Observed, RepositoryState
from reconciler.model.plan import Action, ActionKind, Plan
from reconciler.model.snapshot import BackupKind, MarkKind, Snapshot
from reconciler.model.status import LoopStatus, SpecStatus, Status
from reconciler.simulate import Pace, Reading, Simulation, Store, Witness, World
from reconciler.spec import load
from tests.fakes.dashboards import GRAFANA
from tests.fakes.promql import read

SPECS = GRAFANA.parent / "specs"
BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=4)
_ROOM = 4 * 10**12
_SECONDS = {ActionKind.BACKUP: 25.0, ActionKind.COPY: 20.0, ActionKind.DRILL: 900.0, ActionKind.PRUNE: 300.0}
_HOUR = timedelta(hours=1)
_TOLD = (MarkKind.VERIFIED, MarkKind.CHECKED, MarkKind.DRILLED, MarkKind.DAMAGED, MarkKind.SUSPECT)


def one_of_each_tier(tree: str) -> Desired:
    """The shipped specs as they stand, on one host. Of those with equal tier and policy one speaks for all, a rehearsed one first."""
    loaded = load(SPECS / tree)
    assert not loaded.problems, loaded.problems
    chosen = {(s.tier, s.policy): s for s in sorted(loaded.desired.systems, key=lambda s: s.drill.every is not None)}
    kept = sorted(chosen.values(), key=lambda s: s.name)
    return replace(loaded.desired, systems=tuple(replace(s, host=Pace().agent) for s in kept))


class Peace(World):
    """Sources of a gigabyte that change a little all the time; one repository may be out of reach for a while."""

    def __init__(self, outage: tuple[str, datetime, datetime] | None = None) -> None:
        self._outage = outage
        self._draw = random.Random("a week")

    def unreachable(self, repository: str, at: datetime) -> Failure | None:
        if self._outage is None or repository != self._outage[0] or not self._outage[1] <= at < self._outage[2]:
            return None
        return Failure("repository-unreachable", f"repository {repository} does not answer")

    def seconds(self, action: Action, at: datetime) -> float:
        return _SECONDS.get(action.kind, 40.0) * self._draw.uniform(0.7, 1.3)

    def read(self, system: DesiredSystem, kind: BackupKind, at: datetime, before: datetime | None) -> Reading:
        size = round(10**9 * self._draw.uniform(0.95, 1.05))
        return Reading(int(at.timestamp()), bytes=size, added_bytes=size if before is None else 10**6)


class Book(Witness):
    """What the catalog and the disks would count."""

    def __init__(self) -> None:
        self.planned_last: Plan | None = None
        self.stored_bytes: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def planned(self, plan: Plan, at: datetime) -> None:
        self.planned_last = plan

    def stored(self, repository: str, system: str, added_bytes: int, at: datetime) -> None:
        self.stored_bytes[repository] += added_bytes

    def ended(self, action: Action, failure: Failure | None, at: datetime) -> None:
        self.actions[action.kind.value] += 1
        self.failed[action.kind.value] += failure is not None


class Week:
    """Runs when asked for its series."""

    def __init__(self, desired: Desired, outage: tuple[str, datetime, datetime] | None = None) -> None:
        self.desired = desired
        nothing = {"retention": Retention(), "copies": Copies(), "verification": Verification(), "drill": Drill()}
        self._backed_up = replace(desired, systems=tuple(replace(system, **nothing) for system in desired.systems))
        self.world, self.book = Peace(outage), Book()
        self.stores = {r.name: Store(r.name, desired.realm) for r in desired.repositories}
        begin = BEGIN + STEP / 2  # a snapshot of the very epoch would read "never"
        pace = Pace(look_every=_HOUR, concurrency=desired.settings.concurrency)
        self.sim = Simulation(desired, self.stores, self.world, self.book, begin, pace)

    def series(self, days: int) -> dict[str, str]:
        """By series as promtool writes it (`name{label="value"}`): its samples in promtool's short notation, one each ``STEP``."""
        wanted = named_in_rules()
        found: dict[str, list[float | None]] = defaultdict(list)
        for number in range(1, round(timedelta(days=days) / STEP) + 1):
            self.sim.run(BEGIN + number * STEP)
            for metric, labels, value in samples(self.status()):
                if metric.name in wanted:
                    row = found[_written(metric.name, zip(metric.labels, labels, strict=True))]
                    row += [None] * (number - len(row))
                    row.append(float(value))
        found[_written("up", ())] = [1.0] * (number + 1)
        return {name: " ".join(_short(row)) for name, row in found.items()}

    def status(self, *, whole: bool = False) -> Status:
        """What the loop would publish now. By the few snapshots that matter; ``whole``: by all."""
        now = self.sim.clock.now()
        observed = self._observed(now, whole=whole)
        last = self.book.planned_last
        assert last is not None
        waiting = decide_plan(self.desired if whole else self._backed_up, observed, now).waiting
        plan = replace(last, waiting=waiting, actions=())
        loop = LoopStatus(BEGIN, now, 1, self.desired.settings.interval, dict(self.book.actions), dict(self.book.failed))
        spec = SpecStatus(self.desired.digest, clean=True, errors=0, warnings=0, loaded_at=now, objects=1)
        return status(self.desired, observed, plan, conditions(self.desired, observed, plan, now), loop, spec, now)

    def _observed(self, now: datetime, *, whole: bool) -> Observed:
        memory = self.sim.memory
        states = {}
        for repository in self.desired.repositories:
            name, store = repository.name, self.stores[repository.name]
            failure, listed_at = self.world.unreachable(name, now), memory.listed.get(name)
            seen = store.everything() if whole else self._telling(store)
            ordered = tuple(sorted(seen, key=lambda s: (s.as_of, s.id), reverse=True))
            up = failure is None and listed_at is not None
            states[name] = RepositoryState(
                name, listed_at, up, id=name, snapshots=ordered, failure=failure, free_bytes=_ROOM - self.book.stored_bytes[name]
            )
        return Observed(
            now,
            Pace().agent,
            states,
            runs=dict(memory.histories),
            accepted_retention=dict(memory.accepted),
            pruned=dict(memory.pruned),
            drills=tuple(memory.drills),
        )

    def _telling(self, store: Store) -> Iterable[Snapshot]:
        found = {s.id: s for system in self.desired.systems for s in store.head(system.name)}
        return (found | {s.id: s for s in store.everything() if s.marks and any(mark.kind in _TOLD for mark in s.marks)}).values()


def named_in_rules() -> set[str]:
    """The metrics that some rule asks for."""
    rules = [rule for group in YAML(typ="safe").load(RULES)["groups"] for rule in group["rules"]]
    recorded = sorted((rule["record"] for rule in rules if "record" in rule), key=len, reverse=True)
    return set().union(*(read(re.sub("|".join(map(re.escape, recorded)), "up", rule["expr"])).metrics for rule in rules))


RULES: Path = GRAFANA / "prometheus" / "reconciler-rules.yml"


def rules_test(series: dict[str, str], days: int, fire: Iterable[str]) -> dict[str, Any]:
    """A file for `promtool test rules` beside the rules: in all these days exactly the alerts ``fire`` have fired."""
    fired = 'group by (alertname) (count_over_time(ALERTS{alertstate="firing"}[' + f"{days}d]))"
    expected = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(fire)]
    step = f"{round(STEP.total_seconds())}s"
    test = {
        "interval": step,
        "input_series": [{"series": name, "values": values} for name, values in sorted(series.items())],
        "promql_expr_test": [{"expr": fired, "eval_time": f"{days}d", "exp_samples": expected}],
    }
    groups = [group["name"] for group in YAML(typ="safe").load(RULES)["groups"]]
    return {"rule_files": [RULES.name], "evaluation_interval": step, "group_eval_order": groups, "tests": [test]}


def _written(name: str, labels: Iterable[tuple[str, str]]) -> str:
    scraped = (f'{label}="{value}"' for label, value in [("job", "reconciler"), ("instance", "company:9477"), *labels])
    return f"{name}{{{','.join(scraped)}}}"


def _short(row: list[float | None]) -> Iterator[str]:
    """``60x3`` is four samples of 60, ``_x3`` three that are missing."""
    for value, same in groupby(row):
        times = len(list(same))
        yield f"_x{times}" if value is None else f"{value:.17g}x{times - 1}"
