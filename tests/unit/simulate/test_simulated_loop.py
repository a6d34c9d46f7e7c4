"""The shortcuts of the simulation decide what a look at everything decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from reconciler.decide.plan import plan
from reconciler.model.declared.builtin import DEFAULT_POLICY, TIERS
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.policy import Retention
from reconciler.model.desired import DesiredSystem
from reconciler.model.drill import DrillOutcome
from reconciler.model.observed import Failure
from reconciler.model.plan import Action, ActionKind, Plan, Waiting
from reconciler.model.snapshot import Grade
from reconciler.simulate import Pace, Reading, Simulation, Store, Witness, World
from tests.fakes.worlds import NOW, desired, system


def declared(name: str) -> DesiredSystem:
    tier = TIERS[name]
    assert tier.objectives is not None
    assert tier.verification is not None
    retention = DEFAULT_POLICY.retention
    assert retention is not None
    return replace(system(name, retention=retention), tier=name, objectives=tier.objectives, verification=tier.verification)


class Comparing(Simulation):
    """Makes the whole plan beside each glance at one system, also where nothing is decided anew."""

    decided = left = 0

    def _glance(self, name: str) -> None:
        whole, before = self._whole(), self.decided
        super()._glance(name)
        if self.decided == before:
            made, waiting = backups(whole.actions, whole.waiting, name)
            assert (made, [due_at for _, due_at, _ in waiting]) == ([], [self._quiet[name][1]])
            self.left += 1

    def _backups_of(self, system: DesiredSystem, observed):
        found, whole = super()._backups_of(system, observed), self._whole()
        assert backups(*found, system.name) == backups(whole.actions, whole.waiting, system.name)
        self.decided += 1
        return found

    def _whole(self) -> Plan:
        view = self._view.whole(self.desired, self.memory, self.clock.now(), self.clock.true, None)
        return plan(self.desired, replace(view, busy=self._queue.under_way()), self.clock.now())


def backups(actions: Sequence[Action], waiting: Sequence[Waiting], name: str):
    made = [(a.backup_kind, a.lane, a.due_at, a.why, a.priority) for a in actions if a.kind is ActionKind.BACKUP and a.system == name]
    return made, [(w.backup_kind, w.due_at, w.why) for w in waiting if w.system == name]


def test_a_glance_at_the_head_decides_the_same_as_a_look_at_everything():
    tree = desired(*(declared(name) for name in TIERS))
    simulation = Comparing(tree, {"main": Store("main", tree.realm)}, World(), Witness(), NOW, Pace(look_every=timedelta(hours=6)))
    simulation.run(NOW + timedelta(days=4))
    assert simulation.decided > 500


def test_a_glance_after_which_nothing_is_decided_anew_misses_no_moment():
    """Every few hours something is marked and something removed in each repository, so each lane becomes free while nothing is due."""
    tree = desired(*(replace(declared(name), retention=Retention(last=4), repositories=("main", "second")) for name in ("high", "low")))
    stores = {name: Store(name, tree.realm) for name in ("main", "second")}
    simulation = Comparing(tree, stores, World(), Witness(), NOW, Pace(look_every=timedelta(hours=6)))
    simulation.run(NOW + timedelta(days=4))
    assert simulation.left > 10


class HalfRead(World):
    """Nothing ever changes; for thirty hours some files cannot be read."""

    def read(self, system, kind, at, before):
        return Reading(1, partial=at < NOW + timedelta(hours=30))


def test_what_can_be_read_again_is_new_to_a_partial_snapshot():
    tree = desired(declared("low"))
    store = Store("main", tree.realm)
    Simulation(tree, {"main": store}, HalfRead(), Witness(), NOW).run(NOW + timedelta(days=3))
    grades = [s.grade for s in store.of("low")]
    assert (grades[0], grades[-1]) == (Grade.PARTIAL, Grade.COMPLETE)


def test_snapshots_of_another_realm_are_not_of_the_system():
    from tests.fakes.worlds import snapshot

    store = Store("main", "mine", [snapshot(NOW, realm="theirs")])
    assert store.of("orders") == ()
    assert len(store.everything()) == 1


class Thorough(Simulation):
    """Looks at all snapshots of a system after each of its backups and copies."""

    def _look_at_newest(self, system: DesiredSystem) -> None:
        self._look_at(system)


class Away(World):
    """The second repository is out of reach for a day."""

    def unreachable(self, repository, at):
        gone = repository == "second" and NOW + timedelta(days=1) <= at < NOW + timedelta(days=2)
        return Failure("repository-unreachable", "gone") if gone else None


def test_a_look_at_the_newest_copies_what_a_look_at_everything_copies():
    """96 snapshots are lacking after the day, more than are looked at, and more than one copy brings."""
    tree = desired(replace(declared("critical"), retention=Retention(), repositories=("main", "second")))
    ends = []
    for kind in (Simulation, Thorough):
        stores = {name: Store(name, tree.realm) for name in ("main", "second")}
        simulation = kind(tree, stores, Away(), Witness(), NOW, Pace(look_every=timedelta(hours=6)))
        simulation.run(NOW + timedelta(days=3))
        ends.append({name: {s.id for s in store.everything()} for name, store in stores.items()})
    assert ends[0] == ends[1]
    assert len(ends[0]["main"]) > 150
    assert len(ends[0]["main"] - ends[0]["second"]) <= 1, "one is just being copied"


def test_a_drill_counts_as_long_as_declared_and_is_made_again_in_time():
    weekly = Drill(every=timedelta(days=7), valid_for=timedelta(days=10))
    tree = desired(replace(declared("low"), drill=weekly))
    stores = {"main": Store("main", tree.realm)}
    simulation = Simulation(tree, stores, World(), Witness(), NOW)
    simulation.run(NOW + timedelta(days=8))
    first, second = simulation.memory.drills
    assert first.expires_at == first.started_at + timedelta(days=10)
    assert timedelta(days=6.6) < second.started_at - first.started_at <= timedelta(days=7.2)
    assert (first.restore_seconds, first.outcome) == (60.0, DrillOutcome.PROVEN)
