"""What the drills of a system say as numbers, and how long its recovery would take today."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from reconciler.decide.conditions import conditions
from reconciler.decide.plan import plan
from reconciler.decide.scene import Scene
from reconciler.decide.status import status
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies, Objectives
from reconciler.model.drill import DrillOutcome, DrillRecord, RecoveryTime, Rehearsed
from reconciler.model.observed import RepositoryState
from reconciler.model.snapshot import Mark, MarkKind
from reconciler.model.status import Copied, LoopStatus, SpecStatus, SystemStatus
from tests.fakes.worlds import NOW, ago, desired, listed, observed, repository, snapshot, system

WEEK = timedelta(days=7)
PROVEN, RESTORED, FAILED, BLOCKED = DrillOutcome.PROVEN, DrillOutcome.RESTORED, DrillOutcome.FAILED, DrillOutcome.BLOCKED
HALF_HOUR_OLD = snapshot(ago("30m"), files=0, bytes=100 * 2**20)


def drill(at: str, outcome: DrillOutcome | None, **changes: object) -> DrillRecord:
    """It brought back 100 MiB in 10 s and spent 6 s beside that."""
    plain = DrillRecord(
        id=at,
        system="orders",
        repository="main",
        snapshot_id="s" * 16,
        pick="newest",
        started_at=ago(at),
        actor="loop",
        outcome=outcome,
        expires_at=ago(at) + 2 * WEEK if outcome is PROVEN else None,
        bytes=100 * 2**20,
        prepare_seconds=4.0,
        restore_seconds=10.0,
        assert_seconds=2.0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def shown(*states: RepositoryState, drills: tuple[DrillRecord, ...] = (), **changes: object) -> SystemStatus:
    """How the system `orders` stands in the published status."""
    tree = desired(system(drill=Drill(every=WEEK), **changes), repository("away", failure_domain={"site": "away"}))
    seen = observed(*(states or (listed("main", [HALF_HOUR_OLD]),)), drills=drills)
    made = plan(tree, seen, NOW)
    spec = SpecStatus("d1", clean=True, errors=0, warnings=0, loaded_at=NOW, objects=3)
    (found,) = status(tree, seen, made, conditions(tree, seen, made, NOW), LoopStatus(), spec, NOW).systems
    return found


def test_without_a_drill_nothing_is_known_but_what_was_asked_for() -> None:
    assert shown().rehearsed == Rehearsed(every=WEEK)
    assert shown().recovery == RecoveryTime(source="no drill was measured yet")


def test_the_newest_drill_speaks_and_the_proof_before_it_still_counts() -> None:
    rehearsed = shown(drills=(drill("1d", FAILED), drill("5d", PROVEN))).rehearsed
    assert rehearsed == Rehearsed(WEEK, ago("1d"), FAILED, ago("5d"), ago("5d") + 2 * WEEK)


def test_a_blocked_drill_says_nothing_and_one_under_way_neither() -> None:
    rehearsed = shown(drills=(drill("1m", None), drill("1h", BLOCKED), drill("5d", PROVEN))).rehearsed
    assert (rehearsed.last_at, rehearsed.last_outcome) == (ago("5d"), PROVEN)
    assert shown(drills=(drill("1h", BLOCKED),)).rehearsed == Rehearsed(every=WEEK)


def test_a_proof_that_only_the_repository_remembers_is_the_newest_drill() -> None:
    marked = replace(HALF_HOUR_OLD, marks=(Mark(MarkKind.DRILLED, ago("10m"), until=NOW + WEEK),))
    rehearsed = shown(listed("main", [marked]), drills=(drill("1d", FAILED),)).rehearsed
    assert rehearsed == Rehearsed(WEEK, ago("10m"), PROVEN, ago("10m"), NOW + WEEK)


def test_what_was_measured_and_what_is_foreseen_are_two_numbers() -> None:
    twice_as_large = replace(HALF_HOUR_OLD, bytes=200 * 2**20)
    recovery = shown(listed("main", [twice_as_large]), drills=(drill("1d", RESTORED),)).recovery
    assert (recovery.measured, recovery.measured_at) == (timedelta(seconds=16), ago("1d"))
    assert recovery.predicted == timedelta(seconds=(6 + 20) * 1.2)
    assert not recovery.borrowed


def test_drills_of_a_neighbour_are_borrowed_and_measure_nothing_here() -> None:
    recovery = shown(drills=(drill("1d", PROVEN, system="ledger"),)).recovery
    assert recovery == RecoveryTime(timedelta(seconds=19.2), borrowed=True, source="from 1 drill of other systems in the same repository")


def test_after_a_rename_the_drills_of_the_former_name_are_its_own() -> None:
    renamed = shown(
        listed("main", [replace(HALF_HOUR_OLD, system="shop")]), drills=(drill("1d", PROVEN, system="shop"),), previous_name="shop"
    )
    assert renamed.rehearsed.proven_at == ago("1d")
    assert renamed.recovery.measured == timedelta(seconds=16)
    assert not renamed.recovery.borrowed


def test_out_of_a_repository_that_does_not_answer_nothing_is_foreseen() -> None:
    """The one that answers tells how long it takes; with none, only what was measured is left."""
    away = listed("away", [HALF_HOUR_OLD])
    gone = replace(listed("main", [HALF_HOUR_OLD]), reachable=False)
    drills = (drill("1d", PROVEN, repository="away", restore_seconds=100.0),)
    assert shown(gone, away, drills=drills, repositories=("main", "away")).recovery.predicted == timedelta(seconds=127.2)
    alone = shown(gone, drills=drills).recovery
    assert (alone.predicted, alone.measured) == (None, timedelta(seconds=106))


def test_copies_are_counted_where_they_are_recent_enough() -> None:
    away = listed("away", [snapshot(ago("90m"), repository="away", id="older")])
    promised = {
        "repositories": ("main", "away"),
        "copies": Copies(count=2, offsite=1, lag=timedelta(hours=1)),
        "failure_domain": {"site": "here"},
    }
    both = shown(listed("main", [HALF_HOUR_OLD]), away, **promised)
    assert replace(both.copied, digits=()) == Copied(declared=2, held=2, offsite_declared=1, offsite_held=1, lag=timedelta(hours=1))
    assert [p.copy_due_at for p in both.protection] == [None, HALF_HOUR_OLD.ended_at + timedelta(hours=1)]
    assert [p.trails for p in both.protection] == [None, timedelta(hours=1)]
    main = listed("main", [HALF_HOUR_OLD, snapshot(ago("2h"))])
    late = shown(main, listed("away", [snapshot(ago("3h"), repository="away")]), **promised)
    assert (late.copied.held, late.copied.offsite_held) == (1, 0)
    unseen = shown(listed("main", [HALF_HOUR_OLD]), replace(away, reachable=False), **promised)
    assert unseen.copied.held == 1


def test_of_a_system_without_a_good_snapshot_no_copy_is_held() -> None:
    bare = shown(listed("main", []), objectives=Objectives())
    assert replace(bare.copied, digits=()) == Copied()
    assert {digit.found for digit in bare.copied.digits} == {0}
    assert Scene.of(desired(system()), observed(), NOW).drills("orders") == ()
