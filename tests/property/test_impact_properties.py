"""Disasters on random worlds: more taken is never better, one more copy never worse, and a remedy mends."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.base.units import parse_duration
from reconciler.decide.impact.changes import Change
from reconciler.decide.impact.judge import Judge
from reconciler.decide.impact.remedies import SHOWN, Remedies
from reconciler.decide.impact.report import impact
from reconciler.decide.impact.world import World
from reconciler.decide.scene import Scene
from reconciler.model.declared.objectives import Objectives, Targets
from reconciler.model.declared.scenario import Takes
from reconciler.model.desired import Desired, DesiredScenario, DesiredSystem
from reconciler.model.disaster import DisasterType
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.impact import Remedy, RemedyKind, Verdict
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
def scenario(draw: st.DrawFn, name: str) -> DesiredScenario:
    latency = draw(st.sampled_from([timedelta(0), timedelta(hours=6), timedelta(days=10)]))
    kind = draw(st.sampled_from([DisasterType.CYBER_ATTACK, DisasterType.HUMAN_ERROR]))
    return DesiredScenario(name, kind, "", draw(takes), latency, temporary=draw(st.booleans()))


@st.composite
def worlds(draw: st.DrawFn, count: int = 1) -> tuple[Desired, Observed]:
    stores = []
    for name in STORES:
        site = draw(maybe_site)
        only = draw(st.sampled_from([None, (), ("h1",)]))
        stores.append(repository(name, failure_domain={"site": site} if site else {}, deletable_from=only))
    want = desired(*(draw(declared(name)) for name in NAMES), *stores)
    scenarios = tuple(draw(scenario(f"x{number}")) for number in range(count))
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
    return replace(want, scenarios=scenarios), observed(*states, drills=drills)


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


@given(worlds())
def test_a_remedy_that_is_named_mends_when_it_is_carried_out(world: tuple[Desired, Observed]) -> None:
    """Carried out on the specs and on what is observed, not by the code that named it."""
    want, have = world
    for each in impact(want, have, NOW).systems:
        for remedy in each.remedies:
            assert remedy.verdict.rank > each.verdict.rank
            of_another = remedy.kind is RemedyKind.VERIFY and f"reconcile verify {each.system} " not in remedy.what
            if "the same for" in remedy.what or each.path[:-1] or "depends on" in each.why or of_another:
                continue  # not this system alone is changed
            changed = carried_out(want, have, each.system, remedy.kind, remedy.what)
            if changed is not None:
                assert verdicts(*changed)[each.system].rank >= remedy.verdict.rank, remedy


@settings(max_examples=40)
@given(worlds(count=3))
def test_remedies_are_those_of_the_slow_way(world: tuple[Desired, Observed]) -> None:
    """Every change made in a world of its own, in which all is judged anew: no memory, no part of another world."""
    want, have = world
    named = {(each.scenario, each.system): each for each in impact(want, have, NOW).systems}
    for scenario in want.scenarios:
        alone = replace(want, scenarios=(scenario,))
        for name, struck in Judge(World(Scene.of(alone, have, NOW))).scenario(scenario).items():
            found = named.pop((scenario.name, name))
            assert found.verdict is struck[0][1].verdict
            assert found.remedies == (() if found.verdict.well else slowly(alone, have, name, found.verdict)), (scenario.name, name)
    assert not named


def slowly(want: Desired, have: Observed, name: str, today: Verdict) -> tuple[Remedy, ...]:
    """For one scenario."""
    world = World(Scene.of(want, have, NOW))
    struck = Judge(world).scenario(want.scenarios[0])[name]
    found: list[Remedy] = []
    for group in Remedies(world).candidates(world.systems[name], struck):
        found += [Remedy(c.kind, c.what, v) for c in group if (v := verdicts(*made_real(want, have, c))[name]).rank > today.rank]
        if found:
            break
    return tuple(found[:SHOWN])


def made_real(want: Desired, have: Observed, change: Change) -> tuple[Desired, Observed]:
    """The change carried out on what is declared and on what is observed."""
    world, scenario = change.world, change.scenario or want.scenarios[0]
    systems = [world.redeclared.get(s.name, s) for s in want.systems]
    for name, said in world.repromised.items():
        at = next(i for i, s in enumerate(systems) if s.name == name)
        targets = Targets(rpo=said.rpo, rto=said.rto, mtd=said.mtd)
        objectives = systems[at].objectives.model_copy(update={"disasters": {scenario.type.value: targets}})
        systems[at] = replace(systems[at], objectives=objectives)
    stores = {r.name: r for r in want.repositories} | dict(world.remade)
    states = dict(have.repositories) | {name: listed(name, ()) for name in world.remade if name not in have.repositories}
    for name, store in world.refilled:
        held: dict[str, Snapshot] = {}
        for each in (each for run in world.held(name, store) for each in run):
            if each.id not in held or (each.good and not held[each.id].good):
                held[each.id] = replace(each, repository=store)
        states[store] = listed(store, [*(s for s in states[store].snapshots if s.system != name), *held.values()])
    wanted = replace(want, systems=tuple(systems), repositories=tuple(stores.values()), scenarios=(scenario,))
    return wanted, replace(have, repositories=states)


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
