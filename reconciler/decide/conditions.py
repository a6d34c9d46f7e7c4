"""Statements about each object: an adjective, True or False or Unknown, a reason of a closed set, a sentence.

Never seen means Unknown, and Unknown is never green. An objective that nobody declared has no condition. A suspension freezes
actions, never these statements: the age of a suspended system keeps growing and stays visible.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.base.units import format_duration
from reconciler.decide import copies as copying
from reconciler.decide.anomaly import LEARNING
from reconciler.decide.guard import suspect_snapshots, suspicion
from reconciler.decide.objectives import (
    RecoveryPoint,
    Standing,
    assess,
    expected_duration,
    newest_checked_at,
    newest_verified_at,
    recovery_point,
)
from reconciler.decide.plan_tests import tested
from reconciler.decide.proven import proven
from reconciler.decide.retention import is_empty
from reconciler.decide.rollback import lost_sentence
from reconciler.decide.scene import Scene, from_future
from reconciler.decide.words import counted, minute, pascal
from reconciler.model.desired import Desired, DesiredRepository, DesiredSystem
from reconciler.model.listing import marked
from reconciler.model.observed import Observed
from reconciler.model.plan import Held, Plan
from reconciler.model.problem import Problem, Severity
from reconciler.model.snapshot import Grade, MarkKind
from reconciler.model.status import Condition, ConditionType, Truth

if TYPE_CHECKING:
    from reconciler.decide.remembered import Remembered

_Statement = tuple[Truth, str, str]

_POSTPONED = frozenset({"observation", "tree", "verification", "rollback", "suspect"})
"""Guards that end by themselves, or that another condition already tells."""


def conditions(
    desired: Desired, observed: Observed, plan: Plan, now: datetime, *, remembered: Remembered | None = None
) -> tuple[Condition, ...]:
    """Every statement about each system, repository and recovery plan, in the order of ConditionType. ``since`` is not filled in.

    ``remembered``: the same, made from what earlier passes have left in it.
    """
    scene = Scene.of(desired, observed, now) if remembered is None else remembered.scene(desired, observed, now)
    of_repositories = [
        condition for repository in desired.repositories for condition in _of_repository(scene, repository, _error(desired, repository))
    ]
    of_plans = [
        Condition("RecoveryPlan", each.name, ConditionType.RECOVERY_PROVEN, *statement)
        for each in desired.recovery_plans
        if (statement := tested(scene, each)) is not None
    ]

    def together(stated: Sequence[tuple[Condition, ...]]) -> tuple[Condition, ...]:
        return (*chain.from_iterable(stated), *of_repositories, *of_plans)

    if remembered is None:
        given = _given(desired, plan)
        return together([_of_system(scene, system, given[system.name]) for system in desired.systems])
    given = remembered.recall("conditions.given", (plan.held,), lambda: _given(desired, plan))
    stated = remembered.each("conditions", scene, _of_system, given, kind=tuple[Condition, ...])
    return remembered.recall("conditions", (stated,), lambda: together(stated), equal=(of_repositories, of_plans))


_Given = tuple[tuple[Held, ...], Problem | None]


def _given(desired: Desired, plan: Plan) -> dict[str, _Given]:
    """By system: what of it is held, and what is wrong with its declaration."""
    held: dict[str, tuple[Held, ...]] = {}
    for change in plan.held:
        held[change.system] = (*held.get(change.system, ()), change)
    errors = _errors(desired)
    return {system.name: (held.get(system.name, ()), errors.get(("System", system.name))) for system in desired.systems}


def _errors(desired: Desired) -> dict[tuple[str, str], Problem]:
    """By kind and name: the first of each object."""
    errors: dict[tuple[str, str], Problem] = {}
    for problem in desired.problems:
        if problem.severity is Severity.ERROR:
            errors.setdefault((problem.kind, problem.name), problem)
    return errors


def _error(desired: Desired, repository: DesiredRepository) -> Problem | None:
    return _errors(desired).get(("Repository", repository.name)) if desired.problems else None


def _of_system(scene: Scene, system: DesiredSystem, given: _Given) -> tuple[Condition, ...]:
    held, error = given
    statements: dict[ConditionType, _Statement] = {ConditionType.SPEC_ACCEPTED: _accepted(error, last_good=system.last_good)}
    if system.objectives.rpo is not None:
        statements[ConditionType.BACKUP_FRESH] = _fresh(scene, system)
    if system.drill.every is not None:
        statements[ConditionType.RECOVERY_PROVEN] = proven(scene, system)
    if copying.declared(system.copies):
        statements[ConditionType.COPIES_SATISFIED] = _copies(scene, system)
    statements[ConditionType.RETENTION_SATISFIED] = _retention(scene, system, held)
    if system.verification.deep is not None or system.verification.quick is not None:
        statements[ConditionType.VERIFIED] = _verified(scene, system)
    plausible = _plausible(scene, system)
    if plausible is not None:
        statements[ConditionType.PLAUSIBLE] = plausible
    primary = system.repositories[0] if system.repositories else ""
    telling = [one for type_, one in statements.items() if type_ is not ConditionType.PLAUSIBLE or one[0] is Truth.FALSE]
    reachable = None if _listed(scene, primary) else _reachable(scene, primary)  # when it was listed is no matter of the system
    ready = _ready(telling, reachable)  # a history that is still short is no flaw
    statements[ConditionType.SUSPENDED] = _suspended(scene, system)
    statements[ConditionType.READY] = ready
    return tuple(Condition("System", system.name, type_, *statement) for type_, statement in statements.items())


def _of_repository(scene: Scene, repository: DesiredRepository, error: Problem | None) -> list[Condition]:
    accepted = _accepted(error, last_good=repository.last_good)
    reachable, current = _reachable(scene, repository.name), _current(scene, repository.name)
    statements = {
        ConditionType.SPEC_ACCEPTED: accepted,
        ConditionType.REPOSITORY_REACHABLE: reachable,
        ConditionType.REPOSITORY_CURRENT: current,
        ConditionType.READY: _ready([accepted, current], reachable),
    }
    return [Condition("Repository", repository.name, type_, *statement) for type_, statement in statements.items()]


def _accepted(error: Problem | None, *, last_good: bool) -> _Statement:
    if last_good:
        why = f": {error.place}: {error.message}" if error is not None else ""
        return Truth.FALSE, "LastGoodInUse", f"its declaration is broken or missing, the last good one is in use{why}"
    if error is not None:
        return Truth.FALSE, "Invalid", f"{error.place}: {error.message}"
    return Truth.TRUE, "Valid", "the declaration is accepted"


def _listed(scene: Scene, name: str) -> bool:
    state = scene.state(name)
    return state is not None and state.failure is None and scene.reachable(name)


def _reachable(scene: Scene, name: str) -> _Statement:
    state = scene.state(name)
    if state is not None and state.failure is not None:
        return Truth.FALSE, pascal(state.failure.code), state.failure.message
    if state is None or state.listed_at is None:
        return Truth.UNKNOWN, "NeverSeen", f"repository {name} was never listed" if name else "no repository is named"
    if not state.reachable:
        return Truth.FALSE, "RepositoryUnreachable", f"repository {name} does not answer"
    return Truth.TRUE, "Listed", f"{counted(len(state.snapshots), 'snapshot')} listed at {minute(state.listed_at)}"


def _current(scene: Scene, name: str) -> _Statement:
    state = scene.state(name)
    if state is None or state.listed_at is None:
        return Truth.UNKNOWN, "NeverSeen", f"repository {name} was never listed"
    if state.lost:
        return Truth.FALSE, "WentBack", lost_sentence(state)
    return Truth.TRUE, "Continued", "it holds the newest snapshot of every writer, or newer ones"


def _fresh(scene: Scene, system: DesiredSystem) -> _Statement:
    """The best recovery point of all its repositories, against the RPO."""
    rpo = system.objectives.rpo
    assert rpo is not None, "only asked when an RPO is declared"
    points = [p for name in system.repositories if (p := _point(scene, system, name)) is not None]
    best = max(points, key=lambda point: point.at, default=None)
    if best is None:
        return _without_point(scene, system)
    history = scene.history(system.name, best.snapshot.repository)
    standing = assess(best, rpo, expected_duration(history, rpo), scene.now)
    how = "confirmed" if best.confirmed else "taken"
    numbers = f"the newest good state was {how} at {minute(best.at)}, RPO {format_duration(rpo)}"
    if best.snapshot.grade is Grade.OBSERVED:
        numbers += f"; {best.snapshot.repository} belongs to another program: whether it is complete is not known"
    if standing is not Standing.BREACHED:
        return Truth.TRUE, "AtRisk" if standing is Standing.AT_RISK else "Met", numbers
    if not scene.here(system):
        # That nothing changed since is remembered by the agent on that host alone; an idle source must not look like a failure here.
        return Truth.UNKNOWN, "OnOtherHost", f"on {system.host}: {numbers}; whether the source changed since is known there"
    return Truth.FALSE, "Breached", numbers


def _point(scene: Scene, system: DesiredSystem, repository: str) -> RecoveryPoint | None:
    return recovery_point(scene.snapshots(system.name, repository), scene.history(system.name, repository), scene.now)


def _without_point(scene: Scene, system: DesiredSystem) -> _Statement:
    unseen = [name for name in system.repositories if not scene.reachable(name)]
    if unseen or not system.repositories:
        return Truth.UNKNOWN, "NotObserved", f"cannot be known: {', '.join(unseen) or 'no repository'} was not listed"
    snapshots = [s for name in system.repositories for s in scene.snapshots(system.name, name)]
    if any(from_future(s.counted_at, scene.now) for s in snapshots):
        return Truth.UNKNOWN, "ClockSuspect", "every good snapshot comes from the future: one of the clocks is wrong"
    if snapshots:
        return Truth.FALSE, "OnlyPartial", f"there is no good one among {counted(len(snapshots), 'snapshot')}"
    where = f" on {system.host}" if not scene.here(system) else ""
    return Truth.FALSE, "NeverBackedUp", f"no snapshot was ever taken{where}"


def _copies(scene: Scene, system: DesiredSystem) -> _Statement:
    unseen = [name for name in system.repositories if not scene.reachable(name)]
    spread = copying.Spread.of(scene, system)
    present = copying.kinds(system, (r for name in spread.holding(scene) if (r := scene.desired.repository(name)) is not None))
    lacking = [(name, wanted, there) for name, wanted, there in present if there < wanted]
    numbers = ", ".join(f"{name} {there} of {wanted}" for name, wanted, there in present)
    trails = (copying.trail_in_words(scene, system, spread, name) for name in system.repositories if name not in unseen)
    numbers = "; ".join([numbers, *filter(None, trails)])
    if not lacking:
        return Truth.TRUE, "Satisfied", numbers
    if unseen:
        return Truth.UNKNOWN, "NotObserved", f"{numbers}; {', '.join(unseen)} was not listed"
    return Truth.FALSE, "CopyMissing" if lacking[0][0] == "count" else "SameFailureDomain", numbers


def _retention(scene: Scene, system: DesiredSystem, held: Sequence[Held]) -> _Statement:
    kept = scene.kept(system)
    if system.repositories and not kept:
        return Truth.TRUE, "NotOurs", "another program decides what is kept"
    if not all(scene.reachable(name) for name in kept) or not kept:
        return Truth.UNKNOWN, "NotObserved", "not every repository of the system was listed"
    for change in held:
        if change.guard not in _POSTPONED:
            return Truth.FALSE, "ChangeHeld", f"{len(change.snapshots)} of {change.total} snapshots held by {change.guard}: {change.why}"
    if is_empty(system.retention):
        return Truth.TRUE, "KeepsEverything", "no rule is declared: everything is kept"
    if held:
        return Truth.TRUE, "Postponed", held[0].why
    return Truth.TRUE, "Satisfied", "what is kept is what the retention asks for"


def _verified(scene: Scene, system: DesiredSystem) -> _Statement:
    """The repository whose proof is oldest speaks for the system."""
    worst: _Statement | None = None
    kept = scene.kept(system)
    if not kept and system.repositories:
        why = f"what another program holds in {', '.join(system.repositories)} is not verified here"
        return Truth.UNKNOWN, "NotVerifiable", f"{why}: its own check can tell"
    for name in kept:
        if scene.snapshots(system.name, name):
            statement = _verified_in(scene, system, name)
            worst = statement if worst is None or _RANK[statement[0]] > _RANK[worst[0]] else worst
    return worst if worst is not None else (Truth.UNKNOWN, "Never", "there is no snapshot to verify")


_RANK = {Truth.TRUE: 0, Truth.UNKNOWN: 1, Truth.FALSE: 2}


def _verified_in(scene: Scene, system: DesiredSystem, repository: str) -> _Statement:
    snapshots = scene.snapshots(system.name, repository)
    proven_at, checked_at = newest_verified_at(snapshots, scene.now), newest_checked_at(snapshots, scene.now)
    damaged = {s.marked(MarkKind.DAMAGED): s for s in reversed(marked(snapshots, MarkKind.DAMAGED))}
    damaged_at = max((at for at in damaged if at is not None), default=None)
    if damaged_at is not None and (proven_at is None or proven_at < damaged_at):
        broken = damaged[damaged_at]
        return Truth.FALSE, "Failed", f"snapshot {broken.id[:8]} in {repository} was found damaged at {minute(damaged_at)}"
    if proven_at is None and (system.verification.deep is not None or checked_at is None):
        return Truth.UNKNOWN, "Never", f"no snapshot in {repository} was ever verified"
    wanted = (("last proof", proven_at, system.verification.deep), ("structure last seen whole", checked_at, system.verification.quick))
    for what, at, period in wanted:
        if at is not None and period is not None and scene.now - at > period:
            return Truth.FALSE, "Overdue", f"{what} in {repository} at {minute(at)}, every {format_duration(period)} is declared"
    return (
        Truth.TRUE,
        "Passed",
        "; ".join(
            f"{what} in {repository} at {minute(at)}"
            for what, at, _ in wanted
            if at is not None and (at != proven_at or what == "last proof")
        ),
    )


def _plausible(scene: Scene, system: DesiredSystem) -> _Statement | None:
    """None: nothing was compared yet, or nobody wants it to be."""
    unsettled = suspect_snapshots(scene, system)
    if unsettled:
        newest = unsettled[0]
        more = f"; {counted(len(unsettled), 'snapshot')} in all" if len(unsettled) > 1 else ""
        return Truth.FALSE, "Suspect", f"snapshot {newest.id[:8]} of {minute(newest.as_of)} is suspect: {suspicion(newest)}{more}"
    known = sum(s.good and s.turnover is not None for name in system.repositories[:1] for s in scene.snapshots(system.name, name))
    if system.guard.anomalies is False or not known:
        return None
    if known <= LEARNING:
        return Truth.UNKNOWN, "Learning", f"what is usual is known after more than {LEARNING} snapshots, {known} can be compared so far"
    return Truth.TRUE, "InKeeping", "the newest snapshots are in keeping with those before"


def _suspended(scene: Scene, system: DesiredSystem) -> _Statement:
    suspend = system.suspend
    if suspend is None:
        return Truth.FALSE, "NotSuspended", "actions are not frozen"
    if scene.suspended(system):
        return Truth.TRUE, "BySpec", f"until {minute(suspend.until)}: {suspend.reason}"
    return Truth.FALSE, "Expired", f"the suspension ended at {minute(suspend.until)}"


def _ready(statements: Iterable[_Statement], reachable: _Statement | None) -> _Statement:
    """The first that is False, else the first that is Unknown, else all is well."""
    everything = [*([reachable] if reachable is not None else []), *statements]
    for status in (Truth.FALSE, Truth.UNKNOWN):
        for statement in everything:
            if statement[0] is status:
                return statement
    return Truth.TRUE, "AllObjectivesMet", "every declared objective is met"
