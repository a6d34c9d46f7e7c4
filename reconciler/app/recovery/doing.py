"""What each kind of step does, in earnest and in a sandbox. Each returns its record with what was done; what did not work, raises."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.act.assertions import Asking, ask
from reconciler.act.context import Context
from reconciler.act.drill import Until
from reconciler.act.hooks import permit
from reconciler.act.wait import wait_for
from reconciler.app import recoveries
from reconciler.app import restore as restores
from reconciler.app.choice import failures, of_system, pick
from reconciler.app.errors import StepFailed
from reconciler.app.house import House
from reconciler.app.recovery.values import Answer, Guide
from reconciler.app.reports import RestoreReport, RestoreRequest
from reconciler.app.restoring import in_place
from reconciler.app.restoring.fall_over import first_that_can
from reconciler.app.restoring.run import Running, into_folder, weighing
from reconciler.app.scene import Scene
from reconciler.base.errors import Cancelled
from reconciler.base.units import format_size
from reconciler.base.words import count
from reconciler.decide.impact.survivors import Left
from reconciler.decide.recovery import timeout_of
from reconciler.model.declared.recovery import Compensation, Step, WaitStep
from reconciler.model.desired import DesiredRecoveryPlan
from reconciler.model.recovery import RecoveryRun, StepRecord, StepState
from reconciler.model.snapshot import Snapshot
from reconciler.sources.commands import run_to_end

SANDBOX = "RECONCILER_SANDBOX"


class Doing(Struct, frozen=True):
    """One run, as its steps see it."""

    house: House
    scene: Scene
    """As of its begin: what of it could be reached then."""
    context: Context
    plan: DesiredRecoveryPlan
    guide: Guide
    run: Callable[[], RecoveryRun]
    """As it stands now."""
    sandbox: str = ""
    """Of a test; empty: in earnest."""
    left: Mapping[str, Left] = field(default_factory=dict)
    """By system: what the disaster leaves by the specs. A test uses nothing else; in earnest the rest comes last, if it answers."""
    one_person: threading.Lock = field(default_factory=threading.Lock)
    one_in_place: threading.Lock = field(default_factory=threading.Lock)
    """Restores in place share one journal, so each waits for the one before."""

    @property
    def in_test(self) -> bool:
        return bool(self.sandbox)


def do(doing: Doing, step: Step, record: StepRecord, stop: Until) -> StepRecord:
    """One attempt. Raises ReconcilerError; Cancelled when ``stop`` ended it."""
    match step.kind:
        case "restore":
            return _restore(doing, step, record, stop)
        case "command":
            return _command(doing, step, record, stop)
        case "wait":
            return _wait(doing, step, record, stop)
        case "manual":
            return _manual(doing, step, record, stop)
        case "assert":
            return _assert(doing, step, record, stop)
        case _:
            raise AssertionError(f"a step is of no kind: {step.kind}")


def compensate(doing: Doing, step: Step, record: StepRecord, declared: Compensation) -> StepRecord:
    """Take it back; a stop that was asked for does not stop this."""
    timeout = declared.timeout or timeout_of(step)
    stop = Until(threading.Event(), doing.house.clock, timeout)
    if declared.command is not None:
        run_to_end(declared.command, permit(doing.context, stop=stop, more=_facts(doing, step)), timeout)
        return replace(record, state=StepState.COMPENSATED, compensation=f"{declared.command[0]} has ended well")
    name = record.restore or _half_done(doing, step)
    if not name:
        return replace(record, compensation="nothing was changed, so nothing is rolled back")
    _whole(recoveries.rollback(doing.house, name, stop=stop, progress=None))
    return replace(record, state=StepState.COMPENSATED, compensation=f"restore {name[:8]} is rolled back")


def clean_up(doing: Doing) -> tuple[str, ...]:
    """Every command of it, whatever became of the others; what went wrong."""
    from reconciler.base.errors import ReconcilerError
    from reconciler.decide.recovery import SHORT

    found = []
    for each in doing.plan.spec.clean_up:
        timeout = each.timeout or SHORT
        try:
            stop = Until(threading.Event(), doing.house.clock, timeout)
            run_to_end(each.command, permit(doing.context, stop=stop, more=_facts(doing, None)), timeout)
        except ReconcilerError as error:
            found.append(f"clean-up: {error.message}")
    return tuple(found)


def digest_of(step: Step) -> str:
    """Of what the plan says of a step."""
    return hashlib.sha256(repr(step).encode()).hexdigest()[:16]


def chosen(doing: Doing, system: str) -> tuple[Snapshot, str]:
    """The newest good snapshot that can be reached, with the reason. Where a newer one cannot, the reason says so.

    A test takes only what its disasters leave: out of a repository that they take it would show nothing. In earnest a repository that
    answers was not taken; it is used where no other holds the snapshot.
    """
    scene, at, left = doing.scene, doing.run().at, doing.left.get(system)
    every = of_system(scene, system)
    reached = [s for s in every if scene.observed.repositories[s.repository].reachable]
    if doing.in_test and left is not None and left.why:
        if reached and not any(s.repository in left.repositories for s in reached):
            raise StepFailed(f"nothing of {system} is left that could be restored: {left.why}")
        reached = [s for s in reached if s.repository in left.repositories]
        snapshot, choice = pick(reached, at, failures(scene.observed.repositories), system=system)
        return snapshot, f"{choice.why}; {left.why}"
    snapshot, choice = pick(reached, at, failures(scene.observed.repositories), system=system)
    spared = [s for s in reached if s.id == snapshot.id and left is not None and s.repository in left.repositories]
    if left is not None and left.why and snapshot.repository not in left.repositories:
        if not spared:
            return snapshot, f"{choice.why}; nothing else holds it, and it answers, though {left.why}"
        snapshot, choice = pick(spared, at, failures(scene.observed.repositories), system=system)
        return snapshot, f"{choice.why}; {left.why}"
    newer = [s for s in every if s.good and s.as_of > snapshot.as_of and (at is None or s.as_of <= at)]
    lost = f"; a newer one, of {newer[0].as_of:%Y-%m-%d %H:%M}Z, is in {newer[0].repository}, which does not answer" if newer else ""
    return snapshot, choice.why + lost


def _restore(doing: Doing, step: Step, record: StepRecord, stop: Until) -> StepRecord:
    asked = step.restore
    assert asked is not None
    if doing.in_test:
        return _rehearse(doing, step, record, stop)
    if asked.to is None:
        with doing.one_in_place:
            report, why = _in_place(doing, step, record, stop)
    else:
        snapshot, why = chosen(doing, asked.system)
        conflict, last = asked.on_conflict or "overwrite", _last(doing, asked.system)
        request = RestoreRequest(asked.to, snapshot=snapshot.id, paths=asked.paths, on_conflict=conflict, last=last)
        report = restores.restore(doing.house, request, stop=stop, progress=None)
    record = replace(record, restore=report.id, place=asked.to or "", files=report.files, bytes=report.bytes)
    _whole(report)
    same = f", {count(report.same, 'entry', 'entries')} as wanted already" if report.same else ""
    return replace(record, message=f"{count(report.files, 'file')}, {format_size(report.bytes)} back{same}: {why}")


def _in_place(doing: Doing, step: Step, record: StepRecord, stop: Until) -> tuple[RestoreReport, str]:
    """Goes on with its own earlier attempt, if that has changed something; a restore that somebody else began stays theirs."""
    asked = step.restore
    assert asked is not None
    if record.attempts > 1:
        with in_place.exclusive(doing.house) as state:
            waiting = in_place.interrupted(state, asked.system)
        if waiting:
            name = waiting[0].header.id
            return recoveries.go_on(doing.house, name, stop=stop, progress=None), f"continues restore {name[:8]}"
    snapshot, why = chosen(doing, asked.system)
    conflict, last = asked.on_conflict or "overwrite", _last(doing, asked.system)
    request = RestoreRequest("", snapshot=snapshot.id, paths=asked.paths, in_place=True, on_conflict=conflict, last=last)
    return restores.restore(doing.house, request, stop=stop, progress=None), why


def _last(doing: Doing, system: str) -> frozenset[str]:
    """Repositories that the disaster should have taken."""
    left = doing.left.get(system)
    if left is None or not left.why:
        return frozenset()
    return frozenset(each.name for each in doing.scene.desired.repositories) - left.repositories


def _half_done(doing: Doing, step: Step) -> str:
    """The restore that this step left in the middle."""
    assert step.restore is not None
    with in_place.exclusive(doing.house) as state:
        return next((each.header.id for each in in_place.interrupted(state, step.restore.system)), "")


def _rehearse(doing: Doing, step: Step, record: StepRecord, stop: Until) -> StepRecord:
    """Into the sandbox, from the first repository that can give it. Nothing remembers it as a recovery."""
    asked = step.restore
    assert asked is not None
    snapshot, why = chosen(doing, asked.system)
    place = os.path.join(doing.sandbox, asked.system)
    left = doing.left.get(asked.system)
    copies = [
        s for s in of_system(doing.scene, asked.system) if s.id == snapshot.id and (left is None or s.repository in left.repositories)
    ]
    copies.sort(key=lambda s: s.repository != snapshot.repository)
    request = RestoreRequest(place, snapshot=snapshot.id, paths=asked.paths, on_conflict="overwrite")

    def attempt(copy: Snapshot, wanted: RestoreRequest) -> RestoreReport:
        declared = doing.scene.desired.repository(copy.repository)
        assert declared is not None, "a snapshot is in a declared repository"
        made = restores.plan_for(copy, copy.repository, why, wanted)
        with closing(doing.house.open_repository(declared)) as repository:
            how = replace(weighing(doing.house, doing.scene, made, stop), forbidden=())
            return into_folder(Running(repository, made, wanted, how, stop), None)

    report = first_that_can(copies, request, attempt)
    _whole(report)
    told = f"{count(report.files, 'file')}, {format_size(report.bytes)} in the sandbox: {why}"
    return replace(record, place=place, files=report.files, bytes=report.bytes, message=told)


def _whole(report: RestoreReport) -> None:
    if report.failures:
        path, why = report.failures[0]
        raise StepFailed(f"{count(len(report.failures), 'entry', 'entries')} could not be restored: /{path.lstrip('/')}: {why}")


def _command(doing: Doing, step: Step, record: StepRecord, stop: Until) -> StepRecord:
    argv = step.command
    if doing.in_test:
        if step.test is None:
            return _nothing_to_test(record)
        if step.test.wait is not None:
            return _waited(doing, step, step.test.wait, record, stop)
        argv = step.test.command or argv
    assert argv is not None
    run_to_end(argv, permit(doing.context, stop=stop, more=_facts(doing, step)), timeout_of(step))
    return replace(record, message=f"{argv[0]} has ended well")


def _wait(doing: Doing, step: Step, record: StepRecord, stop: Until) -> StepRecord:
    wait = step.wait
    assert wait is not None
    if doing.in_test:
        if step.test is None:
            return _nothing_to_test(record)
        if step.test.command is not None:
            return _command(doing, step, record, stop)
        wait = step.test.wait or wait
    return _waited(doing, step, wait, record, stop)


def _waited(doing: Doing, step: Step, wait: WaitStep, record: StepRecord, stop: Until) -> StepRecord:
    seconds = timeout_of(step).total_seconds()
    return replace(record, message=wait_for(wait, doing.house.allow_hosts, stop, doing.house.clock, seconds))


def _manual(doing: Doing, step: Step, record: StepRecord, stop: Until) -> StepRecord:
    assert step.manual is not None
    if doing.in_test:
        return replace(record, state=StepState.SKIPPED, message="what a person does is not rehearsed")
    with doing.one_person:
        answer, by = doing.guide.asked(step, step.manual.instruction, stop)
    match answer:
        case Answer.DONE:
            return replace(record, by=by, message=f"done, says {by}")
        case Answer.FAILED:
            raise StepFailed(f"{by} says that it cannot be done")
        case Answer.LATER | Answer.AGAIN:
            if stop.is_set():
                raise Cancelled("nobody said that it is done")
            return replace(record, state=StepState.WAITING, message=f"waits for a person: {step.manual.instruction}")


def _assert(doing: Doing, step: Step, record: StepRecord, stop: Until) -> StepRecord:
    asked = step.assert_
    assert asked is not None
    system = doing.scene.desired.system(asked.system)
    questions = asked.assertions or (system.drill.assertions if system is not None else ())
    if not questions:
        raise StepFailed(f"nothing is asked: neither the step nor the drill of {asked.system} declares an assertion")
    place = _place_of(doing, asked.system)
    facts = _facts(doing, step) | {"RECONCILER_SYSTEM": asked.system}
    answers = [ask(each, Asking(place, doing.context, stop, facts)) for each in questions]
    wrong = [f"{each.title}: {each.why}" for each in answers if not each.passed]
    if wrong:
        raise StepFailed(f"{asked.system} is not of use: {'; '.join(wrong[:3])}")
    if doing.in_test:
        empty = Path(doing.sandbox) / f".empty-{step.name}"
        empty.mkdir()
        toothless = [each.title for each in questions if ask(each, Asking(str(empty), doing.context, stop, facts)).passed]
        if len(toothless) == len(questions):
            raise StepFailed(f"an empty folder satisfies it, too, so it proves nothing: {'; '.join(toothless[:3])}")
    return replace(record, message=f"{count(len(answers), 'assertion')} {'holds' if len(answers) == 1 else 'hold'}")


def _place_of(doing: Doing, system: str) -> str:
    """Where this run has put the system."""
    if doing.in_test:
        return os.path.join(doing.sandbox, system)
    restored = [step for step in doing.plan.spec.steps if step.restore is not None and step.restore.system == system]
    done = {record.name: record.place for record in doing.run().steps if record.state is StepState.DONE}
    return next((done[step.name] for step in reversed(restored) if done.get(step.name)), os.sep)


def _nothing_to_test(record: StepRecord) -> StepRecord:
    return replace(record, state=StepState.SKIPPED, message="the plan says nothing about it for a test")


def _facts(doing: Doing, step: Step | None) -> dict[str, str]:
    """For the environment of commands: names and ids alone."""
    run = doing.run()
    facts = {"RECONCILER_PLAN": run.plan, "RECONCILER_DISASTER": run.disaster, "RECONCILER_RUN": run.id}
    if step is not None:
        facts["RECONCILER_STEP"] = step.name
    return facts | ({SANDBOX: doing.sandbox} if doing.in_test else {})
