"""A person's yes: what it covers, what it does not, and what it does not do for the other guards."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.approve import change_digest
from reconciler.decide.guard import settled_retention
from reconciler.decide.plan import plan
from reconciler.model.declared.policy import Retention
from reconciler.model.desired import Approval, Desired
from reconciler.model.observed import Observed
from reconciler.model.plan import ActionKind, Plan
from reconciler.model.problem import Place
from reconciler.model.snapshot import Mark, MarkKind
from tests.fakes.worlds import NOW, ago, daily, desired, listed, observed, system

OF = system(retention=Retention(last=5), rpo=None)
FORTY = daily(40)
LOOSER = {"orders": Retention(last=100)}
HELD = tuple(sorted(s.id for s in FORTY[5:]))


def approval(ids: tuple[str, ...] = HELD, **changes) -> Approval:
    change = change_digest(OF, "main", ids)
    plain = Approval("yes", change, "orders", "main", frozenset(ids), "moved house", NOW + timedelta(days=7), Place("yes.yaml", 1))
    return replace(plain, **changes)


def world(*approvals: Approval, **changes) -> tuple[Desired, Observed]:
    seen = observed(listed("main", changes.pop("snapshots", FORTY)), accepted_retention=LOOSER)
    return replace(desired(OF), approvals=approvals, **changes), seen


def leaving(decided: Plan, kind: ActionKind = ActionKind.MARK) -> set[str]:
    return {i for action in decided.actions if action.kind is kind for i in action.snapshots}


def test_an_approved_change_goes_on_and_names_its_approval():
    decided = plan(*world(approval()), NOW)
    (marking,) = [a for a in decided.actions if a.kind is ActionKind.MARK]
    assert set(marking.snapshots) == set(HELD)
    assert (marking.approvals, decided.held) == (("yes",), ())
    assert "approved by yes" in marking.why


def test_the_digest_of_the_held_change_is_what_approves_it():
    (held,) = plan(*world(), NOW).held
    decided = plan(*world(approval(held.snapshots, change=held.digest)), NOW)
    assert leaving(decided) == set(held.snapshots)


def test_an_approval_covers_any_subset_of_its_snapshots():
    """Some of them went meanwhile, by hand or for another reason: the yes to the others stands."""
    decided = plan(*world(approval(), snapshots=FORTY[:30]), NOW)
    assert leaving(decided) == set(HELD) & {s.id for s in FORTY[:30]}


def test_what_the_approval_does_not_name_is_held_when_it_is_still_much():
    decided = plan(*world(approval(HELD[:10])), NOW)
    assert leaving(decided) == set(HELD[:10])
    assert [set(h.snapshots) for h in decided.held] == [set(HELD[10:])]


def test_the_few_that_came_after_the_approval_need_none():
    decided = plan(*world(approval(HELD[:30])), NOW)
    assert (leaving(decided), decided.held) == (set(HELD), ())


@pytest.mark.parametrize(
    ("flaw", "sentence"),
    [
        ({"expires": NOW}, "expired at"),
        ({"expires": NOW + timedelta(days=14, seconds=1)}, "counts only in the 14 days"),
        ({"change": "0" * 64}, "edited since"),
        ({"snapshots": frozenset(HELD) | {"another"}}, "edited since"),
    ],
)
def test_a_flawed_approval_approves_nothing_and_says_why(flaw, sentence):
    decided = plan(*world(approval(**flaw)), NOW)
    assert leaving(decided) == set()
    assert sentence in decided.held[0].why


@pytest.mark.parametrize("elsewhere", [{"system": "sales"}, {"repository": "offsite"}])
def test_an_approval_of_another_change_approves_nothing(elsewhere):
    decided = plan(*world(approval(**elsewhere)), NOW)
    assert (leaving(decided), [h.guard for h in decided.held]) == (set(), ["tightening"])


def test_an_approval_does_not_outlive_a_further_tightening():
    tree, seen = world(approval())
    tighter = replace(tree, systems=(replace(OF, retention=Retention(last=2)),))
    decided = plan(tighter, seen, NOW)
    assert (leaving(decided), len(decided.held[0].snapshots)) == (set(), 38)


def test_an_approval_silences_no_other_guard():
    tree, seen = world(approval())
    jumped = replace(seen, clock_jump=timedelta(days=300))
    for decided in (plan(replace(tree, clean=False), seen, NOW), plan(tree, jumped, NOW)):
        assert leaving(decided) == set()
    held = [replace(s, marks=(Mark(MarkKind.HELD, ago("9d")),)) if s.id == HELD[0] else s for s in FORTY]
    assert HELD[0] not in leaving(plan(*world(approval(), snapshots=held), NOW))


def test_an_approval_taken_back_during_the_day_of_rest_stops_the_removal():
    tree, seen = world(approval())
    assert settled_retention(tree, seen, NOW) == {}, "what needs an approval is not accepted yet"
    marked = [replace(s, marks=(*s.marks, Mark(MarkKind.REMOVE, ago("2d")))) if s.id in HELD else s for s in FORTY]
    assert leaving(plan(*world(approval(), snapshots=marked), NOW), ActionKind.FORGET) == set(HELD)
    assert leaving(plan(*world(snapshots=marked), NOW), ActionKind.FORGET) == set()


def test_a_retention_is_accepted_once_all_that_was_approved_is_gone():
    assert settled_retention(*world(approval(), snapshots=FORTY[:5]), NOW) == {"orders": Retention(last=5)}
