"""What an action does to the simulated world when it ends.

Reads no fact again as ``act/`` does: what was decided is carried out as it stands, so that a wrong decision shows in the world.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from reconciler.catalog.history import Ending, after
from reconciler.catalog.records import RunOutcome
from reconciler.model.desired import Desired
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.observed import Failure, RunHistory
from reconciler.model.plan import Action, ActionKind
from reconciler.model.snapshot import BackupKind, Grade, MarkKind, Snapshot
from reconciler.simulate.clock import VirtualClock
from reconciler.simulate.store import Store
from reconciler.simulate.world import Memory, Reading, Witness, World


class Flight(Struct):
    """An action under way."""

    action: Action
    began: datetime
    """True time."""
    began_at: datetime
    """By the clock of the host."""
    desired: Desired
    """As it was decided on."""
    objective_worker: bool


class Effects:
    """Carries out what ended."""

    def __init__(self, stores: Mapping[str, Store], world: World, witness: Witness, clock: VirtualClock) -> None:
        self._stores = stores
        self._world = world
        self._witness = witness
        self._clock = clock
        self._versions: dict[str, int] = {}
        """What the source was when a snapshot was taken, by its id."""
        self._count = 0

    def apply(self, flight: Flight, memory: Memory) -> Failure | None:
        """The end of one action; why it failed, or None."""
        action = flight.action
        failure = self._world.broke(action, flight.began, self._clock.true)
        if action.kind is ActionKind.BACKUP:
            failure = self._backup(flight, memory, failure)
        elif failure is None:
            self._upkeep(flight, memory)
        self._witness.ended(action, failure, self._clock.true)
        return failure

    def _backup(self, flight: Flight, memory: Memory, failure: Failure | None) -> Failure | None:
        action, system = flight.action, flight.desired.system(flight.action.system)
        assert system is not None, "only what is declared is backed up"
        store, now, true = self._stores[action.repository], self._clock.now(), self._clock.true
        known_there = store.head(action.system)
        base, kind = _base(action.backup_kind or BackupKind.INCREMENTAL, known_there)
        before = max((s.as_of for s in known_there), default=None)
        reading = self._world.read(system, kind, flight.began, before)
        failure = failure or reading.failure
        outcome, snapshot = RunOutcome.FAILED, None
        if failure is None and base is not None and self._is_as_in(base, reading):
            outcome, snapshot = (RunOutcome.PARTIAL, base) if reading.partial else (RunOutcome.UNCHANGED, base)
        elif failure is None:
            snapshot = self._publish(flight, kind, reading)
            outcome = RunOutcome.PARTIAL if reading.partial else RunOutcome.SUCCEEDED
        end = Ending(outcome, now, bytes=reading.bytes, added_bytes=reading.added_bytes, failure=failure)
        if snapshot is not None:
            end = replace(end, snapshot_id=snapshot.id, as_of=flight.began_at)
        known = memory.histories.get((action.system, action.repository), RunHistory())
        memory.histories[action.system, action.repository] = after(known, end, flight.began_at, action.generation)
        self._witness.backed_up(action, outcome, flight.began, true, snapshot)
        return failure

    def _is_as_in(self, base: Snapshot, reading: Reading) -> bool:
        """Also what could not be read: a file that is readable again is new to a partial snapshot, one that no longer is is missing."""
        return self._versions.get(base.id) == reading.version and (base.grade is Grade.PARTIAL) is reading.partial

    def _publish(self, flight: Flight, kind: BackupKind, reading: Reading) -> Snapshot:
        action, self._count = flight.action, self._count + 1
        snapshot = Snapshot(
            id=f"{self._count:032x}",
            repository=action.repository,
            realm=flight.desired.realm,
            system=action.system,
            host="simulated",
            kind=kind,
            as_of=flight.began_at,
            ended_at=self._clock.now(),
            arrived_at=self._clock.true,
            grade=Grade.PARTIAL if reading.partial else Grade.COMPLETE,
            files=0,
            bytes=reading.bytes,
            added_bytes=reading.added_bytes,
        )
        self._versions[snapshot.id] = reading.version
        self._stores[action.repository].put(snapshot)
        self._witness.stored(action.repository, action.system, reading.added_bytes, self._clock.true)
        return snapshot

    def _upkeep(self, flight: Flight, memory: Memory) -> None:
        action = flight.action
        store, now = self._stores[action.repository], self._clock.now()
        match action.kind:
            case ActionKind.COPY:
                self._copy(action)
            case ActionKind.VERIFY:
                store.mark(action.system, action.snapshots, MarkKind.CHECKED if action.quick else MarkKind.VERIFIED, now)
            case ActionKind.SUSPECT:
                store.mark(action.system, action.snapshots, MarkKind.SUSPECT, now)
            case ActionKind.MARK:
                store.mark(action.system, action.snapshots, MarkKind.REMOVE, now)
            case ActionKind.UNMARK:
                store.unmark(action.system, action.snapshots, MarkKind.REMOVE)
            case ActionKind.FORGET:
                self._witness.forgot(action, store.forget(action.system, action.snapshots), self._clock.true)
            case ActionKind.PRUNE:
                memory.pruned[action.repository] = now
            case ActionKind.DRILL:
                self._drill(flight, memory)
            case ActionKind.BACKUP | ActionKind.TEST:
                raise AssertionError(f"a {action.kind} is no upkeep of a store")

    def _drill(self, flight: Flight, memory: Memory) -> None:
        """Each one passes: what is simulated is when, and how long it takes."""
        action, system = flight.action, flight.desired.system(flight.action.system)
        assert system is not None, "only what is declared is rehearsed"
        until = system.drill.proof_until(flight.began_at)
        restored = self._stores[action.repository].find(action.system, action.snapshots[0])
        memory.drills.append(
            DrillRecord(
                id=f"drill-{len(memory.drills)}",
                system=action.system,
                repository=action.repository,
                snapshot_id=action.snapshots[0],
                pick=action.pick,
                started_at=flight.began_at,
                actor="loop",
                generation=action.generation,
                ended_at=self._clock.now(),
                outcome=DrillOutcome.PROVEN,
                expires_at=until,
                bytes=restored.bytes if restored is not None else 0,
                restore_seconds=(self._clock.true - flight.began).total_seconds(),
            )
        )
        self._stores[action.repository].mark(action.system, action.snapshots[:1], MarkKind.DRILLED, flight.began_at, until)

    def _copy(self, action: Action) -> None:
        """Oldest first, so that the first one brings the content and the others what they added."""
        target = self._stores[action.repository]
        first = not target.of(action.system)
        for wanted in reversed(action.snapshots):
            found = (store.find(action.system, wanted) for store in self._stores.values() if store is not target)
            snapshot = next((s for s in found if s is not None), None)
            if snapshot is not None and target.find(action.system, wanted) is None:
                target.put(replace(snapshot, repository=action.repository, arrived_at=self._clock.true, marks=()))
                self._witness.stored(action.repository, action.system, snapshot.bytes if first else snapshot.added_bytes, self._clock.true)
                first = False


def _base(kind: BackupKind, snapshots: Sequence[Snapshot]) -> tuple[Snapshot | None, BackupKind]:
    """What the backup is compared with, and what it really becomes: without anything to compare with, a full."""
    bad = (MarkKind.DAMAGED, MarkKind.SUSPECT)
    readable = [s for s in snapshots if kind is not BackupKind.FULL and not any(mark.kind in bad for mark in s.marks)]
    if kind is BackupKind.DIFFERENTIAL:
        readable = [s for s in readable if s.kind is BackupKind.FULL]
    base = max(readable, key=lambda s: (s.as_of, s.id), default=None)
    return (base, kind) if base is not None else (None, BackupKind.FULL)
