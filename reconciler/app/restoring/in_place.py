"""Restoring to where the files came from, so that it can be killed at any moment, continued, and undone.

Order: the journal with every step, durable; the safety snapshot of what will be touched, in the repository and held; only then the first
change. Whatever happens after that, each file has its old content or its new one, and both ways out are open: on and back. Going back is
a restore of the safety snapshot by the same means, with a journal and a safety snapshot of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field

from reconciler.app.errors import RestoreBusy, RestoreInterrupted
from reconciler.app.house import House
from reconciler.app.restoring import journal as journals
from reconciler.app.restoring.apply import Applied, Applying
from reconciler.app.restoring.journal import Header, Journal, State
from reconciler.app.restoring.record import Traces, in_place_record
from reconciler.app.restoring.resume import leftovers
from reconciler.app.restoring.safety import SafetyFrame, take_safety
from reconciler.app.restoring.steps import Steps
from reconciler.app.state import prepare
from reconciler.base.errors import ReconcilerError
from reconciler.catalog.records import RestoreRecord
from reconciler.repository import Chosen, Repository, Restoring, Root
from reconciler.tree.standing import Standing
from reconciler.tree.write import Target

PLACE = "/"


class Operation(Struct):
    """One restore, continuation or rollback, ready to be carried out."""

    house: House
    repository: Repository
    source: Root
    """The snapshot that is restored: the chosen one, or the safety snapshot of what is undone."""
    frame: SafetyFrame
    header: Header
    steps: Steps
    choice: Chosen
    stop: threading.Event
    progress: Callable[[Restoring], None] | None = None
    failures: list[tuple[bytes, str]] = field(default_factory=list)
    """Known before it begins."""
    killed: tuple[State, Chosen] | None = None
    """Whose unfinished files are to be swept first."""

    def record(self) -> RestoreRecord:
        return in_place_record(self.header, self.house.clock.now())


class Ended(Struct, frozen=True):
    """How it ended."""

    id: str
    applied: Applied
    safety: str
    notes: tuple[str, ...]


@contextmanager
def exclusive(house: House) -> Iterator[Path]:
    """The state directory, for one restore in place at a time; the lock dies with its process."""
    from filelock import FileLock, Timeout

    state = prepare(house.memory.state)
    lock = FileLock(state / "restores.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise RestoreBusy("another process is restoring in place") from None
    try:
        yield state
    finally:
        lock.release()


def interrupted(state: Path, system: str | None = None) -> tuple[State, ...]:
    """Restores that have changed something and did not end. Only under the lock: else one may be under way."""
    found = (journals.read(state, restore) for restore in journals.known(state))
    return tuple(each for each in found if each.begun and not each.ended and system in (None, each.header.system))


def refuse_beside(state: Path, system: str, *, but: str | None = None) -> None:
    """RestoreInterrupted when another one of the system waits for a person to end it."""
    for each in interrupted(state, system):
        if each.header.id != but:
            name, kind = each.header.id[:8], each.header.kind
            raise RestoreInterrupted(
                f"an earlier {kind} in place of system {system} ({name}, begun {each.header.at}) was interrupted",
                hint=f"`reconcile restore --continue {name}` ends it, `reconcile rollback {name}` undoes it.",
                restore=each.header.id,
            )


def begin(operation: Operation, state: Path) -> Ended:
    """From the first line of the journal to the last. The caller holds the lock."""
    with Journal.create(state, operation.header, operation.steps) as journal:
        return _carry(operation, journal, None)


def go_on(operation: Operation, state: Path, known: State) -> Ended:
    """What is left of an interrupted one, under its own id."""
    with Journal.again(state, operation.header.id) as journal:
        return _carry(operation, journal, known.safety)


def _carry(operation: Operation, journal: Journal, safety: str | None) -> Ended:
    traces = Traces(operation.house, operation.record())
    traces.begin(in_place=True, policy=operation.header.policy, digest=operation.header.digest)
    try:
        if safety is None:
            safety = _save(operation, journal)
        traces.saved(safety)
        applied = _apply(operation, journal)
    except ReconcilerError as error:
        traces.failed(error)
        if not journal.has_begun:
            journal.ended("failed")  # before anything was changed
            raise
        name = operation.header.id[:8]
        error.hint = f"{error.hint} `reconcile restore --continue {name}` goes on, `reconcile rollback {name}` undoes.".strip()
        raise
    journal.ended(traces.end(applied).value)
    return Ended(operation.header.id, applied, safety, tuple(traces.notes))


def _save(operation: Operation, journal: Journal) -> str:
    """Save what will be touched. What could not be read is left as it is: nothing could bring it back."""
    root, unsaved = take_safety(
        operation.repository, operation.source, operation.steps, operation.frame, operation.house.clock, operation.stop
    )
    for path, why in unsaved.items():
        known = [operation.steps.writes.pop(path, None), operation.steps.removals.pop(path, None)]
        if any(known):
            operation.failures.append((path, f"it could not be saved first ({why}) and is left as it is; moved away, it is restored"))
    journal.safety(root.id, list(unsaved))
    return root.id


def _apply(operation: Operation, journal: Journal) -> Applied:
    with Target.open(PLACE, replace=True) as target, Standing(PLACE) as standing:
        if operation.killed is not None:
            leftovers(operation.repository, *operation.killed, standing)
        journal.begun(target.prefix)
        applying = Applying(
            operation.repository,
            operation.source.id,
            target,
            standing,
            operation.steps,
            operation.choice,
            checks=True,
            stop=operation.stop,
            progress=operation.progress,
            done=journal.done,
        )
        applied = applying.run()
    applied.failures[:0] = operation.failures
    return applied
