"""Recovery plans in a whole house: carried out, gone on with, taken back; and what is refused before anything happens."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.act.errors import HostNotAllowed
from reconciler.app.errors import NotResumable, PlanUnfit, RecoveryPending
from reconciler.app.recovery.values import RecoveryRequest, Unattended
from reconciler.base.clock import SystemClock
from reconciler.model.recovery import RecoveryOutcome, RecoveryRun, StepRecord, StepState
from reconciler.sources.errors import CommandNotAllowed
from tests.fakes.houses import WholeHouse
from tests.fakes.programs import program
from tests.fakes.recoveries import CHECK, RESTORE, Person, begun, planned, run, states


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


def test_an_unexpected_error_in_a_step_ends_the_run_on_record(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(house)
    planned(house, RESTORE)

    class Broken(Person):
        def told(self, _run: RecoveryRun, step: StepRecord, /) -> None:
            raise RuntimeError(step.name)

    with pytest.raises(RuntimeError):
        run(house, Broken())
    with house.session(read_only=True) as session:
        (record,) = session.recovery_runs()
    assert (record.outcome, record.step("data").state) == (RecoveryOutcome.FAILED, StepState.INTERRUPTED)
    assert run(house, resume=True).run.outcome is RecoveryOutcome.RECOVERED


def test_a_stopped_run_is_interrupted_and_what_it_leaves_is_not_cleared_away(house: WholeHouse) -> None:
    begun(house)
    house.allowed = (house.folder / "bin",)
    note = program(house.folder / "bin", f"touch {house.folder}/cleaned")
    stop = threading.Event()

    class Stopping(Person):
        def told(self, _run: RecoveryRun, step: StepRecord, /) -> None:
            if (step.name, step.state) == ("data", StepState.DONE):
                stop.set()

    call = "{name: call, manual: {instruction: x}, dependsOn: [data]}"
    planned(house, RESTORE, call, more=f"  cleanUp: [{{command: [{note}]}}]\n")
    with house.session() as session:
        report = session.run_recovery(RecoveryRequest("shop", "human_error"), Stopping(), stop=stop)
    assert (report.run.outcome, states(report)) == (RecoveryOutcome.INTERRUPTED, {"data": "done", "call": "waiting"})
    assert not (house.folder / "cleaned").exists()
    assert run(house, Person(), disaster="human_error", resume=True).run.outcome is RecoveryOutcome.RECOVERED
    assert (house.folder / "cleaned").exists()


def test_systems_come_back_as_of_a_moment(house: WholeHouse) -> None:
    begun(house)
    before = house.clock.now() + timedelta(minutes=1)
    (house.source / "one.txt").write_text("encrypted by somebody")
    house.clock.advance(timedelta(hours=2))
    with house.session() as session:
        session.backup(["orders"])
    house.arrive()
    planned(house, RESTORE)
    report = run(house, at=before)
    assert (report.run.outcome, report.run.at) == (RecoveryOutcome.RECOVERED, before)
    assert (house.source / "one.txt").read_text() == "one"


def test_into_a_folder_the_questions_go_there(house: WholeHouse) -> None:
    begun(house)
    planned(house, "{name: data, restore: {system: orders, to: ../elsewhere}}", CHECK)
    shutil.rmtree(house.source)
    report = run(house)
    assert states(report) == {"data": "done", "check": "done"}
    assert not house.source.exists()
    assert (house.folder / "elsewhere" / str(house.source).lstrip("/") / "one.txt").read_text() == "one"


def test_a_step_that_the_plan_has_changed_is_done_again(house: WholeHouse) -> None:
    begun(house)
    house.allowed = (house.folder / "bin",)
    fail = program(house.folder / "bin", "exit 1")
    good = program(house.folder / "bin", "exit 0")
    planned(house, RESTORE, f"{{name: start, command: [{fail}], dependsOn: [data]}}")
    assert run(house).run.outcome is RecoveryOutcome.FAILED
    planned(house, RESTORE, f"{{name: start, command: [{good}], dependsOn: [data]}}")
    person = Person()
    report = run(house, person, resume=True)
    assert report.run.outcome is RecoveryOutcome.RECOVERED
    assert [name for name, state in person.heard if state is StepState.RUNNING] == ["start"]
