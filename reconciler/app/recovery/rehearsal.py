"""A recovery plan exercised in a sandbox: its own steps, its own order, restores into a folder that is cleared away whatever happens."""

from __future__ import annotations

import os
import threading
from datetime import timedelta

from msgspec.structs import replace

from reconciler.act import sandbox
from reconciler.act.errors import DrillBlocked
from reconciler.app.acting import close_interrupted, make_context
from reconciler.app.errors import NotFound, PlanUnfit
from reconciler.app.house import House
from reconciler.app.recovery.doing import Doing, chosen
from reconciler.app.recovery.run import RecoveryOutlook, carried_out, new_record, permitted, require_plan
from reconciler.app.recovery.standing import status_of
from reconciler.app.recovery.values import ContinuityReport, Guide, RecoveryReport, RecoveryRequest
from reconciler.app.scene import Scene, load, look, remember_repositories
from reconciler.base.errors import Cancelled, ReconcilerError
from reconciler.decide.recovery import VALID_FOR, critical_path, forecast
from reconciler.decide.scene import Scene as Decision
from reconciler.model.desired import DesiredRecoveryPlan
from reconciler.model.recovery import Forecast, RecoveryOutcome, RecoveryRun, RunMode, StepState, Timed
from reconciler.model.steps import Node, applying


def rehearse(house: House, request: RecoveryRequest, guide: Guide, *, stop: threading.Event) -> RecoveryReport:
    """See :meth:`Session.test_recovery`."""
    scene = _scene(house)
    return _test(house, scene, require_plan(scene.desired, request.plan), request, guide, stop)


def rehearse_all(house: House, guide: Guide, *, stop: threading.Event) -> ContinuityReport:
    """See :meth:`Session.test_continuity`."""
    scene = _scene(house)
    if not scene.desired.recovery_plans:
        raise NotFound("no recovery plan is declared", hint="`reconcile recovery plan --disaster TYPE` makes one.")
    tests: list[RecoveryReport] = []
    failures: dict[str, str] = {}
    for plan in scene.desired.recovery_plans:
        if stop.is_set():
            raise Cancelled("the test of the plans was stopped")
        try:
            tests.append(_test(house, scene, plan, RecoveryRequest(plan.name), guide, stop))
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
    house: House, scene: Scene, plan: DesiredRecoveryPlan, request: RecoveryRequest, guide: Guide, stop: threading.Event
) -> RecoveryReport:
    ahead = _ahead(scene, plan, request.disaster)
    permitted(house, [node.step for node in ahead.nodes], plan, in_test=True)
    catalog = house.memory.writing()
    parent = os.fspath((house.memory.state / "drills").absolute())
    record = new_record(house, request, ahead, RunMode.TEST)
    record = replace(record, sandbox=os.path.join(parent, sandbox.PREFIX + record.id))
    catalog.recoveries.begin(record)
    began = carried = None
    try:
        sandbox.enough_room(parent, _bytes(house, scene, ahead, record, guide, stop), None)
        sandbox.make(parent, record.id)
        began = carried_out(house, scene, ahead, record, guide, stop)
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
    decision = Decision.of(scene.desired, scene.observed, scene.now)
    if disaster is not None:
        if disaster not in plan.spec.scenarios:
            raise PlanUnfit(f"recovery plan {plan.name} is for {', '.join(plan.spec.scenarios)}, not for {disaster}")
        return RecoveryOutlook(plan, disaster, applying(plan.spec.steps, disaster), forecast(decision, plan, disaster), None)
    nodes = tuple(Node(step, step.depends_on) for step in plan.spec.steps)
    times: dict[str, Timed] = {}
    for scenario in plan.spec.scenarios:
        times |= forecast(decision, plan, scenario).steps
    ahead: Forecast = critical_path(nodes, times)
    return RecoveryOutlook(plan, "", nodes, ahead, None)


def _bytes(house: House, scene: Scene, ahead: RecoveryOutlook, record: RecoveryRun, guide: Guide, stop: threading.Event) -> int:
    """What all restores will write; a system without a snapshot fails at its step, which names it."""
    context = make_context(house, scene, actor=record.actor, stop=stop)
    doing = Doing(house, scene, context, ahead.plan, guide, lambda: record, record.sandbox)
    needed: dict[str, int] = {}
    for node in ahead.nodes:
        if node.step.restore is not None:
            try:
                needed[node.step.restore.system] = chosen(doing, node.step.restore.system)[0].bytes
            except ReconcilerError:
                continue
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
    valid_for: timedelta = ahead.plan.spec.valid_for or VALID_FOR
    return replace(run, expires_at=run.started_at + valid_for)


def _cleared(run: RecoveryRun) -> RecoveryRun:
    """What cannot be cleared away is told, and tried again at the next start."""
    try:
        sandbox.clear(run.sandbox)
    except DrillBlocked as error:
        return replace(run, findings=(*run.findings, error.message))
    return replace(run, sandbox="")
