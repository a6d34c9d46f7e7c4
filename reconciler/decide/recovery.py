"""What a recovery plan comes to: which steps may begin, how long each is expected to take, and the chain of them that decides.

A step takes as long as it took: the median of the last runs, of restores and questions also of the last tests. What was never done is
predicted from drills where it is a restore, and else takes its whole timeout: nobody knows better.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from statistics import median

from reconciler.decide.expect import recovery_time
from reconciler.decide.scene import Scene, newest_sound
from reconciler.decide.words import counted
from reconciler.model.declared.recovery import Step
from reconciler.model.desired import DesiredRecoveryPlan, DesiredSystem
from reconciler.model.recovery import Forecast, RecoveryRun, RunMode, StepRecord, StepState, Timed
from reconciler.model.snapshot import Snapshot
from reconciler.model.steps import Node, applying, in_order

LONG, SHORT = timedelta(hours=4), timedelta(minutes=10)
"""Timeouts of steps that declare none: of a restore or a person, and of anything else."""
PARALLEL = 4
_NEWEST = 5
_ALIKE = frozenset({"restore", "assert"})
"""Kinds that a test does as a run does."""


def timeout_of(step: Step) -> timedelta:
    """How long one attempt may take."""
    return step.timeout or (LONG if step.kind in {"restore", "manual"} else SHORT)


def ready(nodes: Sequence[Node], passed: Collection[str], begun: Collection[str]) -> tuple[str, ...]:
    """Names of the steps that may begin now, in the order of the plan. ``passed``: those that ended well."""
    return tuple(node.name for node in nodes if node.name not in begun and all(name in passed for name in node.after))


def forecast(scene: Scene, plan: DesiredRecoveryPlan, disaster: str) -> Forecast:
    """The critical path of the plan in this disaster, from what was measured."""
    runs = [run for run in scene.observed.recoveries if run.plan == plan.name]
    nodes = applying(plan.spec.steps, disaster)
    return critical_path(nodes, {node.name: _timed(scene, node.step, runs) for node in nodes})


def critical_path(nodes: Sequence[Node], times: Mapping[str, Timed]) -> Forecast:
    """The longest chain of steps. As many at a time as may be are done at once: what waits for a free hand is not counted."""
    finishes: dict[str, float] = {}
    came_from: dict[str, str | None] = {}
    for name, after in _ordered(nodes):
        slowest = max(after, key=lambda each: finishes[each], default=None)
        came_from[name] = slowest
        finishes[name] = (finishes[slowest] if slowest is not None else 0.0) + times[name].seconds
    last = max(finishes, key=lambda each: finishes[each], default=None)
    path: list[str] = []
    while last is not None:
        path.append(last)
        last = came_from[last]
    return Forecast(max(finishes.values(), default=0.0), tuple(reversed(path)), dict(times), finishes)


def recovered_after(found: Forecast, plan: DesiredRecoveryPlan, system: str) -> float | None:
    """Seconds until the plan has brought the system back, what is asked of it included; None: in this disaster it does not."""
    named = (step.name for step in plan.spec.steps if system in {each.system for each in (step.restore, step.assert_) if each is not None})
    return max((found.finishes[name] for name in named if name in found.finishes), default=None)


def nearest_good(scene: Scene, system: DesiredSystem) -> Snapshot | None:
    """The snapshot that a recovery would take now: the newest good one in a repository that answers, the primary first."""
    return _nearest(scene, system.name, system.repositories)


def nearest_good_of(scene: Scene, name: str) -> Snapshot | None:
    """The same for a system that may not be declared."""
    declared = scene.desired.system(name)
    return _nearest(scene, name, declared.repositories if declared is not None else ())


def _nearest(scene: Scene, name: str, first: Sequence[str]) -> Snapshot | None:
    newest = (
        newest_sound(scene.snapshots(name, place), scene.now)
        for place in dict.fromkeys([*first, *(r.name for r in scene.desired.repositories)])
        if scene.reachable(place)
    )
    return max((s for s in newest if s is not None), key=lambda s: s.as_of, default=None)


def _says_something(record: StepRecord) -> bool:
    """Not what was interrupted and did only the rest, nor what a person had done before the run was asked for."""
    return not record.interruptions and (record.kind != "manual" or record.seconds >= 1)


def _ordered(nodes: Sequence[Node]) -> Iterable[tuple[str, tuple[str, ...]]]:
    after = {node.name: node.after for node in nodes}
    steps = [node.step.model_copy(update={"depends_on": node.after}) for node in nodes]
    return ((step.name, after[step.name]) for step in in_order(steps))


def _timed(scene: Scene, step: Step, runs: Sequence[RecoveryRun]) -> Timed:
    alike = [run for run in runs if run.mode is RunMode.RUN] or (list(runs) if step.kind in _ALIKE else [])
    took = [
        each.seconds
        for run in sorted(alike, key=lambda run: run.started_at, reverse=True)
        for each in run.steps
        if (each.name, each.kind, each.state) == (step.name, step.kind, StepState.DONE) and _says_something(each)
    ][:_NEWEST]
    if took:
        return Timed(median(took), "measured", f"median of {counted(len(took), 'run')}")
    if step.restore is not None and (snapshot := nearest_good_of(scene, step.restore.system)) is not None:
        expected = recovery_time(scene, step.restore.system, snapshot.repository, snapshot.files, snapshot.bytes)
        if expected.seconds is not None:
            return Timed(expected.seconds.total_seconds(), "predicted", expected.source)
    return Timed(timeout_of(step).total_seconds(), "timeout", "never measured: its whole timeout")
