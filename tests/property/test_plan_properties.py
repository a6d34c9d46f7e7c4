"""What holds for every plan, whatever the world looks like."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.decide.backups import Request
from reconciler.decide.conditions import conditions
from reconciler.decide.guard import settled_retention
from reconciler.decide.plan import plan
from reconciler.decide.scene import Scene
from reconciler.decide.status import status as make_status
from reconciler.model.declared.policy import Retention
from reconciler.model.plan import Action, ActionKind, Plan
from reconciler.model.snapshot import MarkKind
from reconciler.model.status import LoopStatus, SpecStatus
from tests.fakes.worlds import NOW, daily, desired, listed, observed, system
from tests.property.strategies import retentions, systems, worlds

LETTING_GO = (ActionKind.MARK, ActionKind.FORGET)
some = settings(max_examples=150)


def letting_go(decided: Plan) -> list[Action]:
    return [a for a in decided.actions if a.kind in LETTING_GO]


@some
@given(worlds())
def test_the_same_world_gives_the_same_plan(world):
    assert plan(*world, NOW) == plan(*world, NOW)


@some
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_were_seen_changes_nothing(world, random):
    tree, seen = world
    states = [replace(state, snapshots=tuple(random.sample(state.snapshots, len(state.snapshots)))) for state in seen.repositories.values()]
    random.shuffle(states)
    shuffled = replace(seen, repositories={s.name: s for s in states}, runs=dict(reversed(list(seen.runs.items()))))
    assert plan(tree, shuffled, NOW) == plan(tree, seen, NOW)


@some
@given(worlds(), systems("zz-newcomer"))
def test_an_unrelated_system_changes_nothing_for_the_others(world, newcomer):
    tree, seen = world
    newcomer = replace(newcomer, previous_name=None)
    grown = replace(tree, systems=(*tree.systems, newcomer))
    before, after = plan(tree, seen, NOW), plan(grown, seen, NOW)
    assert [a for a in after.actions if a.system != newcomer.name] == list(before.actions)
    assert [h for h in after.held if h.system != newcomer.name] == list(before.held)
    assert [w for w in after.waiting if w.system != newcomer.name] == list(before.waiting)


@some
@given(worlds())
def test_no_plan_lets_a_protected_snapshot_go(world):
    tree, seen = world
    scene = Scene.of(tree, seen, NOW)
    for action in letting_go(plan(tree, seen, NOW)):
        group = scene.snapshots(action.system, action.repository)
        by_id = {s.id: s for s in group}
        good = [s for s in group if s.good and s.counted_at <= NOW + timedelta(minutes=5)]
        proven = [s for s in good if s.marked(MarkKind.VERIFIED)]
        protected = {s.id for s in (*good[:1], *proven[:1], *(s for s in group if s.marked(MarkKind.HELD)))}
        assert protected.isdisjoint(action.snapshots)
        assert set(action.snapshots) <= set(by_id)  # never a foreign, an orphaned or another system's snapshot
        of = tree.system(action.system)
        assert sum(s.id not in action.snapshots for s in good) >= min(of.retention.minimum or 0, len(good))


@some
@given(worlds())
def test_nothing_is_removed_that_was_not_marked_a_day_ago(world):
    tree, seen = world
    for action in plan(tree, seen, NOW).actions:
        if action.kind is ActionKind.FORGET:
            marked = {s.id: s.marked(MarkKind.REMOVE) for s in seen.repositories[action.repository].snapshots}
            assert all(marked[i] is not None and marked[i] <= NOW - timedelta(hours=24) for i in action.snapshots)


@some
@given(worlds())
def test_doubt_lets_nothing_go(world):
    tree, seen = world
    doubtful = [
        (replace(tree, clean=False), seen),
        (tree, replace(seen, clock_jump=timedelta(hours=1))),
        (tree, replace(seen, repositories={n: replace(s, fresh=False) for n, s in seen.repositories.items()})),
    ]
    for uncertain in doubtful:
        assert letting_go(plan(*uncertain, NOW)) == []


@some
@given(st.integers(10, 80), retentions, retentions)
def test_a_tightened_retention_never_lets_much_go_unheld(count, before, after):
    tree, state = desired(system(retention=after)), listed("main", daily(count))
    went = {i for a in letting_go(plan(tree, observed(state, accepted_retention={"orders": before}), NOW)) for i in a.snapshots}
    former = plan(desired(system(retention=before)), observed(state, accepted_retention={"orders": before}), NOW)
    would_have_gone = {i for a in letting_go(former) for i in a.snapshots}
    assert len(went - would_have_gone) <= max(0.3 * count, 0)


@some
@given(worlds(), retentions)
def test_what_was_held_once_is_held_again_however_often_a_pass_is_repeated(world, tighter):
    tree, seen = world
    tree = replace(tree, systems=tuple(replace(s, retention=tighter) for s in tree.systems))
    settled = settled_retention(tree, seen, NOW)
    again = replace(seen, accepted_retention={**seen.accepted_retention, **settled})
    assert [h.digest for h in plan(tree, again, NOW).held] == [h.digest for h in plan(tree, seen, NOW).held]


@some
@given(worlds())
def test_an_agent_never_acts_on_another_host_or_a_suspended_system_and_never_without_reach(world):
    tree, seen = world
    for action in plan(tree, seen, NOW).actions:
        of = tree.system(action.system)
        assert of.host in (None, seen.agent)
        assert of.suspend is None
        assert seen.repositories[action.repository].reachable
        assert action.why


@some
@given(worlds())
def test_one_kind_of_action_appears_once_per_system_and_repository(world):
    decided = plan(*world, NOW)
    backups = [(a.system, a.repository, a.backup_kind) for a in decided.actions if a.kind is ActionKind.BACKUP]
    copies = [(a.system, a.repository, snapshot) for a in decided.actions if a.kind is ActionKind.COPY for snapshot in a.snapshots]
    several = {ActionKind.BACKUP, ActionKind.COPY}  # a late copy of the newest snapshot goes before one of the older ones
    others = [(a.system, a.repository, a.kind) for a in decided.actions if a.kind not in several]
    for found in (backups, copies, others):
        assert len(set(found)) == len(found)
    assert len({(a.system, a.lane) for a in decided.actions if a.kind is ActionKind.BACKUP}) == len(backups)


@some
@given(worlds(), st.lists(st.sampled_from(["a", "b", "nothing"]), max_size=2))
def test_a_request_plans_backups_only_and_answers_for_every_name(world, names):
    tree, seen = world
    decided = plan(tree, seen, NOW, request=Request(tuple(names)))
    assert {a.kind for a in decided.actions} <= {ActionKind.BACKUP}
    for name in set(names):
        answered = [a for a in decided.actions if a.system == name] or [g for g in decided.gaps if g.system in (name, "")]
        assert answered


@some
@given(worlds())
def test_every_world_has_a_status_that_says_why(world):
    tree, seen = world
    decided = plan(tree, seen, NOW)
    found = conditions(tree, seen, decided, NOW)
    assert len({(c.kind, c.name, c.type) for c in found}) == len(found)
    assert all(c.reason.isalnum() and c.message for c in found)
    shown = make_status(tree, seen, decided, found, LoopStatus(), SpecStatus("d", True, 0, 0, NOW, 1), NOW)
    assert [s.name for s in shown.systems] == [s.name for s in tree.systems]


@some
@given(st.lists(st.integers(0, 400), max_size=40), st.integers(1, 5))
def test_a_small_retention_settles_and_then_stays(days, last):
    """After enough days of passes over the same snapshots exactly the kept ones are left, and nothing more happens."""
    of = system(retention=Retention(last=last), rpo=None)
    held = listed("main", daily(max(len(days), 1)))
    accepted = {"orders": Retention(last=last)}
    first = letting_go(plan(desired(of), observed(held, accepted_retention=accepted), NOW))
    gone = {i for a in first for i in a.snapshots}
    left = replace(held, snapshots=tuple(s for s in held.snapshots if s.id not in gone))
    assert letting_go(plan(desired(of), observed(left, accepted_retention=accepted), NOW + timedelta(days=2))) == []
