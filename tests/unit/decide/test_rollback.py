"""A repository that went back in time, and what only looks like one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.conditions import conditions
from reconciler.decide.plan import plan
from reconciler.decide.rollback import lost_heads
from reconciler.model.declared.policy import Retention
from reconciler.model.declared.repository import Maintenance, Prune
from reconciler.model.observed import Head, RepositoryState
from reconciler.model.plan import ActionKind
from reconciler.model.status import ConditionType, Truth
from tests.fakes.worlds import NOW, ago, daily, desired, listed, observed, repository, system

FIVE = daily(5)
NEWEST = FIVE[0].id
KNOWN = {"writer": Head(7, NEWEST, leaving=False)}


def state(skip: int = 0, heads: dict[str, Head] | None = None) -> RepositoryState:
    return replace(listed("main", FIVE[skip:]), heads=heads or {})


@pytest.mark.parametrize(
    ("seen", "lost"),
    [
        (state(), ()),
        (state(1, {"writer": Head(6, FIVE[1].id, leaving=False)}), (NEWEST,)),
        (state(1), (NEWEST,)),  # nothing of that writer is left at all
        (state(1, {"writer": Head(7, "other", leaving=False)}), (NEWEST,)),  # it went back and grew again under the same number
        (state(1, {"writer": Head(8, "newer", leaving=False)}), ()),  # the writer went on, and let the old one go
    ],
)
def test_a_newest_snapshot_that_vanished_is_lost_unless_its_writer_went_on(seen, lost):
    assert lost_heads(KNOWN, (), seen) == lost


def test_what_was_missed_once_stays_lost_however_far_its_writer_goes_on_and_until_it_is_back():
    newer = state(1, {"writer": Head(400, "newer", leaving=False)})
    assert lost_heads(KNOWN, (NEWEST,), newer) == (NEWEST,)
    assert lost_heads(KNOWN, (NEWEST,), state()) == ()


def test_what_was_on_its_way_out_is_not_missed():
    assert lost_heads({"writer": Head(7, NEWEST, leaving=True)}, (), state(1)) == ()


def test_a_repository_that_went_back_keeps_everything_and_says_so():
    prune = Maintenance(prune=Prune(every=timedelta(days=1)))
    of, place = system(retention=Retention(last=2), rpo=None), repository("main", maintenance=prune)
    here, gone = listed("main", daily(8)), replace(listed("main", daily(8)), lost=(NEWEST,))
    known = {"accepted_retention": {"orders": of.retention}}
    before = plan(desired(of, place), observed(here, **known), NOW)
    assert {ActionKind.MARK, ActionKind.PRUNE} <= {a.kind for a in before.actions}
    decided = plan(desired(of, place), observed(gone, **known), NOW)
    assert not {ActionKind.MARK, ActionKind.FORGET, ActionKind.PRUNE} & {a.kind for a in decided.actions}
    assert [h.guard for h in decided.held] == ["rollback"]
    (told,) = [g for g in decided.gaps if g.code == "repository-went-back"]
    assert "reconcile catalog rebuild" in told.person
    judged = {c.type: c for c in conditions(desired(of, place), observed(gone), decided, NOW) if c.kind == "Repository"}
    assert judged[ConditionType.REPOSITORY_CURRENT].status is Truth.FALSE
    assert judged[ConditionType.READY].status is not Truth.TRUE


def test_a_repository_that_went_back_is_still_backed_up_into():
    of = system(rpo="1h")
    gone = replace(listed("main", daily(8, newest=ago("3h"))), lost=(NEWEST,))
    assert [a.kind for a in plan(desired(of), observed(gone), NOW).actions] == [ActionKind.BACKUP]
