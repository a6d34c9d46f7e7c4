"""Carries the steps of a plan out: as many at a time as the graph and the plan allow, each journaled before it begins and after it ended.

One thread decides and journals the ends; the others do steps. A step that fails lets those that are under way end and nothing new begin;
then what can be taken back is, the last first. A kill at any moment leaves a journal that says what was under way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.act.drill import Until
from reconciler.app.recovery.doing import Doing, compensate, do
from reconciler.app.recovery.values import Answer
from reconciler.base.errors import Cancelled, ReconcilerError
from reconciler.base.units import format_duration
from reconciler.decide.recovery import PARALLEL, ready, timeout_of
from reconciler.model.declared.recovery import Retry, Step
from reconciler.model.recovery import RecoveryOutcome, RecoveryRun, RunMode, StepRecord, StepState
from reconciler.model.steps import Node

PAUSE = timedelta(seconds=10)
"""Between two attempts, where the plan names no other."""
_LOOK_SECONDS = 0.2


class Journal(Struct):
    """The record of the run, in memory and in the catalog; whoever changes it holds the lock until it is written."""

    run: RecoveryRun
    write: Callable[[RecoveryRun], None]
    told: Callable[[RecoveryRun, StepRecord], None]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, record: StepRecord) -> StepRecord:
        with self._lock:
            steps = tuple(record if step.name == record.name else step for step in self.run.steps)
            self.run = replace(self.run, steps=steps)
            self.write(self.run)
        self.told(self.run, record)
        return record

    def end(self, outcome: RecoveryOutcome, findings: tuple[str, ...], at: datetime) -> RecoveryRun:
        with self._lock:
            steps = tuple(replace(s, state=StepState.INTERRUPTED) if s.state is StepState.RUNNING else s for s in self.run.steps)
            self.run = replace(self.run, outcome=outcome, findings=findings, ended_at=at, steps=steps)
            self.write(self.run)
        return self.run


class Runner(Struct):
    """One process's part in a run."""

    doing: Doing
    nodes: tuple[Node, ...]
    journal: Journal
    stop: threading.Event
    failed: list[str] = field(default_factory=list)
    """Names, in the order in which they failed."""
    ended: list[str] = field(default_factory=list)
    """Names, in the order in which they ended well."""
    findings: list[str] = field(default_factory=list)

    def carry_out(self) -> tuple[RecoveryOutcome, tuple[str, ...]]:
        """All that can be done now. Raises what nobody foresaw in a step, after the others have ended."""
        passed = sorted((s for s in self.journal.run.steps if s.state.passed), key=lambda s: (s.ended_at is not None, s.ended_at or 0))
        self.ended = [record.name for record in passed]
        with ThreadPoolExecutor(self.doing.plan.spec.parallel or PARALLEL, thread_name_prefix="recovery") as pool:
            self._all(pool)
        if self.failed and self.journal.run.mode is RunMode.RUN:
            self._take_back()
        return self._outcome(), tuple(self.findings)

    def _all(self, pool: ThreadPoolExecutor) -> None:
        steps = {node.name: node.step for node in self.nodes}
        begun = {record.name for record in self.journal.run.steps if record.state.passed}
        under_way: dict[Future[StepRecord], str] = {}
        room = self.doing.plan.spec.parallel or PARALLEL
        while True:
            if not self.failed and not self.stop.is_set():
                for name in ready(self.nodes, self.ended, begun)[: room - len(under_way)]:
                    begun.add(name)
                    under_way[pool.submit(self._step, steps[name])] = name
            if not under_way:
                return
            over, _ = wait(under_way, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
            self.doing.context.beat()  # each step ends by its own timeout
            for future in over:
                self._take_note(under_way.pop(future), future.result())

    def _take_note(self, name: str, record: StepRecord) -> None:
        if record.state.passed:
            self.ended.append(name)
        elif record.state is StepState.FAILED:
            self.failed.append(name)
            self.findings.append(f"step {name}: {record.message}")

    def _step(self, step: Step) -> StepRecord:
        """From the intent to the outcome, with every attempt."""
        known = self.journal.run.step(step.name)
        answer = self._about_interrupted(step, known)
        if answer is not None:
            return self.journal.put(answer)
        retry = step.retry or Retry.model_construct(attempts=1)
        pause = (retry.wait or PAUSE).total_seconds()
        for left in range(retry.attempts - 1, -1, -1):
            record = self._attempt(step)
            if record.state is not StepState.FAILED or not left:
                return record
            self.stop.wait(pause)
            if self.stop.is_set():
                return self.journal.put(replace(record, state=StepState.INTERRUPTED))
        raise AssertionError("the last attempt returns")

    def _about_interrupted(self, step: Step, known: StepRecord) -> StepRecord | None:
        """What becomes of a command that was under way when its process ended; None: it is done (again)."""
        if known.state is not StepState.INTERRUPTED or step.command is None or step.idempotent:
            return None
        with self.doing.one_person:
            answer = self.doing.guide.interrupted(step, known, self.stop)
        match answer:
            case Answer.DONE:
                now = self.doing.house.clock.now()
                return replace(known, state=StepState.DONE, ended_at=now, message="interrupted, and found to be done")
            case Answer.AGAIN:
                return None
            case Answer.LATER | Answer.FAILED:
                why = "it was running when its process ended, and may not be done twice: somebody must say whether it is done"
                return replace(known, message=why)

    def _attempt(self, step: Step) -> StepRecord:
        clock, known = self.doing.house.clock, self.journal.run.step(step.name)
        record = replace(
            known,
            state=StepState.RUNNING,
            started_at=clock.now(),
            ended_at=None,
            attempts=known.attempts + 1,
            interruptions=known.interruptions + (known.state is StepState.INTERRUPTED),
            message="",
            compensation="",
            restore="",
        )
        self.journal.put(record)
        stop, began = Until(self.stop, clock, timeout_of(step)), clock.monotonic()
        try:
            done = do(self.doing, step, record, stop)
            done = replace(done, state=StepState.DONE if done.state is StepState.RUNNING else done.state)
        except Cancelled as error:
            why = f"it did not end within {format_duration(timeout_of(step))}"
            state, message = (StepState.FAILED, why) if not self.stop.is_set() else (StepState.INTERRUPTED, error.message)
            done = replace(self.journal.run.step(step.name), state=state, message=message)
        except ReconcilerError as error:
            done = replace(self.journal.run.step(step.name), state=StepState.FAILED, message=error.message)
        seconds = round(record.seconds + clock.monotonic() - began, 3)
        return self.journal.put(replace(done, ended_at=clock.now(), seconds=seconds))

    def _take_back(self) -> None:
        """What failed first, then what had ended well, the last first; each on its own, whatever becomes of the others."""
        steps = {node.name: node.step for node in self.nodes}
        for name in (*reversed(self.failed), *reversed(self.ended)):
            declared = steps[name].compensate
            if declared is None:
                continue
            record = self.journal.run.step(name)
            try:
                done = compensate(self.doing, steps[name], record, declared)
            except ReconcilerError as error:
                done = replace(record, compensation=f"could not be taken back: {error.message}")
                self.findings.append(f"step {name} could not be taken back: {error.message}")
            self.journal.put(done)

    def _outcome(self) -> RecoveryOutcome:
        states = {record.state for record in self.journal.run.steps}
        if self.failed:
            return RecoveryOutcome.FAILED
        if all(state.passed for state in states):
            return RecoveryOutcome.RECOVERED
        return RecoveryOutcome.INTERRUPTED if self.stop.is_set() else RecoveryOutcome.WAITING
