"""A life of one system in two repositories, drawn from a seed: edits, failures, wrong clocks, lost memory, and a pass after each event.

The pass is decided by the real code; what it decides is carried out on the stores here, so that an error of one pass shows in the next.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.app import history
from reconciler.catalog import heads
from reconciler.decide import guard, upkeep
from reconciler.decide.approve import change_digest
from reconciler.decide.scene import Scene
from reconciler.model.declared.objectives import Verification
from reconciler.model.declared.policy import GuardLimits, Retention
from reconciler.model.desired import Approval, Desired, DesiredSystem
from reconciler.model.observed import Head, Observed, RepositoryState
from reconciler.model.plan import Action, ActionKind, Held
from reconciler.model.problem import Place
from reconciler.model.snapshot import Grade, Mark, MarkKind, Snapshot
from tests.fakes.worlds import NOW, desired, observed, snapshot, system, unreachable
from tests.property.deletion_oracle import Allowed, Glance, Oracle, Yes, is_leaving

REPOSITORIES = ("main", "offsite")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RETENTIONS = (
    Retention(),
    Retention(last=100, minimum=3),
    Retention(daily=30, weekly=8, minimum=3),
    Retention(keep_within=timedelta(days=2), daily=14, weekly=8, monthly=12, minimum=3),
    Retention(last=12),
    Retention(last=5, minimum=2),
    Retention(keep_within=timedelta(days=3)),
    Retention(last=1),
    Retention(daily=3, minimum=8),
)
LEAPS = (3653 * DAY, 60 * DAY, -3 * HOUR, -2 * DAY, -3000 * DAY)


class Values:
    """The catalog, as far as it remembers words."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get_value(self, key: str) -> str | None:
        return self.kept.get(key)

    def put_value(self, key: str, text: str) -> None:
        self.kept[key] = text


class Life(Struct):
    """The world of one history, and its oracle."""

    rng: random.Random
    counts: Counter[str]
    true: datetime = NOW
    offset: timedelta = timedelta(0)
    name: str = "orders"
    former: str | None = None
    retention: Retention = RETENTIONS[1]
    limits: GuardLimits = field(default_factory=GuardLimits)
    verifies: bool = False
    broken: int = 0
    lame: bool = False
    away: dict[str, int] = field(default_factory=dict)
    stale: dict[str, int] = field(default_factory=dict)
    jumped: bool = False
    wrong: int = 0
    stores: dict[str, dict[str, Snapshot]] = field(default_factory=lambda: {name: {} for name in REPOSITORIES})
    images: dict[str, dict[str, Snapshot]] = field(default_factory=dict)
    approvals: list[tuple[Yes, Approval]] = field(default_factory=list)
    held: tuple[Held, ...] = ()
    values: Values = field(default_factory=Values)
    accepted: dict[str, Retention] = field(default_factory=dict)
    oracle: Oracle = field(default_factory=Oracle)
    taken: int = 0

    @property
    def clock(self) -> datetime:
        return self.true + self.offset

    # what happens

    def begin(self) -> None:
        """Some weeks of snapshots are there already."""
        count, step = self.rng.choice([(4, DAY), (12, DAY), (20, DAY), (36, 12 * HOUR)])
        self.true -= count * step
        for _ in range(count):
            self.true += step
            self.take()
        self.retention = self.rng.choice(RETENTIONS)

    def take(self) -> None:
        self.taken += 1
        kind = "full" if self.taken % 9 == 1 else self.rng.choice(["incremental", "incremental", "differential"])
        grade = Grade.PARTIAL if self.rng.random() < 0.1 else Grade.COMPLETE
        made = snapshot(self.clock, id=f"{self.taken:032x}", kind=kind, grade=grade, arrived_at=self.clock, system=self.name)
        self.oracle.numbers[made.id] = self.taken
        for name in REPOSITORIES:
            if name not in self.away:
                self.stores[name][made.id] = replace(made, repository=name)

    def remark(self, kind: MarkKind, **more: datetime | None) -> None:
        name = self.rng.choice(REPOSITORIES)
        known = sorted(self.stores[name].values(), key=lambda s: s.as_of)
        if known:
            one = known[-1] if self.rng.random() < 0.5 else self.rng.choice(known)
            self.stores[name][one.id] = replace(one, marks=(*one.marks, Mark(kind, self.clock, "", more.get("until"))))

    def verify(self) -> None:
        self.remark(MarkKind.VERIFIED)

    def damage(self) -> None:
        self.remark(MarkKind.DAMAGED)

    def hold(self) -> None:
        if not self.offset:
            self.remark(MarkKind.HELD, until=self.rng.choice([None, self.true + 2 * DAY, self.true + 10 * DAY]))

    def release(self) -> None:
        for store in self.stores.values():
            for one in list(store.values()):
                store[one.id] = replace(one, marks=tuple(m for m in one.marks if m.kind is not MarkKind.HELD))

    def edit(self) -> None:
        self.retention = self.rng.choice(RETENTIONS)

    def limit(self) -> None:
        self.limits = self.rng.choice([GuardLimits(), GuardLimits(max_forget_percent=60), GuardLimits(max_forget_count=2)])

    def prove(self) -> None:
        self.verifies = not self.verifies

    def break_tree(self) -> None:
        self.broken, self.lame = self.rng.randint(1, 3), self.rng.random() < 0.5

    def lose_sight(self) -> None:
        self.rng.choice([self.away, self.stale])[self.rng.choice(REPOSITORIES)] = self.rng.randint(1, 4)

    def jump(self) -> None:
        self.jumped = True

    def leap(self) -> None:
        if not self.wrong and not self.offset:
            self.offset, self.wrong = self.rng.choice(LEAPS), self.rng.randint(1, 3)

    def lose_catalog(self) -> None:
        self.values, self.accepted = Values(), {}
        self.oracle.lose_memory()

    def image(self) -> None:
        name = self.rng.choice(REPOSITORIES)
        self.images[name] = dict(self.stores[name])

    def roll_back(self) -> None:
        if self.images:
            name = self.rng.choice(sorted(self.images))
            self.stores[name] = self.images.pop(name)
            for one in self.stores[name].values():  # marks that came back rest from when they were first written
                if is_leaving(one):
                    self.oracle.marked[name, one.id] = next(m.at for m in one.marks if m.kind is MarkKind.REMOVE)

    def rebuild(self) -> None:
        for name in REPOSITORIES:
            heads.write(self.values, name, heads.Heads())  # type: ignore[arg-type]
            self.oracle.accept(name)

    def approve(self) -> None:
        for change in self.held:
            if change.guard == "tightening":
                self.approvals.append(self._yes(change, self.rng.random() < 0.2))

    def _yes(self, change: Held, forged: bool) -> tuple[Yes, Approval]:
        some = change.snapshots[: self.rng.randint(1, len(change.snapshots))] if self.rng.random() < 0.3 else change.snapshots
        named = frozenset(some)  # not all: what was held when it was printed, and much more since
        ids = named | {"f" * 32} if forged else named
        expires = self.true + self.rng.choice([3 * DAY, 7 * DAY, 20 * DAY, HOUR])
        digest = change_digest(self._system(), change.repository, named)
        given = Approval("yes", digest, change.system, change.repository, ids, "why", expires, Place("yes.yaml", 1))
        return Yes(change.system, change.repository, self.retention, ids, expires, forged), given

    def take_back(self) -> None:
        self.approvals = []

    def rename(self) -> None:
        self.former, self.name = self.name, "shop" if self.name == "orders" else "orders"
        self.stores = {n: {i: replace(s, system=self.former) for i, s in store.items()} for n, store in self.stores.items()}
        self.images = {}

    def settle_name(self) -> None:
        """So long after a rename that nothing bears the former name any more, and nobody declares it."""
        if self.former is not None and self.accepted.get(self.name) == self.oracle.calm is not None:
            self.former, self.images = None, {}
            self.stores = {n: {i: replace(s, system=self.name) for i, s in store.items()} for n, store in self.stores.items()}

    def clear_the_future(self) -> None:
        """A person forgets what bears a wrong date."""
        for name, store in self.stores.items():
            wrong = [i for i, s in store.items() if s.as_of > self.true + HOUR]
            heads.let_go(self.values, name, wrong)  # type: ignore[arg-type]
            self.oracle.last[name] = tuple(s for s in self.oracle.last.get(name, ()) if s.id not in wrong)
            for one in wrong:
                del store[one]

    # a pass

    def look(self) -> tuple[Desired, Observed]:
        decoys = [
            snapshot(NOW - 400 * DAY, id="d" * 32, system="ghost"),
            snapshot(NOW - 400 * DAY, id="e" * 32, system=self.name, realm="other"),
        ]
        states = [self._state(name, decoys) for name in REPOSITORIES]
        jump = HOUR if self.jumped else None
        seen = replace(observed(*states, accepted_retention=dict(self.accepted), clock_jump=jump), at=self.clock)
        tree = desired(self._system(), clean=not self.broken or self.lame)
        tree = replace(tree, approvals=tuple(given for _, given in self.approvals))
        return tree, history.compared(self.values, seen)  # type: ignore[arg-type]

    def _system(self) -> DesiredSystem:
        checks = Verification(deep=30 * DAY) if self.verifies else Verification()
        fields = {"retention": self.retention, "guard": self.limits, "verification": checks, "last_good": bool(self.broken and self.lame)}
        return system(self.name, rpo=None, repositories=REPOSITORIES, previous_name=self.former, **fields)

    def _state(self, name: str, decoys: list[Snapshot]) -> RepositoryState:
        if name in self.away:
            return unreachable(name)
        store = self.stores[name]
        newest = max(store.values(), key=lambda s: self.oracle.numbers[s.id], default=None)
        line = {"writer": Head(self.oracle.numbers[newest.id], newest.id, is_leaving(newest))} if newest is not None else {}
        there = tuple(sorted((*store.values(), *decoys), key=lambda s: s.as_of, reverse=True))
        return RepositoryState(name, self.clock, True, name not in self.stale, f"id-{name}", there, heads=line)

    def glance(self) -> Glance:
        return Glance(
            clock=self.clock,
            true=self.true,
            system=self.name,
            retention=self.retention,
            percent=self.limits.max_forget_percent or 30,
            count=self.limits.max_forget_count or 50,
            verifies=self.verifies,
            clean=not self.broken,
            jumped=self.jumped,
            listed={name: name not in self.stale for name in REPOSITORIES if name not in self.away},
            stores={name: tuple(store.values()) for name, store in self.stores.items()},
            approvals=tuple(yes for yes, _ in self.approvals),
        )

    def one_pass(self) -> None:
        """Decide, compare with the oracle, and carry out what was decided."""
        tree, seen = self.look()
        actions, self.held = upkeep.plan_retention(Scene.of(tree, seen, self.clock), tree.systems[0])
        glance = self.glance()
        expected = self.oracle.expect(glance)
        for name in REPOSITORIES:
            decided = {kind: {i for a in actions if (a.repository, a.kind) == (name, kind) for i in a.snapshots} for kind in ActionKind}
            self._compare(name, decided, expected.get(name, Allowed()))
        self._carry_out(actions)
        self.accepted.update(guard.settled_retention(tree, seen, self.clock))
        history.remember(self.values, seen)  # type: ignore[arg-type]
        for state in seen.repositories.values():
            history.remember_heads(self.values, state)  # type: ignore[arg-type]
        self.counts["passes"] += 1
        self.counts.update(f"held by {change.guard}" for change in self.held)
        self._afterwards()

    def _compare(self, name: str, decided: dict[ActionKind, set[str]], allowed: Allowed) -> None:
        protected = self._protected(name)
        gone = decided[ActionKind.FORGET]
        assert not gone & protected, f"protected snapshots go from {name}: {sorted(gone & protected)}"
        assert not decided[ActionKind.MARK] & protected, f"protected snapshots are marked in {name}"
        assert gone <= self.stores[name].keys()
        assert gone == allowed.forget, f"{name}: removed {sorted(gone)}, allowed {sorted(allowed.forget)}"
        assert decided[ActionKind.MARK] == allowed.mark, f"{name}: marked {decided[ActionKind.MARK]}, allowed {allowed.mark}"
        assert decided[ActionKind.UNMARK] == allowed.unmark, f"{name}: unmarked {decided[ActionKind.UNMARK]}, allowed {allowed.unmark}"

    def _protected(self, name: str) -> set[str]:
        """By the truth alone: the newest good one, the newest proven one, what a person holds, what is needed for the minimum."""
        good = sorted(
            (s for s in self.stores[name].values() if s.good and s.as_of <= self.true + HOUR), key=lambda s: (s.as_of, s.id), reverse=True
        )
        proven = [s for s in good if any(m.kind is MarkKind.VERIFIED for m in s.marks)]
        held = {
            s.id
            for s in self.stores[name].values()
            if any(m.kind is MarkKind.HELD and (m.until is None or self.true < m.until) for m in s.marks)
        }
        return held | {s.id for s in (*good[:1], *proven[:1], *good[: self.retention.minimum or 0])}

    def _carry_out(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            store = self.stores[action.repository]
            for one in action.snapshots:
                key = (action.repository, one)
                if action.kind is ActionKind.FORGET:
                    assert self.true - self.oracle.marked[key] >= DAY, "it did not rest for a day"
                    heads.let_go(self.values, action.repository, [one])  # type: ignore[arg-type]
                    del store[one]
                    self.counts["removed"] += 1
                elif action.kind is ActionKind.MARK:
                    store[one] = replace(store[one], marks=(*store[one].marks, Mark(MarkKind.REMOVE, self.clock)))
                    self.oracle.marked[key] = self.true
                    self.counts["marked"] += 1
                    self.counts["approved"] += bool(action.approvals)
                else:
                    store[one] = replace(store[one], marks=tuple(m for m in store[one].marks if m.kind is not MarkKind.REMOVE))
                    self.counts["spared"] += 1

    def _afterwards(self) -> None:
        self.jumped = False
        self.broken = max(0, self.broken - 1)
        for fading in (self.away, self.stale):
            for name in list(fading):
                fading[name] -= 1
                if not fading[name]:
                    del fading[name]
        self.wrong = max(0, self.wrong - 1)
        if not self.wrong:
            self.offset = timedelta(0)


EVENTS = {
    Life.take: 46, Life.verify: 12, Life.edit: 12, Life.approve: 10, Life.hold: 5, Life.release: 2, Life.damage: 3, Life.limit: 6,
    Life.prove: 3, Life.break_tree: 4, Life.lose_sight: 5, Life.jump: 3, Life.leap: 4, Life.lose_catalog: 2, Life.image: 8,
    Life.roll_back: 8, Life.rebuild: 3, Life.take_back: 2, Life.rename: 5, Life.settle_name: 3, Life.clear_the_future: 4,
}  # fmt: skip


def live(seed: int, counts: Counter[str], events: int = 16) -> None:
    """One history; raises AssertionError where decision and oracle differ."""
    rng = random.Random(seed)
    life = Life(rng, counts)
    life.begin()
    life.one_pass()
    for event in rng.choices(list(EVENTS), list(EVENTS.values()), k=events):
        event(life)
        counts["events"] += 1
        life.true += rng.choice([timedelta(minutes=15), HOUR, 3 * HOUR] if life.wrong else [HOUR, 5 * HOUR, 25 * HOUR, 50 * HOUR])
        life.one_pass()
    counts["histories"] += 1
