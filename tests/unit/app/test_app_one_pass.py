"""One pass of the loop over a real repository and a real catalog."""

from __future__ import annotations

import json
import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.act.run import run as act
from reconciler.app.acting import make_context
from reconciler.app.errors import ReadOnly
from reconciler.app.scene import load, look
from reconciler.catalog import audit
from reconciler.catalog.records import RunOutcome
from reconciler.decide.plan import plan as decide_plan
from reconciler.loop.errors import LoopBusy
from reconciler.loop.lease import Lease
from reconciler.model.plan import ActionKind
from reconciler.model.snapshot import BackupKind, Grade, MarkKind
from reconciler.model.status import ConditionType, Truth
from tests.fakes.houses import WholeHouse

ONLY_LAST_TWO = "{last: 2, minimum: 1, keepWithin: null, daily: null, weekly: null, monthly: null}"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def audit_lines(house: WholeHouse) -> list[dict[str, object]]:
    return [json.loads(line) for line in (house.state / "audit.jsonl").read_text().splitlines()]


def test_the_first_pass_with_init_creates_the_repository_and_its_key_and_takes_a_full_backup(house: WholeHouse) -> None:
    report = house.one_pass(init=True)
    assert [(made.name, made.created, made.created_key) for made in report.created] == [("main", True, True)]
    assert "second copy" in report.created[0].warning
    assert (house.folder / "keys" / "main.key").stat().st_mode & 0o777 == 0o600
    (result,) = report.results
    assert (result.outcome, result.done.backup_kind, result.done.files) == (RunOutcome.SUCCEEDED, BackupKind.FULL, 1)
    fresh = report.status.systems[0].condition(ConditionType.BACKUP_FRESH)
    assert fresh is not None
    assert fresh.status is Truth.TRUE
    assert report.gaps == ()


def test_without_init_nothing_is_created_and_a_person_is_told(house: WholeHouse) -> None:
    report = house.one_pass()
    assert report.results == ()
    assert not house.repository.exists()
    assert not (house.folder / "keys").exists()
    (gap,) = report.gaps
    assert gap.code == "repository-not-initialised"
    assert "repository init main" in gap.person


def test_a_second_init_pass_creates_nothing_again(house: WholeHouse) -> None:
    house.one_pass(init=True)
    key = (house.folder / "keys" / "main.key").read_bytes()
    report = house.one_pass(init=True)
    assert report.created == ()
    assert (house.folder / "keys" / "main.key").read_bytes() == key


def test_init_never_creates_a_second_repository_where_the_first_one_is_missing_now(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.repository.rename(house.folder / "unplugged")
    report = house.one_pass(init=True)
    assert report.created == ()
    assert not house.repository.exists()
    assert report.gaps[0].code == "repository-not-initialised"
    (house.folder / "unplugged").rename(house.repository)
    assert house.one_pass().gaps == ()


def test_init_makes_no_new_key_for_a_repository_whose_key_is_lost(house: WholeHouse) -> None:
    house.one_pass(init=True)
    (house.folder / "keys" / "main.key").unlink()
    report = house.one_pass(init=True)
    assert not (house.folder / "keys" / "main.key").exists()
    assert report.gaps[0].code == "key-missing"


def test_a_pass_with_nothing_due_does_nothing(house: WholeHouse) -> None:
    house.one_pass(init=True)
    report = house.one_pass()
    assert report.results == ()
    assert [w.system for w in report.plan.waiting] == ["orders"]


def test_an_unchanged_source_is_confirmed_without_a_new_snapshot(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.clock.advance(2 * HOUR)
    (result,) = house.one_pass().results
    assert result.outcome is RunOutcome.UNCHANGED
    with house.session() as session:
        (snapshot,) = session.snapshots().snapshots
        protection = session.status().systems[0].protection[0]
    assert snapshot.id == result.done.snapshot_id
    assert protection.recovery_point_at == house.clock.now()


def test_a_changed_source_becomes_an_incremental_snapshot_on_top_of_the_first(house: WholeHouse) -> None:
    first = house.one_pass(init=True).results[0].done.snapshot_id
    (house.source / "two.txt").write_text("two")
    house.clock.advance(2 * HOUR)
    (result,) = house.one_pass().results
    assert (result.outcome, result.done.backup_kind) == (RunOutcome.SUCCEEDED, BackupKind.INCREMENTAL)
    with house.session() as session:
        newest = session.snapshots().snapshots[0]
    assert (newest.parent, newest.files) == (first, 2)


def test_a_dry_run_changes_nothing_on_the_disk_not_even_a_time_stamp(house: WholeHouse) -> None:
    for prepare in (lambda: None, lambda: house.one_pass(init=True)):
        prepare()
        house.clock.advance(2 * HOUR)
        before = house.traces()
        with house.session(read_only=True) as session:
            plan = session.plan().plan
            session.plan(cached=True)
            session.status()
            session.explain("orders")
            session.snapshots()
            session.events()
        assert house.traces() == before
    assert plan.count(ActionKind.BACKUP) == 1


def test_a_dry_run_and_the_pass_after_it_plan_the_same(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.clock.advance(2 * HOUR)
    with house.session(read_only=True) as session:
        planned = session.plan().plan
    assert house.one_pass().plan.actions == planned.actions != ()


def test_a_session_opened_for_reading_refuses_to_act(house: WholeHouse) -> None:
    with house.session(read_only=True) as session, pytest.raises(ReadOnly):
        session.run_once(init=True)
    assert not house.state.exists()


def test_a_second_loop_on_the_same_state_directory_is_turned_away(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as one, house.session() as two:
        with Lease.take(house.state, one.house.memory.writing(), house.clock), pytest.raises(LoopBusy, match=str(os.getpid())):
            two.run_once()
        two.run_once()


def test_every_action_has_an_intent_before_and_an_outcome_after_in_a_whole_chain(house: WholeHouse) -> None:
    house.one_pass(init=True)
    stages = [(line["stage"], line["verb"], line["object"]) for line in audit_lines(house)]
    assert stages[0][:2] == ("note", "specs"), "first what is promised"
    assert stages[1:] == [
        ("intent", "init", "main"),
        ("complete", "init", "main"),
        ("intent", "backup", "orders@main"),
        ("complete", "backup", "orders@main"),
    ]
    assert audit.verify(house.state / "audit.jsonl").fault is None


def test_a_run_that_died_is_found_at_the_next_start_and_nothing_is_assumed_of_it(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.clock.advance(2 * HOUR)
    _die_in_the_middle(house)
    report = house.one_pass()
    assert [run.outcome for run in report.interrupted] == [RunOutcome.INTERRUPTED]
    assert [result.outcome for result in report.results] == [RunOutcome.UNCHANGED]
    assert ("interrupted", "backup") in [(line["stage"], line["verb"]) for line in audit_lines(house)]
    with house.session() as session:
        assert "Interrupted" in [event.reason for event in session.events()]


def _die_in_the_middle(house: WholeHouse) -> None:
    """A process writes its intent and is killed."""
    import signal
    import subprocess
    import sys

    code = (
        "import os, signal, sys; from pathlib import Path; from datetime import datetime, UTC;"
        "from reconciler.catalog.catalog import Catalog; from reconciler.base.clock import SystemClock;"
        "c = Catalog.open(Path(sys.argv[1]), clock=SystemClock());"
        "c.begin_run(kind='backup', system='orders', repository='main', lane='objective', backup_kind='incremental',"
        " generation='g', reason='rpo-due', at=datetime.now(UTC));"
        "c.claim('orders', 'main', 'objective', what='backup of orders', at=datetime.now(UTC));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = str(Path(__file__).parents[3])
    ended = subprocess.run(
        [sys.executable, "-c", code, house.state / "catalog.sqlite"], env={**os.environ, "PYTHONPATH": root}, check=False
    )
    assert ended.returncode == -signal.SIGKILL


def test_a_missing_source_fails_its_own_system_and_no_other(house: WholeHouse) -> None:
    house.system("ledger")
    (house.folder / "ledger").mkdir()
    (house.folder / "ledger" / "book").write_text("1")
    house.source.rename(house.folder / "gone")
    report = house.one_pass(init=True)
    outcomes = {result.action.system: result.outcome for result in report.results}
    assert outcomes == {"ledger": RunOutcome.SUCCEEDED, "orders": RunOutcome.FAILED}
    failure = next(result.failure for result in report.results if result.failure is not None)
    assert failure.code == "source-missing"
    assert "source-missing" in [gap.code for gap in report.gaps]


def test_a_suddenly_empty_source_is_an_unmounted_disk_not_a_deletion(house: WholeHouse) -> None:
    house.one_pass(init=True)
    (house.source / "one.txt").unlink()
    house.clock.advance(2 * HOUR)
    (result,) = house.one_pass().results
    assert result.failure is not None
    assert result.failure.code == "source-empty"
    with house.session() as session:
        assert len(session.snapshots().snapshots) == 1
    (house.source / ".keep").write_text("")
    house.clock.advance(HOUR)
    (result,) = house.one_pass().results
    assert result.outcome is RunOutcome.SUCCEEDED


def test_a_source_that_was_always_empty_is_no_failure(house: WholeHouse) -> None:
    (house.source / "one.txt").unlink()
    assert [result.outcome for result in house.one_pass(init=True).results] == [RunOutcome.SUCCEEDED]
    house.clock.advance(2 * HOUR)
    assert [result.outcome for result in house.one_pass().results] == [RunOutcome.UNCHANGED]


def test_neither_repository_nor_state_is_backed_up_when_they_lie_inside_a_source(house: WholeHouse) -> None:
    house.system("orders", source="orders")
    inside = house.source / "state"
    with type(house)(house.folder, house.clock).session() as session:
        session.house.memory.state = inside
        (result,) = session.run_once(init=True).results
        snapshot = session.snapshots().snapshots[0]
    assert result.outcome is RunOutcome.SUCCEEDED
    assert inside.is_dir()
    assert snapshot.files == 1


def test_a_broken_spec_keeps_its_system_under_its_last_good_version(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.write("orders.yaml", "apiVersion: reconciler/v1\nkind: System\nmetadata: {name: orders}\nspec: {teir: low}\n")
    (house.source / "two.txt").write_text("two")
    house.clock.advance(2 * HOUR)
    report = house.one_pass()
    assert report.problems != ()
    assert [(result.action.system, result.outcome) for result in report.results] == [("orders", RunOutcome.SUCCEEDED)]


def test_last_good_versions_of_another_tree_never_stand_in(house: WholeHouse) -> None:
    house.one_pass(init=True)
    other = house.folder / "other"
    other.mkdir()
    moved = WholeHouse(other, house.clock)
    moved.write("orders.yaml", "broken: [")
    with moved.session() as session:
        session.house.memory.state = house.state
        loaded = session.load()
    assert loaded.desired.systems == ()


def test_a_system_removed_from_the_specs_leaves_its_snapshots_as_orphans(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.system("ledger", source="orders")
    (house.folder / "specs" / "orders.yaml").unlink()
    house.clock.advance(100 * DAY)
    report = house.one_pass()
    assert report.plan.orphans == {"orders": 1}
    with house.session() as session:
        assert {s.system for s in session.snapshots().snapshots} == {"orders", "ledger"}


def test_another_repository_at_the_known_place_is_refused_and_nothing_is_written_to_it(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.repository.rename(house.folder / "original")
    stranger = WholeHouse(house.folder, house.clock)
    with stranger.session() as session:
        session.house.memory.state = house.folder / "state-of-a-stranger"
        session.init_repository("main")
    house.clock.advance(2 * HOUR)
    report = house.one_pass()
    assert report.results == ()
    assert report.gaps[0].code == "repository-is-another"
    assert not report.plan.complete


def test_a_listing_of_the_same_pass_counts_not_the_memory_of_it(house: WholeHouse) -> None:
    """Decoy: the catalog still believes in a snapshot that somebody removed by hand."""
    first = house.one_pass(init=True).results[0].done.snapshot_id
    assert first is not None
    (house.repository / "snapshots" / first).unlink()
    report = house.one_pass()
    assert [(r.action.reason, r.done.backup_kind) for r in report.results] == [("never-backed-up", BackupKind.FULL)]


def test_an_unreadable_file_makes_the_snapshot_partial_and_says_what_would_tolerate_it(
    house: WholeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (house.source / "locked").write_text("x")
    (house.source / "locked").chmod(0)
    (result,) = house.one_pass(init=True).results
    assert result.outcome is RunOutcome.PARTIAL
    assert "/locked" in result.done.advice


def test_a_stopped_pass_begins_nothing_more(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.clock.advance(2 * HOUR)
    stop = threading.Event()
    stop.set()
    with house.session() as session:
        assert session.run_once(stop=stop).results == ()


def test_retention_marks_first_and_forgets_a_day_later_and_never_the_newest(house: WholeHouse) -> None:
    house.policy(ONLY_LAST_TWO)
    house.one_pass(init=True)
    for number in range(4):
        house.clock.advance(2 * HOUR)
        (house.source / "counter").write_text(str(number))
        house.one_pass()
    house.one_pass()
    snapshots = _listed(house)
    newest, second, *unwanted, full = snapshots
    assert {s.id for s in snapshots if s.marked(MarkKind.REMOVE)} == {s.id for s in unwanted}
    house.clock.advance(25 * HOUR)
    forgotten = [r for r in house.one_pass().results if r.action.kind is ActionKind.FORGET]
    assert [r.outcome for r in forgotten] == [RunOutcome.SUCCEEDED]
    left = [s.id for s in _listed(house)]
    assert {newest.id, second.id, full.id} <= set(left)
    assert not {s.id for s in unwanted} & set(left)


def test_what_was_kept_again_rests_a_whole_day_again_before_it_goes(house: WholeHouse) -> None:
    house.policy(ONLY_LAST_TWO)
    house.one_pass(init=True)
    for number in range(4):
        house.clock.advance(2 * HOUR)
        (house.source / "counter").write_text(str(number))
        house.one_pass()
    house.one_pass()
    marked = {s.id for s in _listed(house) if s.marked(MarkKind.REMOVE)}
    assert marked
    house.policy("{keepWithin: 365d}")
    assert {i for r in house.one_pass().results if r.action.kind is ActionKind.UNMARK for i in r.action.snapshots} == marked
    assert not [s for s in _listed(house) if s.marked(MarkKind.REMOVE)]
    house.clock.advance(25 * HOUR)
    house.policy(ONLY_LAST_TWO)
    kinds = {r.action.kind for r in house.one_pass().results}
    assert ActionKind.FORGET not in kinds, "it must not go in the pass that finds it unwanted"
    assert marked <= {s.id for s in _listed(house)}


def test_an_action_whose_facts_changed_refuses_and_nothing_is_removed(house: WholeHouse) -> None:
    house.policy(ONLY_LAST_TWO)
    house.one_pass(init=True)
    for number in range(4):
        house.clock.advance(2 * HOUR)
        (house.source / "counter").write_text(str(number))
        house.one_pass()
    house.clock.advance(25 * HOUR)
    with house.session() as session:
        inner = session.house
        catalog = inner.memory.writing()
        scene = look(inner, catalog, load(inner, catalog))
        forget = next(a for a in decide_plan(scene.desired, scene.observed, scene.now).actions if a.kind is ActionKind.FORGET)
        kept = next(s for s in scene.observed.repositories["main"].snapshots if s.id not in forget.snapshots)
        (house.repository / "snapshots" / kept.id).unlink()
        before = {s.id for s in _listed(house)}
        result = act(forget, make_context(inner, scene, actor="loop", stop=threading.Event()))
    assert result.failure is not None
    assert result.failure.code == "act-facts-changed"
    assert {s.id for s in _listed(house)} == before


def _listed(house: WholeHouse) -> list:  # type: ignore[type-arg]
    with house.session() as session:
        found = session.snapshots().snapshots
    assert all(s.grade is Grade.COMPLETE for s in found)
    return list(found)
