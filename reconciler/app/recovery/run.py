"""A recovery plan carried out in earnest, or gone on with: alone over this state directory, and journaled in the catalog."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from reconciler.act.context import Context
from reconciler.act.wait import check_host
from reconciler.app.acting import close_interrupted, make_context
from reconciler.app.errors import NotFound, NotResumable, PlanFaulty, PlanUnfit, RecoveryBusy, RecoveryPending
from reconciler.app.house import House
from reconciler.app.recovery.doing import Doing, clean_up, digest_of
from reconciler.app.recovery.runner import Journal, Runner
from reconciler.app.recovery.values import Guide, RecoveryReport, RecoveryRequest
from reconciler.app.restoring.record import who
from reconciler.app.scene import Scene, load, look, remember_repositories
from reconciler.app.state import prepare
from reconciler.base.errors import Usage
from reconciler.base.ids import new_id
from reconciler.base.words import count
from reconciler.decide.impact.survivors import Left, left_in
from reconciler.decide.recovery import forecast
from reconciler.decide.scene import Scene as Decision
from reconciler.model.declared.recovery import Step
from reconciler.model.desired import Desired, DesiredRecoveryPlan
from reconciler.model.problem import Severity
from reconciler.model.recovery import Forecast, RecoveryOutcome, RecoveryRun, RunMode, StepRecord, StepState
from reconciler.model.steps import Node, applying
from reconciler.sources.commands import check_allowed

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog


class RecoveryOutlook(Struct, frozen=True):
    """What a run would do, before it does anything."""

    plan: DesiredRecoveryPlan
    disaster: str
    nodes: tuple[Node, ...]
    forecast: Forecast
    resumes: RecoveryRun | None
    """The run that would be gone on with."""


def outlook(house: House, request: RecoveryRequest) -> RecoveryOutlook:
    """See :meth:`Session.recovery_outlook`. Reads only."""
    with house.memory.reading() as catalog:
        return _outlook(catalog, look(house, catalog, load(house, catalog)), request)


def run(house: House, request: RecoveryRequest, guide: Guide, *, stop: threading.Event) -> RecoveryReport:
    """See :meth:`Session.run_recovery`."""
    catalog = house.memory.writing()
    close_interrupted(house, catalog)
    with _alone(house):
        scene = look(house, catalog, load(house, catalog))
        remember_repositories(catalog, scene)
        ahead = _outlook(catalog, scene, request)
        permitted(house, [node.step for node in ahead.nodes], ahead.plan, in_test=False)
        record = _begun(house, request, ahead)
        catalog.recoveries.begin(record)
        context = make_context(house, scene, actor=record.actor, stop=stop)
        return carried_out(house, scene, ahead, record, guide, context, left_by(scene, ahead))


def carried_out(
    house: House,
    scene: Scene,
    ahead: RecoveryOutlook,
    record: RecoveryRun,
    guide: Guide,
    context: Context,
    left: Mapping[str, Left],
) -> RecoveryReport:
    """From the first step that can begin to the clean-up and the outcome; in earnest or in ``record.sandbox``. See :attr:`Doing.left`."""
    catalog, audit = house.memory.writing(), house.memory.audit()
    verb = f"recovery-{record.mode.value}"
    facts = {"run": record.id, "disaster": record.disaster, "actor": record.actor}
    audit.append("intent", verb, record.plan, **facts, resumed=record.resumed)
    journal = Journal(record, catalog.recoveries.put, guide.told)
    doing = Doing(house, scene, context, ahead.plan, guide, lambda: journal.run, record.sandbox, left)
    outcome = RecoveryOutcome.FAILED
    findings: tuple[str, ...] = ("it ended in an unexpected way",)
    try:
        outcome, findings = Runner(doing, ahead.nodes, journal, context.stop).carry_out()
    finally:
        if record.sandbox or outcome in {RecoveryOutcome.RECOVERED, RecoveryOutcome.FAILED}:  # else it goes on among what stands now
            findings += clean_up(doing)
        ended = journal.end(outcome, findings, house.clock.now())
        audit.append("complete", verb, record.plan, **facts, outcome=outcome.value)
        _tell(catalog, ended, house.clock.now())
    return RecoveryReport(ended, ahead.forecast)


def _tell(catalog: Catalog, run: RecoveryRun, at: datetime) -> None:
    """An event."""
    kind: Literal["Normal", "Warning"] = "Normal" if run.outcome is RecoveryOutcome.RECOVERED else "Warning"
    why = f": {'; '.join(run.findings[:2])}" if run.findings else ""
    note = f"{run.mode.value} {run.id[:8]}{f' for {run.disaster}' if run.disaster else ''} ended {run.outcome}{why}"
    catalog.add_event(kind, "RecoveryPlan", run.plan, "Recovery" + str(run.outcome).capitalize(), note, at)


def require_plan(desired: Desired, name: str) -> DesiredRecoveryPlan:
    """The plan, at its last good version where it is broken now. Raises PlanFaulty, NotFound."""
    plan = desired.recovery_plan(name)
    if plan is not None:
        return plan
    faults = [p for p in desired.problems if (p.kind, p.name, p.severity) == ("RecoveryPlan", name, Severity.ERROR)]
    if faults:
        raise PlanFaulty(f"recovery plan {name} has {count(len(faults), 'problem')}, at {faults[0].place}: {faults[0].message}")
    known = ", ".join(each.name for each in desired.recovery_plans) or "none"
    raise NotFound(f"no recovery plan '{name}' is declared", hint=f"Known: {known}. `reconcile recovery plan --disaster NAME` makes one.")


def permitted(house: House, steps: list[Step], plan: DesiredRecoveryPlan, *, in_test: bool) -> None:
    """Refuse before the first step what this host does not allow: half a recovery is no better than none."""
    commands = [each.command for each in plan.spec.clean_up]
    for step in steps:
        declared = step.test if in_test else None
        same = not in_test or (declared is not None and declared.same)
        commands += [step.command] if step.command is not None and same else []
        commands += [declared.command] if declared is not None and declared.command is not None else []
        if step.compensate is not None and step.compensate.command is not None and not in_test:
            commands.append(step.compensate.command)
        if step.assert_ is not None:
            commands += [each.command for each in step.assert_.assertions if each.command is not None]
        wait = declared.wait if declared is not None and declared.wait is not None else step.wait if same else None
        if wait is not None:
            check_host(wait, house.allow_hosts)
    for command in commands:
        check_allowed(command, house.allow_commands)


def fresh(nodes: tuple[Node, ...]) -> tuple[StepRecord, ...]:
    """Nothing done yet."""
    return tuple(StepRecord(node.name, node.step.kind, digest=digest_of(node.step)) for node in nodes)


def new_record(house: House, request: RecoveryRequest, ahead: RecoveryOutlook, mode: RunMode, actor: str) -> RecoveryRun:
    """Of a run or test that has not done anything yet."""
    return RecoveryRun(
        id=new_id(),
        plan=ahead.plan.name,
        mode=mode,
        disaster=ahead.disaster,
        generation=ahead.plan.generation,
        started_at=house.clock.now(),
        actor=actor,
        steps=fresh(ahead.nodes),
        at=request.at,
        predicted_seconds=ahead.forecast.seconds,
    )


def _outlook(catalog: Catalog, scene: Scene, request: RecoveryRequest) -> RecoveryOutlook:
    plan = require_plan(scene.desired, request.plan)
    newest = next((run for run in catalog.recoveries.newest(20, plan.name, RunMode.RUN)), None)
    pending = newest if newest is not None and newest.can_resume else None
    if request.resume and pending is None:
        raise NotResumable(f"no run of recovery plan {plan.name} waits to be gone on with")
    if pending is not None and not request.resume and not request.anew and pending.outcome is not RecoveryOutcome.FAILED:
        began = f"begun {pending.started_at:%Y-%m-%d %H:%M}Z"
        raise RecoveryPending(f"run {pending.id[:8]} of recovery plan {plan.name}, {began}, has not ended")
    resumes = pending if request.resume else None
    if resumes is not None and request.at is not None and request.at != resumes.at:
        raise Usage("a run that is gone on with keeps the moment that it began with", hint="Leave --at out, or begin --anew.")
    disaster = request.disaster or (resumes.disaster if resumes is not None else _only(plan))
    return for_one(scene, plan, disaster, resumes)


def for_one(scene: Scene, plan: DesiredRecoveryPlan, disaster: str, resumes: RecoveryRun | None = None) -> RecoveryOutlook:
    """The steps for a type of disaster or a scenario. A plan for a type is one for every scenario of it. Raises PlanUnfit."""
    named = next((each for each in scene.desired.scenarios if each.name == disaster), None)
    words = (disaster, named.type.value) if named is not None else (disaster,)
    word = next((each for each in words if each in plan.spec.scenarios), None)
    if word is None:
        fit = [each.name for each in scene.desired.recovery_plans if set(words) & set(each.spec.scenarios)]
        hint = f"For that there is {', '.join(fit)}." if fit else f"`reconcile recovery plan --disaster {disaster}` makes one."
        raise PlanUnfit(f"recovery plan {plan.name} is for {', '.join(plan.spec.scenarios)}, not for {disaster}", hint=hint)
    decision = Decision.of(scene.desired, scene.observed, scene.now)
    return RecoveryOutlook(plan, disaster, applying(plan.spec.steps, word), forecast(decision, plan, word), resumes)


def left_by(scene: Scene, ahead: RecoveryOutlook) -> dict[str, Left]:
    """By system that is restored: what the worst of its disasters leaves. Of a test of all steps those that each step applies to."""
    decision = Decision.of(scene.desired, scene.observed, scene.now)
    found: dict[str, Left] = {}
    for node in ahead.nodes:
        system = scene.desired.system(node.step.restore.system) if node.step.restore is not None else None
        if system is None:
            continue
        for disaster in (ahead.disaster,) if ahead.disaster else (node.step.applies_to or ahead.plan.spec.scenarios):
            left = left_in(decision, disaster, system)
            found[system.name] = min(found.get(system.name, left), left, key=lambda each: len(each.repositories))
    return found


def _only(plan: DesiredRecoveryPlan) -> str:
    if len(plan.spec.scenarios) > 1:
        scenarios = ", ".join(plan.spec.scenarios)
        raise PlanUnfit(f"recovery plan {plan.name} is for {scenarios}: which one is it?", hint="--disaster says so.")
    return plan.spec.scenarios[0]


def _begun(house: House, request: RecoveryRequest, ahead: RecoveryOutlook) -> RecoveryRun:
    """A new record, or the one of the run that is gone on with: what the plan still says as it did then stays done."""
    if ahead.resumes is not None:
        known = {step.name: step for step in ahead.resumes.steps}
        steps = tuple(_kept(known.get(record.name), record) for record in fresh(ahead.nodes))
        return replace(
            ahead.resumes,
            steps=steps,
            generation=ahead.plan.generation,
            outcome=None,
            ended_at=None,
            findings=(),
            resumed=ahead.resumes.resumed + 1,
        )
    objectives = ahead.plan.spec.objectives
    rto = objectives.rto.total_seconds() if objectives is not None and objectives.rto is not None else None
    return replace(new_record(house, request, ahead, RunMode.RUN, who()), rto_seconds=rto)


def _kept(known: StepRecord | None, new: StepRecord) -> StepRecord:
    if known is None or known.digest != new.digest:
        return new
    stays = known.state.passed or known.state is StepState.INTERRUPTED
    return known if stays else replace(known, state=StepState.WAITING, message="", seconds=0.0)


@contextmanager
def _alone(house: House) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(prepare(house.memory.state) / "recovery.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise RecoveryBusy("another process carries out a recovery plan") from None
    try:
        yield
    finally:
        lock.release()
