"""What disasters do: what survives, what is lost, how long it takes, what is not known, what would mend it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.base.units import parse_duration
from reconciler.decide.impact.judge import Judge
from reconciler.decide.impact.remedies import Remedies
from reconciler.decide.impact.report import impact, outlooks
from reconciler.decide.impact.world import World
from reconciler.decide.scene import Scene
from reconciler.model.declared.builtin import SCENARIOS
from reconciler.model.declared.objectives import Objectives, Targets
from reconciler.model.declared.repository import ObjectLock
from reconciler.model.declared.scenario import Takes
from reconciler.model.declared.system import Impact as Declared
from reconciler.model.desired import Desired, DesiredScenario
from reconciler.model.disaster import DisasterType
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.impact import RemedyKind, Survival, SystemImpact, Verdict
from reconciler.model.observed import Observed, RunHistory
from tests.fakes.worlds import NOW, ago, desired, listed, observed, repository, snapshot, system, unreachable


def built_in(kind: DisasterType) -> DesiredScenario:
    spec = SCENARIOS[kind]
    assert spec.takes is not None
    return DesiredScenario(kind.value, kind, "", spec.takes, spec.detection_latency or timedelta(0), bool(spec.temporary))


ALL = tuple(built_in(kind) for kind in DisasterType)
OFFICE = {"site": "office", "device": "rack1"}
NAS = repository("main", failure_domain={"site": "office", "device": "nas1"})
FAR = repository("far", failure_domain={"site": "abroad", "device": "filer"}, deletable_from=())


def drilled(name: str = "orders", repo: str = "main", seconds: float = 60.0) -> DrillRecord:
    return DrillRecord(
        f"{name}-{repo}", name, repo, "s", "newest", ago("1d"), "loop", outcome=DrillOutcome.PROVEN, files=10, bytes=1000,
        restore_seconds=seconds,
    )  # fmt: skip


def orders(**changes: Any) -> Any:
    plain: dict[str, Any] = {
        "host": "shop1", "failure_domain": OFFICE, "repositories": ("main", "far"),
        "objectives": Objectives(rpo=parse_duration("1h"), rto=parse_duration("4h"), mtd=parse_duration("12h")),
    }  # fmt: skip
    return system(changes.pop("name", "orders"), **{**plain, **changes})


def tree(*objects: Any, scenarios: tuple[DesiredScenario, ...] = ALL) -> Desired:
    return replace(desired(*objects), scenarios=scenarios)


def history(name: str = "orders", **changes: Any) -> list[Any]:
    """Half an hour, two days and twenty days old; the second one is verified."""
    moments: tuple[tuple[str, dict[str, Any]], ...] = (("30m", {}), ("2d", {"verified": ago("1d")}), ("20d", {}))
    return [snapshot(ago(age), system=name, id=f"{name}-{age}", **more, **changes) for age, more in moments]


def seen(*names: str, both: bool = True, **changes: Any) -> Observed:
    stored = [s for name in names for s in history(name)]
    drills = tuple(drilled(name, repo) for name in names for repo in ("main", "far"))
    return observed(listed("main", stored), listed("far", stored if both else ()), drills=drills, **changes)


def cell(want: Desired, have: Observed, scenario: str, name: str = "orders") -> SystemImpact:
    return next(each for each in impact(want, have, NOW, scenarios=[scenario]).systems if each.system == name)


BOTH = tree(orders(), NAS, FAR)


@pytest.mark.parametrize(
    ("scenario", "verdict", "survivors"),
    [
        ("hardware_failure", Verdict.MET, {"main", "far"}),
        ("software_corruption", Verdict.BREACHED, {"main", "far"}),
        ("data_corruption", Verdict.BREACHED, {"main", "far"}),
        ("security_breach", Verdict.BREACHED, {"main", "far"}),
        ("network_outage", Verdict.MET, {"main"}),
        ("natural_disaster", Verdict.MET, {"far"}),
        ("human_error", Verdict.MET, {"main", "far"}),
        ("cyber_attack", Verdict.BREACHED, {"far"}),
        ("power_outage", Verdict.MET, {"far"}),
        ("system_overload", Verdict.MET, {"main", "far"}),
    ],
)
def test_each_type_takes_what_it_says_and_nothing_else(scenario: str, verdict: Verdict, survivors: set[str]) -> None:
    found = cell(BOTH, seen("orders"), scenario)
    assert found.verdict is verdict, found.why
    assert {c.repository for c in found.copies if c.survival is Survival.SURVIVES} == survivors


def test_what_is_young_or_unverified_is_not_trusted() -> None:
    assert cell(BOTH, seen("orders"), "cyber_attack").snapshot_id == "orders-2d"
    assert cell(BOTH, seen("orders"), "security_breach").snapshot_id == "orders-20d"
    assert cell(BOTH, seen("orders"), "data_corruption").snapshot_id == "orders-2d"
    young = observed(listed("main", [snapshot(ago("30m"))]), listed("far", [snapshot(ago("30m"))]))
    assert cell(BOTH, young, "data_corruption").verdict is Verdict.LOST
    breach = cell(BOTH, young, "security_breach")
    assert breach.verdict is Verdict.LOST
    assert "too young" in breach.why


def test_a_confirmation_counts_up_to_the_moment_that_is_trusted() -> None:
    have = seen("orders", runs={("orders", "far"): RunHistory(confirmed=("orders-2d", ago("10m")))})
    assert cell(BOTH, have, "cyber_attack").loss == timedelta(days=1)


def test_without_a_copy_elsewhere_a_site_takes_everything_and_says_what_would_survive() -> None:
    found = cell(tree(orders(repositories=("main",)), NAS), seen("orders"), "natural_disaster")
    assert (found.verdict, found.loss, found.recovery) == (Verdict.LOST, None, None)
    assert found.why == "nothing survives: main: it is at site office"
    (remedy,) = found.remedies
    assert (remedy.kind, remedy.verdict) == (RemedyKind.SITE, Verdict.UNKNOWN)
    assert "another site" in remedy.what


def test_what_a_power_cut_holds_is_not_lost() -> None:
    found = cell(tree(orders(repositories=("main",)), NAS), seen("orders"), "power_outage")
    assert found.verdict is Verdict.BREACHED
    assert "until it is over" in found.why


def test_an_attacker_deletes_what_the_host_may_delete_and_the_remedy_says_so() -> None:
    mine = tree(orders(repositories=("main",), objectives=Objectives(rpo=parse_duration("3d"))), NAS)
    found = cell(mine, seen("orders"), "cyber_attack")
    assert found.verdict is Verdict.LOST
    assert "shop1 writes to it and could delete it" in found.why
    assert found.remedies[0].kind is RemedyKind.DELETABLE
    shielded = tree(orders(repositories=("main",), objectives=Objectives(rpo=parse_duration("3d"))), replace(NAS, deletable_from=()))
    assert cell(shielded, seen("orders"), "cyber_attack").verdict is found.remedies[0].verdict is Verdict.MET


@pytest.mark.parametrize(
    ("mode", "days", "verdict"), [("compliance", 30, Verdict.MET), ("compliance", 1, Verdict.LOST), ("governance", 30, Verdict.LOST)]
)
def test_a_lock_outlasts_an_attacker_when_the_attack_is_noticed_in_time(mode: str, days: int, verdict: Verdict) -> None:
    lock = ObjectLock(mode=mode, retain=timedelta(days=days))  # type: ignore[arg-type]
    mine = tree(orders(repositories=("main",), objectives=Objectives(rpo=parse_duration("3d"))), replace(NAS, object_lock=lock))
    assert cell(mine, seen("orders"), "cyber_attack").verdict is verdict


def test_what_is_not_known_is_unknown_and_never_well() -> None:
    drills = (drilled(), drilled(repo="far"))
    silent = observed(unreachable("main"), unreachable("far"), drills=drills)
    assert {each.verdict for each in impact(BOTH, silent, NOW).systems} == {Verdict.UNKNOWN}
    nowhere = tree(orders(repositories=("main",)), replace(NAS, failure_domain={}))
    found = cell(nowhere, seen("orders"), "natural_disaster")
    assert (found.verdict, found.unknowns) == (Verdict.UNKNOWN, ("main: nobody says at which site it is",))
    homeless = tree(orders(failure_domain={}), NAS, FAR)
    assert cell(homeless, seen("orders"), "natural_disaster").verdict is Verdict.UNKNOWN
    untimed = replace(seen("orders"), drills=())
    assert "no drill out of main" in cell(BOTH, untimed, "human_error").unknowns[0]


def test_the_way_through_the_dependencies_is_the_time_and_the_cost() -> None:
    base = orders(name="base")
    shop = orders(name="shop", depends_on=("base",), impact=Declared(cost_per_hour=1000, users=40))
    want, have = tree(base, shop, NAS, FAR), seen("base", "shop")
    found = cell(want, have, "natural_disaster", "shop")
    alone = cell(want, have, "human_error", "shop")
    assert found.path == ("base", "shop")
    assert found.recovery is not None
    assert alone.recovery is not None
    assert found.recovery == 2 * alone.recovery
    assert found.users == 40
    assert found.cost == pytest.approx(1000 * found.recovery.total_seconds() / 3600, abs=0.01)


def test_what_depends_on_too_old_a_state_is_broken_and_both_are_mended() -> None:
    base, shop = orders(name="base"), orders(name="shop", depends_on=("base",))
    stale = [*history("base")[1:], *history("shop")]
    drills = tuple(drilled(name, repo) for name in ("base", "shop") for repo in ("main", "far"))
    have = observed(listed("main", [*history("base"), *history("shop")]), listed("far", stale), drills=drills)
    found = cell(tree(base, shop, NAS, FAR), have, "natural_disaster", "shop")
    assert found.verdict is Verdict.BREACHED
    assert "depends on base" in found.why
    assert (found.remedies[0].kind, found.remedies[0].verdict) == (RemedyKind.COPY, Verdict.MET)
    assert "reconcile copy base --to far" in found.remedies[0].what


def test_where_both_are_too_old_both_are_mended_and_one_alone_is_not_named() -> None:
    base, shop = orders(name="base"), orders(name="shop", depends_on=("base",))
    stale = [*history("base")[1:], *history("shop")[1:]]
    drills = tuple(drilled(name, repo) for name in ("base", "shop") for repo in ("main", "far"))
    have = observed(listed("main", [*history("base"), *history("shop")]), listed("far", stale), drills=drills)
    found = cell(tree(base, shop, NAS, FAR), have, "natural_disaster", "shop")
    assert [(r.kind, r.verdict) for r in found.remedies] == [(RemedyKind.COPY, Verdict.MET), (RemedyKind.SITE, Verdict.UNKNOWN)]
    assert found.remedies[0].what == "copy it to far: reconcile copy shop --to far; and the same for base"


def test_the_remedies_of_many_that_depend_on_one_are_worked_out_once() -> None:
    """What is tried on the one that is to blame is the same for all of them: points do not grow with their number."""

    def looked(count: int) -> int:
        systems = [orders(name="base"), *(orders(name=f"s{i}", depends_on=("base",)) for i in range(count))]
        names = [s.name for s in systems]
        stored = [s for name in names for s in history(name)]
        far = [s for s in stored if s.id != "base-30m"]
        drills = tuple(drilled(name, repo) for name in names for repo in ("main", "far"))
        scene = Scene.of(tree(*systems, NAS, FAR), observed(listed("main", stored), listed("far", far), drills=drills), NOW)
        world = World(scene)
        mends = Remedies(world)
        struck = Judge(world).scenario(built_in(DisasterType.NATURAL_DISASTER))
        before = world.looked
        assert all(mends.of(world.systems[name], struck[name]) for name in names)
        return world.looked - before

    assert looked(3) == looked(9)


def test_a_circle_of_dependencies_ends() -> None:
    want = tree(orders(name="a", depends_on=("b",)), orders(name="b", depends_on=("a",)), NAS, FAR)
    assert len(impact(want, seen("a", "b"), NOW).systems) == 20


def test_promises_of_the_type_hold_while_it_lasts() -> None:
    lenient = Objectives(rpo=parse_duration("1h"), disasters={"cyber_attack": Targets(rpo=parse_duration("3d"))})
    assert cell(tree(orders(objectives=lenient), NAS, FAR), seen("orders"), "cyber_attack").verdict is Verdict.MET


def test_a_scenario_with_named_places_asks_every_system() -> None:
    fire = DesiredScenario(
        "fire", DisasterType.NATURAL_DISASTER, "", Takes(failure_domain={"site": ("office",)}), timedelta(0), temporary=False
    )
    away = orders(name="away", failure_domain={"site": "abroad"}, host="b1", depends_on=("orders",))
    alone = orders(name="alone", failure_domain={"site": "abroad"}, host="b1", repositories=("far",))
    want = tree(orders(), away, alone, NAS, FAR, scenarios=(fire,))
    have = seen("orders", "away", "alone")
    have = replace(have, repositories={**have.repositories, "main": listed("main", [*history("orders"), *history("away")])})
    found = {each.system: each for each in impact(want, have, NOW).systems}
    assert found["orders"].verdict is Verdict.MET
    assert found["alone"].verdict is Verdict.UNTOUCHED
    assert (found["away"].verdict, found["away"].path) == (Verdict.MET, ("orders", "away"))
    everything = replace(fire, name="all", takes=Takes(failure_domain={"site": ("office", "abroad")}))
    lost = impact(replace(want, scenarios=(everything,)), seen("orders", "away", "alone"), NOW).systems
    assert {each.verdict for each in lost} == {Verdict.LOST}
    assert all(each.remedies for each in lost), "it says what would survive if a copy existed"


def test_an_outage_of_the_network_leaves_what_has_no_copy_at_home_exposed() -> None:
    found = cell(tree(orders(repositories=("far",)), FAR), seen("orders"), "network_outage")
    assert (found.verdict, found.loss) == (Verdict.EXPOSED, timedelta(0))


def test_single_points_of_failure_name_the_last_copy_and_the_shared_key() -> None:
    want = tree(orders(), orders(name="lonely", repositories=("main",)), NAS, replace(FAR, key=NAS.key))
    points = {(p.kind, p.name): p for p in impact(want, seen("orders", "lonely"), NOW).single_points}
    assert ("repository", "main") not in points, "what is no repository of `lonely` holds its copies all the same"
    assert points["key", "/keys/main"].last_copies == ("lonely", "orders")
    assert points["site", "office"].systems == ("lonely", "orders")
    one = {(p.kind, p.name): p for p in impact(want, seen("orders", "lonely", both=False), NOW).single_points}
    assert one["site", "office"].gone == ("lonely", "orders")
    blind = impact(want, observed(unreachable("main"), unreachable("far")), NOW).single_points
    assert all(not p.gone for p in blind if p.kind == "device")


def test_the_outlook_says_what_each_scenario_takes_here() -> None:
    found = {each.name: each for each in outlooks(BOTH, seen("orders"), NOW)}
    assert found["natural_disaster"].worst == "site office: 1 system, repository main"
    assert found["cyber_attack"].takes == (
        "any one host, and every copy that its credentials can delete", "snapshots younger than 1d",
    )  # fmt: skip


def test_the_work_grows_with_the_systems_and_not_with_their_square() -> None:
    def work(count: int) -> tuple[int, int]:
        systems = [
            orders(name=f"s{i}", host=f"h{i // 4}", failure_domain={"site": f"site{i % 3}", "device": f"d{i // 8}"},
                   depends_on=(f"s{i - i % 4}",) if i % 4 else ())
            for i in range(count)
        ]  # fmt: skip
        want = tree(*systems, NAS, FAR)
        world = World(Scene.of(want, seen(*(s.name for s in systems)), NOW))
        judge = Judge(world)
        for scenario in ALL:
            judge.scenario(scenario)
        return judge.judged, world.looked

    small, large = work(40), work(160)
    assert large[0] == 4 * small[0], "outcomes"
    assert large[1] == 4 * small[1], "points"
