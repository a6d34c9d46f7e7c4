"""Recovery plans made and tested in a whole house: what a test shows, until when, and that nothing of it stays behind."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from reconciler.act import sandbox
from reconciler.app.recovery.values import RecoveryRequest, Unattended
from reconciler.model.recovery import RecoveryOutcome
from tests.fakes.houses import WholeHouse
from tests.fakes.programs import program
from tests.fakes.recoveries import CHECK, PLAN, RESTORE, begun, planned, rehearsed, states


def test_a_test_restores_into_a_sandbox_and_leaves_nothing(house: WholeHouse) -> None:
    begun(house)
    planned(
        house,
        RESTORE,
        CHECK,
        "{name: start, command: [/nowhere/start], dependsOn: [data]}",
        "{name: call, manual: {instruction: Call the owner.}, dependsOn: [check]}",
    )
    (house.source / "one.txt").write_text("precious")
    report = rehearsed(house)
    assert states(report) == {"data": "done", "check": "done", "start": "skipped", "call": "skipped"}
    assert report.run.outcome is RecoveryOutcome.RECOVERED
    assert report.run.expires_at == report.run.started_at + timedelta(days=90)
    assert (house.source / "one.txt").read_text() == "precious"
    assert list((house.state / "drills").glob("*")) == []
    with house.session(read_only=True) as session:
        (ready,) = session.recovery_status().readiness
        assert session.restores().restores == ()
    parts = {part.name: part for part in ready.parts}
    assert (parts["plan"].points, parts["copies"].points, parts["drill"].points) == (30, 15, 0)
    assert not ready.ready  # no drill has proven it


def test_a_test_of_one_disaster_does_not_prove_the_whole_plan(house: WholeHouse) -> None:
    begun(house)
    planned(house, RESTORE, "{name: more, manual: {instruction: Do.}, appliesTo: [human_error]}")
    report = rehearsed(house, disaster="hardware_failure")
    assert (states(report), report.run.expires_at) == ({"data": "done"}, None)


def test_a_changed_or_expired_test_proves_nothing(house: WholeHouse) -> None:
    begun(house)
    planned(house, RESTORE, CHECK)
    rehearsed(house)

    def why() -> str:
        with house.session(read_only=True) as session:
            return next(part.why for part in session.recovery_status().readiness[0].parts if part.name == "plan")

    assert "passed its test" in why()
    planned(house, RESTORE, CHECK, "{name: call, manual: {instruction: Call.}}")
    assert "has changed since its test" in why()
    planned(house, RESTORE, CHECK)
    house.clock.advance(timedelta(days=91))
    assert "that expired" in why()


def test_an_assertion_that_an_empty_folder_satisfies_fails_its_test(house: WholeHouse) -> None:
    begun(house)
    house.allowed = (house.folder / "bin",)
    always = program(house.folder / "bin", "exit 0")
    planned(house, RESTORE, f"{{name: check, assert: {{system: orders, assertions: [{{command: [{always}]}}]}}, dependsOn: [data]}}")
    report = rehearsed(house)
    assert report.run.outcome is RecoveryOutcome.FAILED
    assert "an empty folder satisfies it" in report.run.step("check").message


def test_a_sandbox_without_space_fails_the_test_before_a_byte_is_written(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(house)
    planned(house, RESTORE)
    real = shutil.disk_usage
    monkeypatch.setattr(sandbox.shutil, "disk_usage", lambda place: real(place)._replace(free=1))
    report = rehearsed(house)
    assert report.run.outcome is RecoveryOutcome.FAILED
    assert "to spare" in report.run.findings[0]
    assert states(report) == {"data": "waiting"}


def test_every_plan_is_tested_and_one_that_cannot_be_begun_is_told(house: WholeHouse) -> None:
    begun(house)
    planned(house, RESTORE, CHECK)
    up = "    - {name: up, command: [/nowhere/up], test: {same: true}}"
    house.write("other.yaml", PLAN.format(more="", scenarios="human_error", steps=up).replace("name: shop", "name: other"))
    with house.session() as session:
        report = session.test_continuity()
    assert [each.run.plan for each in report.tests] == ["shop"]
    assert "/nowhere/up" in report.failures["other"]
    assert {plan.standing.plan: plan.standing.passed for plan in report.status.plans} == {"other": None, "shop": True}


def test_a_generated_plan_is_accepted_as_it_stands_and_recovers(house: WholeHouse) -> None:
    begun(house)
    (house.folder / "identity").mkdir()
    (house.folder / "identity" / "users").write_text("ada")
    house.system("identity", extra="  drill: {assertions: [{path: ../identity/users}]}\n")
    house.system("orders", extra="  repositories: [main, second]\n  dependsOn: [identity]\n")
    house.one_pass()
    with house.session(read_only=True) as session:
        made = session.recovery_plan("hardware_failure", ["orders"])
    assert made.systems == ("identity", "orders")
    house.write("generated.yaml", made.text)
    with house.session() as session:
        assert session.load().problems == ()
        shutil.rmtree(house.source)
        shutil.rmtree(house.folder / "identity")
        request = RecoveryRequest(made.name)
        report = session.run_recovery(request, Unattended(frozenset({"prepare"}), by="ada"))
    assert report.run.outcome is RecoveryOutcome.RECOVERED
    assert [step.name for step in report.run.steps] == ["prepare", "restore-identity", "check-identity", "restore-orders"]
    assert (house.source / "one.txt").read_text() == "one"
