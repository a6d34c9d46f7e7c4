"""What one seed means: a tree of systems over the tiers, and everything that will go wrong, each thing with its hour.

The faults are drawn beforehand and are plain values: leaving some out does not change the others, so a failing schedule can be shrunk.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.declared.builtin import DEFAULT_POLICY, TIERS
from reconciler.model.declared.objectives import Objectives
from reconciler.model.declared.policy import Retention, Schedule, Trigger, Window
from reconciler.model.declared.repository import Maintenance, Prune
from reconciler.model.desired import Desired, DesiredSystem
from tests.fakes.worlds import desired, repository, system

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SEEDS = 1500 if os.environ.get("RECONCILER_LONG") else 300
"""Courses of one run."""
DAYS = 92
QUIET_DAYS = 12
"""At the end nothing goes wrong: what the faults held up is made up for."""
AS_BUILT_IN = 150
"""Every so many seeds the promises are those of the built-in tiers; a system with an RPO of 15 minutes costs 9,000 backups in 90 days."""
_STRETCHED = {"critical": 24, "high": 36, "medium": 60, "low": 96}
"""Hours of RPO that the tiers promise in all other seeds."""
_RETENTIONS = (
    Retention(keep_within=timedelta(days=2), daily=7, weekly=4, monthly=3, minimum=3),
    Retention(last=8, daily=5, weekly=3, minimum=2),
    Retention(keep_within=timedelta(days=5), weekly=6, minimum=1),
    Retention(daily=10, monthly=2, minimum=4),
)
_WEIGHTS = {
    "outage": 8, "slow": 4, "crash": 8, "sleep": 2, "clock": 4, "catalog": 3, "missing": 4, "unreadable": 3,
    "tighten": 2, "loosen": 1, "promise": 2, "schedule": 2, "broken": 2, "remove": 1, "suspend": 1,
}  # fmt: skip
_CLOCKS = (timedelta(days=-365), timedelta(hours=-3), timedelta(minutes=-4), timedelta(minutes=4), timedelta(hours=2), timedelta(days=3650))


class Fault(Struct, frozen=True):
    """One thing that goes wrong."""

    at: datetime
    kind: str
    subject: str
    """A repository or a system, where it has one."""
    lasts: timedelta
    draw: float
    """0 to 1: whatever the kind has to choose."""

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} for {self.lasts}".replace("  ", " ")


class Course(Struct, frozen=True):
    """Everything that a seed decides."""

    seed: int
    desired: Desired
    faults: tuple[Fault, ...]


def course(seed: int) -> Course:
    draw = random.Random(f"course {seed}")
    built_in = seed % AS_BUILT_IN == 0
    count = 3 if built_in else draw.choice((3, 4, 4, 4, 5, 6, 7, 8))
    tiers = [*draw.sample(list(TIERS), 4 if count >= 4 else 3), *draw.choices(list(TIERS), k=4)][:count]
    systems = [_system(draw, f"{tier}-{number}", tier, built_in) for number, tier in enumerate(tiers)]
    main = repository("main", maintenance=Maintenance(prune=Prune(every=timedelta(days=7))))
    tree = desired(*systems, main, repository("second"))
    return Course(seed, tree, _faults(draw, tree))


def _system(draw: random.Random, name: str, tier: str, built_in: bool) -> DesiredSystem:
    promised = TIERS[tier]
    assert promised.objectives is not None
    assert promised.verification is not None
    rpo = promised.objectives.rpo if built_in else timedelta(hours=_STRETCHED[tier])
    assert rpo is not None
    return replace(
        system(name),
        tier=tier,
        objectives=Objectives(rpo=rpo),
        verification=promised.verification,
        schedule=_schedule(draw, rpo),
        retention=draw.choice(_RETENTIONS),
        guard=DEFAULT_POLICY.guard,
        repositories=("main", "second") if draw.random() < 0.2 else ("main",),
        generation=f"{name} g0",
    )


def _schedule(draw: random.Random, rpo: timedelta) -> Schedule:
    week = Trigger(every=timedelta(days=7))
    window = Window(begin="22:00", end="06:00", timezone="Europe/Zurich")
    often = Trigger(every=max(rpo / 2, timedelta(minutes=10)))
    return draw.choice(
        (
            Schedule(full=week, differential=week, incremental=often),
            Schedule(full=Trigger(cron="0 2 * * sun", timezone="Europe/Zurich"), catch_up="skip"),
            Schedule(full=week, incremental=Trigger(cron="30 */8 * * *"), window=window),
            Schedule(full=Trigger(every=timedelta(days=14)), window=window),
        )
    )


def _faults(draw: random.Random, tree: Desired) -> tuple[Fault, ...]:
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    chosen = draw.choices(kinds, weights, k=draw.randint(30, 42))
    latest = timedelta(days=DAYS - QUIET_DAYS)
    return tuple(sorted((_fault(draw, kind, tree, latest) for kind in chosen), key=lambda fault: fault.at))


def _fault(draw: random.Random, kind: str, tree: Desired, latest: timedelta) -> Fault:
    hours = {"crash": draw.choice((0.01, 0.1, 2)), "clock": draw.uniform(0.02, 0.15), "catalog": 0.02, "sleep": draw.uniform(12, 96)}
    lasts = timedelta(hours=hours.get(kind, draw.choice((0.2, 2, 10, 40))))
    at = START + timedelta(seconds=draw.uniform(3600, latest.total_seconds() - lasts.total_seconds()))
    subject = ""
    if kind in {"outage", "slow"}:
        subject = draw.choice(("main", "main", "second"))
    elif kind not in {"crash", "sleep", "clock", "catalog", "broken"}:
        subject = draw.choice(tree.systems).name
    return Fault(at, kind, subject, lasts, draw.random())


def clock_error(fault: Fault) -> timedelta:
    return _CLOCKS[int(fault.draw * len(_CLOCKS))]


def other_schedule(fault: Fault, rpo: timedelta) -> Schedule:
    return _schedule(random.Random(fault.draw), rpo)


TIGHT = Retention(last=2, minimum=1)
WIDE = Retention(keep_within=timedelta(days=20), daily=30, monthly=6, minimum=3)
