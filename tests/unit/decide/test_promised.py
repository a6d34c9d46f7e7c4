"""Each promise of a system as target, measurement, prediction, verdict, reason and evidence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from reconciler.decide.conditions import conditions
from reconciler.decide.plan import plan
from reconciler.decide.status import status
from reconciler.model.declared.objectives import Objectives
from reconciler.model.declared.system import Suspend
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.objective import ObjectiveStatus, Promise, Verdict
from reconciler.model.observed import RepositoryState
from reconciler.model.snapshot import BackupKind
from reconciler.model.status import ConditionType, LoopStatus, SpecStatus, SystemStatus
from tests.fakes.worlds import NOW, ago, desired, every, listed, observed, schedule, snapshot, system

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DETECTION = timedelta(minutes=5, seconds=30)
SIZE = 100 * 2**20


def drill(at: str = "1d", outcome: DrillOutcome = DrillOutcome.PROVEN, seconds: float = 60.0, **changes: Any) -> DrillRecord:
    """It brought back 100 MiB, whose recovery is then foreseen to take a fifth more."""
    plain = DrillRecord(
        id=at,
        system="orders",
        repository="main",
        snapshot_id="s" * 16,
        pick="newest",
        started_at=ago(at),
        actor="loop",
        outcome=outcome,
        expires_at=ago(at) + timedelta(days=30) if outcome is DrillOutcome.PROVEN else None,
        bytes=SIZE,
        restore_seconds=seconds,
    )
    return replace(plain, **changes)


def shown(*states: RepositoryState, drills: tuple[DrillRecord, ...] = (), **changes: Any) -> SystemStatus:
    objectives = changes.pop("objectives", Objectives(rpo=HOUR, rto=10 * MINUTE, mtd=HOUR))
    tree = desired(system(objectives=objectives, schedule=schedule(incremental=every("30m")), **changes))
    seen = observed(*(states or (listed("main", [snapshot(ago("20m"), files=0, bytes=SIZE)]),)), drills=drills)
    made = plan(tree, seen, NOW)
    spec = SpecStatus("d1", clean=True, errors=0, warnings=0, loaded_at=NOW, objects=3)
    (found,) = status(tree, seen, made, conditions(tree, seen, made, NOW), LoopStatus(), spec, NOW).systems
    return found


def of(found: SystemStatus, promise: Promise, disaster: str = "") -> ObjectiveStatus:
    (one,) = [each for each in found.objectives if each.objective is promise and each.disaster == disaster]
    return one


def test_only_what_is_declared_is_judged() -> None:
    assert shown(objectives=Objectives()).objectives == ()
    assert [each.objective for each in shown(objectives=Objectives(rto=HOUR)).objectives] == [Promise.RTO]


def test_a_fresh_backup_meets_the_rpo_and_names_its_snapshot() -> None:
    rpo = of(shown(), Promise.RPO)
    assert (rpo.verdict, rpo.target, rpo.current) == (Verdict.MET, HOUR, 20 * MINUTE)
    assert rpo.predicted is not None
    assert 20 * MINUTE < rpo.predicted <= HOUR
    assert rpo.evidence.startswith("snapshot ")
    assert "in main as of 2026-05-04 11:40Z" in rpo.evidence


def test_the_verdict_on_the_rpo_is_that_of_the_condition() -> None:
    for age in ("5m", "20m", "55m", "59m", "61m", "3d"):
        found = shown(listed("main", [snapshot(ago(age))]))
        condition = found.condition(ConditionType.BACKUP_FRESH)
        assert condition is not None
        assert (of(found, Promise.RPO).verdict is Verdict.BREACHED) == (condition.status == "False"), age


def test_a_breach_that_is_foreseen_is_at_risk_in_the_words_of_the_forecast() -> None:
    found = shown(suspend=Suspend(reason="moving house", until=NOW + timedelta(days=1)))
    rpo = of(found, Promise.RPO)
    assert (rpo.verdict, rpo.reason) == (Verdict.AT_RISK, "RPO breach in 40m: no backup is planned")
    assert rpo.predicted is None


def test_never_backed_up_is_breached_and_never_seen_is_unknown() -> None:
    assert of(shown(listed("main", [])), Promise.RPO).verdict is Verdict.BREACHED
    unseen = of(shown(RepositoryState("main", None, reachable=False)), Promise.RPO)
    assert (unseen.verdict, unseen.current, unseen.evidence) == (Verdict.UNKNOWN, None, "")


def test_without_a_drill_rto_and_mtd_are_unknown() -> None:
    for promise in (Promise.RTO, Promise.MTD):
        row = of(shown(), promise)
        assert (row.verdict, row.current, row.predicted, row.evidence) == (Verdict.UNKNOWN, None, None, "")


def test_a_proof_that_stands_meets_the_rto_and_the_mtd_counts_the_time_until_somebody_notices() -> None:
    found = shown(drills=(drill(),))
    rto, mtd = of(found, Promise.RTO), of(found, Promise.MTD)
    assert (rto.verdict, rto.current, rto.predicted) == (Verdict.MET, MINUTE, timedelta(seconds=72))
    assert (mtd.verdict, mtd.current, mtd.predicted) == (Verdict.MET, MINUTE + DETECTION, timedelta(seconds=72) + DETECTION)
    assert rto.evidence == "drill of 2026-05-03 12:00Z; predicted from 1 drill of this system"
    assert "5m30s of it until the loop notices" in mtd.reason


def test_the_time_until_somebody_notices_can_break_the_mtd_alone() -> None:
    found = shown(drills=(drill(),), objectives=Objectives(rto=6 * MINUTE, mtd=6 * MINUTE))
    assert of(found, Promise.RTO).verdict is Verdict.MET
    assert of(found, Promise.MTD).verdict is Verdict.BREACHED


def test_a_system_that_has_grown_is_at_risk_before_any_drill_is_too_slow() -> None:
    grown = listed("main", [snapshot(ago("20m"), files=0, bytes=20 * SIZE)])
    rto = of(shown(grown, drills=(drill(),)), Promise.RTO)
    assert (rto.verdict, rto.current, rto.predicted) == (Verdict.AT_RISK, MINUTE, 24 * MINUTE)
    assert rto.reason == "a recovery is expected to take 24m, RTO 10m"


def test_a_measured_recovery_that_is_too_slow_breaks_the_rto() -> None:
    assert of(shown(drills=(drill(seconds=1200.0),)), Promise.RTO).verdict is Verdict.BREACHED


def test_an_expired_proof_and_one_of_readability_alone_leave_it_unknown() -> None:
    expired = of(shown(drills=(drill("40d"),)), Promise.RTO)
    assert expired.verdict is Verdict.UNKNOWN
    assert "expired at 2026-04-24 12:00Z" in expired.reason
    restored = of(shown(drills=(drill(outcome=DrillOutcome.RESTORED),)), Promise.RTO)
    assert restored.verdict is Verdict.UNKNOWN
    assert "not proven" in restored.reason


def test_a_failed_drill_breaks_the_rto_until_a_newer_one_passes() -> None:
    failed = drill("1h", DrillOutcome.FAILED)
    assert of(shown(drills=(failed, drill())), Promise.RTO).verdict is Verdict.BREACHED
    assert of(shown(drills=(drill("10m"), failed)), Promise.RTO).verdict is Verdict.MET


def test_what_is_borrowed_from_others_is_never_met() -> None:
    rto = of(shown(drills=(drill(system="identity"),)), Promise.RTO)
    assert (rto.verdict, rto.current, rto.predicted) == (Verdict.UNKNOWN, None, timedelta(seconds=72))
    assert "drills of other systems" in rto.reason


def test_a_type_of_disaster_may_have_promises_of_its_own() -> None:
    declared = {"rpo": "1h", "rto": "10m", "disasters": {"cyber_attack": {"rto": "30s", "rpo": "15m"}, "power_outage": {"rto": None}}}
    found = shown(drills=(drill(),), objectives=Objectives.model_validate(declared))
    assert [(o.objective, o.disaster) for o in found.objectives] == [
        (Promise.RPO, ""),
        (Promise.RTO, ""),
        (Promise.RPO, "cyber_attack"),
        (Promise.RTO, "cyber_attack"),
    ]
    assert of(found, Promise.RTO, "cyber_attack").verdict is Verdict.BREACHED
    assert of(found, Promise.RPO, "cyber_attack").verdict is Verdict.BREACHED
    assert of(found, Promise.RTO).verdict is Verdict.MET


def test_an_age_foreseen_for_the_end_of_the_next_backup_is_at_risk_under_a_stricter_promise() -> None:
    declared = {"rpo": "1h", "disasters": {"human_error": {"rpo": "25m"}}}
    row = of(shown(objectives=Objectives.model_validate(declared)), Promise.RPO, "human_error")
    assert (row.verdict, row.current) == (Verdict.AT_RISK, 20 * MINUTE)
    assert row.predicted is not None
    assert row.predicted > 25 * MINUTE


def test_the_kinds_of_backup_do_not_matter_to_the_promise() -> None:
    for kind in BackupKind:
        assert of(shown(listed("main", [snapshot(ago("20m"), kind=kind)])), Promise.RPO).verdict is Verdict.MET


def test_a_recovery_of_less_than_a_second_is_said_to_take_one() -> None:
    rto = of(shown(drills=(drill(seconds=0.4),)), Promise.RTO)
    assert rto.reason == "a recovery was measured to take 1s, RTO 10m"
