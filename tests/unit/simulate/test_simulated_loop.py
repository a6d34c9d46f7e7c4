"""The shortcuts of the simulation decide what a look at everything decides."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from reconciler.decide.plan import plan
from reconciler.model.declared.builtin import DEFAULT_POLICY, TIERS
from reconciler.model.desired import DesiredSystem
from reconciler.model.plan import ActionKind, Plan
from reconciler.simulate import Pace, Simulation, Store, Witness, World
from tests.fakes.worlds import NOW, desired, system


def declared(name: str) -> DesiredSystem:
    tier = TIERS[name]
    assert tier.objectives is not None
    assert tier.verification is not None
    retention = DEFAULT_POLICY.retention
    assert retention is not None
    return replace(system(name, retention=retention), tier=name, objectives=tier.objectives, verification=tier.verification)


class Comparing(Simulation):
    """Makes the whole plan beside each plan of one system."""

    compared = 0

    def _plan_of(self, system: DesiredSystem, observed) -> Plan:
        part = super()._plan_of(system, observed)
        whole_view = self._view.whole(self.desired, self.memory, self.clock.now(), self.clock.true, None)
        whole = plan(self.desired, replace(whole_view, busy=self._queue.under_way()), self.clock.now())
        assert backups(part, system.name) == backups(whole, system.name)
        Comparing.compared += 1
        return part


def backups(of: Plan, name: str):
    made = [(a.backup_kind, a.lane, a.due_at, a.why, a.priority) for a in of.actions if a.kind is ActionKind.BACKUP and a.system == name]
    return made, [(w.backup_kind, w.due_at, w.why) for w in of.waiting if w.system == name]


def test_a_glance_at_the_head_decides_the_same_as_a_look_at_everything():
    tree = desired(*(declared(name) for name in TIERS))
    simulation = Comparing(tree, {"main": Store("main", tree.realm)}, World(), Witness(), NOW, Pace(look_every=timedelta(hours=6)))
    simulation.run(NOW + timedelta(days=4))
    assert Comparing.compared > 500


def test_snapshots_of_another_realm_are_not_of_the_system():
    from tests.fakes.worlds import snapshot

    store = Store("main", "mine", [snapshot(NOW, realm="theirs")])
    assert store.of("orders") == ()
    assert len(store.everything()) == 1
