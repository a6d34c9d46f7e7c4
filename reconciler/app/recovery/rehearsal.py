"""A recovery plan exercised in a sandbox: its own steps, its own order, restores into a folder that is cleared away whatever happens."""

from __future__ import annotations

import os
import threading

from msgspec.structs import replace

from reconciler.act import sandbox
from reconciler.act.context import Context, Done
from reconciler.act.errors import DrillBlocked, PlanTestFailed
from reconciler.app.acting import close_interrupted, make_context
from reconciler.app.errors import NotFound
from reconciler.app.house import House
from reconciler.app.recovery.doing import Doing, chosen
from reconciler.app.recovery.run import RecoveryOutlook, carried_out, for_one, left_by, new_record, permitted, require_plan
from reconciler.app.recovery.standing import status_of
from reconciler.app.recovery.values import ContinuityReport, Guide, RecoveryReport, RecoveryRequest, Unattended
from reconciler.app.restoring.record import who
from reconciler.app.scene import Scene, load, look, remember_repositories
from reconciler.base.errors import Cancelled, ReconcilerError
from reconciler.base.words import count
from reconciler.catalog.records import RunOutcome
from reconciler.decide.recovery import critical_path, forecast
from reconciler.decide.scene import Scene as Decision
from reconciler.model.desired import DesiredRecoveryPlan
from reconciler.model.plan import Action
from reconciler.model.recovery import Forecast, RecoveryOutcome, RecoveryRun, RunMode, StepState, Timed
from reconciler.model.steps import Node


def rehearse(house: House, request: RecoveryRequest, guide: Guide, *, stop: threading.Event) -> RecoveryReport:
    """See :meth:`Session.test_recovery`."""
    scene = _scene(house)
    plan = require_plan(scene.desired, request.plan)
    return _test(house, scene, plan, request, guide, make_context(house, scene, actor=who(), stop=stop))


def exercise(house: House, scene: Scene, action: Action, context: Context) -> Done:
    """As the loop does it: nobody stands by. Raises PlanTestFailed."""
    plan = require_plan(scene.desired, action.plan)
    run = _test(house, scene, plan, RecoveryRequest(plan.name), Unattended(), context).run
    if run.outcome is RecoveryOutcome.INTERRUPTED:
        raise Cancelled(f"the test of recovery plan {plan.name} was stopped")
    if run.outcome is not RecoveryOutcome.RECOVERED:
        raise PlanTestFailed(f"the test of recovery plan {plan.name} failed: {'; '.join(run.findings[:2])}", test=run.id)
    skipped = sum(step.state is StepState.SKIPPED for step in run.steps)
    left = f", {skipped} cannot be" if skipped else ""
    message = f"{count(len(run.steps) - skipped, 'step')} of recovery plan {plan.name} exercised{left}"
    return Done(RunOutcome.SUCCEEDED, message, files=sum(s.files for s in run.steps), bytes=sum(s.bytes for s in run.steps))


def rehearse_all(house: House, guide: Guide, *, stop: threading.Event) -> ContinuityReport:
    """See :meth:`Session.test_continuity`."""
    scene = _scene(house)
    if not scene.desired.recovery_plans:
        raise NotFound("no recovery plan is declared", hint="`reconcile recovery plan --disaster NAME` makes one.")
    context = make_context(house, scene, actor=who(), stop=stop)
    tests: list[RecoveryReport] = []
    failures: dict[str, str] = {}
    for plan in scene.desired.recovery_plans:
        if stop.is_set():
            raise Cancelled("the test of the plans was stopped")
        try:
            tests.append(_test(house, scene, plan, RecoveryRequest(plan.name), guide, context))
        except ReconcilerError as error:  # a plan that cannot be begun does not stop the others, and is told
            failures[plan.name] = error.message
    after = _scene(house)
    with house.memory.reading() as catalog:
        return ContinuityReport(tuple(tests), status_of(catalog, after), failures)


def _scene(house: House) -> Scene:
    catalog = house.memory.writing()
    close_interrupted(house, catalog)
    scene = look(house, catalog, load(house, catalog))
    remember_repositories(catalog, scene)
    return scene


def _test(
    house: House, scene: Scene, plan: DesiredRecoveryPlan, request: RecoveryRequest, guide: Guide, context: Context
) -> RecoveryReport:
    ahead = _ahead(scene, plan, request.disaster)
    permitted(house, [node.step for node in ahead.nodes], plan, in_test=True)
    catalog = house.memory.writing()
    parent = os.fspath((house.memory.state / "drills").absolute())
    record = new_record(house, request, ahead, RunMode.TEST, context.actor)
    record = replace(record, sandbox=os.path.join(parent, sandbox.PREFIX + record.id))
    catalog.recoveries.begin(record)
    began = carried = None
    try:
        spared = left_by(scene, ahead)
        looking = Doing(house, scene, context, plan, guide, lambda: record, record.sandbox, spared)
        sandbox.enough_room(parent, _bytes(looking, ahead), None)
        sandbox.make(parent, record.id)
        began = carried_out(house, scene, ahead, record, guide, context, spared)
        carried = _judged(began.run, ahead)
    except ReconcilerError as error:
        carried = replace(
            began.run if began is not None else record,
            outcome=RecoveryOutcome.INTERRUPTED if isinstance(error, Cancelled) else RecoveryOutcome.FAILED,
            findings=(error.message,),
        )
        if isinstance(error, Cancelled):
            raise
    finally:
        left = carried or replace(record, outcome=RecoveryOutcome.FAILED, findings=("it ended in an unexpected way",))
        ended = _cleared(replace(left, ended_at=left.ended_at or house.clock.now()))
        catalog.recoveries.put(ended)
    return RecoveryReport(ended, ahead.forecast)


def _ahead(scene: Scene, plan: DesiredRecoveryPlan, disaster: str | None) -> RecoveryOutlook:
    """Of one disaster, or of all steps at once: then each is exercised, whatever it applies to."""
    if disaster is not None:
        return for_one(scene, plan, disaster)
    decision = Decision.of(scene.desired, scene.observed, scene.now)
    nodes = tuple(Node(step, step.depends_on) for step in plan.spec.steps)
    times: dict[str, Timed] = {}
    for scenario in plan.spec.scenarios:
        times |= forecast(decision, plan, scenario).steps
    ahead: Forecast = critical_path(nodes, times)
    return RecoveryOutlook(plan, "", nodes, ahead, None)


def _bytes(doing: Doing, ahead: RecoveryOutlook) -> int:
    """What all restores will write; a system without a snapshot fails at its step, which names it."""
    needed: dict[str, int] = {}
    for node in ahead.nodes:
        if node.step.restore is not None:
            try:
                needed[node.step.restore.system] = chosen(doing, node.step.restore.system)[0].bytes
            except ReconcilerError:
                continue  # its step fails, and says why
    return sum(needed.values())


def _judged(run: RecoveryRun, ahead: RecoveryOutlook) -> RecoveryRun:
    """It counts as a test of the plan when every step of that was there and some restore was made."""
    if run.outcome is not RecoveryOutcome.RECOVERED:
        return run
    made = any(step.kind == "restore" and step.state is StepState.DONE for step in run.steps)
    if not made:
        why = "nothing of it can be exercised in a sandbox: no step restores anything"
        return replace(run, outcome=RecoveryOutcome.FAILED, findings=(why,))
    if len(run.steps) < len(ahead.plan.spec.steps):
        return run
    return replace(run, expires_at=run.started_at + ahead.plan.spec.counts_for)


def _cleared(run: RecoveryRun) -> RecoveryRun:
    """What cannot be cleared away is told, and tried again at the next start."""
    try:
        sandbox.clear(run.sandbox)
    except DrillBlocked as error:
        return replace(run, findings=(*run.findings, error.message))
    return replace(run, sandbox="")
