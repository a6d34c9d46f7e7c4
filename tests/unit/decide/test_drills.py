"""When a drill is due, of which snapshot, and what the drills on record say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.drills import plan_drills
from reconciler.decide.proven import proven
from reconciler.decide.scene import Scene
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.policy import Window
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.plan import Action, Lane
from tests.fakes.worlds import NOW, ago, daily, desired, listed, observed, system

WEEK = timedelta(days=7)
PROVEN, RESTORED, FAILED, BLOCKED = DrillOutcome.PROVEN, DrillOutcome.RESTORED, DrillOutcome.FAILED, DrillOutcome.BLOCKED


def drill(at: str, outcome: DrillOutcome, **changes: object) -> DrillRecord:
    until = ago(at) + 2 * WEEK if outcome is PROVEN else None
    plain = DrillRecord(at, "orders", "main", "s" * 16, "newest", ago(at), "loop", outcome=outcome, expires_at=until, findings=("broken",))
    return replace(plain, **changes)  # type: ignore[arg-type]


def scene_of(*drills: DrillRecord, **declared: object) -> Scene:
    of = system(drill=Drill(every=WEEK, **declared))  # type: ignore[arg-type]
    return Scene.of(desired(of), observed(listed("main", daily(4)), drills=drills), NOW)


def due(scene: Scene) -> Action | None:
    return next(iter(plan_drills(scene, scene.desired.systems[0])), None)


def same(outcome: DrillOutcome, at: str) -> DrillRecord:
    return drill(at, outcome, generation=scene_of().desired.systems[0].generation)


@pytest.mark.parametrize(
    ("drills", "is_due"),
    [
        ((), True),
        ((same(PROVEN, "6d"),), False),
        ((same(PROVEN, "6d16h"),), True),  # a twentieth before its end
        ((same(RESTORED, "6d"),), False),
        ((same(FAILED, "23h"), same(PROVEN, "6d")), False),
        ((same(FAILED, "25h"), same(PROVEN, "6d")), True),
        ((same(BLOCKED, "25h"), same(PROVEN, "6d")), True),
        ((drill("1m", BLOCKED, generation="another"),), True),
    ],
)
def test_when_it_is_due(drills: tuple[DrillRecord, ...], *, is_due: bool) -> None:
    assert (due(scene_of(*drills)) is not None) is is_due


@pytest.mark.parametrize(("begin", "end", "is_due"), [("11:00", "13:00", True), ("22:00", "04:00", False), ("12:01", "13:00", False)])
def test_it_waits_for_its_window(begin: str, end: str, *, is_due: bool) -> None:
    assert (due(scene_of(window=Window(begin=begin, end=end))) is not None) is is_due


def test_it_is_upkeep_and_never_without_a_declaration() -> None:
    found = due(scene_of())
    assert found is not None
    assert (found.lane, found.reason, found.pick, len(found.snapshots)) == (Lane.UPKEEP, "drill-due", "newest", 2)
    plain = Scene.of(desired(system()), observed(listed("main", daily(4))), NOW)
    assert due(plain) is None


def test_which_snapshot() -> None:
    ids = [s.id for s in scene_of().snapshots("orders", "main")]
    oldest, newest = due(scene_of(snapshot="oldest")), due(scene_of())
    assert oldest is not None
    assert newest is not None
    assert (oldest.snapshots, newest.snapshots) == ((ids[-1],), (ids[0], ids[1]))
    drawn = [due(scene_of(drill("8d", PROVEN, id=str(number)), snapshot="random")) for number in range(40)]
    assert {action.snapshots[0] for action in drawn if action is not None} == set(ids)


@pytest.mark.parametrize(
    ("drills", "reason"),
    [
        ((), "NeverDrilled"),
        ((drill("1d", PROVEN),), "Proven"),
        ((drill("1d", PROVEN, restore_seconds=10**6),), "SlowerThanRto"),
        ((drill("15d", PROVEN),), "Expired"),
        ((drill("1d", FAILED), drill("2d", PROVEN)), "DrillFailed"),
        ((drill("1d", PROVEN), drill("2d", FAILED)), "Proven"),
        ((drill("1d", BLOCKED), drill("2d", PROVEN)), "Proven"),
        ((drill("1d", BLOCKED),), "DrillBlocked"),
        ((drill("1d", BLOCKED), drill("2d", FAILED)), "DrillFailed"),
        ((drill("1d", RESTORED),), "NotOfUse"),
    ],
)
def test_what_the_drills_say(drills: tuple[DrillRecord, ...], reason: str) -> None:
    of = system(drill=Drill(every=WEEK))
    of = replace(of, objectives=of.objectives.model_copy(update={"rto": timedelta(hours=4)}))
    scene = Scene.of(desired(of), observed(listed("main", daily(4)), drills=drills), NOW)
    assert proven(scene, of)[1] == reason
