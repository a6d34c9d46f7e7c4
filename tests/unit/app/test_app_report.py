"""The evidence report of a whole house: a day of backups, an edit, an outage, a recovery, and a log that somebody touched."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.app.memory import AUDIT
from reconciler.app.session import Session
from reconciler.base.errors import Usage
from reconciler.model.report import Report, SystemEvidence
from tests.fakes.houses import WholeHouse

HOUR = timedelta(hours=1)


def hourly(house: WholeHouse, hours: int) -> None:
    for number in range(hours):
        (house.source / "one.txt").write_text(f"{number} {house.clock.now()}")
        house.one_pass()
        house.clock.advance(HOUR)


def reported(house: WholeHouse, hours: float = 4, **more: object) -> Report:
    with house.session() as session:
        return session.report(house.clock.now() - hours * HOUR, house.clock.now(), **more)  # type: ignore[arg-type]


def orders(report: Report) -> SystemEvidence:
    (found,) = [system for system in report.systems if system.name == "orders"]
    return found


@pytest.fixture
def begun(house: WholeHouse) -> WholeHouse:
    """A repository, and a promise of 90 minutes."""
    house.system("orders", extra="  objectives: {rpo: 90m}\n")
    house.one_pass(init=True)
    return house


def test_a_backup_every_hour_keeps_a_promise_of_ninety_minutes(begun: WholeHouse) -> None:
    begun.clock.advance(HOUR)
    hourly(begun, 4)
    found = orders(reported(begun)).compliance
    assert (found.share, found.misses, found.backups) == (1.0, 0, 4)
    assert [(t.rpo, t.recorded) for t in found.targets] == [(1.5 * HOUR, True)]


def test_snapshots_that_are_gone_have_kept_the_promise_all_the_same(begun: WholeHouse) -> None:
    begun.clock.advance(HOUR)
    hourly(begun, 4)
    with begun.session() as session:
        ids = [s.id for s in session.snapshots().snapshots]
        session.forget(ids[2:], "to make room")
    begun.clock.advance(HOUR / 4)
    report = reported(begun)
    assert orders(report).compliance.share == 1.0
    assert [(deed.verb, deed.reason, deed.outcome) for deed in report.deeds] == [("forget", "to make room", "succeeded")]


def test_states_that_a_later_scan_confirmed_count(begun: WholeHouse) -> None:
    for _ in range(4):
        begun.clock.advance(HOUR)
        begun.one_pass()
    found = orders(reported(begun)).compliance
    assert found.share == 1.0
    assert found.backups >= 4, "one snapshot, confirmed again and again"


def test_an_outage_counts_until_the_next_good_state(begun: WholeHouse) -> None:
    begun.clock.advance(4 * HOUR)
    hourly(begun, 1)
    found = orders(reported(begun, 5)).compliance
    assert timedelta(hours=2.4) < found.outside < timedelta(hours=2.6)
    assert found.misses == 1
    assert found.longest[0][0] < found.longest[0][1] <= begun.clock.now()


def test_a_loosened_promise_does_not_excuse_what_was_before(begun: WholeHouse) -> None:
    begun.clock.advance(4 * HOUR)
    begun.system("orders", extra="  objectives: {rpo: 1d}\n")
    hourly(begun, 1)
    report = reported(begun, 5)
    found = orders(report).compliance
    assert [t.rpo for t in found.targets] == [1.5 * HOUR, 24 * HOUR]
    assert timedelta(hours=2.4) < found.outside < timedelta(hours=2.6)
    assert [edit.changed for edit in report.edits][-1] == ("orders: RPO 1h30m → 1d",)


def test_time_in_which_a_person_had_paused_the_loop_stands_apart(begun: WholeHouse) -> None:
    with begun.session() as session:
        session.pause(3 * HOUR, "moving the disks")
    begun.clock.advance(5 * HOUR)
    report = reported(begun, 5)
    found = orders(report).compliance
    assert timedelta(hours=2.9) < found.suspended <= 3 * HOUR
    assert timedelta(hours=1.9) < found.outside < timedelta(hours=2.1)
    assert report.deeds[-1].reason.startswith("moving the disks, until ")


def test_a_recovery_and_who_made_it_are_told(begun: WholeHouse, tmp_path: Path) -> None:
    from reconciler.app.reports import RestoreRequest

    with begun.session() as session:
        session.restore(RestoreRequest(str(tmp_path / "back"), system="orders"))
        begun.clock.advance(HOUR)
    (recovery,) = reported(begun, 2).recoveries
    assert (recovery.kind, recovery.system, recovery.outcome, recovery.files) == ("restore", "orders", "succeeded", 1)
    assert recovery.actor


def test_drills_of_the_period_are_told(begun: WholeHouse) -> None:
    begun.system("orders", extra="  objectives: {rpo: 90m}\n  drill: {every: 7d, assertions: [{path: ../orders/one.txt, minBytes: 1}]}\n")
    begun.clock.advance(HOUR)
    begun.one_pass()
    begun.clock.advance(HOUR)
    report = reported(begun, 2)
    assert [(drill.system, drill.outcome) for drill in report.drills] == [("orders", "proven")]
    assert orders(report).drills.proven == 1
    assert orders(report).proven_until is not None
    assert reported(begun, 0.5).drills == ()


def test_a_line_that_was_changed_ends_the_evidence_and_stands_on_top(begun: WholeHouse) -> None:
    begun.clock.advance(HOUR)
    hourly(begun, 3)
    log = begun.folder / "state" / AUDIT
    lines = log.read_bytes().splitlines(keepends=True)
    half = len(lines) // 2
    lines[half] = lines[half].replace(b"succeeded", b"Succeeded").replace(b"intent", b"Intent")
    log.write_bytes(b"".join(lines))
    report = reported(begun, 4)
    assert not report.audit.intact
    assert report.audit.lines <= half + 1 < len(lines)
    assert report.notes[0].startswith("The audit log is not as it was written")


def test_without_an_audit_log_what_the_repositories_hold_is_evidence(begun: WholeHouse) -> None:
    hourly(begun, 3)
    (begun.folder / "state" / AUDIT).unlink()
    report = reported(begun, 4)
    assert report.audit.since is None
    assert orders(report).compliance.inside > 2 * HOUR
    assert "No audit log was found on this host" in report.notes[0]


def test_a_report_changes_nothing(begun: WholeHouse) -> None:
    before = {path: path.read_bytes() for path in begun.folder.rglob("*") if path.is_file()}
    with Session.open(begun.folder / "specs", state=begun.folder / "state", clock=begun.clock, read_only=True) as session:
        session.report()
    assert {path: path.read_bytes() for path in begun.folder.rglob("*") if path.is_file()} == before


def test_a_period_that_is_empty_or_not_over_is_refused(begun: WholeHouse) -> None:
    now = begun.clock.now()
    with begun.session() as session:
        for begins, ends in ((now, now - HOUR), (now, now), (now + HOUR, now + 2 * HOUR), (now - HOUR, now + HOUR)):
            with pytest.raises(Usage):
                session.report(begins, ends)
        with pytest.raises(Usage, match="without an offset"):
            session.report(now.replace(tzinfo=None))


def test_what_is_promised_is_recorded_once_and_again_when_it_changes(begun: WholeHouse) -> None:
    def recorded() -> int:
        return (begun.folder / "state" / AUDIT).read_text().count('"verb": "specs"')

    assert recorded() == 1
    hourly(begun, 2)
    assert recorded() == 1
    begun.system("orders", extra="  objectives: {rpo: 2h}\n")
    hourly(begun, 2)
    assert recorded() == 2
