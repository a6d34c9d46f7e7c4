"""Rehearsed recoveries in a whole house: what proves, what fails, what says nothing, and that nothing of it stays behind."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import ANY

import pytest

from reconciler.act import controls
from reconciler.act.errors import DrillBlocked
from reconciler.act.sandbox import PREFIX, clear
from reconciler.base.clock import SystemClock
from reconciler.base.errors import Fate
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.plan import ActionKind
from reconciler.model.snapshot import MarkKind
from reconciler.model.status import ConditionType, Truth
from reconciler.repository import Difference, Entry, Finding, Repository, Unreachable
from tests.fakes.clocks import FakeClock
from tests.fakes.houses import WholeHouse
from tests.fakes.programs import program

HOUR = timedelta(hours=1)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


PLAIN = ("{path: ../orders/one.txt, contains: '^one$'}",)


def declared(house: WholeHouse, *assertions: str, more: str = "") -> None:
    asked = "".join(f"\n    - {each}" for each in assertions)
    house.system("orders", extra=f"  drill:\n    every: 7d\n{more}" + (f"    assertions:{asked}\n" if assertions else ""))


def begun(house: WholeHouse, *assertions: str, more: str = "") -> None:
    declared(house, *assertions, more=more)
    house.one_pass(init=True)


def grown(house: WholeHouse, **files: str) -> None:
    for name, text in files.items():
        (house.source / f"{name}.txt").write_text(text)
    house.clock.advance(HOUR)
    with house.session() as session:
        session.backup()
    house.arrive()


def drilled(house: WholeHouse, **how: str) -> DrillRecord:
    if isinstance(house.clock, FakeClock):
        house.clock.advance(timedelta(minutes=1))
    with house.session() as session:
        session.drill(["orders"], **how)
        record = session.drills(1).drills[0]
    assert record.sandbox == "" or record.outcome is None
    assert left(house) == []
    return record


def left(house: WholeHouse) -> list[Path]:
    return list((house.state / "drills").glob("*"))


def statement(house: WholeHouse) -> tuple[Truth, str]:
    with house.session() as session:
        found = session.status().systems[0].condition(ConditionType.RECOVERY_PROVEN)
    assert found is not None
    return found.status, found.reason


def marks(house: WholeHouse) -> set[MarkKind]:
    with house.session() as session:
        return {mark.kind for snapshot in session.snapshots().snapshots for mark in snapshot.marks}


def test_the_loop_takes_a_drill_that_is_due_and_not_before_it_is_due_again(house: WholeHouse) -> None:
    begun(house, *PLAIN)
    assert statement(house) == (Truth.UNKNOWN, "NeverDrilled")
    (done,) = [r for r in house.one_pass().results if r.action.kind is ActionKind.DRILL]
    assert (done.failure, statement(house)) == (None, (Truth.TRUE, "Proven"))
    assert (left(house), marks(house)) == ([], {MarkKind.DRILLED})
    assert not [r for r in house.one_pass().results if r.action.kind is ActionKind.DRILL]
    house.clock.advance(timedelta(days=6, hours=16))
    assert [r for r in house.one_pass().results if r.action.kind is ActionKind.DRILL]
    with house.session() as session:
        record = session.drills().drills[0]
        assert session.drill_detail(record.id[:8]) == record
    assert (record.actor, record.files, record.bytes, record.outcome) == ("loop", 1, 3, DrillOutcome.PROVEN)
    assert (record.expires_at, record.repository_id != "", record.version != "") == (house.clock.now() + timedelta(days=14), True, True)


def test_a_proof_expires(house: WholeHouse) -> None:
    begun(house, *PLAIN)
    assert drilled(house).outcome is DrillOutcome.PROVEN
    house.clock.advance(timedelta(days=15))
    assert statement(house) == (Truth.FALSE, "Expired")


def test_the_catalog_lost_the_mark_in_the_repository_still_proves(house: WholeHouse) -> None:
    begun(house, *PLAIN)
    drilled(house)
    (house.state / "catalog.sqlite").unlink()
    house.one_pass()
    assert statement(house) == (Truth.TRUE, "Proven")


def test_each_control_is_shown_and_noticed(house: WholeHouse) -> None:
    (house.source / "two.txt").write_text("two")
    begun(house, *PLAIN)
    assert [(c.name, c.rejected) for c in drilled(house).controls] == [
        ("missing", True), ("truncated", True), ("flipped", True), ("swapped", True)
    ]  # fmt: skip


def test_without_siblings_of_equal_size_nothing_can_be_swapped(house: WholeHouse) -> None:
    begun(house, *PLAIN)
    assert [c.rejected for c in drilled(house).controls] == [True, True, True, None]


def test_an_assertion_that_an_empty_tree_satisfies_does_not_count(house: WholeHouse) -> None:
    yes = program(house.folder / "programs", "exit 0")
    house.allowed = (house.folder / "programs",)
    begun(house, f"{{command: [{yes}]}}")
    record = drilled(house)
    assert (record.outcome, record.toothless) == (DrillOutcome.RESTORED, (f"command {yes}",))
    assert (statement(house), marks(house)) == ((Truth.FALSE, "NotOfUse"), set())


def test_without_assertions_only_readability_is_proven(house: WholeHouse) -> None:
    begun(house)
    assert drilled(house).outcome is DrillOutcome.RESTORED


def test_a_tampered_snapshot_fails_and_is_marked(house: WholeHouse) -> None:
    (house.source / "big.bin").write_bytes(random.Random(7).randbytes(200_000))
    begun(house, *PLAIN)
    for pack in house.repository.glob("packs/*/*"):
        content = bytearray(pack.read_bytes())
        content[len(content) // 2] ^= 1
        pack.chmod(0o600)
        pack.write_bytes(content)
    with house.session() as session:
        (result,) = session.drill(["orders"])
        record = session.drills(1).drills[0]
    assert (result.fate, record.outcome) == (Fate.DAMAGE, DrillOutcome.FAILED)
    assert "big.bin" in record.findings[0]
    assert (left(house), marks(house), statement(house)) == ([], {MarkKind.DAMAGED}, (Truth.FALSE, "DrillFailed"))


def test_content_of_no_use_fails_and_the_older_snapshot_serves(house: WholeHouse) -> None:
    begun(house, *PLAIN)
    grown(house, one="scrambled")
    record = drilled(house)
    assert (record.outcome, record.asserted[0].on_older) == (DrillOutcome.FAILED, True)
    assert "no line of 1 file fits" in record.findings[0]
    assert marks(house) == {MarkKind.SUSPECT}
    assert drilled(house).outcome is DrillOutcome.PROVEN  # of the older one: the newest is no longer good


def test_what_fails_on_older_ones_too_is_not_blamed_on_the_snapshot(house: WholeHouse) -> None:
    begun(house, "{path: ../orders/three.txt}")
    grown(house, two="two")
    record = drilled(house)
    assert (record.outcome, record.asserted[0].on_older, marks(house)) == (DrillOutcome.FAILED, False, set())


def test_a_database_is_asked_and_a_broken_one_fails(house: WholeHouse) -> None:
    place = house.source / "shop.db"
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,) for _ in range(100)])
    connection.close()
    begun(house, "{sqlite: ../orders/shop.db}")
    assert drilled(house).outcome is DrillOutcome.PROVEN
    content = bytearray(place.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    place.write_bytes(content)
    grown(house)
    record = drilled(house)
    assert (record.outcome, record.findings[0].startswith("sqlite ")) == (DrillOutcome.FAILED, True)


@pytest.mark.parametrize(
    ("assertion", "passes"),
    [
        ("{path: '../orders/*.txt', minFiles: 2}", True),
        ("{path: '../orders/*.txt', minFiles: 3}", False),
        ("{path: ../orders, minBytes: 6}", True),
        ("{path: ../orders, minBytes: 7}", False),
        ("{path: ../orders/one.txt, sha256: 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed}", True),
        ("{path: ../orders/two.txt, sha256: 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed}", False),
        ("{path: ../orders/out/hosts}", False),
        ("{path: ../orders/gone.txt}", False),
    ],
)
def test_assertions_about_files(house: WholeHouse, assertion: str, *, passes: bool) -> None:
    (house.source / "two.txt").write_text("two")
    (house.source / "out").symlink_to("/etc")
    begun(house, assertion)
    assert (drilled(house).outcome is DrillOutcome.PROVEN) is passes


def test_a_command_that_the_host_does_not_allow_blocks_before_anything_is_written(house: WholeHouse) -> None:
    begun(house, "{command: [/nowhere/check]}")
    record = drilled(house)
    assert (record.outcome, record.files, marks(house)) == (DrillOutcome.BLOCKED, 0, set())
    assert statement(house) == (Truth.UNKNOWN, "DrillBlocked")


@pytest.mark.parametrize(
    ("timeout", "more", "said"), [("1s", "", "did not end within 1s"), ("5m", "    limits: {time: 1s}\n", "`drill.limits.time`")]
)
def test_a_command_that_hangs_blocks_and_says_nothing_about_the_snapshot(house: WholeHouse, timeout: str, more: str, said: str) -> None:
    hang = program(house.folder / "programs", "exec sleep 300")
    house.allowed = (house.folder / "programs",)
    begun(house, f"{{command: [{hang}], timeout: {timeout}}}", more=more)
    house.clock = SystemClock()  # type: ignore[assignment]
    with house.session() as session:
        snapshot = session.snapshots().snapshots[0].id
    record = drilled(house, snapshot=snapshot)
    assert (record.outcome, marks(house)) == (DrillOutcome.BLOCKED, set())
    assert said in record.findings[0]


@pytest.mark.parametrize(("limit", "outcome"), [("2", DrillOutcome.BLOCKED), ("3", DrillOutcome.PROVEN)])
def test_a_sandbox_without_space_blocks(house: WholeHouse, limit: str, outcome: DrillOutcome) -> None:
    begun(house, *PLAIN, more=f"    limits: {{space: {limit}}}\n")
    assert drilled(house).outcome is outcome


def test_the_next_pass_clears_away_what_a_killed_drill_has_left(house: WholeHouse) -> None:
    kill = program(house.folder / "programs", "kill -9 $PPID")
    house.allowed = (house.folder / "programs",)
    begun(house, f"{{command: [{kill}]}}")
    child = os.fork()
    if not child:
        with house.session() as session:
            session.drill(["orders"])
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert len(left(house)) == 1
    declared(house, *PLAIN)
    house.one_pass()
    assert left(house) == []
    with house.session() as session:
        outcomes = {(d.outcome, d.sandbox) for d in session.drills().drills}
    assert outcomes == {(DrillOutcome.PROVEN, ""), (DrillOutcome.BLOCKED, "")}


def test_a_sandbox_that_could_not_be_cleared_away_is_tried_again_and_the_proof_stands(
    house: WholeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(house, *PLAIN)
    real = os.rmdir

    def stuck(path: str, **how: int) -> None:
        if os.path.basename(path).startswith(PREFIX):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        real(path, **how)

    monkeypatch.setattr(os, "rmdir", stuck)
    house.clock.advance(timedelta(minutes=1))
    with house.session() as session:
        session.drill(["orders"])
        record = session.drills(1).drills[0]
    assert (record.outcome, bool(record.sandbox), len(left(house))) == (DrillOutcome.PROVEN, True, 1)
    monkeypatch.undo()
    house.one_pass()
    assert left(house) == []
    with house.session() as session:
        ((outcome, place),) = {(d.outcome, d.sandbox) for d in session.drills().drills}
    assert (outcome, place) == (DrillOutcome.PROVEN, "")


def test_what_a_drill_has_found_stands_where_the_repository_takes_no_mark(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(house, "{path: ../orders/one.txt, contains: nothing of the kind}")

    def refused(self: Repository, *_given: object, **_named: object) -> None:
        raise Unreachable(f"{self.url} is read-only")

    monkeypatch.setattr(Repository, "mark", refused)
    record = drilled(house)
    assert record.outcome is DrillOutcome.FAILED
    assert "could not be written" in record.findings[-1]
    assert statement(house)[0] is Truth.FALSE


def test_only_sandboxes_are_cleared_away(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    link = tmp_path / "reconciler-drill-0123456789abcdef"
    link.symlink_to(precious)
    for place in (precious, link):
        with pytest.raises(DrillBlocked):
            clear(str(place))
    assert precious.is_dir()


def test_what_came_back_without_the_right_to_be_changed_is_cleared_away(tmp_path: Path) -> None:
    sandbox = tmp_path / "reconciler-drill-0123456789abcdef"
    inner = sandbox / "tree" / "closed"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    inner.chmod(0o000)
    clear(str(sandbox))
    assert not sandbox.exists()


class Agreeable:
    """A hash that is whatever anybody wants it to be."""

    def __init__(self, *_given: object, **_named: object) -> None:
        pass

    def update(self, _piece: bytes) -> None:
        pass

    def digest(self) -> object:
        return ANY


def test_a_comparison_that_notices_nothing_blocks_the_drill(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(house, *PLAIN)
    monkeypatch.setattr(hashlib, "new", Agreeable)
    record = drilled(house)
    assert (record.outcome, marks(house)) == (DrillOutcome.BLOCKED, set())
    assert [(c.name, c.rejected) for c in record.controls] == [
        ("missing", True),
        ("truncated", True),
        ("flipped", False),
        ("swapped", None),
    ]
    assert "did not notice what was done to a copy: flipped" in record.findings[0]


@pytest.mark.parametrize("verdict", [Difference.SAME, Difference.MISSING], ids=["blind", "mad"])
def test_a_comparison_that_always_says_the_same_shows_no_control(house: WholeHouse, verdict: Difference) -> None:
    begun(house, *PLAIN)

    def compare(_tree: str, _chosen: object, entries: Iterable[Entry], _stop: object) -> Iterable[Finding]:
        return (Finding(entry.path, verdict, entry, entry.row, 0) for entry in entries)

    with house.session() as session:
        snapshot = session.snapshots().snapshots[0].id
        with session.house.open_repository(session.plan().desired.repositories[0]) as repository:
            subjects = controls.Subjects()
            for entry in repository.entries(snapshot):
                subjects.see(entry)
            place = house.folder / "controls"
            place.mkdir()
            shown = controls.run(repository, snapshot, subjects, str(place), threading.Event(), by=compare)
    assert [control.rejected for control in shown] == [False, False, False, None]


def test_what_changes_after_it_was_read_back_fails_the_drill(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that keeps something else than it was given: only the comparison with the manifest can tell."""
    begun(house, *PLAIN)
    real = os.scandir

    def tampered(path: Any) -> Any:
        os.scandir = real  # looking for the file asks it, too
        for file in (house.state / "drills").glob("*/tree/**/one.txt"):
            status = file.stat()
            file.write_text("oNe")
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.scandir = tampered
        return real(path)

    monkeypatch.setattr(os, "scandir", tampered)
    record = drilled(house)
    monkeypatch.undo()
    assert record.outcome is DrillOutcome.FAILED
    assert record.findings[0].endswith("one.txt is different (content)")
    assert MarkKind.SUSPECT in marks(house)


def test_a_disk_without_space_blocks(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(house, *PLAIN)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: Usage(total=20, used=18, free=2))
    record = drilled(house)
    assert record.outcome is DrillOutcome.BLOCKED
    assert "to spare" in record.findings[0]
