"""Recovery plans that the loop tests by itself: taken when due, recorded, told; and only out of what their disasters leave."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest

from reconciler.app.errors import PlanUnfit
from reconciler.app.recovery.values import RecoveryRequest
from reconciler.app.reports import PassReport
from reconciler.base.errors import Usage
from reconciler.model.plan import ActionKind
from reconciler.model.recovery import RecoveryOutcome
from reconciler.model.status import ConditionType, Truth
from tests.fakes.houses import WholeHouse
from tests.fakes.recoveries import CHECK, RESTORE, begun, planned, rehearsed, run, states

EVERY = "  test: {every: 7d}\n"
BROKEN = "{name: check, assert: {system: orders, assertions: [{path: ../orders/one.txt, contains: '^nothing$'}]}, dependsOn: [data]}"


def exercised(report: PassReport) -> list[str]:
    return [r.outcome.value for r in report.results if r.action.kind is ActionKind.TEST]


def alerts(house: WholeHouse) -> list[tuple[str, str, str, str]]:
    with house.session(read_only=True) as session:
        found = [a for a in session.alerts().alerts if a.object_kind == "RecoveryPlan" and a.stands]
    return [(a.object_name, a.condition, a.severity.value, a.detail) for a in found]


def stated(report: PassReport) -> tuple[Truth, str]:
    (found,) = [c for c in report.status.conditions if (c.kind, c.type) == ("RecoveryPlan", ConditionType.RECOVERY_PROVEN)]
    return found.status, found.reason


def test_the_loop_tests_a_plan_when_it_is_due_and_not_before(house: WholeHouse) -> None:
    begun(house)
    planned(house, RESTORE, CHECK, "{name: call, manual: {instruction: Call.}}", more=EVERY)
    report = house.one_pass()
    assert (exercised(report), stated(report)) == (["succeeded"], (Truth.TRUE, "Proven"))
    (result,) = [r for r in report.results if r.action.kind is ActionKind.TEST]
    assert "2 steps of recovery plan shop exercised, 1 cannot be" in result.message
    with house.session(read_only=True) as session:
        (run,) = session.recovery_runs()
    assert (run.outcome, run.actor, run.sandbox) == (RecoveryOutcome.RECOVERED, "loop", "")
    assert not list((house.state / "drills").iterdir())
    assert exercised(house.one_pass()) == []
    house.clock.advance(timedelta(days=7))
    report = house.one_pass()
    assert exercised(report) == ["succeeded"]
    assert report.status.recovery_plans[0].every == timedelta(days=7)
    lines = [json.loads(line) for line in (house.state / "audit.jsonl").read_text().splitlines()]
    assert {(e["verb"], e["object"]) for e in lines if e["verb"] == "test"} == {("test", "shop")}


def test_a_failed_test_is_told_and_tried_again_when_the_plan_has_changed(house: WholeHouse) -> None:
    begun(house)
    planned(house, RESTORE, BROKEN, more=EVERY)
    report = house.one_pass()
    (failed,) = [r for r in report.results if r.action.kind is ActionKind.TEST]
    assert failed.failure is not None
    assert failed.failure.code == "act-plan-test-failed"
    assert stated(report) == (Truth.FALSE, "TestFailed")
    assert alerts(house) == [
        ("shop", "RecoveryProven", "medium", "`reconcile recovery runs shop` lists its tests; `reconcile recovery test shop` makes one.")
    ]
    assert exercised(house.one_pass()) == []
    planned(house, RESTORE, CHECK, more=EVERY)
    report = house.one_pass()
    assert (exercised(report), stated(report)) == (["succeeded"], (Truth.TRUE, "Proven"))
    assert alerts(house) == []


def test_a_test_restores_only_from_what_its_disasters_leave(house: WholeHouse) -> None:
    begun(house, main="failureDomain: {host: shop1}", second="failureDomain: {host: vault}", system="  host: shop1\n")
    planned(house, RESTORE)
    report = rehearsed(house, disaster="hardware_failure")
    assert report.run.outcome is RecoveryOutcome.RECOVERED
    assert "in second" in report.run.step("data").message
    assert "takes main: it is at host shop1" in report.run.step("data").message
    report = rehearsed(house, disaster="human_error")
    assert "in main" in report.run.step("data").message
    report = rehearsed(house)  # all steps, and so the worst of what the plan is for
    assert "in second" in report.run.step("data").message


def test_in_earnest_what_the_disaster_leaves_comes_first_and_whatever_answers_after_it(house: WholeHouse) -> None:
    begun(house, main="failureDomain: {host: shop1}", second="failureDomain: {host: vault}", system="  host: shop1\n")
    planned(house, RESTORE)
    (house.source / "one.txt").unlink()
    message = run(house).run.step("data").message
    assert "in second" in message
    assert "takes main: it is at host shop1" in message
    with house.session(read_only=True) as session:
        assert session.restores().restores[0].repository == "second"
    (house.source / "one.txt").write_text("one, later")
    house.clock.advance(timedelta(days=1))
    house.one_pass()
    shutil.rmtree(house.folder / "second")
    message = run(house).run.step("data").message
    assert "nothing else holds it, and it answers, though hardware_failure" in message
    assert (house.source / "one.txt").read_text() == "one, later"


def test_a_plan_whose_disaster_takes_everything_fails_its_test_and_says_so(house: WholeHouse) -> None:
    begun(house, main="failureDomain: {host: shop1}", second="failureDomain: {host: shop1}", system="  host: shop1\n")
    planned(house, RESTORE)
    report = rehearsed(house)
    assert report.run.outcome is RecoveryOutcome.FAILED
    assert "nothing of orders is left that could be restored: hardware_failure" in report.run.findings[0]
    assert "main: it is at host shop1; second: it is at host shop1" in report.run.findings[0]


def test_a_scenario_of_the_specs_is_a_disaster_like_the_ten_types(house: WholeHouse) -> None:
    begun(house, main="failureDomain: {site: office}", second="failureDomain: {site: vault}", system="  failureDomain: {site: office}\n")
    house.write("flood.yaml", FLOOD)
    planned(house, RESTORE, scenarios="flood")
    report = rehearsed(house, disaster="flood")
    assert report.run.outcome is RecoveryOutcome.RECOVERED
    assert "takes main: it is at site office" in report.run.step("data").message
    with pytest.raises(PlanUnfit, match="is for flood, not for natural_disaster") as unfit:
        rehearsed(house, disaster="natural_disaster")
    assert unfit.value.hint == "`reconcile recovery plan --disaster natural_disaster` makes one."


def test_a_plan_for_a_type_is_one_for_every_scenario_of_it(house: WholeHouse) -> None:
    begun(house, main="failureDomain: {site: office}", second="failureDomain: {site: office}", system="  failureDomain: {site: cellar}\n")
    house.write("flood.yaml", FLOOD.replace("[office]", "[cellar, office]"))
    planned(house, RESTORE, CHECK.replace("dependsOn", "appliesTo: [human_error], dependsOn"), scenarios="natural_disaster, human_error")
    report = rehearsed(house, disaster="flood")
    assert report.run.outcome is RecoveryOutcome.FAILED
    assert "flood, " in report.run.findings[0]
    report = run(house, disaster="flood")  # in earnest what answers was not taken
    assert (report.run.outcome, report.run.disaster, states(report)) == (RecoveryOutcome.RECOVERED, "flood", {"data": "done"})


def test_a_plan_is_made_for_a_scenario_of_the_specs(house: WholeHouse) -> None:
    begun(house, system="  failureDomain: {site: office}\n")
    house.write("flood.yaml", FLOOD)
    with house.session(read_only=True) as session:
        made = session.recovery_plan("flood", ["orders"])
        with pytest.raises(Usage, match="neither a type of disaster nor a scenario") as unknown:
            session.recovery_plan("flod", ["orders"])
    assert "hardware_failure" in str(unknown.value.hint)
    assert "flood" in str(unknown.value.hint)
    assert (made.name, "scenarios: [flood]" in made.text, "at another site" in made.text) == ("flood-orders", True, True)
    house.write("generated.yaml", made.text)
    with house.session() as session:
        assert session.load().problems == ()
        report = session.test_recovery(RecoveryRequest("flood-orders"))
    assert report.run.outcome is RecoveryOutcome.RECOVERED


FLOOD = """\
apiVersion: reconciler/v1
kind: DisasterScenario
metadata: {name: flood}
spec: {type: natural_disaster, takes: {failureDomain: {site: [office]}}}
"""
