"""Recovery plans in a whole house: carried out, tested, gone on with, taken back; and what is refused before anything happens."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.act import sandbox
from reconciler.act.errors import HostNotAllowed
from reconciler.app.errors import NotResumable, PlanUnfit, RecoveryPending
from reconciler.app.recovery.values import Answer, RecoveryReport, RecoveryRequest, Unattended
from reconciler.base.clock import SystemClock
from reconciler.model.declared.recovery import Step
from reconciler.model.recovery import RecoveryOutcome, RecoveryRun, StepRecord, StepState
from reconciler.sources.errors import CommandNotAllowed
from tests.fakes.houses import WholeHouse
from tests.fakes.programs import program

SECOND = """\
apiVersion: reconciler/v1
kind: Repository
metadata: {name: second}
spec: {url: ../second, key: {file: ../keys/second.key}}
"""
PLAN = """\
apiVersion: reconciler/v1
kind: RecoveryPlan
metadata: {{name: shop}}
spec:
  scenarios: [hardware_failure, human_error]
  objectives: {{rto: 1h}}
{more}  steps:
{steps}
"""
RESTORE = "{name: data, restore: {system: orders}}"
CHECK = "{name: check, assert: {system: orders, assertions: [{path: ../orders/one.txt, contains: '^one$'}]}, dependsOn: [data]}"


def planned(house: WholeHouse, *steps: str, more: str = "") -> None:
    house.write("plan.yaml", PLAN.format(more=more, steps="\n".join(f"    - {step}" for step in steps)))


def begun(house: WholeHouse) -> None:
    """Two repositories that hold the same snapshot."""
    house.write("second.yaml", SECOND)
    house.system("orders", extra="  repositories: [main, second]\n")
    house.one_pass(init=True)
    with house.session() as session:
        session.copy(["orders"], "second")
    house.arrive()


@dataclass
class Person:
    """Says what the test says, and writes down what was asked and told."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked_for: list[str] = field(default_factory=list)
    heard: list[tuple[str, StepState]] = field(default_factory=list)

    def asked(self, step: Step, _instruction: str, _stop: threading.Event, /) -> tuple[Answer, str]:
        self.asked_for.append(step.name)
        return self.answers.get(step.name, Answer.DONE), "ada"

    def interrupted(self, step: Step, _record: StepRecord, _stop: threading.Event, /) -> Answer:
        self.asked_for.append(step.name)
        return self.answers.get(step.name, Answer.LATER)

    def told(self, _run: RecoveryRun, step: StepRecord, /) -> None:
        self.heard.append((step.name, step.state))


def run(house: WholeHouse, guide: Person | Unattended | None = None, **how: object) -> RecoveryReport:
    with house.session() as session:
        return session.run_recovery(RecoveryRequest("shop", **{"disaster": "hardware_failure", **how}), guide)  # type: ignore[arg-type]


def rehearsed(house: WholeHouse, **how: object) -> RecoveryReport:
    with house.session() as session:
        return session.test_recovery(RecoveryRequest("shop", **how))  # type: ignore[arg-type]


def states(report: RecoveryReport) -> dict[str, str]:
    return {step.name: step.state.value for step in report.run.steps}


def test_source_and_primary_repository_are_gone_and_the_plan_brings_all_back(house: WholeHouse) -> None:
    (house.source / "deep").mkdir()
    (house.source / "deep" / "raw").write_bytes(os.urandom(300_000))
    before = {p.relative_to(house.source): p.read_bytes() for p in house.source.rglob("*") if p.is_file()}
    begun(house)
    planned(house, RESTORE, CHECK)
    shutil.rmtree(house.source)
    shutil.rmtree(house.repository)
    report = run(house)
    assert (report.run.outcome, states(report)) == (RecoveryOutcome.RECOVERED, {"data": "done", "check": "done"})
    assert {p.relative_to(house.source): p.read_bytes() for p in house.source.rglob("*") if p.is_file()} == before
    assert "in second" in report.run.step("data").message
    assert report.run.within_rto is True
    with house.session(read_only=True) as session:
        assert session.recovery_runs() == (report.run,)
    lines = (house.state / "audit.jsonl").read_text()
    assert '"verb":"recovery-run"' in lines.replace(" ", "")


def test_a_newer_snapshot_that_cannot_be_reached_is_named(house: WholeHouse) -> None:
    begun(house)
    (house.source / "one.txt").write_text("newer")
    house.clock.advance(timedelta(hours=2))
    with house.session() as session:
        session.backup(["orders"])
    house.arrive()
    planned(house, RESTORE)
    shutil.rmtree(house.source)
    shutil.rmtree(house.repository)
    report = run(house)
    assert (house.source / "one.txt").read_text() == "one"
    assert "a newer one" in report.run.step("data").message
    assert "which does not answer" in report.run.step("data").message


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


def test_the_wrong_disaster_and_a_missing_word_are_refused(house: WholeHouse) -> None:
    begun(house)
    planned(house, RESTORE)
    with pytest.raises(PlanUnfit, match="is for hardware_failure, human_error, not for cyber_attack"):
        run(house, disaster="cyber_attack")
    with pytest.raises(PlanUnfit, match="which one is it"):
        run(house, disaster=None)
    with pytest.raises(NotResumable):
        run(house, resume=True)


def test_a_command_that_is_missing_is_refused_before_the_first_step(house: WholeHouse) -> None:
    begun(house)
    house.allowed = (house.folder,)
    planned(
        house,
        RESTORE,
        f"{{name: check, assert: {{system: orders, assertions: [{{command: [{house.folder}/bin/gone]}}]}}, dependsOn: [data]}}",
    )
    (house.source / "one.txt").write_text("later")
    with pytest.raises(CommandNotAllowed, match="cannot be looked at"):
        run(house)
    assert (house.source / "one.txt").read_text() == "later"


def test_a_wait_for_another_host_is_refused_unless_the_agent_allows_it(house: WholeHouse) -> None:
    begun(house)
    planned(house, RESTORE, "{name: up, wait: {url: 'http://db.example.com/health'}, dependsOn: [data]}")
    with pytest.raises(HostNotAllowed, match=r"db\.example\.com"):
        run(house)


def test_what_waits_for_a_person_waits_and_is_gone_on_with(house: WholeHouse) -> None:
    begun(house)
    planned(
        house, "{name: call, manual: {instruction: Call the owner.}}", RESTORE, "{name: last, manual: {instruction: x}, dependsOn: [data]}"
    )
    report = run(house)
    assert report.run.outcome is RecoveryOutcome.WAITING
    assert states(report) == {"call": "waiting", "data": "done", "last": "waiting"}
    with pytest.raises(RecoveryPending):
        run(house)
    person = Person()
    report = run(house, person, resume=True)
    assert report.run.outcome is RecoveryOutcome.RECOVERED
    assert (person.asked_for, report.run.resumed, report.run.step("call").by) == (["call", "last"], 1, "ada")


def test_what_was_done_beforehand_is_said_by_name(house: WholeHouse) -> None:
    begun(house)
    planned(house, "{name: call, manual: {instruction: Call the owner.}}", RESTORE)
    report = run(house, Unattended(frozenset({"call"}), by="ada"))
    assert report.run.outcome is RecoveryOutcome.RECOVERED


def test_a_failure_takes_back_what_was_done_the_last_first(house: WholeHouse) -> None:
    begun(house)
    house.allowed = (house.folder / "bin",)
    log = house.folder / "log"
    note = program(house.folder / "bin", f'echo "$1 $RECONCILER_STEP" >> {log}')
    fail = program(house.folder / "bin", "exit 3")
    (house.source / "one.txt").write_text("before")
    planned(
        house,
        f"{{name: first, command: [{note}, up], compensate: {{command: [{note}, down]}}}}",
        "{name: data, restore: {system: orders}, dependsOn: [first], compensate: {rollback: true}}",
        f"{{name: start, command: [{fail}], retry: {{attempts: 2, wait: 1s}}, dependsOn: [data]}}",
        "{name: never, manual: {instruction: x}, dependsOn: [start]}",
        more=f"  cleanUp: [{{command: [{note}, clean]}}]\n",
    )
    report = run(house)
    assert report.run.outcome is RecoveryOutcome.FAILED
    assert states(report) == {"first": "compensated", "data": "compensated", "start": "failed", "never": "waiting"}
    assert report.run.step("start").attempts == 2
    assert (house.source / "one.txt").read_text() == "before"
    assert log.read_text().splitlines() == ["up first", "down first", "clean "]
    Path(fail).write_text("#!/bin/sh\nexit 0\n")
    again = run(house, Person(), resume=True)
    assert again.run.outcome is RecoveryOutcome.RECOVERED
    assert (house.source / "one.txt").read_text() == "one"


def test_steps_run_at_once_where_the_graph_allows(house: WholeHouse) -> None:
    begun(house)
    house.allowed = (house.folder / "bin",)
    one, two = house.folder / "one", house.folder / "two"
    meet = program(house.folder / "bin", 'touch "$1"; for i in $(seq 100); do [ -e "$2" ] && exit 0; sleep 0.05; done; exit 1')
    planned(house, f"{{name: a, command: [{meet}, {one}, {two}]}}", f"{{name: b, command: [{meet}, {two}, {one}]}}")
    assert run(house).run.outcome is RecoveryOutcome.RECOVERED


def test_a_step_that_hangs_is_ended_at_its_timeout_with_its_children(house: WholeHouse) -> None:
    begun(house)
    house.clock = SystemClock()  # type: ignore[assignment]
    house.allowed = (house.folder / "bin",)
    child = house.folder / "child"
    hang = program(house.folder / "bin", f"sleep 300 & echo $! > {child}; wait")
    planned(house, f"{{name: hang, command: [{hang}], timeout: 1s}}", "{name: after, manual: {instruction: x}, dependsOn: [hang]}")
    report = run(house)
    assert report.run.outcome is RecoveryOutcome.FAILED
    assert "did not end within 1s" in report.run.step("hang").message
    assert states(report)["after"] == "waiting"
    stat = Path(f"/proc/{child.read_text().strip()}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_wait_ends_when_something_listens_and_fails_when_nothing_does(house: WholeHouse) -> None:
    begun(house)
    house.clock = SystemClock()  # type: ignore[assignment]
    with socket.create_server(("127.0.0.1", 0)) as server:
        planned(house, f"{{name: up, wait: {{port: {server.getsockname()[1]}}}, timeout: 5s}}")
        assert run(house).run.outcome is RecoveryOutcome.RECOVERED
    report = run(house)
    assert report.run.outcome is RecoveryOutcome.FAILED or report.run.step("up").state is StepState.DONE


def test_every_plan_is_tested_and_one_that_cannot_be_begun_is_told(house: WholeHouse) -> None:
    begun(house)
    planned(house, RESTORE, CHECK)
    other = PLAN.format(more="", steps="    - {name: up, command: [/nowhere/up], test: {same: true}}").replace("name: shop", "name: other")
    house.write("other.yaml", other)
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
