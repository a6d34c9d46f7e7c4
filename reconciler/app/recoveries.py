"""What has been recovered, and what can still be done about it: list, continue, undo."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.errors import Ambiguous, NotFound, NotUndoable
from reconciler.app.house import House
from reconciler.app.paths import inside
from reconciler.app.reports import RestoreDetail, RestoreList, RestorePlan, RestoreReport
from reconciler.app.restoring import in_place
from reconciler.app.restoring import journal as journals
from reconciler.app.restoring.backwards import undoing
from reconciler.app.restoring.journal import Header, Journal, State
from reconciler.app.restoring.plan import Choice, below, outlook_of
from reconciler.app.restoring.record import in_place_record, who
from reconciler.app.restoring.resume import remaining
from reconciler.app.restoring.run import Reporter, Teller, frame_for, report_of, teller, weighing
from reconciler.app.restoring.steps import Policy, Steps
from reconciler.app.scene import Scene, load, look
from reconciler.base.ids import new_id
from reconciler.catalog.records import RestoreRecord, RunOutcome
from reconciler.model.snapshot import Snapshot
from reconciler.observe.repositories import snapshot_of
from reconciler.repository import Chosen, Repository, Root, RootListing, Selection
from reconciler.tree.standing import Standing

_T = TypeVar("_T")
LIMIT = 100_000
"""Journals are looked for among so many of the newest records."""


def restores(house: House, limit: int, system: str | None) -> RestoreList:
    """Newest first: as the catalog remembers them, and as the journals say where it does not."""
    with house.memory.reading() as catalog:
        recorded = catalog.restores(limit, system)
    states = {each.header.id: each for each in _states(house) if system in (None, each.header.system)}
    found = [_corrected(record, states.get(record.id)) for record in recorded]
    lost = [_from_journal(each) for name, each in states.items() if name not in {record.id for record in recorded}]
    found = sorted([*found, *lost], key=lambda record: record.started_at, reverse=True)[:limit]
    begun = {name for name, each in states.items() if each.begun and not each.ended}  # before that nothing was changed
    waiting = tuple(record.id for record in found if record.outcome is RunOutcome.INTERRUPTED and record.id in begun)
    return RestoreList(tuple(found), waiting, {name: each.undone_by for name, each in states.items() if each.undone_by is not None})


def show(house: House, prefix: str) -> RestoreDetail:
    """One of them, by the beginning of its id."""
    listed = restores(house, LIMIT, None)
    record = _one([r for r in listed.restores if prefix and r.id.startswith(prefix)], prefix)
    state = next((each for each in _states(house) if each.header.id == record.id), None)
    if state is None:
        return RestoreDetail(record)
    return RestoreDetail(
        record,
        interrupted=record.id in listed.interrupted,
        undone_by=state.undone_by,
        steps=len(state.steps.writes) + len(state.steps.removals),
        told=state.done,
        safety=state.safety,
        paths=state.header.paths,
        digest=state.header.digest,
    )


def go_on(house: House, prefix: str | None, *, stop: threading.Event, progress: Reporter | None) -> RestoreReport:
    """Do what an interrupted restore or rollback has left."""
    with in_place.exclusive(house) as folder:
        waiting = in_place.interrupted(folder)
        if prefix is None:
            state = _only(waiting)
        else:
            state = _state(house, prefix)
            if state not in waiting and state.header.id not in {each.header.id for each in waiting}:
                raise NotUndoable(f"{state.header.kind} {state.header.id[:8]} was not interrupted: there is nothing left to do")
        with _world(house, state, stop) as world:
            with Standing(in_place.PLACE) as standing:
                steps, others = remaining(world.repository, state, world.choice, standing, stop)
            operation = replace(
                world.operation(state.header, world.source, steps, world.choice),
                failures=others,
                killed=(state, world.choice),
                progress=teller(progress),
            )
            ended = in_place.go_on(operation, folder, state)
            _say_undone(folder, state.header)
            made = world.plan(state.header.snapshot, f"continues {state.header.kind} {state.header.id[:8]}", steps, state.header)
    report = replace(report_of(made, ended.applied), same=steps.tally.same)
    return replace(report, id=ended.id, safety=ended.safety, undoes=state.header.undoes, notes=ended.notes)


def plan_rollback(house: House, prefix: str) -> RestorePlan:
    """What :func:`rollback` would do. Reads only."""
    state = _state(house, prefix)
    _check_undoable(state)
    with _world(house, state, None) as world:
        return _backwards(world, state)[1]


def rollback(house: House, prefix: str, *, stop: threading.Event, progress: Reporter | None, told: Teller | None = None) -> RestoreReport:
    """Put everything back as it was before a restore in place, ended or not."""
    with in_place.exclusive(house) as folder:
        state = _state(house, prefix)
        _check_undoable(state)
        in_place.refuse_beside(folder, state.header.system, but=state.header.id)
        with _world(house, state, stop) as world:
            steps, made = _backwards(world, state)
            if told is not None:
                told(made)
            header = _header_of_rollback(house, state, made)
            assert state.safety is not None
            source = world.root(state.safety)
            operation = world.operation(header, source, steps, Selection(()))
            operation = replace(operation, killed=(state, world.choice), progress=teller(progress))
            if steps.nothing and state.ended:
                raise NotUndoable(f"everything is as it was before {state.header.kind} {state.header.id[:8]}: there is nothing to undo")
            ended = in_place.begin(operation, folder)
            _say_undone(folder, header)
    report = report_of(made, ended.applied)
    return replace(report, id=ended.id, safety=ended.safety, undoes=state.header.id, notes=(*made.notes, *ended.notes))


class _World(Struct, frozen=True):
    """The repository of a journal, opened, and what is needed to work on it."""

    house: House
    scene: Scene
    repository: Repository
    listing: RootListing
    choice: Chosen
    """Of the restore that the journal is about."""
    source: Root
    stop: threading.Event

    def root(self, snapshot: str) -> Root:
        found = next((root for root in self.listing.roots if root.id == snapshot), None)
        if found is None:
            raise NotUndoable(f"snapshot {snapshot[:8]} is no longer in the repository", hint="Its rollback window may have ended.")
        return found

    def snapshot(self, root: Root, name: str) -> Snapshot:
        return snapshot_of(root, name, self.listing.marks.get(root.id, ()))

    def operation(self, header: Header, source: Root, steps: Steps, choice: Chosen) -> in_place.Operation:
        return in_place.Operation(
            self.house, self.repository, source, frame_for(self.house, source, header.id), header, steps, choice, self.stop
        )

    def plan(self, snapshot: str, why: str, steps: Steps, header: Header, digest: str = "", notes: Sequence[str] = ()) -> RestorePlan:
        root = self.root(snapshot)
        made = RestorePlan(
            snapshot=self.snapshot(root, header.repository),
            repository=header.repository,
            why=why,
            target="",
            paths=header.paths,
            target_holds=0,
            notes=tuple(notes),
            in_place=True,
            on_conflict=header.policy,
        )
        measured = weighing(self.house, self.scene, made, None).measured
        return replace(made, outlook=outlook_of(steps, (), digest or header.digest, root.system, measured))


@contextmanager
def _world(house: House, state: State, stop: threading.Event | None) -> Iterator[_World]:
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load(house, catalog), refresh=frozenset())
    declared = scene.desired.repository(state.header.repository)
    if declared is None:
        raise NotFound(f"the repository {state.header.repository} of restore {state.header.id[:8]} is no longer declared")
    with closing(house.open_repository(declared)) as repository:
        listing = repository.listing()
        source = next((root for root in listing.roots if root.id == state.header.snapshot), None)
        if source is None:
            raise NotUndoable(f"snapshot {state.header.snapshot[:8]} is no longer in repository {state.header.repository}")
        yield _World(house, scene, repository, listing, _choice(house, scene, state.header), source, stop or threading.Event())


def _choice(house: House, scene: Scene, header: Header) -> Chosen:
    """The choice of the journal's restore, made again. A rollback is about all that its safety snapshot holds."""
    if header.kind == "rollback":
        return Selection(())
    places = [str(house.memory.state), *(r.url for r in scene.desired.repositories if "://" not in r.url)]
    return Choice(inside(header.paths), None, below(in_place.PLACE, [str(Path(p).resolve()) for p in places]), in_place=True)


def _backwards(world: _World, state: State) -> tuple[Steps, RestorePlan]:
    assert state.safety is not None
    header = state.header
    world.root(state.safety)
    with Standing(in_place.PLACE) as standing:
        steps, digest = undoing(world.repository, state, world.choice, standing, world.stop)
    later = [
        r for r in _states(world.house) if r.header.system == header.system and r.header.at > header.at and r.begun and not r.undone_by
    ]
    notes = [
        f"{r.header.kind} {r.header.id[:8]} of {r.header.at} came after it; what both have changed goes back before both" for r in later
    ]
    why = f"undoes {header.kind} {header.id[:8]} of {header.at}"
    return steps, world.plan(state.safety, why, steps, replace(header, policy=Policy.OVERWRITE.value), digest, notes)


def _header_of_rollback(house: House, state: State, made: RestorePlan) -> Header:
    assert state.safety is not None
    assert made.outlook is not None
    return Header(
        id=new_id(),
        kind="rollback",
        system=state.header.system,
        repository=state.header.repository,
        snapshot=state.safety,
        policy=Policy.OVERWRITE.value,
        paths=(),
        digest=made.outlook.digest,
        actor=who(),
        at=f"{house.clock.now():%Y-%m-%d %H:%M:%SZ}",
        undoes=state.header.id,
    )


def _say_undone(folder: Path, header: Header) -> None:
    """When a rollback has ended: the restore that it undid is over, too."""
    if header.undoes is None:
        return
    known = journals.read(folder, header.undoes)
    with Journal.again(folder, header.undoes) as journal:
        if not known.ended:
            journal.ended("rolled back")
        journal.undone(header.id)


def _check_undoable(state: State) -> None:
    name, kind = state.header.id[:8], state.header.kind
    if not state.begun or state.safety is None:
        raise NotUndoable(f"{kind} {name} ended before it changed anything")
    if state.undone_by is not None:
        by = state.undone_by[:8]
        raise NotUndoable(f"{kind} {name} was undone already, by rollback {by}", hint=f"`reconcile rollback {by}` brings its result back.")


def _states(house: House) -> tuple[State, ...]:
    folder = house.memory.state
    return tuple(each for each in (journals.read(folder, name) for name in journals.known(folder)) if each.planned)


def _state(house: House, prefix: str) -> State:
    found = [each for each in _states(house) if prefix and each.header.id.startswith(prefix)]
    if not found:
        with house.memory.reading() as catalog:
            others = [record for record in catalog.restores(LIMIT) if prefix and record.id.startswith(prefix)]
        if others:
            raise NotUndoable(
                f"restore {others[0].id[:8]} wrote into {others[0].target}: only a restore in place can be undone or continued"
            )
    return _one(found, prefix)


def _one(found: Sequence[_T], prefix: str) -> _T:
    if not found:
        raise NotFound(f"no restore begins with '{prefix}'", hint="`reconcile restores` lists them.")
    if len(found) > 1:
        raise Ambiguous(f"'{prefix}' is the beginning of {len(found)} restores")
    return found[0]


def _only(waiting: Sequence[State]) -> State:
    if not waiting:
        raise NotFound("no restore in place is interrupted", hint="`reconcile restores` lists them.")
    if len(waiting) > 1:
        names = ", ".join(each.header.id[:8] for each in waiting)
        raise Ambiguous(f"{len(waiting)} restores in place are interrupted", hint=f"Name one of them: {names}.")
    return waiting[0]


def _corrected(record: RestoreRecord, state: State | None) -> RestoreRecord:
    """The journal knows better whether a restore in place has ended, and with which safety snapshot."""
    if state is None:
        return record
    record = replace(record, safety_id=state.safety)
    if state.begun and not state.ended and record.outcome is not None:
        return replace(record, outcome=RunOutcome.INTERRUPTED)
    return record


def _from_journal(state: State) -> RestoreRecord:
    """One that the catalog does not remember."""
    began = datetime.strptime(state.header.at, "%Y-%m-%d %H:%M:%SZ").replace(tzinfo=UTC)
    outcome = RunOutcome(state.outcome) if state.outcome in set(RunOutcome) else RunOutcome.INTERRUPTED
    return replace(in_place_record(state.header, began), safety_id=state.safety, outcome=outcome)
