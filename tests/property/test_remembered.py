"""A loop that remembers decides exactly as one that does not, whatever happens from one pass to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.decide.conditions import conditions
from reconciler.decide.keepsake import Keepsake
from reconciler.decide.plan import plan
from reconciler.decide.raising import Raising, of_status
from reconciler.decide.remembered import Remembered
from reconciler.decide.status import status
from reconciler.model.desired import Desired
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.observed import Observed, Pace
from reconciler.model.plan import Plan
from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind
from reconciler.model.status import Condition, LoopStatus, SpecStatus, Status
from reconciler.model.wishes import Pause, Wish
from tests.fakes.worlds import NOW, daily, desired, listed, observed, snapshot, system, unreachable
from tests.property.strategies import NAMES, REPOSITORIES, marks, run_histories, snapshots, systems, worlds

SPANS = [
    timedelta(microseconds=1),
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=17),
    timedelta(hours=1),
    timedelta(days=1),
]
LONG = [timedelta(days=7), timedelta(days=40), timedelta(days=400)]
_reached: Counter[str] = Counter()

Decided = tuple[Plan, tuple[Condition, ...], Status]


def decided(tree: Desired, seen: Observed, now: datetime, remembered: Remembered | None) -> Decided:
    made = plan(tree, seen, now, remembered=remembered)
    stated = conditions(tree, seen, made, now, remembered=remembered)
    specs = SpecStatus("d1", clean=True, errors=0, warnings=0, loaded_at=now, objects=1)
    return made, stated, status(tree, seen, made, stated, LoopStatus(), specs, now, remembered=remembered)


def agree(tree: Desired, seen: Observed, now: datetime, remembered: Remembered, raising: Raising | None = None) -> None:
    """Field by field, and nothing of it moves on with the hour afterwards."""
    kept, anew = decided(tree, seen, now, remembered), decided(tree, seen, now, None)
    for one, other in zip(kept, anew, strict=True):
        assert one == other
    assert [repr(one) for one in kept[:2]] == [repr(other) for other in anew[:2]]  # words are words, and moments of one zone
    if raising is not None:
        assert raising.of(tree, kept[2], now) == of_status(tree, anew[2], now)


def horizons(remembered: Remembered) -> list[datetime]:
    return sorted({k.until for answers in remembered._answers.values() for k in answers.kept.values() if k.until is not None})


@st.composite
def changes(draw: st.DrawFn, tree: Desired, seen: Observed) -> tuple[str, Desired, Observed]:
    """What may be another from one pass to the next."""
    what = draw(
        st.sampled_from(
            ["nothing", "nothing", "snapshot", "gone", "mark", "run", "silent", "back", "spec", "busy", "pause", "wish", "pace", "drill"]
        )
    )
    name, place = draw(st.sampled_from(NAMES)), draw(st.sampled_from(REPOSITORIES))
    state = seen.repositories[place]
    match what:
        case "snapshot":
            new = replace(draw(snapshots(NAMES)), repository=place)
            state = replace(state, snapshots=(new, *state.snapshots), fresh=draw(st.booleans()))
        case "gone" if state.snapshots:
            state = replace(state, snapshots=state.snapshots[draw(st.integers(0, 1)) :: 2])
        case "mark" if state.snapshots:
            which = draw(st.sampled_from(state.snapshots))
            until = draw(st.one_of(st.none(), st.sampled_from(SPANS).map(lambda span: NOW + span)))
            marked = replace(which, marks=(*which.marks, replace(draw(marks), until=until)))
            state = replace(state, snapshots=tuple(marked if s is which else s for s in state.snapshots))
        case "run":
            seen = replace(seen, runs={**seen.runs, (name, place): draw(run_histories())})
        case "silent":
            state = unreachable(place) if draw(st.booleans()) else replace(state, fresh=not state.fresh, listed_at=seen.at)
        case "back":
            state = listed(place, state.snapshots, fresh=draw(st.booleans()))
        case "spec":
            others = [s for s in tree.systems if s.name != name]
            tree = replace(desired(*others, draw(systems(name))), clean=draw(st.booleans()))
        case "busy":
            lane = draw(st.sampled_from(["objective", "upkeep"]))
            seen = replace(seen, busy=seen.busy ^ {(name, place, lane)})
        case "pause":
            seen = replace(seen, pause=Pause(NOW + draw(st.sampled_from(SPANS)), "r", "ada", NOW) if seen.pause is None else None)
        case "wish":
            seen = replace(seen, wishes=(Wish(name, BackupKind.FULL, NOW, "ada"),) if not seen.wishes else ())
        case "pace":
            seen = replace(seen, paces={**seen.paces, ("copy", place): (Pace(draw(st.floats(1, 9)), 5, 1),)})
        case "drill":
            drill = DrillRecord(
                "d", name, place, "x", "newest", NOW, "loop", outcome=draw(st.sampled_from(DrillOutcome)), expires_at=NOW + LONG[1]
            )
            seen = replace(seen, drills=(drill, *seen.drills))
    return what, tree, replace(seen, repositories={**seen.repositories, place: state})


def restarted(remembered: Remembered, renewed: timedelta = timedelta.max) -> Remembered:
    """What the next process makes of what this one leaves."""
    return Remembered(renewed, Keepsake.read(memoryview(remembered.keepsake("program")), "program"))


@settings(max_examples=150)
@given(st.data(), worlds())
def test_what_is_remembered_is_what_would_be_decided_anew(data, world):
    (tree, seen), now, remembered, raising = world, NOW, Remembered(renewed=timedelta.max), Raising()
    for _ in range(data.draw(st.integers(3, 10))):
        agree(tree, seen, now, remembered, raising)
        what, tree, seen = data.draw(changes(tree, seen))
        _reached[what] += 1
        ahead = [at for at in horizons(remembered) if at > now]
        span = data.draw(st.sampled_from(["short", "horizon", "before it", "long", "back"]))
        if span in {"horizon", "before it"} and ahead:
            now = max(now, data.draw(st.sampled_from(ahead[:3])) - timedelta(microseconds=span == "before it"))
        else:
            now += -timedelta(hours=3) if span == "back" else data.draw(st.sampled_from(LONG if span == "long" else SPANS))
        seen = replace(seen, at=now)
        if data.draw(st.integers(0, 2)) == 0:
            _reached["restart"] += 1
            remembered, raising = restarted(remembered), Raising()
    agree(tree, seen, now, remembered)


def quiet_world(count: int) -> tuple[Desired, Observed]:
    """Systems with a backup of half an hour ago in two repositories, and nothing to do."""
    names = [f"system-{number:03}" for number in range(count)]
    tree = desired(*[system(name, repositories=("main", "offsite"), rpo="4h") for name in names])
    taken = NOW - timedelta(minutes=30)
    held = [snapshot(taken, id=name, system=name, kind="full", verified=taken) for name in names]
    return tree, observed(listed("main", held), listed("offsite", held))


def asked_in(remembered: Remembered, pass_: Callable[[], Any]) -> int:
    before = remembered.asked
    pass_()
    return remembered.asked - before


def test_a_pass_in_which_nothing_happened_asks_no_system_anything():
    (tree, seen), remembered = quiet_world(50), Remembered(renewed=timedelta.max)
    decided(tree, seen, NOW, remembered)
    later = NOW + timedelta(minutes=10)
    assert asked_in(remembered, lambda: agree(tree, replace(seen, at=later), later, remembered)) == 0


def test_after_a_quiet_pass_the_plan_and_the_conditions_are_the_very_same_values():
    (tree, seen), remembered = quiet_world(50), Remembered(renewed=timedelta.max)
    before = decided(tree, seen, NOW, remembered)
    later = NOW + timedelta(minutes=10)
    after = decided(tree, replace(seen, at=later), later, remembered)
    assert after[0].waiting is before[0].waiting
    assert after[0].actions is before[0].actions
    assert after[1] is before[1]


def test_a_new_snapshot_asks_its_own_system_alone():
    (tree, seen), remembered = quiet_world(50), Remembered(renewed=timedelta.max)
    decided(tree, seen, NOW, remembered)
    later = NOW + timedelta(seconds=30)
    main = seen.repositories["main"]
    new = snapshot(NOW, id="new", system="system-007", repository="main")
    grown = replace(
        seen, at=later, repositories={**seen.repositories, "main": replace(main, snapshots=(new, *main.snapshots), listed_at=later)}
    )
    assert asked_in(remembered, lambda: agree(tree, grown, later, remembered)) == 3


def test_a_hold_that_has_ended_keeps_nothing_in_a_listing_that_stays():
    """Retention remembers its verdicts by listing, and a hold ends by itself without another listing."""
    held = Mark(MarkKind.HELD, NOW, until=NOW + timedelta(hours=1))
    old = snapshot(NOW - timedelta(days=90), id="old", marks=(held,), removing=NOW - timedelta(days=40))
    tree = desired(system(retention=system().retention.model_copy(update={"last": 1, "minimum": 1})))
    seen = observed(listed("main", [snapshot(NOW, id="new", kind="full", grade=Grade.COMPLETE), old]))
    assert not [a for a in plan(tree, seen, NOW).actions if "old" in a.snapshots and a.kind == "forget"]
    later = NOW + timedelta(hours=2)
    assert [a.kind for a in plan(tree, replace(seen, at=later), later).actions if "old" in a.snapshots] == ["forget"]


def test_everything_is_asked_anew_once_an_hour_all_the_same() -> None:
    tree = desired(system())
    remembered = Remembered()
    seen = observed(listed("main", daily(3)))
    first = asked_in(remembered, lambda: remembered.each("due", remembered.scene(tree, seen, NOW), lambda _s, _system, _more: 1, kind=int))
    for later, asked in ((timedelta(minutes=59), 0), (timedelta(hours=1), first), (timedelta(minutes=119), 0)):
        scene = remembered.scene(tree, replace(seen, at=NOW + later), NOW + later)
        assert asked_in(remembered, lambda scene=scene: remembered.each("due", scene, lambda _s, _system, _more: 1, kind=int)) == asked  # type: ignore[misc]
