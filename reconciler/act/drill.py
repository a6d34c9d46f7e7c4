"""Rehearses a recovery: restores a snapshot into a sandbox, compares it with its manifest, asks whether it is of use, takes the time.

What is proven stands in the catalog and, as a mark, beside the snapshot. What came back wrong lowers its grade. What could not be made or
ended says nothing about the snapshot. The sandbox is cleared away in each case; after a kill the next pass does that.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.act import assertions, controls, sandbox
from reconciler.act.context import Context, Done
from reconciler.act.errors import DrillBlocked, DrillFailed
from reconciler.act.facts import declared_system, open_repository, own_roots, still_there
from reconciler.act.words import counted
from reconciler.base.clock import Clock
from reconciler.base.errors import Cancelled, Fate, ReconcilerError
from reconciler.base.ids import new_id
from reconciler.base.printable import escape
from reconciler.base.units import format_duration, format_size
from reconciler.catalog.records import RunOutcome
from reconciler.model.declared.drill import Assertion
from reconciler.model.desired import DesiredSystem
from reconciler.model.drill import Asserted, DrillOutcome, DrillRecord
from reconciler.model.plan import Action
from reconciler.model.snapshot import MarkKind
from reconciler.repository import Entry, Repository, RepositoryError
from reconciler.sources.commands import check_allowed

NAMED = 10  # findings that are kept


class Until(threading.Event):
    """Set when somebody asks to stop, or when the time of the drill is over."""

    def __init__(self, stop: threading.Event, clock: Clock, limit: timedelta | None) -> None:
        super().__init__()
        self._stop, self._clock = stop, clock
        self._ends_at = None if limit is None else clock.monotonic() + limit.total_seconds()

    @property
    def over(self) -> bool:
        """The time is."""
        return self._ends_at is not None and self._clock.monotonic() >= self._ends_at

    def is_set(self) -> bool:
        return self._stop.is_set() or self.over


class _Drill(Struct):
    action: Action
    context: Context
    system: DesiredSystem
    stop: Until
    record: DrillRecord
    began: float
    findings: list[str] = field(default_factory=list)
    mark: MarkKind | None = None
    """What the snapshot is from now on; None: nothing bad was learned of it."""

    @property
    def place(self) -> str:
        return self.record.sandbox

    @property
    def snapshot(self) -> str:
        return self.action.snapshots[0]

    def lap(self) -> float:
        """Seconds since the last one."""
        now = self.context.clock.monotonic()
        spent, self.began = now - self.began, now
        return round(spent, 3)


def run(action: Action, context: Context) -> Done:
    """Drill ``action.snapshots[0]``; on the second one, if there is one, the assertions are tried, too."""
    system = declared_system(action, context)
    limits = system.drill.limits
    stop = Until(context.stop, context.clock, limits.time if limits is not None else None)
    record = _intent(action, context, system)
    drill = _Drill(action, context, system, stop, record, context.clock.monotonic())
    context.catalog.drills.begin(record)
    trouble: ReconcilerError | None = None
    try:
        _rehearse(drill)
    except ReconcilerError as error:
        trouble = _blocked(drill, error)
    except BaseException as error:
        drill.record = replace(drill.record, outcome=DrillOutcome.BLOCKED, findings=(f"unexpected {type(error).__name__}: {error}",))
        raise
    finally:
        _end(drill)
    if trouble is not None:
        raise trouble
    return _done(drill.record)


def _intent(action: Action, context: Context, system: DesiredSystem) -> DrillRecord:
    from reconciler import __version__

    name = new_id()
    parent = system.drill.sandbox or os.fspath(context.sandboxes.absolute())
    return DrillRecord(
        id=name,
        system=action.system,
        repository=action.repository,
        snapshot_id=action.snapshots[0],
        pick=action.pick,
        started_at=context.clock.now(),
        actor=context.actor,
        version=__version__,
        generation=system.generation,
        sandbox=os.path.join(parent, sandbox.PREFIX + name),
        predicted_seconds=action.expected_seconds,
    )


def _rehearse(drill: _Drill) -> None:
    action, context, asked = drill.action, drill.context, drill.system.drill.assertions
    for assertion in asked:
        if assertion.command is not None:
            check_allowed(assertion.command, context.allow_commands)
    with open_repository(action, context) as repository:
        own = own_roots(action, context, repository.listing())
        still_there(action, own)
        root, limits = own[drill.snapshot], drill.system.drill.limits
        if limits is not None and limits.bandwidth is not None:
            repository.pace(limits.bandwidth, drill.stop.is_set)
        drill.record = replace(drill.record, repository_id=repository.id, as_of=root.as_of, files=root.files, bytes=root.bytes)
        parent = os.path.dirname(drill.place)
        sandbox.enough_room(parent, root.bytes, limits.space if limits is not None else None)
        sandbox.make(parent, drill.record.id)
        try:
            _examine(drill, repository)
        except RepositoryError as error:
            if error.fate is not Fate.DAMAGE:
                raise
            drill.mark = MarkKind.DAMAGED
            drill.findings.insert(0, error.message)
        _judge(drill)
        try:
            _remark(drill, repository)
        except RepositoryError as error:  # what was found stands, also where the repository takes no mark
            said = f"the mark beside the snapshot could not be written: {error.message}"
            drill.record = replace(drill.record, findings=(*drill.record.findings, said))


def _examine(drill: _Drill, repository: Repository) -> None:
    """Everything that can find something. With a finding of the comparison the rest is not asked: it has failed."""
    asked, tree = drill.system.drill.assertions, _folder(drill, "tree")
    _restore(drill, repository, tree)
    subjects = _compare(drill, repository, tree)
    if drill.findings:
        return
    shown = controls.run(repository, drill.snapshot, subjects, _folder(drill, "controls"), drill.stop)
    _go_on(drill)
    drill.record = replace(drill.record, controls=shown)
    blind = [each.name for each in shown if each.rejected is False]
    if blind:
        raise DrillBlocked(f"the comparison did not notice what was done to a copy: {', '.join(blind)}; it proves nothing")
    drill.lap()
    answers = _ask(drill, tree, asked)
    drill.record = replace(drill.record, assert_seconds=drill.lap())
    sandbox.empty(tree)
    drill.record = replace(drill.record, asserted=_tried(drill, repository, asked, answers))


def _go_on(drill: _Drill) -> None:
    """What was stopped half-way looks like a difference and is none."""
    if drill.stop.is_set():
        raise Cancelled("the drill was stopped")


def _folder(drill: _Drill, name: str) -> str:
    place = os.path.join(drill.place, name)
    os.mkdir(place, 0o700)
    return place


def _restore(drill: _Drill, repository: Repository, tree: str) -> None:
    from reconciler.tree.write import Target

    drill.record = replace(drill.record, prepare_seconds=drill.lap())
    target = Target.open(tree)
    try:
        restored = repository.restore(drill.snapshot, target, stop=drill.stop, progress=lambda _: drill.context.beat())
    finally:
        target.close()
    drill.record = replace(drill.record, restore_seconds=drill.lap())
    if restored.failures and not restored.damaged:
        path, why = restored.failures[0]
        raise DrillBlocked(f"{counted(len(restored.failures), 'file')} could not be written in the sandbox: {_shown(path)}: {why}")
    if restored.damaged:
        drill.mark = MarkKind.DAMAGED
        drill.findings += [f"{_shown(path)} cannot be restored: {why}" for path, why in restored.failures[:NAMED]]


def _compare(drill: _Drill, repository: Repository, tree: str) -> controls.Subjects:
    """What is not as its manifest says is found, once each; on the way, what controls can be made on."""
    subjects = controls.Subjects()

    def entries() -> Iterator[Entry]:
        for entry in repository.entries(drill.snapshot):
            subjects.see(entry)
            drill.context.beat()
            yield entry

    for finding in controls.compare(tree, controls.Exactly(frozenset(), everything=True), entries(), drill.stop):
        if not controls.has_content(finding, tree) and len(drill.findings) < NAMED:
            drill.findings.append(f"{_shown(finding.path)} is {finding.difference}{f' ({finding.why})' if finding.why else ''}")
            drill.mark = drill.mark or MarkKind.SUSPECT
    _go_on(drill)
    return subjects


def _ask(drill: _Drill, tree: str, asked: Sequence[Assertion]) -> list[Asserted]:
    facts = {"RECONCILER_SYSTEM": drill.action.system, "RECONCILER_SNAPSHOT": drill.snapshot}
    asking = assertions.Asking(tree, drill.context, drill.stop, facts)
    return [assertions.ask(assertion, asking) for assertion in asked]


def _tried(drill: _Drill, repository: Repository, asked: Sequence[Assertion], answers: list[Asserted]) -> tuple[Asserted, ...]:
    """The same answers, with what the same questions say of nothing at all and of an older snapshot."""
    if not asked:
        return ()
    empty = _ask(drill, _folder(drill, "empty"), asked)
    older: Sequence[bool | None] = [None] * len(asked)
    if len(drill.action.snapshots) > 1:
        tree = _folder(drill, "older")
        older = _on_older(drill, repository, tree, asked)
    return tuple(
        replace(answer, toothless=nothing.passed, on_older=passed) for answer, nothing, passed in zip(answers, empty, older, strict=True)
    )


def _on_older(drill: _Drill, repository: Repository, tree: str, asked: Sequence[Assertion]) -> Sequence[bool | None]:
    from reconciler.tree.write import Target

    target = Target.open(tree)
    try:
        repository.restore(drill.action.snapshots[1], target, stop=drill.stop, progress=lambda _: drill.context.beat())
        return [answer.passed for answer in _ask(drill, tree, asked)]
    except Cancelled:
        raise
    except ReconcilerError:  # it is only a comparison: the verification tells of a damaged older one
        return [None] * len(asked)
    finally:
        target.close()


def _judge(drill: _Drill) -> None:
    failed = [each for each in drill.record.asserted if not each.passed]
    drill.findings += [f"{each.title}: {each.why}{'; so it is on an older snapshot' * (each.on_older is False)}" for each in failed]
    if drill.mark is None and any(each.on_older is not False for each in failed):
        drill.mark = MarkKind.SUSPECT  # what fails on older ones, too, was perhaps asked wrongly
    told = [each for each in drill.record.asserted if each.passed and not each.toothless]
    outcome = DrillOutcome.FAILED if drill.findings else DrillOutcome.PROVEN if told else DrillOutcome.RESTORED
    drill.record = replace(
        drill.record,
        outcome=outcome,
        findings=tuple(drill.findings[:NAMED]),
        expires_at=drill.system.drill.proof_until(drill.record.started_at) if outcome is DrillOutcome.PROVEN else None,
    )


def _remark(drill: _Drill, repository: Repository) -> None:
    now, record = drill.context.clock.now(), drill.record
    if drill.mark is not None:
        repository.mark(drill.snapshot, drill.mark.value, now, f"drill {record.id[:8]}: {'; '.join(record.findings)}")
    elif record.outcome is DrillOutcome.PROVEN and record.expires_at is not None:
        note = f"drill {record.id[:8]}"
        repository.mark(drill.snapshot, MarkKind.DRILLED.value, record.started_at, note, until=record.expires_at, sole=True)


def _blocked(drill: _Drill, error: ReconcilerError) -> ReconcilerError:
    """What is told instead. Damage that keeps a snapshot from being read at all is a finding, not an obstacle."""
    if drill.stop.over and isinstance(error, Cancelled):
        limit = drill.system.drill.limits
        assert limit is not None
        assert limit.time is not None
        error = DrillBlocked(f"it did not end within the {format_duration(limit.time)} that `drill.limits.time` allows")
    damaged = error.fate is Fate.DAMAGE
    outcome = DrillOutcome.FAILED if damaged else DrillOutcome.BLOCKED
    drill.record = replace(drill.record, outcome=outcome, findings=(*drill.findings, error.message)[:NAMED], expires_at=None)
    return error


def _end(drill: _Drill) -> None:
    """Clear away, then write down the outcome. What cannot be cleared away is tried again at the next start."""
    try:
        sandbox.clear(drill.place)
    except DrillBlocked as error:
        drill.record = replace(drill.record, findings=(*drill.record.findings, error.message))
    else:
        drill.record = replace(drill.record, sandbox="")
    drill.record = replace(drill.record, ended_at=drill.context.clock.now())
    drill.context.catalog.drills.end(drill.record)


def _done(record: DrillRecord) -> Done:
    if record.outcome is DrillOutcome.FAILED:
        raise DrillFailed(f"snapshot {record.snapshot_id[:8]} of {record.system} failed its drill: {'; '.join(record.findings[:3])}")
    took = f"{counted(record.files, 'file')}, {format_size(record.bytes)} back in {record.recovery_seconds:.1f}s"
    if record.outcome is DrillOutcome.PROVEN:
        said = f"proven: {took}; {counted(sum(each.passed for each in record.asserted), 'assertion')} hold"
    else:
        said = f"restored: {took}; no assertion that can fail says that it is of use"
    toothless = f"; toothless: {', '.join(record.toothless)}" if record.toothless else ""
    return Done(RunOutcome.SUCCEEDED, said + toothless, snapshot_id=record.snapshot_id, files=record.files, bytes=record.bytes)


def _shown(path: bytes) -> str:
    return escape("/" + os.fsdecode(path))
