"""What a listing remembers changes no decision: along a history of passes the plan is the one that is made from nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.decide.conditions import conditions
from reconciler.decide.plan import plan
from reconciler.model.declared.objectives import Copies
from reconciler.model.declared.policy import Retention
from reconciler.model.listing import Listing
from reconciler.model.observed import Observed, RepositoryState
from reconciler.model.snapshot import Grade, Mark, MarkKind, Snapshot
from tests.fakes.worlds import NOW, desired, listed, observed, snapshot, system

NAMES = ("mail", "orders", "shop")
DESIRED = desired(
    *(system(name, repositories=("main", "off"), copies=Copies(count=2), retention=Retention(last=2, daily=3, minimum=1)) for name in NAMES)
)
STEP = st.tuples(
    st.sampled_from(["new", "partial", "safety", "future", "mark", "hold", "lose", "day", "back"]),
    st.sampled_from(NAMES),
    st.integers(0, 9),
    st.sampled_from(["main", "off"]),
)
GRADES = {"new": Grade.COMPLETE, "partial": Grade.PARTIAL, "safety": Grade.SAFETY, "future": Grade.COMPLETE}


def _after(step: tuple[str, str, int, str], snapshots: tuple[Snapshot, ...], now: datetime) -> tuple[Snapshot, ...]:
    what, name, index, where = step
    if what in GRADES:
        at = now + timedelta(days=2) if what == "future" else now - timedelta(hours=index)
        made = snapshot(at, id=f"{name}-{what}-{at:%d%H}", system=name, repository=where, grade=GRADES[what])
        return (made, *(s for s in snapshots if s.id != made.id))
    mine = [s for s in snapshots if s.system == name]
    if not mine or what in {"day", "back"}:
        return snapshots
    chosen = mine[index % len(mine)]
    if what == "lose":
        return tuple(s for s in snapshots if s is not chosen)
    mark = Mark(MarkKind.REMOVE if what == "mark" else MarkKind.HELD, now)
    return tuple(replace(s, marks=(*s.marks, mark)) if s is chosen else s for s in snapshots)


def _seen(states: dict[str, RepositoryState], now: datetime) -> Observed:
    return replace(observed(*states.values()), at=now)


@given(st.lists(STEP, min_size=1, max_size=25))
def test_along_a_history_the_plan_is_the_one_made_from_nothing(steps: list[tuple[str, str, int, str]]) -> None:
    kept = {name: listed(name) for name in ("main", "off")}
    now = NOW
    for step in steps:
        now += {"day": timedelta(days=1), "back": -timedelta(days=1)}.get(step[0], timedelta(minutes=10))
        before = kept[step[3]].snapshots
        kept[step[3]] = replace(kept[step[3]], snapshots=Listing.of(tuple(_after(step, before, now)), before), listed_at=now)
        nothing = {name: replace(state, snapshots=tuple(state.snapshots)) for name, state in kept.items()}
        made = plan(DESIRED, _seen(kept, now), now)
        assert made == plan(DESIRED, _seen(nothing, now), now)
        assert conditions(DESIRED, _seen(kept, now), made, now) == conditions(DESIRED, _seen(nothing, now), made, now)


def test_a_listing_keeps_the_groups_that_did_not_change() -> None:
    first = Listing.of(tuple(snapshot(NOW - timedelta(hours=n), system=name) for name in NAMES for n in range(3)))
    anew = (snapshot(NOW, system="shop"), *(replace(s) for s in first))
    second = Listing.of(anew, first)
    changed = [key for key, group in second.groups.items() if group is not first.groups.get(key)]
    assert [key[1] for key in changed] == ["shop"]
    assert second == anew
