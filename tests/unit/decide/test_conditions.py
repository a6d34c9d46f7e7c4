"""How things stand: what is green, what is not, and what nobody can know."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.conditions import conditions
from reconciler.decide.plan import plan
from reconciler.decide.status import status as make_status
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies, Verification
from reconciler.model.declared.policy import Retention
from reconciler.model.declared.system import Suspend
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed
from reconciler.model.problem import Place, Problem, Severity
from reconciler.model.snapshot import Grade, Mark, MarkKind
from reconciler.model.status import Condition, ConditionType, LoopStatus, SpecStatus, Status, Truth
from tests.fakes.worlds import (
    NOW,
    ago,
    daily,
    desired,
    failed,
    listed,
    observed,
    repository,
    snapshot,
    system,
    took,
    unreachable,
)

T = ConditionType
DEEP = Verification(deep=timedelta(days=30))


def judge(tree: Desired, seen: Observed, name: str = "orders", kind: str = "System") -> dict[ConditionType, Condition]:
    found = conditions(tree, seen, plan(tree, seen, NOW), NOW)
    return {c.type: c for c in found if (c.kind, c.name) == (kind, name)}


def word(condition: Condition) -> tuple[Truth, str]:
    return condition.status, condition.reason


def fresh(*snapshots, of=None, **seen) -> Condition:
    return judge(desired(of or system()), observed(listed("main", snapshots), **seen))[T.BACKUP_FRESH]


def test_what_nobody_declared_has_no_condition():
    found = judge(desired(system(rpo=None)), observed(listed()))
    assert set(found) == {T.SPEC_ACCEPTED, T.RETENTION_SATISFIED, T.SUSPENDED, T.READY}


def test_everything_declared_has_a_condition():
    of = system(copies=Copies(count=1), verification=DEEP, drill=Drill(every=timedelta(days=30)))
    assert set(judge(desired(of), observed(listed()))) == set(ConditionType) - {
        T.REPOSITORY_REACHABLE,
        T.REPOSITORY_CURRENT,
        T.CATALOG_INTACT,
        T.ALERTS_DELIVERED,
        T.PLAUSIBLE,
    }


@pytest.mark.parametrize(
    ("age", "expected"),
    [("10m", (Truth.TRUE, "Met")), ("55m", (Truth.TRUE, "AtRisk")), ("1h1m", (Truth.FALSE, "Breached"))],
)
def test_the_age_of_the_newest_good_state_against_the_rpo(age, expected):
    assert word(fresh(snapshot(ago(age)))) == expected


def test_a_partial_snapshot_never_meets_the_rpo():
    condition = fresh(snapshot(ago("3h")), snapshot(ago("5m"), grade=Grade.PARTIAL))
    assert word(condition) == (Truth.FALSE, "Breached")
    assert condition.message == "the newest good state was taken at 2026-05-04 09:00Z, RPO 1h"
    assert word(fresh(snapshot(ago("5m"), grade=Grade.PARTIAL))) == (Truth.FALSE, "OnlyPartial")


def test_a_confirmed_state_is_as_young_as_the_scan_that_confirmed_it():
    condition = fresh(snapshot(ago("9d"), id="old"), runs={("orders", "main"): took(confirmed=("old", ago("5m")))})
    assert word(condition) == (Truth.TRUE, "Met")
    assert condition.message == "the newest good state was confirmed at 2026-05-04 11:55Z, RPO 1h"


def test_a_confirmation_never_makes_the_state_older_and_never_comes_from_the_future():
    old, new = snapshot(ago("9d"), id="old"), snapshot(ago("5m"), id="new")
    assert fresh(old, new, runs={("orders", "main"): took(confirmed=("old", ago("2h")))}).message.startswith(
        "the newest good state was taken at 2026-05-04 11:55Z"
    )
    assert word(fresh(old, runs={("orders", "main"): took(confirmed=("old", NOW + timedelta(days=3)))})) == (Truth.FALSE, "Breached")


def test_a_copy_elsewhere_is_a_recovery_point_too():
    of = system(repositories=("main", "offsite"))
    seen = observed(listed("main"), listed("offsite", [snapshot(ago("10m"))]))
    assert word(judge(desired(of), seen)[T.BACKUP_FRESH]) == (Truth.TRUE, "Met")


def test_never_seen_is_unknown_and_unknown_is_never_green():
    found = judge(desired(system()), observed())
    assert word(found[T.BACKUP_FRESH]) == (Truth.UNKNOWN, "NotObserved")
    assert word(found[T.READY]) == (Truth.UNKNOWN, "NeverSeen")
    assert word(fresh(snapshot(NOW + timedelta(days=9)))) == (Truth.UNKNOWN, "ClockSuspect")


def test_an_empty_repository_that_was_seen_is_no_longer_unknown():
    assert word(fresh()) == (Truth.FALSE, "NeverBackedUp")


def test_the_age_keeps_growing_while_a_repository_is_out_of_reach():
    away = replace(listed("main", [snapshot(ago("3h"))]), reachable=False, failure=unreachable().failure)
    found = judge(desired(system()), observed(away))
    assert word(found[T.BACKUP_FRESH]) == (Truth.FALSE, "Breached")
    assert word(found[T.READY]) == (Truth.FALSE, "RepositoryUnreachable")


def test_the_age_keeps_growing_while_a_system_is_suspended():
    of = system(suspend=Suspend(reason="moving house", until=NOW + timedelta(days=1)))
    found = judge(desired(of), observed(listed("main", [snapshot(ago("3h"))])))
    assert word(found[T.BACKUP_FRESH]) == (Truth.FALSE, "Breached")
    assert word(found[T.SUSPENDED]) == (Truth.TRUE, "BySpec")


def test_a_suspension_that_ran_out_says_so():
    of = system(suspend=Suspend(reason="moving house", until=ago("1h")))
    assert word(judge(desired(of), observed(listed()))[T.SUSPENDED]) == (Truth.FALSE, "Expired")


def test_an_old_snapshot_of_another_host_is_unknown_and_not_failed():
    of = system(host="shop2")
    assert word(fresh(snapshot(ago("3h")), of=of)) == (Truth.UNKNOWN, "OnOtherHost")
    assert word(fresh(snapshot(ago("3m")), of=of)) == (Truth.TRUE, "Met")


def test_all_objectives_met_is_ready():
    found = judge(desired(system(verification=DEEP)), observed(listed("main", daily(3))))
    assert {c.status for t, c in found.items() if t is not T.SUSPENDED} == {Truth.TRUE}
    assert word(found[T.READY]) == (Truth.TRUE, "AllObjectivesMet")


def test_the_first_failing_reason_is_why_a_system_is_not_ready():
    found = judge(desired(system(verification=DEEP)), observed(listed("main", [snapshot(ago("3h"))])))
    assert word(found[T.VERIFIED]) == (Truth.UNKNOWN, "Never")
    assert word(found[T.READY]) == (Truth.FALSE, "Breached")


def verified(*snapshots) -> Condition:
    return judge(desired(system(verification=DEEP)), observed(listed("main", snapshots)))[T.VERIFIED]


def test_proof_of_intactness_expires_and_damage_undoes_it():
    assert word(verified()) == (Truth.UNKNOWN, "Never")
    assert word(verified(snapshot(ago("5m"), verified=ago("29d")))) == (Truth.TRUE, "Passed")
    assert word(verified(snapshot(ago("5m"), verified=ago("31d")))) == (Truth.FALSE, "Overdue")
    assert word(verified(snapshot(ago("5m"), verified=NOW + timedelta(days=400)))) == (Truth.UNKNOWN, "Never")
    damaged = snapshot(ago("2d"), marks=(Mark(MarkKind.DAMAGED, ago("1d")),))
    assert word(verified(damaged, snapshot(ago("9d"), verified=ago("9d")))) == (Truth.FALSE, "Failed")
    assert word(verified(damaged, snapshot(ago("5m"), verified=ago("1h")))) == (Truth.TRUE, "Passed")


def test_the_repository_with_the_worst_proof_speaks_for_the_system():
    of = system(repositories=("main", "offsite"), verification=DEEP)
    seen = observed(listed("main", daily(2)), listed("offsite", [snapshot(ago("5m"), verified=ago("40d"))]))
    assert word(judge(desired(of), seen)[T.VERIFIED]) == (Truth.FALSE, "Overdue")


def test_a_held_change_of_retention_is_not_satisfied_and_a_postponed_one_is():
    of = system(retention=Retention(last=5))
    held = observed(listed("main", daily(40)), accepted_retention={"orders": Retention(last=100)})
    assert word(judge(desired(of), held)[T.RETENTION_SATISFIED]) == (Truth.FALSE, "ChangeHeld")
    waiting = observed(listed("main", daily(40), fresh=False), accepted_retention={"orders": Retention(last=5)})
    assert word(judge(desired(of), waiting)[T.RETENTION_SATISFIED]) == (Truth.TRUE, "Postponed")
    assert word(judge(desired(system()), observed(listed()))[T.RETENTION_SATISFIED]) == (Truth.TRUE, "KeepsEverything")


def copies(wanted: Copies, *states, repositories=(), **changes) -> Condition:
    of = system(repositories=tuple(s.name for s in states), copies=wanted, failure_domain={"site": "office"}, **changes)
    return judge(desired(of, *repositories), observed(*states))[T.COPIES_SATISFIED]


def test_copies_count_repositories_that_hold_the_newest_state():
    newest = snapshot(ago("10m"), id="newest")
    assert word(copies(Copies(count=2), listed("main", [newest]), listed("offsite", [newest]))) == (Truth.TRUE, "Satisfied")
    empty = copies(Copies(count=2), listed("main", [newest]), listed("offsite"))
    assert (word(empty), empty.message) == ((Truth.FALSE, "CopyMissing"), "count 1 of 2; offsite holds none: a copy is due by 12:53Z")
    damaged = replace(newest, marks=(Mark(MarkKind.DAMAGED, NOW),))
    assert word(copies(Copies(count=2), listed("main", [newest]), listed("offsite", [damaged]))) == (Truth.FALSE, "CopyMissing")


def test_a_copy_is_due_a_lag_after_the_end_of_the_snapshot():
    newest, older = snapshot(ago("2h"), id="newest"), snapshot(ago("3h"), id="older")  # the newest ended 1h57m ago
    states = (listed("main", [newest, older]), listed("offsite", [older]))
    assert word(copies(Copies(count=2, lag=timedelta(hours=2)), *states)) == (Truth.TRUE, "Satisfied")
    assert word(copies(Copies(count=2, lag=timedelta(minutes=117)), *states)) == (Truth.TRUE, "Satisfied"), (
        "at the very moment it is in time"
    )
    assert word(copies(Copies(count=2, lag=timedelta(minutes=116)), *states)) == (Truth.FALSE, "CopyMissing")
    assert word(copies(Copies(count=2), *states)) == (Truth.FALSE, "CopyMissing")  # without a lag the RPO of an hour counts


def test_a_source_that_changes_rarely_is_not_late_the_moment_it_changes():
    """Measured between states, a weekly snapshot trails by a week as soon as the next one ends."""
    newest, older = snapshot(ago("10m"), id="newest"), snapshot(ago("7d"), id="older")
    in_time = copies(Copies(count=2, lag=timedelta(hours=1)), listed("main", [newest, older]), listed("offsite", [older]))
    assert word(in_time) == (Truth.TRUE, "Satisfied")
    assert in_time.message == "count 2 of 2; offsite trails 6d23h behind main: the next copy is due by 12:53Z"


def test_the_first_that_is_missing_sets_the_deadline_and_not_the_newest():
    """Or a repository that is never reached would be in time for ever: each new snapshot would begin the wait again."""
    held = [snapshot(ago(f"{hours}h")) for hours in (0, 1, 2, 3, 4)]
    late = copies(Copies(count=2, lag=timedelta(hours=2)), listed("main", held), listed("offsite", held[-1:]))
    assert (word(late), late.message) == (
        (Truth.FALSE, "CopyMissing"),
        "count 1 of 2; offsite trails 4h behind main: the next copy is overdue since 11:03Z",
    )


def test_a_copy_that_is_not_the_newest_state_is_named_with_its_deadline():
    whole = copies(Copies(count=2), listed("main", [snapshot(ago("10m"))]), listed("offsite", [snapshot(ago("10m"))]))
    assert whole.message == "count 2 of 2"
    nothing = copies(Copies(count=2), listed("main"), listed("offsite"))
    assert nothing.message == "count 0 of 2", "before the first backup no copy is to blame"
    older = [snapshot(ago("3d"))]
    late = copies(Copies(count=2), listed("main", [snapshot(ago("2d")), *older]), listed("offsite", older))
    assert late.message == "count 1 of 2; offsite trails 1d behind main: the next copy is overdue since 2026-05-02 13:03Z"


def test_a_primary_that_lost_everything_does_not_make_the_copies_uncounted():
    lost = copies(Copies(count=2), listed("main"), listed("offsite", [snapshot(ago("10m"))]))
    assert (word(lost), lost.message) == ((Truth.FALSE, "CopyMissing"), "count 1 of 2; main holds none: a copy is due by 12:53Z")


def test_a_copy_that_is_newer_than_the_primary_does_not_trail():
    newest = copies(Copies(count=2), listed("main", [snapshot(ago("3h"))]), listed("offsite", [snapshot(ago("10m"))]))
    assert (word(newest), newest.message) == ((Truth.TRUE, "Satisfied"), "count 2 of 2")


def test_two_copies_in_one_place_are_one_failure():
    newest = snapshot(ago("10m"))
    here = repository("main", failure_domain={"site": "office"}, media="disk")
    near = repository("offsite", failure_domain={"site": "office"}, media="disk")
    far = repository("offsite", failure_domain={"site": "vault"}, media="object", deletable_from=())
    states = (listed("main", [newest]), listed("offsite", [newest]))
    wanted = Copies(count=2, media=2, offsite=1, immutable=1)
    assert word(copies(wanted, *states, repositories=(here, near))) == (Truth.FALSE, "SameFailureDomain")
    assert word(copies(wanted, *states, repositories=(here, far))) == (Truth.TRUE, "Satisfied")


def test_copies_in_a_repository_out_of_reach_are_unknown():
    assert word(copies(Copies(count=2), listed("main", [snapshot(ago("1m"))]), unreachable("offsite"))) == (Truth.UNKNOWN, "NotObserved")


def test_a_broken_declaration_is_not_accepted_and_its_last_good_version_is_named():
    fault = Problem(Severity.ERROR, "spec-type", Place("orders.yaml", 7, 3), "must be a duration", kind="System", name="orders")
    tree = replace(desired(system(last_good=True), system("sales")), problems=(fault,), clean=False)
    seen = observed(listed())
    assert word(judge(tree, seen)[T.SPEC_ACCEPTED]) == (Truth.FALSE, "LastGoodInUse")
    assert "orders.yaml:7:3: must be a duration" in judge(tree, seen)[T.SPEC_ACCEPTED].message
    assert word(judge(tree, seen, "sales")[T.SPEC_ACCEPTED]) == (Truth.TRUE, "Valid")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (listed(), (Truth.TRUE, "Listed")),
        (unreachable(), (Truth.FALSE, "RepositoryUnreachable")),
        (unreachable(code="repository-wrong-key"), (Truth.FALSE, "RepositoryWrongKey")),
        (unreachable(code="repository-not-initialised"), (Truth.FALSE, "RepositoryNotInitialised")),
        (listed("another"), (Truth.UNKNOWN, "NeverSeen")),
    ],
)
def test_a_repository_is_reachable_only_when_it_was_listed(state, expected):
    found = judge(desired(system()), observed(state), "main", "Repository")
    assert word(found[T.REPOSITORY_REACHABLE]) == expected
    assert found[T.READY].status is expected[0]


def published(tree: Desired, seen: Observed) -> Status:
    decided = plan(tree, seen, NOW)
    spec = SpecStatus(tree.digest, tree.clean, 0, 0, NOW, 1)
    return make_status(tree, seen, decided, conditions(tree, seen, decided, NOW), LoopStatus(), spec, NOW)


def test_the_status_shows_each_system_in_each_repository():
    of = system(repositories=("main", "offsite"), owner="Ada")
    history = failed(2, ago("1h"))
    foreign, orphan = snapshot(ago("1d"), id="f", realm="other"), snapshot(ago("1d"), id="o", system="old-wiki")
    seen = observed(listed("main", [*daily(3), foreign, orphan]), listed("offsite"), runs={("orders", "main"): history})
    shown = published(desired(of), seen)
    (orders,) = shown.systems
    main, offsite = orders.protection
    assert (orders.owner, orders.host, orders.here, orders.rpo) == ("Ada", "shop1", True, timedelta(hours=1))
    assert (main.snapshots, main.recovery_point_at, main.newest_verified_at) == (3, ago("30m"), ago("30m"))
    assert main.history is history
    assert (offsite.snapshots, offsite.newest_good_id, offsite.recovery_point_at) == (0, None, None)
    assert (shown.repositories[0].snapshots, shown.repositories[0].foreign, shown.repositories[0].orphaned) == (4, 1, 1)
    assert (orders.next_due_at, orders.suspended) == (ago("30m") + timedelta(minutes=53), False)
    assert orders.condition(T.READY) is not None


def test_the_status_shows_when_a_due_backup_was_due():
    shown = published(desired(system()), observed(listed("main", [snapshot(ago("2h"), kind="full")])))
    assert shown.systems[0].next_due_at == ago("2h") + timedelta(minutes=53)
    assert shown.systems[0].next_due_why.startswith("newest attempt began at 2026-05-04 10:00Z")
