"""Disasters on random worlds: more taken is never better, one more copy never worse, and a remedy mends."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.base.units import parse_duration
from reconciler.decide.impact.report import impact
from reconciler.model.declared.objectives import Objectives
from reconciler.model.declared.scenario import Takes
from reconciler.model.desired import Desired, DesiredScenario, DesiredSystem
from reconciler.model.disaster import DisasterType
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.impact import RemedyKind, Verdict
from reconciler.model.observed import Observed
from reconciler.model.snapshot import Mark, MarkKind, Snapshot
from tests.fakes.worlds import NOW, desired, listed, observed, repository, snapshot, system, unreachable

NAMES = ("a", "b", "c", "d")
STORES = ("main", "near", "far")
SITES = ("here", "there")
HOSTS = ("h1", "h2")
maybe_site = st.sampled_from([None, *SITES])


@st.composite
def declared(draw: st.DrawFn, name: str) -> DesiredSystem:
    site = draw(maybe_site)
    rto, rpo = draw(st.sampled_from([None, "1m", "10m", "4h"])), draw(st.sampled_from([None, "1h", "2d", "30d"]))
    given = {k: parse_duration(v) for k, v in {"rto": rto, "rpo": rpo}.items() if v is not None}
    return system(
        name,
        host=draw(st.sampled_from([None, *HOSTS])),
        failure_domain={"site": site} if site else {},
        repositories=tuple(draw(st.lists(st.sampled_from(STORES), min_size=1, max_size=3, unique=True))),
        depends_on=tuple(draw(st.lists(st.sampled_from([n for n in NAMES if n < name] or [name]), max_size=2, unique=True))),
        objectives=Objectives(**given),
    )


takes = st.builds(
    Takes,
    failure_domain=st.sampled_from([None, {"site": ("*",)}, {"site": ("here",)}, {"site": ("here", "there")}, {"host": ("*",)}]),
    sources=st.sampled_from([None, True]),
    credentials=st.sampled_from([None, ("*",), ("h1",), ("h1", "h2")]),
    reach=st.sampled_from([None, "offsite"]),
    unverified=st.sampled_from([None, True]),
)


@st.composite
def held(draw: st.DrawFn, name: str, store: str) -> list[Snapshot]:
    hours = draw(st.lists(st.sampled_from([0.5, 5, 30, 100, 400]), max_size=4, unique=True))
    return [
        snapshot(
            NOW - timedelta(hours=h),
            id=f"{name}-{h}",
            system=name,
            repository=store,
            marks=(Mark(MarkKind.VERIFIED, NOW),) if draw(st.booleans()) else (),
        )
        for h in hours
    ]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Desired, Observed]:
    stores = []
    for name in STORES:
        site = draw(maybe_site)
        only = draw(st.sampled_from([None, (), ("h1",)]))
        stores.append(repository(name, failure_domain={"site": site} if site else {}, deletable_from=only))
    want = desired(*(draw(declared(name)) for name in NAMES), *stores)
    latency = draw(st.sampled_from([timedelta(0), timedelta(hours=6), timedelta(days=10)]))
    scenario = DesiredScenario("x", DisasterType.CYBER_ATTACK, "", draw(takes), latency, temporary=draw(st.booleans()))
    states = [
        unreachable(store) if draw(st.integers(0, 9)) == 0 else listed(store, [s for n in NAMES for s in draw(held(n, store))])
        for store in STORES
    ]
    drills = tuple(
        DrillRecord(
            f"{name}{store}", name, store, "s", "newest", NOW, "loop", outcome=DrillOutcome.PROVEN, files=10, bytes=1000,
            restore_seconds=draw(st.sampled_from([1.0, 60.0, 600.0])),
        )
        for name in NAMES for store in STORES if draw(st.booleans())
    )  # fmt: skip
    return replace(want, scenarios=(scenario,)), observed(*states, drills=drills)


def verdicts(want: Desired, have: Observed) -> dict[str, Verdict]:
    return {each.system: each.verdict for each in impact(want, have, NOW, mend=False).systems}


def more(want: Desired, takes: Takes, latency: timedelta) -> Desired:
    """Both what the scenario takes and ``takes``."""
    (scenario,) = want.scenarios
    before = scenario.takes
    domains = {**(before.failure_domain or {})}
    for key, values in (takes.failure_domain or {}).items():
        domains[key] = tuple(dict.fromkeys((*domains.get(key, ()), *values)))
    both = Takes(
        failure_domain=domains or None,
        sources=before.sources or takes.sources,
        credentials=tuple(dict.fromkeys((*(before.credentials or ()), *(takes.credentials or ())))) or None,
        reach=before.reach or takes.reach,
        unverified=before.unverified or takes.unverified,
    )
    return replace(want, scenarios=(replace(scenario, takes=both, detection_latency=scenario.detection_latency + latency),))


@given(worlds(), takes, st.sampled_from([timedelta(0), timedelta(days=1)]))
def test_taking_more_away_never_makes_a_verdict_better(world: tuple[Desired, Observed], also: Takes, latency: timedelta) -> None:
    want, have = world
    before, after = verdicts(want, have), verdicts(more(want, also, latency), have)
    assert [(n, before[n], after[n]) for n in before if after[n].rank > before[n].rank] == []


@given(worlds(), st.sampled_from(NAMES), st.sampled_from(STORES))
def test_one_more_copy_never_makes_a_verdict_worse(world: tuple[Desired, Observed], name: str, store: str) -> None:
    want, have = world
    state = have.repositories[store]
    if not state.reachable:
        return
    copied = {s.id: replace(s, repository=store) for other in have.repositories.values() for s in other.snapshots if s.system == name}
    known = {s.id for s in state.snapshots}
    richer = listed(store, [*state.snapshots, *(s for i, s in copied.items() if i not in known)])
    before, after = verdicts(want, have), verdicts(want, replace(have, repositories={**have.repositories, store: richer}))
    assert [(n, before[n], after[n]) for n in before if after[n].rank < before[n].rank] == []


@settings(deadline=None)  # how long an example takes says nothing here
@given(worlds())
def test_a_remedy_that_is_named_mends_when_it_is_carried_out(world: tuple[Desired, Observed]) -> None:
    """Carried out on the specs and on what is observed, not by the code that named it."""
    want, have = world
    for each in impact(want, have, NOW).systems:
        for remedy in each.remedies:
            assert remedy.verdict.rank > each.verdict.rank
            if "the same for" in remedy.what or each.path[:-1] or "depends on" in each.why:
                continue  # more than one system is changed
            changed = carried_out(want, have, each.system, remedy.kind, remedy.what)
            if changed is not None:
                assert verdicts(*changed)[each.system].rank >= remedy.verdict.rank, remedy


def carried_out(want: Desired, have: Observed, name: str, kind: RemedyKind, what: str) -> tuple[Desired, Observed] | None:
    if kind is RemedyKind.DELETABLE:
        store = next(s for s in STORES if what.startswith(f"let {s} "))
        left = tuple(h for h in what.rpartition("[")[2].rstrip("]").split(", ") if h)
        stores = tuple(replace(r, deletable_from=left) if r.name == store else r for r in want.repositories)
        return replace(want, repositories=stores), have
    if kind is RemedyKind.VERIFY:
        store = what.split(" in ")[1].split(":", maxsplit=1)[0]
        state = have.repositories[store]
        mine = max((s for s in state.snapshots if s.system == name), key=lambda s: s.as_of)
        proven = replace(mine, marks=(*mine.marks, Mark(MarkKind.VERIFIED, NOW)))
        state = listed(store, [proven if s.id == mine.id else s for s in state.snapshots])
        return want, replace(have, repositories={**have.repositories, store: state})
    if kind is RemedyKind.DETECT:
        sooner = parse_duration(what.split("detectionLatency: ")[1].split(" ", maxsplit=1)[0])
        return replace(want, scenarios=(replace(want.scenarios[0], detection_latency=sooner),)), have
    return None
