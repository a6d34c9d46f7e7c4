"""The plan as a whole: verification, requests, gaps, order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.backups import Request
from reconciler.decide.plan import plan
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies, Verification
from reconciler.model.declared.policy import Retention
from reconciler.model.declared.system import Suspend
from reconciler.model.observed import Failure, SourceState
from reconciler.model.plan import ActionKind, Gap, Lane, Plan
from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind
from tests.fakes.worlds import NOW, ago, daily, desired, failed, listed, observed, repository, snapshot, system, took, unreachable

DEEP = Verification(deep=timedelta(days=30))
SUSPENDED = Suspend(reason="moving house", until=NOW + timedelta(days=1))


def verifications(decided: Plan) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(a.system, a.repository, a.snapshots) for a in decided.actions if a.kind is ActionKind.VERIFY]


def gap(decided: Plan, code: str) -> Gap:
    return next(g for g in decided.gaps if g.code == code)


def codes(decided: Plan) -> list[str]:
    return [g.code for g in decided.gaps]


# verification


def test_the_first_snapshot_is_proven_intact_as_soon_as_it_exists():
    seen = observed(listed("main", [snapshot(ago("5m"), id="new", kind="full")]))
    (action,) = plan(desired(system(verification=DEEP)), seen, NOW).actions
    assert (action.kind, action.snapshots, action.lane, action.priority) == (ActionKind.VERIFY, ("new",), Lane.UPKEEP, 10)
    assert action.why == "no proof of intactness yet; every 30d is declared"


def test_nothing_is_verified_where_there_is_nothing_good():
    seen = observed(listed("main", [snapshot(ago("5m"), grade=Grade.PARTIAL)]))
    assert verifications(plan(desired(system(verification=DEEP)), seen, NOW)) == []


def test_a_proof_is_renewed_when_it_is_older_than_declared_in_each_repository_by_itself():
    of = system(verification=DEEP, repositories=("main", "offsite"))
    stale = [snapshot(ago("5m"), id="new"), snapshot(ago("40d"), id="old", verified=ago("30d"))]
    young = [snapshot(ago("5m"), id="new"), snapshot(ago("40d"), id="old", verified=ago("28d"))]
    assert verifications(plan(desired(of), observed(listed("main", stale), listed("offsite", young)), NOW)) == [
        ("orders", "main", ("new",))
    ]


def test_a_damaged_newest_snapshot_is_not_verified_again_but_the_one_before_is():
    damaged = snapshot(ago("5m"), id="damaged", marks=(Mark(MarkKind.DAMAGED, NOW),))
    seen = observed(listed("main", [damaged, snapshot(ago("1h"), id="before")]))
    assert verifications(plan(desired(system(verification=DEEP)), seen, NOW)) == [("orders", "main", ("before",))]


def test_verification_belongs_to_the_agent_of_the_system_and_stops_with_a_suspension():
    seen = observed(listed("main", daily(2)[1:]))
    assert verifications(plan(desired(system(verification=DEEP, host="shop2")), seen, NOW)) == []
    assert verifications(plan(desired(system(verification=DEEP, suspend=SUSPENDED)), seen, NOW)) == []
    busy = replace(seen, busy=frozenset({("orders", "main", "upkeep")}))
    assert verifications(plan(desired(system(verification=DEEP)), busy, NOW)) == []


# requests


def test_a_person_gets_what_they_ask_for_whatever_the_schedule_says():
    tree = desired(system(), system("sales"))
    seen = observed(listed("main", daily(2)), runs={("orders", "main"): failed(9, ago("1s"))})
    decided = plan(tree, seen, NOW, request=Request(systems=("orders",)))
    (action,) = decided.actions
    assert (action.system, action.reason, action.priority, action.backup_kind) == ("orders", "requested", 100, BackupKind.INCREMENTAL)
    assert (decided.waiting, decided.held) == ((), ())


@pytest.mark.parametrize(
    ("wanted", "snapshots", "becomes", "lane"),
    [
        (BackupKind.FULL, daily(2), BackupKind.FULL, Lane.UPKEEP),
        (BackupKind.DIFFERENTIAL, daily(2), BackupKind.DIFFERENTIAL, Lane.UPKEEP),
        (BackupKind.DIFFERENTIAL, daily(3)[1:], BackupKind.FULL, Lane.UPKEEP),
        (BackupKind.INCREMENTAL, daily(3)[1:], BackupKind.INCREMENTAL, Lane.OBJECTIVE),
        (None, [], BackupKind.FULL, Lane.OBJECTIVE),
    ],
)
def test_a_kind_without_anything_to_compare_with_becomes_a_full(wanted, snapshots, becomes, lane):
    (action,) = plan(desired(system()), observed(listed("main", snapshots)), NOW, request=Request(kind=wanted)).actions
    assert (action.backup_kind, action.lane) == (becomes, lane)


def test_without_names_every_system_of_this_agent_is_meant():
    tree = desired(system(), system("sales"), system("stock", host="shop2"))
    decided = plan(tree, observed(listed()), NOW, request=Request())
    assert [a.system for a in decided.actions] == ["orders", "sales"]
    assert decided.gaps == ()


def test_what_cannot_be_done_for_a_person_says_why_and_what_to_do():
    tree = desired(system(suspend=SUSPENDED), system("stock", host="shop2"))
    decided = plan(tree, observed(listed()), NOW, request=Request(systems=("orders", "stock", "nothing")))
    assert decided.actions == ()
    assert [(g.system, g.code) for g in decided.gaps] == [("nothing", "not-declared"), ("orders", "suspended"), ("stock", "other-host")]
    assert gap(decided, "other-host").person == "Run the same command on shop2"


# gaps


@pytest.mark.parametrize("code", ["repository-unreachable", "repository-not-initialised", "repository-wrong-key", "repository-damaged"])
def test_a_cause_that_many_systems_share_is_told_once(code):
    decided = plan(desired(system(), system("sales")), observed(unreachable(code=code)), NOW)
    assert decided.actions == ()
    assert [(g.system, g.repository, g.code) for g in decided.gaps] == [("", "main", code)]
    assert decided.gaps[0].person
    assert not decided.complete


def test_backups_into_other_repositories_go_on_while_one_is_out_of_reach():
    tree = desired(system(), system("sales", repositories=("offsite",)))
    decided = plan(tree, observed(unreachable("main"), listed("offsite")), NOW)
    assert [(a.system, a.repository) for a in decided.actions] == [("sales", "offsite")]


def test_a_missing_source_is_a_gap_with_the_advice_of_its_failure():
    state = SourceState("/srv/orders", exists=False, readable=False, empty=True)
    decided = plan(desired(system()), observed(listed(), sources={"orders": (state,)}), NOW)
    assert gap(decided, "source-missing").why == "the source /srv/orders does not exist"
    failing = replace(state, failure=Failure("source-is-link", "the source /srv/orders is a link", "Name what it points to"))
    decided = plan(desired(system()), observed(listed(), sources={"orders": (failing,)}), NOW)
    assert gap(decided, "source-is-link").person == "Name what it points to"


def test_copies_that_no_declared_repository_could_ever_make_are_a_gap():
    of = system(copies=Copies(offsite=1), failure_domain={"site": "office"})
    tree = desired(of, repository("main", failure_domain={"site": "office"}))
    assert "copies.offsite asks for 1" in gap(plan(tree, observed(listed("main", daily(1))), NOW), "copies-too-few").why


def test_a_system_of_another_host_that_never_delivered_anything_is_a_gap():
    of = system(host="shop2")
    assert gap(plan(desired(of), observed(listed()), NOW), "never-backed-up-elsewhere").why == "host shop2 has never backed it up"
    assert codes(plan(desired(of), observed(listed("main", [snapshot(ago("90d"))])), NOW)) == []
    assert codes(plan(desired(of), observed(unreachable()), NOW)) == ["repository-unreachable"]


def test_three_failures_in_a_row_need_a_person():
    def after(times: int) -> list[str]:
        return codes(plan(desired(system()), observed(listed(), runs={("orders", "main"): failed(times, ago("1h"))}), NOW))

    assert (after(2), after(3)) == ([], ["failing"])


def test_failures_that_say_what_is_said_of_the_source_already_are_not_told_twice():
    """Seen on a screen: the same sentence for the same system, once with and once without "failed 3 times in a row"."""
    gone = SourceState("/srv/orders", exists=False, readable=False, empty=True)

    def after(message: str) -> list[str]:
        runs = {("orders", "main"): replace(failed(3, ago("1h")), last_failure=Failure("source-missing", message))}
        return codes(plan(desired(system()), observed(listed(), sources={"orders": (gone,)}, runs=runs), NOW))

    assert after("the source /srv/orders does not exist") == ["source-missing"]
    assert after("the disk of main is full") == ["source-missing", "failing"]


def test_only_partial_snapshots_need_a_person():
    partial = snapshot(ago("5m"), grade=Grade.PARTIAL, defects=4)
    assert "4 defects" in gap(plan(desired(system()), observed(listed("main", [partial])), NOW), "only-partial").why
    assert codes(plan(desired(system()), observed(listed("main", [partial, *daily(1)])), NOW)) == []


def test_a_backup_longer_than_the_rpo_needs_a_person():
    history = {("orders", "main"): took("2h")}
    assert codes(plan(desired(system()), observed(listed("main", daily(1)), runs=history), NOW)) == ["rpo-too-tight"]


def test_promises_that_only_a_person_can_keep_are_told():
    of = system(drill=Drill(every=timedelta(days=30)), verification=Verification(quick=timedelta(days=1)))
    assert codes(plan(desired(of), observed(listed("main", daily(1))), NOW)) == ["assertions-missing", "deep-not-declared"]


def test_a_held_change_says_what_a_person_may_do():
    seen = observed(listed("main", daily(40)), accepted_retention={"orders": Retention(last=100)})
    told = gap(plan(desired(system(retention=Retention(last=5))), seen, NOW), "change-held")
    assert told.why.startswith("35 of 40 snapshots in main held")
    assert "add the DeletionApproval that `reconcile --dry-run` prints" in told.person


def test_a_world_that_conforms_needs_nothing():
    decided = plan(desired(system(verification=DEEP, retention=Retention(daily=5))), observed(listed("main", daily(5))), NOW)
    assert (decided.actions, decided.held, decided.gaps, len(decided.waiting)) == ((), (), (), 1)
    assert (decided.clean, decided.complete, decided.observed_at) == (True, True, {"main": NOW})
